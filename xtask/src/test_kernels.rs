//! `cargo xtask test-kernels`: the kernel path's tests on another kernel than this machine's: Debian 12's, in a virtual
//! machine that has nothing but them. Without /dev/kvm its processor is emulated, which takes some minutes.

use std::fs;
use std::process::Command;

use anyhow::{Context, bail};

use crate::process;
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("test_kernels.sh");
/// Debian's names of what the script calls.
const TOOLS: [(&str, &str); 5] = [
    ("qemu-system-x86_64", "qemu-system-x86"),
    ("busybox", "busybox-static"),
    ("cpio", "cpio"),
    ("setpriv", "util-linux"),
    ("ethtool", "ethtool"),
];

pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    let missing: Vec<_> = TOOLS
        .iter()
        .filter(|(program, _)| process::find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        bail!("test-kernels needs: apt-get install --no-install-recommends {}", missing.join(" "));
    }
    let tests = test_binary(workspace)?;
    let folder = workspace.target.join("test-kernels");
    fs::create_dir_all(&folder)?;
    process::run(Command::new("sh").args(["-c", SCRIPT, "test-kernels"]).arg(&folder).arg(tests))
}

/// Builds the tests of the kernel path; where they are.
fn test_binary(workspace: &Workspace) -> anyhow::Result<String> {
    let mut command = workspace.cargo("test");
    command.args(["--package", "gateway-tests", "--test", "datapath", "--no-run", "--message-format=json"]);
    let messages = process::output(&mut command)?;
    let executable = messages.lines().filter_map(|line| line.split_once("\"executable\":\""));
    let executable = executable.filter_map(|(_, rest)| rest.split('"').next()).next_back();
    executable.map(str::to_owned).context("cargo names no test binary")
}
