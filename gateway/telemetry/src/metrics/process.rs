//! The process's own figures, read from the kernel at each scrape.

use std::fs;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage};
use nix::sys::time::TimeValLike;

/// What `/proc` and `getrusage` tell; a figure that cannot be read is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Process {
    pub cpu_seconds: Option<f64>,
    pub resident_bytes: Option<u64>,
    pub virtual_bytes: Option<u64>,
    pub threads: Option<u64>,
    pub open_fds: Option<u64>,
    pub max_fds: Option<u64>,
}

/// Reads them all.
pub fn read() -> Process {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let field = |name: &str| {
        let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    };
    let usage = getrusage(UsageWho::RUSAGE_SELF).ok();
    Process {
        cpu_seconds: usage
            .map(|usage| (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6),
        resident_bytes: field("VmRSS:").map(|kibibytes| kibibytes * 1024),
        virtual_bytes: field("VmSize:").map(|kibibytes| kibibytes * 1024),
        threads: field("Threads:"),
        // The directory's own descriptor is among those counted.
        open_fds: fs::read_dir("/proc/self/fd").ok().map(|fds| fds.count().saturating_sub(1) as u64),
        max_fds: getrlimit(Resource::RLIMIT_NOFILE).ok().map(|(soft, _)| soft),
    }
}
