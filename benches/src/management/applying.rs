//! A gateway that serves while its configuration changes: what its slowest requests take.
//!
//! The gateway's worker has core 0 for itself; its other threads, the plane and the client are on core 1. On a machine that
//! others share, a request is now and then held up by what has nothing to do with us, so times alone say little. Two things
//! stand beside them: moments without a change, one behind each moment with one; and the processor time of the worker in a
//! request, which shows what a change costs those who ask meanwhile (colder caches, pages, memory given back), and nothing of
//! what holds up the machine.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use gateway_benches::measure::{median, thread_time};
use gateway_benches::scratch::{Cores, LOAD_CORE, Process, free_port, threads_to_core};
use gateway_benches::wire::Wire;

use crate::service::{SERVICE, SHARED, TOKEN, policy};
use crate::wire::{Connection, request};

/// Between two requests.
const PACE: Duration = Duration::from_millis(1);
/// From one moment to the next.
const EVERY: Duration = Duration::from_millis(500);
/// A change is with the gateway, and applied, within this time of its answer.
const MOMENT: Duration = Duration::from_millis(250);

/// Of requests: how long they took for the client, and the processor time of the worker. Microseconds.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Applying {
    pub changes: u32,
    pub took: Slow,
    pub worker: Slow,
}

/// The median of all, and the slowest of a moment to it: the median of all moments, those with a change and those without.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Slow {
    pub median: f64,
    pub changing: f64,
    pub quiet: f64,
}

impl Slow {
    fn of(asked: &[Asked], moments: &[(Instant, bool)], value: impl Fn(&Asked) -> f64 + Copy) -> Self {
        let all = median(asked.iter().map(value));
        let slowest = |from: Instant| {
            let within = asked.iter().filter(|one| one.at >= from && one.at < from + MOMENT);
            within.map(value).fold(0.0, f64::max)
        };
        let of_moments = |with_change: bool| {
            let moments = moments.iter().filter(|(_, has_change)| *has_change == with_change);
            median(moments.map(|(from, _)| slowest(*from))) / all
        };
        Self { median: all, changing: of_moments(true), quiet: of_moments(false) }
    }
}

/// A request: when, how long, and the processor time of the worker, in microseconds.
struct Asked {
    at: Instant,
    took: f64,
    worker: f64,
}

/// Starts a gateway at the plane; measures moments with and without a change.
pub fn run(
    gateway: &Path,
    plane: SocketAddr,
    token: &str,
    log: &Path,
    changes: u32,
) -> anyhow::Result<Applying> {
    let http = free_port()?;
    let arguments = [
        "run".to_owned(),
        "--http".to_owned(),
        format!("127.0.0.1:{http}"),
        "--https=off".to_owned(),
        "--admin=127.0.0.1:0".to_owned(),
        "--datapath=off".to_owned(),
        "--workers=1".to_owned(),
        "--set=workers.pin=on".to_owned(),
        "--set=net.server.http.keep-alive.requests.max=1000000".to_owned(),
        format!("--set=config.service.endpoint=http://{plane}"),
        format!("--set=config.service.auth={token}"),
    ];
    // Its worker takes the first core that it may have.
    let mut process = Process::start(Cores::Both, gateway, arguments, log)?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, http));
    let request = format!("GET /{SHARED}/items/1 HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes();
    let begin = Instant::now();
    let mut wire = loop {
        process.check()?;
        match Wire::connect(address).and_then(|mut wire| wire.ask(&request).map(|()| wire)) {
            Ok(wire) => break wire,
            Err(error) if begin.elapsed() > Duration::from_secs(20) => bail!(error),
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let worker = threads_to_core(&process, "worker-0", LOAD_CORE)?;
    let worker = worker.context("the gateway has no thread worker-0")?;
    let length = EVERY * (2 * changes + 1);
    let changing = std::thread::spawn(move || change(plane, changes));
    let asked = ask(&mut wire, &request, &worker, length)?;
    let moments = changing.join().map_err(|_| anyhow::anyhow!("the changes ended early"))??;
    Ok(Applying {
        changes,
        took: Slow::of(&asked, &moments, |one| one.took),
        worker: Slow::of(&asked, &moments, |one| one.worker),
    })
}

/// Asks at an even pace.
fn ask(wire: &mut Wire, request: &[u8], worker: &Path, length: Duration) -> anyhow::Result<Vec<Asked>> {
    let begin = Instant::now();
    let (mut asked, mut next) = (Vec::new(), begin);
    while begin.elapsed() < length {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next += PACE;
        let (at, before) = (Instant::now(), thread_time(worker)?);
        let sent = Instant::now();
        wire.ask(request)?;
        let took = sent.elapsed().as_secs_f64() * 1e6;
        // It sleeps when all of the request is done: until then its time grows.
        std::thread::sleep(PACE / 4);
        let worker = thread_time(worker)?.saturating_sub(before).as_secs_f64() * 1e6;
        asked.push(Asked { at, took, worker });
    }
    Ok(asked)
}

/// Moments, every other one with a change of the policy; when each change was answered.
fn change(plane: SocketAddr, changes: u32) -> anyhow::Result<Vec<(Instant, bool)>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut arm = Connection::open(plane).await?;
        let target = format!("{SERVICE}/apis/{SHARED}/policies/policy?api-version=2022-08-01");
        let mut moments = Vec::new();
        for number in 0..2 * changes {
            let has_change = number % 2 == 0;
            if has_change {
                let body = serde_json::json!({"properties": policy(&format!("change {number}"))}).to_string();
                let answer =
                    arm.ask(&request("PUT", &target, &format!("Bearer {TOKEN}"), None, &body)).await?;
                anyhow::ensure!(answer.status == 200, "PUT of a policy: {}", answer.status);
            }
            moments.push((Instant::now(), has_change));
            tokio::time::sleep(EVERY).await;
        }
        Ok(moments)
    })
}
