//! `cargo xtask <verb>`: how this repository is set up, built, run, tested, measured and packaged.
//!
//! One file a verb; this one only hands over.

mod bench;
mod build;
mod deny;
mod ebpf;
mod fuzz;
mod package;
mod process;
mod profile_guided;
mod run;
mod setup;
mod test;
mod test_kernels;
mod tidy;
mod vm_check;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use workspace::Workspace;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Set up, build, run, test, measure and package the gateway")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Install the toolchains and tools that are missing; the second run installs nothing
    Setup(setup::Arguments),
    /// Build the kernel programs
    BuildEbpf(build::EbpfArguments),
    /// Build the kernel programs, then the release binary
    Build(build::Manner),
    /// Set up and build, then serve a sample API and an echo backend (`gateway dev`)
    Run(run::Arguments),
    /// Set up, then everything that CI runs
    Test(test::Arguments),
    /// Test the kernel path on Debian 12's kernel, in a virtual machine (long; not in CI)
    TestKernels,
    /// Fuzz one target, or each in turn (long; not in CI)
    Fuzz(fuzz::Arguments),
    /// Measure beside the peers
    Bench(bench::Arguments),
    /// Package the release binary
    Package(package::Arguments),
    /// Check the house rules that no compiler checks
    Tidy,
    /// Try the virtual machine's provisioning in a clean Debian 12 root (long, needs root; not in CI)
    VmCheck,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match dispatch(arguments.verb) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(verb: Verb) -> anyhow::Result<()> {
    let workspace = Workspace::find()?;
    match verb {
        Verb::Setup(arguments) => setup::run(&workspace, &arguments),
        Verb::BuildEbpf(arguments) => build::kernel_programs(&workspace, &arguments),
        Verb::Build(manner) => build::run(&workspace, manner).map(drop),
        Verb::Run(arguments) => run::run(&workspace, &arguments),
        Verb::Test(arguments) => test::run(&workspace, &arguments),
        Verb::TestKernels => test_kernels::run(&workspace),
        Verb::Fuzz(arguments) => fuzz::run(&workspace, &arguments),
        Verb::Bench(arguments) => bench::run(&workspace, &arguments),
        Verb::Package(arguments) => package::run(&workspace, &arguments),
        Verb::Tidy => tidy::run(&workspace),
        Verb::VmCheck => vm_check::run(&workspace),
    }
}
