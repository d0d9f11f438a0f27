//! `cargo xtask build-ebpf` and `cargo xtask build`.

use std::path::PathBuf;

use crate::process;
use crate::setup::{self, Group};
use crate::workspace::Workspace;

/// Builds the kernel programs and returns the object file's path.
pub fn kernel_programs(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    setup::ensure(workspace, &[Group::Build, Group::Ebpf])?;
    anyhow::bail!("there are no kernel programs in this tree")
}

/// Builds the kernel programs when their toolchain is to be had here; says so when it is not.
pub fn kernel_programs_if_possible(workspace: &Workspace) -> anyhow::Result<Option<PathBuf>> {
    setup::ensure(workspace, &[Group::Build, Group::Ebpf])?;
    if !workspace.root.join("xtask/src/ebpf.rs").exists() {
        eprintln!("built without eBPF: there are no kernel programs in this tree");
        return Ok(None);
    }
    if let Some(missing) = setup::missing_for_ebpf() {
        eprintln!("built without eBPF: {missing}");
        return Ok(None);
    }
    kernel_programs(workspace).map(Some)
}

/// Builds all and returns the path of the release binary.
pub fn run(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    kernel_programs_if_possible(workspace)?;
    process::run(workspace.cargo("build").args(["--release", "--package", "gateway"]))?;
    let binary = workspace.target.join("release/gateway");
    eprintln!("release binary: {}", binary.display());
    Ok(binary)
}
