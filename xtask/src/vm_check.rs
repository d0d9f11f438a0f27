//! `cargo xtask vm-check`: `deploy/vagrant/provision.sh` in a clean Debian 12, without a virtual machine.
//!
//! The root is made by debootstrap below the target folder. This machine's Rust toolchain stands in for rustup's, and
//! this machine's package sources and certificates are lent to the root, so that a mirror or a proxy serves both.

use std::fs;
use std::process::Command;

use anyhow::bail;

use crate::process;
use crate::setup::{self, Group};
use crate::workspace::Workspace;

const SCRIPT: &str = include_str!("vm_check.sh");

/// Provisions twice: the first run has to build the gateway, the second to install nothing.
pub fn run(workspace: &Workspace) -> anyhow::Result<()> {
    if !process::is_root() {
        bail!("vm-check has to run as root: it makes and enters a root file system");
    }
    setup::ensure(workspace, &[Group::Vm])?;
    let folder = workspace.target.join("vm-check");
    fs::create_dir_all(&folder)?;
    let sysroot =
        process::output(Command::new("rustc").current_dir(&workspace.root).args(["--print", "sysroot"]))?;
    // Mounts in a namespace of our own: they go away with the script, whatever becomes of it.
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT, "vm-check"]);
    process::run(command.arg(&folder).arg(&workspace.root).arg(sysroot.trim()))
}
