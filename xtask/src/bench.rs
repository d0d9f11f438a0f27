//! `cargo xtask bench [NAME]`: the programs of the `gateway-benches` crate.

use crate::setup::{self, Group};
use crate::workspace::Workspace;
use crate::{build, process};

#[derive(clap::Args)]
pub struct Arguments {
    /// By default all, one after the other
    #[arg(value_enum)]
    name: Option<Name>,
    /// Handed on to the benchmark
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, requires = "name")]
    arguments: Vec<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Name {
    /// HTTP beside nginx and HAProxy: CPU per request, throughput, latency, memory, start-up
    Http,
    /// Nanoseconds a packet of each kernel program, beside an empty one (needs root)
    Datapath,
    /// Routing, key lookup, pipeline, expressions
    Micro,
}

impl Name {
    fn binary(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Datapath => "datapath",
            Self::Micro => "micro",
        }
    }
}

/// Installs the peers, builds the release binary and measures.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    setup::ensure(workspace, &[Group::Bench])?;
    let gateway = build::run(workspace)?;
    let names =
        arguments.name.map_or_else(|| vec![Name::Http, Name::Datapath, Name::Micro], |name| vec![name]);
    for name in names {
        let mut command = workspace.cargo("run");
        command.args(["--release", "--package", "gateway-benches", "--bin", name.binary(), "--"]);
        process::run(command.args(&arguments.arguments).env("GATEWAY_BINARY", &gateway))?;
    }
    Ok(())
}
