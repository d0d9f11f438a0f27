//! `cargo xtask build-ebpf` and `cargo xtask build`.

use std::path::PathBuf;

use crate::ebpf;
use crate::process;
use crate::profile_guided;
use crate::setup::{self, Group};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct EbpfArguments {
    /// Build twice in folders that share nothing, and compare the bytes
    #[arg(long)]
    twice: bool,
}

/// How the release binary is built.
#[derive(Clone, Copy, Default, clap::Args)]
pub struct Manner {
    /// Build twice, the second time by what the first one recorded under the benchmark's requests
    #[arg(long)]
    profile_guided: bool,
}

/// The verb `build-ebpf`.
pub fn kernel_programs(workspace: &Workspace, arguments: &EbpfArguments) -> anyhow::Result<()> {
    setup::ensure(workspace, &[Group::Build, Group::Ebpf])?;
    if arguments.twice {
        ebpf::check_reproducible(&workspace.root)?;
    }
    let object = ebpf::build(&workspace.root)?;
    eprintln!("eBPF object: {}", object.display());
    Ok(())
}

/// Builds the kernel programs when their toolchain is to be had here; says so when it is not.
pub fn kernel_programs_if_possible(workspace: &Workspace) -> anyhow::Result<()> {
    setup::ensure(workspace, &[Group::Build, Group::Ebpf])?;
    if let Some(missing) = setup::missing_for_ebpf() {
        eprintln!("built without eBPF: {missing}");
        return Ok(());
    }
    let object = ebpf::build(&workspace.root)?;
    eprintln!("eBPF object: {}", object.display());
    Ok(())
}

/// Builds all and returns the path of the release binary.
pub fn run(workspace: &Workspace, manner: Manner) -> anyhow::Result<PathBuf> {
    kernel_programs_if_possible(workspace)?;
    let binary = if manner.profile_guided {
        profile_guided::build(workspace)?
    } else {
        process::run(workspace.cargo("build").args(["--release", "--package", "gateway"]))?;
        workspace.target.join("release/gateway")
    };
    eprintln!("release binary: {}", binary.display());
    Ok(binary)
}
