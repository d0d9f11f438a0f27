//! The run: what is measured, in which order.

use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

use crate::load::{self, Aim};
use crate::peer::{Peer, Running};
use crate::setup::{Setup, Site};
use crate::{Arguments, idle, pace, start, system_calls};
use gateway_benches::measure::{cpu_time, memory};
use gateway_benches::scratch;
use gateway_benches::workload::{Policies, Workload};

/// Everything measured.
#[derive(Debug, Serialize)]
pub struct Outcome {
    pub rounds: usize,
    pub seconds: f64,
    pub idle_connections: usize,
    pub rate: u32,
    pub turns: Vec<Turn>,
    pub latencies: Vec<Latency>,
    pub processes: Vec<ProcessFigures>,
}

/// One proxy's turn in one round.
#[derive(Debug, Serialize)]
pub struct Turn {
    pub workload: Workload,
    pub peer: Peer,
    pub round: usize,
    pub cpu_microseconds: f64,
    pub requests_per_second: f64,
    /// Part of its core that the proxy was busy.
    pub busy: f64,
}

/// At a fixed rate, microseconds.
#[derive(Debug, Serialize)]
pub struct Latency {
    pub workload: Workload,
    pub peer: Peer,
    pub p50: f64,
    pub p99: f64,
}

#[derive(Debug, Serialize)]
pub struct ProcessFigures {
    pub peer: Peer,
    /// After the first answer, bytes.
    pub idle_memory: u64,
    /// Bytes of one; plain and TLS.
    pub idle_connection: Option<[f64; 2]>,
    /// Milliseconds to the first answer with 100 APIs.
    pub first_answer: Option<f64>,
    pub system_calls: Option<f64>,
}

const WARM_UP: Duration = Duration::from_millis(300);

pub fn all(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let site = Site::make(arguments)?;
    let setup = site.setup();
    let mut outcome = Outcome {
        rounds: arguments.rounds,
        seconds: arguments.seconds,
        idle_connections: arguments.idle,
        rate: arguments.rate,
        turns: Vec::new(),
        latencies: Vec::new(),
        processes: Vec::new(),
    };
    for policies in [Policies::None, Policies::Some, Policies::Cached] {
        let workloads = arguments.workload.iter().filter(|workload| workload.policies() == policies);
        let workloads: Vec<Workload> = workloads.copied().collect();
        if !workloads.is_empty() {
            group(arguments, &Setup { policies, ..setup }, &workloads, &mut outcome)?;
        }
    }
    for peer in &arguments.peer {
        outcome.processes.push(process(*peer, arguments, &setup)?);
    }
    Ok(outcome)
}

/// The workloads of one configuration.
fn group(
    arguments: &Arguments,
    setup: &Setup<'_>,
    workloads: &[Workload],
    outcome: &mut Outcome,
) -> anyhow::Result<()> {
    let peers: Vec<Running> =
        arguments.peer.iter().map(|peer| peer.start(setup)).collect::<anyhow::Result<_>>()?;
    for workload in workloads {
        for round in 0..arguments.rounds {
            for running in &peers {
                let turn = turn(running, *workload, round, arguments.seconds, setup)?;
                eprintln!(
                    "{} round {round} {}: {:.2} µs, {:.0}/s, busy {:.2}",
                    workload.title(),
                    running.peer.name(),
                    turn.cpu_microseconds,
                    turn.requests_per_second,
                    turn.busy
                );
                outcome.turns.push(turn);
            }
        }
        // The open loop speaks HTTP/1.1.
        if arguments.rate > 0 && *workload != Workload::W3 {
            for running in &peers {
                outcome.latencies.push(latency(running, *workload, arguments, setup)?);
            }
        }
    }
    Ok(())
}

fn aim(running: &Running, workload: Workload, setup: &Setup<'_>) -> anyhow::Result<Aim> {
    let http2 = workload == Workload::W3;
    let tls = workload.is_tls().then(|| setup.certificate.client(if http2 { "h2" } else { "http/1.1" }));
    Ok(Aim {
        address: running.address(workload.is_tls()),
        tls: tls.transpose()?,
        http2,
        requests: Rc::new(workload.requests()),
    })
}

pub fn turn(
    running: &Running,
    workload: Workload,
    round: usize,
    seconds: f64,
    setup: &Setup<'_>,
) -> anyhow::Result<Turn> {
    let aim = aim(running, workload, setup)?;
    let pids = running.process.pids();
    let time = || cpu_time(&pids);
    let (served, before, after) = load::run(&aim, WARM_UP, Duration::from_secs_f64(seconds), time, time)?;
    let busy = after.checked_sub(before).unwrap().as_secs_f64();
    let elapsed = served.elapsed.as_secs_f64();
    Ok(Turn {
        workload,
        peer: running.peer,
        round,
        cpu_microseconds: busy * 1e6 / served.requests as f64,
        requests_per_second: served.requests as f64 / elapsed,
        busy: busy / elapsed,
    })
}

fn latency(
    running: &Running,
    workload: Workload,
    arguments: &Arguments,
    setup: &Setup<'_>,
) -> anyhow::Result<Latency> {
    let aim = aim(running, workload, setup)?;
    let length = Duration::from_secs_f64(arguments.seconds * 2.0);
    let latencies = pace::run(aim.address, aim.tls.as_ref(), &aim.requests, arguments.rate, length)?;
    Ok(Latency { workload, peer: running.peer, p50: latencies.quantile(0.5), p99: latencies.quantile(0.99) })
}

/// Memory, start and system calls of a proxy alone.
fn process(peer: Peer, arguments: &Arguments, setup: &Setup<'_>) -> anyhow::Result<ProcessFigures> {
    let hundred = Setup { policies: Policies::HundredApis, ..*setup };
    let running = peer.start(&hundred)?;
    let idle_memory = memory(&running.process.pids());
    drop(running);
    let request = Workload::W1.requests().remove(0);
    // Each connection is two descriptors of a proxy for the length of its request; half of the limit is for clients.
    let idle = arguments
        .idle
        .min(usize::try_from(scratch::descriptors() / 2).unwrap_or(usize::MAX).saturating_sub(100));
    let idle_connection = if idle > 0 {
        let mut bytes = [0.0; 2];
        for (bytes, tls) in bytes.iter_mut().zip([None, Some(setup.certificate.client("http/1.1")?)]) {
            // A process of its own for each, so that none lives on what the other has left behind.
            let running = peer.start(setup)?;
            *bytes = idle::bytes_per_connection(&running, tls.as_ref(), &request, idle)?;
        }
        Some(bytes)
    } else {
        None
    };
    let first_answer = match arguments.starts {
        0 => None,
        starts => Some(start::first_answer(peer, setup, starts)?),
    };
    let running = peer.start(setup)?;
    let aim = aim(&running, Workload::W1, setup)?;
    let system_calls = system_calls::per_request(&running.process.pids(), &aim, setup.dir)?;
    Ok(ProcessFigures { peer, idle_memory, idle_connection, first_answer, system_calls })
}
