//! `cargo xtask setup`: what this machine lacks, and nothing twice.
//!
//! Needs are grouped by purpose; every other verb asks for its own groups through [`ensure`].

mod apt;
mod cargo_tools;
mod clients;
mod needs;

use crate::process;
use crate::workspace::Workspace;

pub use needs::Group;

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these groups (by default all)
    #[arg(value_enum)]
    groups: Vec<Group>,
}

/// The verb: every group asked for, and a line even when nothing was missing.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    let groups = if arguments.groups.is_empty() { Group::ALL } else { arguments.groups.as_slice() };
    if ensure(workspace, groups)? == 0 {
        eprintln!("setup: nothing to install");
    }
    Ok(())
}

/// Installs what `groups` lack; how many things that were.
pub fn ensure(workspace: &Workspace, groups: &[Group]) -> anyhow::Result<usize> {
    // Either toolchain for the kernel programs will do; a complete one is not joined by the other.
    let done = |group: Group| group == Group::Ebpf && missing_for_ebpf().is_none();
    let groups: Vec<Group> = groups.iter().copied().filter(|group| !done(*group)).collect();
    let packages = apt::ensure(workspace, &groups)?;
    let tools = cargo_tools::ensure(workspace, &groups)?;
    let clients = clients::ensure(workspace, &groups)?;
    Ok(packages + tools + clients)
}

/// What the kernel programs' build lacks here, if anything: a machine may have no packages for it.
pub fn missing_for_ebpf() -> Option<String> {
    if process::find("bpf-linker").is_none() {
        return Some("no bpf-linker on this machine".to_owned());
    }
    if !needs::has_distribution_toolchain() && !needs::has_nightly_source() {
        return Some(
            "neither rustup's nightly with rust-src nor the packages rustc-web and libstd-rust-web-dev-bpf"
                .to_owned(),
        );
    }
    None
}
