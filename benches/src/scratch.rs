//! Ports, processors, descriptors and child processes of a run.

use std::ffi::OsStr;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// The core of the proxy under test.
pub const PROXY_CORE: usize = 0;
/// The core of backend and load generator.
pub const LOAD_CORE: usize = 1;

/// Keeps this process on the load generator's core, and lets it and its children open many sockets.
pub fn prepare() -> anyhow::Result<()> {
    on_core(LOAD_CORE)?;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(())
}

/// Keeps this thread, and what it starts, on a core.
pub fn on_core(core: usize) -> anyhow::Result<()> {
    let mut set = CpuSet::new();
    set.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &set).context("two cores are needed")
}

/// Keeps all threads of a process on a core but the one of this name; the folder of that one in `/proc`.
pub fn threads_to_core(process: &Process, but: &str, core: usize) -> anyhow::Result<Option<PathBuf>> {
    let mut set = CpuSet::new();
    set.set(core)?;
    let mut found = None;
    for thread in std::fs::read_dir(format!("/proc/{}/task", process.child.id()))? {
        let folder = thread?.path();
        if std::fs::read_to_string(folder.join("comm"))?.trim() == but {
            found = Some(folder);
        } else if let Some(id) = folder.file_name().and_then(|name| name.to_str()?.parse().ok()) {
            sched_setaffinity(Pid::from_raw(id), &set)?;
        }
    }
    Ok(found)
}

/// A port of the loopback address that was free a moment ago.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// Most descriptors that a process may open.
pub fn descriptors() -> u64 {
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft)
}

/// Where a process runs.
#[derive(Clone, Copy)]
pub enum Cores {
    /// That of the proxy under test.
    Proxy,
    /// That of backend and load generator.
    Load,
    Both,
}

/// A process of ours, ended when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a program; what it says goes to `log`.
    pub fn start<S: AsRef<OsStr>>(
        cores: Cores,
        program: &Path,
        arguments: impl IntoIterator<Item = S>,
        log: &Path,
    ) -> anyhow::Result<Self> {
        let cores = match cores {
            Cores::Proxy => PROXY_CORE.to_string(),
            Cores::Load => LOAD_CORE.to_string(),
            Cores::Both => format!("{PROXY_CORE},{LOAD_CORE}"),
        };
        let file = std::fs::File::create(log)?;
        let child = Command::new("taskset")
            .arg("-c")
            .arg(cores)
            .arg(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .spawn()
            .with_context(|| format!("{} cannot be started", program.display()))?;
        Ok(Self { child })
    }

    /// The process and its children.
    pub fn pids(&self) -> Vec<u32> {
        let id = self.child.id();
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        std::iter::once(id).chain(children.split_whitespace().filter_map(|text| text.parse().ok())).collect()
    }

    /// An error once it has ended by itself.
    pub fn check(&mut self) -> anyhow::Result<()> {
        let ended = self.child.try_wait()?;
        ensure!(ended.is_none(), "a process ended: {ended:?}; its log is in the benchmark's folder");
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.child.id() as i32);
        let begin = Instant::now();
        // Quick ways out: INT for the gateway would wait for a load balancer, so it gets a second one.
        while self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            let signal =
                if begin.elapsed() < Duration::from_secs(3) { Signal::SIGTERM } else { Signal::SIGKILL };
            if kill(pid, signal).is_err() {
                break;
            }
            sleep(Duration::from_millis(50));
        }
    }
}
