//! Why the kernel said no, in one line: the feature, the capability that is missing, the errno.

use std::fs;
use std::io;

pub const NET_BIND_SERVICE: u32 = 10;
pub const NET_ADMIN: u32 = 12;
const SYS_ADMIN: u32 = 21;
const PERFMON: u32 = 38;
pub const BPF: u32 = 39;

/// What a refused call would have needed.
#[derive(Clone, Copy)]
pub enum Need {
    /// Maps and programs.
    Load,
    /// XDP, TCX, `sk_lookup`, `sock_ops`.
    Attach,
}

/// `feature: reason (ERRNO)`, with the missing capabilities where the errno points at them.
pub fn explain(feature: &str, need: Need, error: &io::Error) -> String {
    let code = error.raw_os_error();
    let denied = matches!(code, Some(libc::EPERM | libc::EACCES));
    let missing = if denied { missing(need, effective()) } else { String::new() };
    let why = if missing.is_empty() { reason(code) } else { missing };
    match code {
        Some(code) => format!("{feature}: {why} ({:?})", nix::errno::Errno::from_raw(code)),
        None => format!("{feature}: {error}"),
    }
}

fn missing(need: Need, effective: u64) -> String {
    let has = |bit: u32| effective & (1 << bit) != 0;
    let mut names = Vec::new();
    if !has(BPF) && !has(SYS_ADMIN) {
        names.push("CAP_BPF");
    }
    if !has(NET_ADMIN) {
        names.push("CAP_NET_ADMIN");
    }
    if matches!(need, Need::Load) && !has(PERFMON) && !has(SYS_ADMIN) {
        names.push("CAP_PERFMON");
    }
    if names.is_empty() { String::new() } else { format!("needs {}", names.join(", ")) }
}

fn reason(code: Option<i32>) -> String {
    match code {
        Some(libc::EOPNOTSUPP) => "the driver does not support it".to_owned(),
        Some(libc::EBUSY | libc::EEXIST) => "another program is attached there, and stays".to_owned(),
        Some(libc::EINVAL) => "this kernel or interface does not know it".to_owned(),
        Some(libc::EPERM | libc::EACCES) => "the kernel's configuration or a lockdown refuses it".to_owned(),
        Some(libc::ENODEV) => "the interface is gone".to_owned(),
        Some(code) => nix::errno::Errno::from_raw(code).desc().to_lowercase(),
        None => "unknown".to_owned(),
    }
}

/// `CapEff` of this thread; 0 if it cannot be read.
pub fn effective() -> u64 {
    fs::read_to_string("/proc/thread-self/status").map_or(0, |status| parse(&status))
}

fn parse(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_by_capability_set_names_what_lacks() {
        let all = 1 << BPF | 1 << NET_ADMIN | 1 << PERFMON;
        let table = [
            (0, Need::Load, "needs CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"),
            (0, Need::Attach, "needs CAP_BPF, CAP_NET_ADMIN"),
            (1 << BPF, Need::Attach, "needs CAP_NET_ADMIN"),
            (1 << SYS_ADMIN, Need::Load, "needs CAP_NET_ADMIN"),
            (all, Need::Load, ""),
        ];
        for (effective, need, expected) in table {
            assert_eq!(missing(need, effective), expected, "{effective:x}");
        }
    }

    #[test]
    fn parse_status_reads_the_effective_set() {
        assert_eq!(parse("Name:\tx\nCapEff:\t000001c0\nCapBnd:\tffff\n"), 0x1c0);
        assert_eq!(parse("Name:\tx\n"), 0);
    }

    #[test]
    fn explain_busy_point_names_feature_and_errno() {
        let line = explain("native XDP on eth0", Need::Attach, &io::Error::from_raw_os_error(libc::EBUSY));
        assert_eq!(line, "native XDP on eth0: another program is attached there, and stays (EBUSY)");
    }
}
