//! What passing connections through brings: L4 routes by each of the gateway's ways, beside HAProxy in TCP mode.
//!
//! All in one network namespace over its loopback interface, on the same two cores: what the kernel moves by itself is done on the
//! cores of the ends, so that a core of the proxy's own would stand idle. The proxies have one thread each.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use gateway_benches::measure::{busy_time, cpu_time, median};
use gateway_benches::scratch::{Cores, Process};
use gateway_tests::namespaces::World;
use serde::Serialize;

use crate::traffic::{Shape, Target, wait};

const TARGET: u16 = 7000;
/// Of the first contender; the others follow.
const FIRST_PORT: u16 = 7001;

/// How much went through.
#[derive(Debug, Serialize)]
pub struct Passed {
    pub shape: &'static str,
    pub contender: &'static str,
    /// Round trips or MiB a second, one for each round.
    pub rounds: Vec<f64>,
    pub median: f64,
    /// CPU time of the proxy's own threads for each of them, µs.
    pub cpu: f64,
    /// That of the machine, the ends' included.
    pub machine: f64,
}

#[derive(Clone, Copy)]
enum Contender {
    /// With this `datapath.splice`.
    Gateway(&'static str),
    Haproxy {
        splice: bool,
    },
}

impl Contender {
    const ALL: [Self; 5] = [
        Self::Gateway("copy"),
        Self::Gateway("splice"),
        Self::Gateway("sockmap"),
        Self::Haproxy { splice: false },
        Self::Haproxy { splice: true },
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Gateway("copy") => "gateway, copy",
            Self::Gateway("splice") => "gateway, splice",
            Self::Gateway(_) => "gateway, sockmap",
            Self::Haproxy { splice: false } => "HAProxy",
            Self::Haproxy { splice: true } => "HAProxy, splice-auto",
        }
    }

    fn start(self, port: u16, dir: &Path) -> anyhow::Result<Process> {
        let log = dir.join(format!("{port}.log"));
        match self {
            Self::Gateway(way) => {
                let binary = std::env::var_os("GATEWAY_BINARY").map(PathBuf::from);
                let binary =
                    binary.context("GATEWAY_BINARY: the gateway's binary, as `cargo xtask bench` sets it")?;
                let routes = format!("net.l4.routes=127.0.0.1:{port} -> 127.0.0.1:{TARGET}");
                let way = format!("datapath.splice={way}");
                let listeners = ["--http", "off", "--https", "off", "--admin", "off", "--datapath", "auto"];
                let settings = ["workers=1", "shutdown.delay=0", "telemetry.logs.std=text", &routes, &way];
                let settings = settings.iter().flat_map(|setting| ["--set", setting]);
                Process::start(
                    Cores::Both,
                    &binary,
                    ["run"].into_iter().chain(listeners).chain(settings),
                    &log,
                )
            }
            Self::Haproxy { splice } => {
                let option = if splice { "  option splice-auto\n" } else { "" };
                let file = dir.join(format!("{port}.cfg"));
                std::fs::write(
                    &file,
                    format!(
                        "global\n  nbthread 1\n  maxconn 1000\n\
                         defaults\n  mode tcp\n  timeout client 1h\n  timeout server 1h\n  timeout connect 5s\n{option}\
                         listen route\n  bind 127.0.0.1:{port}\n  server one 127.0.0.1:{TARGET}\n"
                    ),
                )?;
                Process::start(
                    Cores::Both,
                    Path::new("haproxy"),
                    [Path::new("-db"), Path::new("-f"), &file],
                    &log,
                )
            }
        }
    }
}

/// Measures all contenders, in turn.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Passed>> {
    let world = World::new().context("namespaces cannot be made here")?;
    let dir = tempfile::tempdir()?;
    world.gateway.run(|| {
        let target = Target::start((Ipv4Addr::LOCALHOST, TARGET).into())?;
        let mut proxies = Vec::new();
        for (contender, port) in Contender::ALL.into_iter().zip(FIRST_PORT..) {
            let started = contender.start(port, dir.path()).and_then(|process| {
                wait((Ipv4Addr::LOCALHOST, port).into())?;
                Ok(process)
            });
            proxies.push((contender, port, started.with_context(|| contender.name())?));
        }
        let mut rows = Vec::new();
        for shape in Shape::ALL {
            let mut figures: Vec<Vec<[f64; 3]>> = vec![Vec::new(); proxies.len()];
            for _ in 0..rounds {
                for ((_, port, process), figures) in proxies.iter().zip(&mut figures) {
                    let pids = process.pids();
                    let before = [cpu_time(&pids), busy_time()];
                    let (count, time) = target.measure(shape, (Ipv4Addr::LOCALHOST, *port).into())?;
                    let after = [cpu_time(&pids), busy_time()];
                    let each =
                        |at: usize| after[at].saturating_sub(before[at]).as_secs_f64() * 1e6 / count.max(1.0);
                    figures.push([count / time.as_secs_f64(), each(0), each(1)]);
                }
            }
            for ((contender, ..), figures) in proxies.iter().zip(figures) {
                let rounds: Vec<f64> = figures.iter().map(|[rate, ..]| *rate).collect();
                rows.push(Passed {
                    shape: shape.name(),
                    contender: contender.name(),
                    median: median(rounds.iter().copied()),
                    rounds,
                    cpu: median(figures.iter().map(|[_, cpu, _]| *cpu)),
                    machine: median(figures.iter().map(|[.., machine]| *machine)),
                });
            }
        }
        Ok(rows)
    })
}

/// The rows as a table.
pub fn print(rows: &[Passed]) {
    println!(
        "| what | passed through by | a second | against copy | CPU µs of the proxy for each | of the machine |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for row in rows {
        // The copy stands first for each shape.
        let copy = rows.iter().find(|one| one.shape == row.shape).map_or(row.median, |one| one.median);
        println!(
            "| {} | {} | {:.0} | {:.2} | {:.1} | {:.1} |",
            row.shape,
            row.contender,
            row.median,
            row.median / copy,
            row.cpu,
            row.machine
        );
    }
}
