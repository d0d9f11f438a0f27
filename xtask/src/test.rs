//! `cargo xtask test`: everything CI runs, the tests last, so that their summary closes the output.

use anyhow::bail;

use crate::setup::{self, Group};
use crate::workspace::Workspace;
use crate::{build, deny, process, tidy};

#[derive(clap::Args)]
pub struct Arguments {
    /// Handed on to `cargo nextest run`, as a filter
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Runs every gate, also after one failed, and fails naming those that did.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    setup::ensure(workspace, &[Group::Build, Group::Ebpf, Group::Test])?;
    let gates: [(&str, Gate); 7] = [
        ("format", format),
        ("tidy", tidy::run),
        ("crates", deny::run),
        ("eBPF", build::kernel_programs_if_possible),
        ("clippy", clippy),
        ("doctests", doctests),
        ("binaries", binaries),
    ];
    let mut failed = Vec::new();
    for (name, gate) in gates {
        eprintln!("── {name}");
        if let Err(error) = gate(workspace) {
            eprintln!("{name}: {error:#}");
            failed.push(name);
        }
    }
    eprintln!("── tests");
    if let Err(error) = tests(workspace, &arguments.arguments) {
        eprintln!("tests: {error:#}");
        failed.push("tests");
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// A word stands for the tests with it in their names, and for a whole program of tests or a crate of ours that is called
/// so: `telemetry`. What begins with a dash goes on as it is, with all behind it.
fn filters(arguments: &[String]) -> Vec<String> {
    let words = arguments.iter().take_while(|argument| !argument.starts_with('-')).count();
    let (words, rest) = arguments.split_at(words);
    let filter = |word: &String| {
        ["-E".to_owned(), format!("test({word}) | binary(={word}) | package(=gateway-{word})")]
    };
    words.iter().flat_map(filter).chain(rest.iter().cloned()).collect()
}

type Gate = fn(&Workspace) -> anyhow::Result<()>;

fn format(workspace: &Workspace) -> anyhow::Result<()> {
    process::run(workspace.cargo("fmt").args(["--all", "--check"]))
}

/// Every finding fails; lints that we do not want are switched off in the root manifest, each with its verdict.
fn clippy(workspace: &Workspace) -> anyhow::Result<()> {
    let denied = ["-D", "warnings"];
    process::run(workspace.cargo("clippy").args(["--workspace", "--all-targets", "--"]).args(denied))
}

fn doctests(workspace: &Workspace) -> anyhow::Result<()> {
    process::run(workspace.cargo("test").args(["--quiet", "--workspace", "--doc"]))
}

/// The programs themselves, for the tests that start them.
fn binaries(workspace: &Workspace) -> anyhow::Result<()> {
    process::run(workspace.cargo("build").arg("--workspace"))
}

fn tests(workspace: &Workspace, extra: &[String]) -> anyhow::Result<()> {
    let profile = if std::env::var_os("CI").is_some() { "ci" } else { "default" };
    let mut command = workspace.cargo("nextest");
    command.args(["run", "--workspace", "--profile", profile]).args(filters(extra));
    process::run(command.env("GATEWAY_BINARY", workspace.target.join("debug/gateway")))
}

#[cfg(test)]
mod tests {
    #[test]
    fn word_selects_tests_programs_and_crates() {
        let filters = |arguments: &[&str]| {
            super::filters(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>())
        };
        let telemetry = "test(telemetry) | binary(=telemetry) | package(=gateway-telemetry)";
        assert_eq!(filters(&["telemetry"]), ["-E", telemetry]);
        assert_eq!(filters(&["telemetry", "--retries", "1"]), ["-E", telemetry, "--retries", "1"]);
        assert_eq!(filters(&["-p", "gateway-tests"]), ["-p", "gateway-tests"]);
    }
}
