//! `cargo xtask bench [NAME]`: the programs of the `gateway-benches` crate.

use crate::setup::{self, Group};
use crate::workspace::Workspace;
use crate::{build, process};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    manner: build::Manner,
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
    /// What policies add, and a cache hit beside nginx that asks the backend
    Policies,
    /// What the exporters cost: all of them at 100 % sampling beside none
    Telemetry,
    /// A management plane with 1,000 gateways, 10,000 APIs and 100,000 subscriptions
    Management,
}

/// The gateway out of its cache, nginx to the backend; CPU alone.
const CACHE_HIT: &[&str] = &[
    "--workload",
    "w5",
    "--peer",
    "gateway,nginx",
    "--rounds",
    "5",
    "--idle",
    "0",
    "--starts",
    "0",
    "--rate",
    "0",
];

impl Name {
    /// Programs, each with its arguments.
    fn programs(self) -> &'static [(&'static str, &'static [&'static str])] {
        match self {
            Self::Http => &[("http", &[])],
            Self::Datapath => &[("datapath", &[])],
            Self::Micro => &[("micro", &[])],
            Self::Telemetry => &[("http", &["--telemetry"])],
            Self::Management => &[("management", &[])],
            Self::Policies => &[("micro", &["--only", "policies:"]), ("http", CACHE_HIT)],
        }
    }
}

/// Installs the peers, builds the release binary and measures.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    setup::ensure(workspace, &[Group::Bench])?;
    let gateway = build::run(workspace, arguments.manner)?;
    let names =
        arguments.name.map_or_else(|| vec![Name::Http, Name::Datapath, Name::Micro], |name| vec![name]);
    let is_one = names.iter().all(|name| name.programs().len() == 1);
    anyhow::ensure!(
        is_one || arguments.arguments.is_empty(),
        "it runs several programs: it takes no arguments"
    );
    for (binary, own) in names.into_iter().flat_map(Name::programs) {
        let mut command = workspace.cargo("run");
        command.args(["--release", "--package", "gateway-benches", "--bin", binary, "--"]).args(*own);
        process::run(command.args(&arguments.arguments).env("GATEWAY_BINARY", &gateway))?;
    }
    Ok(())
}
