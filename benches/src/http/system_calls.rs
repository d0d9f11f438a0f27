//! System calls a request, by strace where it is there.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::load::{self, Aim};

/// System calls a request: a proxy under strace for a second. `None` without strace.
pub fn per_request(pids: &[u32], aim: &Aim, dir: &Path) -> anyhow::Result<Option<f64>> {
    let file = dir.join("strace");
    let mut command = Command::new("strace");
    command.args(["-c", "-f", "-o"]).arg(&file);
    for pid in pids {
        command.arg("-p").arg(pid.to_string());
    }
    let started = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(mut strace) = started else { return Ok(None) };
    std::thread::sleep(Duration::from_millis(300));
    // All requests are counted, and only the second itself is waited for, so the few around it do not matter.
    let (served, (), ()) = load::run(aim, Duration::ZERO, Duration::from_secs(1), || (), || ())?;
    kill(Pid::from_raw(strace.id() as i32), Signal::SIGINT)?;
    strace.wait()?;
    let text = std::fs::read_to_string(file)?;
    // Seccomp or a container may forbid tracing: no figure then.
    let Some(total) = text.lines().find(|line| line.ends_with(" total")) else { return Ok(None) };
    let calls =
        total.split_whitespace().nth(3).context("the summary of strace has changed")?.parse::<f64>()?;
    Ok(Some(calls / served.requests as f64))
}
