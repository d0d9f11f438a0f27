//! `cargo xtask bench http`: the gateway beside nginx and HAProxy.
//!
//! One machine, one backend, one run: the proxies take turns in every round, so that a machine that changes its speed
//! changes it for all. A proxy has core 0 to itself; load generator and backend share core 1. Only loopback is used,
//! and everything is bounded in count and time.

mod backend;
mod certificate;
mod exporting;
mod gateway;
mod haproxy;
mod idle;
mod load;
mod nginx;
mod pace;
mod peer;
mod report;
mod run;
mod setup;
mod start;
mod system_calls;
mod telemetry;

use std::path::PathBuf;

use clap::Parser;

use gateway_benches::workload::Workload;
use peer::Peer;

/// Measures this gateway beside nginx and HAProxy.
#[derive(Clone, Debug, Parser)]
pub struct Arguments {
    /// Rounds of each workload; every proxy runs once a round
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Length of one proxy's turn
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Workloads to run
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Workload::ALL)]
    workload: Vec<Workload>,
    /// Proxies to run
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Peer::ALL)]
    peer: Vec<Peer>,
    /// Idle connections that memory is measured with; 0 = do not
    #[arg(long, default_value_t = 10_000)]
    idle: usize,
    /// Starts that are timed; 0 = do not
    #[arg(long, default_value_t = 9)]
    starts: usize,
    /// Requests a second while latency is measured; 0 = do not
    #[arg(long, default_value_t = 2_000)]
    rate: u32,
    /// What the exporters cost, instead: the gateway with all of them beside the gateway with none
    #[arg(long)]
    telemetry: bool,
    /// 3 rounds of 1 s, 2,000 idle connections, 3 starts: two minutes instead of eight
    #[arg(long)]
    short: bool,
    /// The gateway's binary
    #[arg(long, env = "GATEWAY_BINARY", default_value = "target/release/gateway")]
    gateway: PathBuf,
    /// Where configurations, logs and results go
    #[arg(long, default_value = "target/bench")]
    dir: PathBuf,
}

impl Arguments {
    fn shortened(self) -> Self {
        if !self.short {
            return self;
        }
        Self {
            rounds: self.rounds.min(3),
            seconds: self.seconds.min(1.0),
            idle: self.idle.min(2_000),
            starts: self.starts.min(3),
            ..self
        }
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse().shortened();
    if arguments.telemetry {
        println!("{}", telemetry::run(&arguments)?);
        return Ok(());
    }
    let outcome = run::all(&arguments)?;
    let json = arguments.dir.join("http.json");
    std::fs::write(&json, serde_json::to_string_pretty(&outcome)?)?;
    println!("{}", report::markdown(&outcome));
    eprintln!("figures of every round: {}", json.display());
    Ok(())
}
