//! An open loop: requests leave by the clock, whether the last was answered or not, and latency counts from the
//! moment a request was due. A proxy that stalls so pays for everyone it kept waiting.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustls::ClientConfig;

use gateway_benches::wire::Wire;

/// Threads, each with one connection: far more than are busy at a time.
const CLIENTS: u32 = 16;

/// Latencies of all requests, sorted.
#[derive(Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Requests answered.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Microseconds below which this part of all requests stayed.
    pub fn quantile(&self, part: f64) -> f64 {
        let at = ((self.0.len() as f64 * part) as usize).min(self.0.len().saturating_sub(1));
        self.0.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e6)
    }
}

/// Sends `rate` requests a second for `length`.
pub fn run(
    address: SocketAddr,
    tls: Option<&Arc<ClientConfig>>,
    requests: &[Vec<u8>],
    rate: u32,
    length: Duration,
) -> anyhow::Result<Latencies> {
    let begin = Instant::now() + Duration::from_millis(100);
    let every = Duration::from_secs(1) * CLIENTS / rate;
    let results: Vec<anyhow::Result<Vec<Duration>>> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|index| {
                let first = begin + every * index / CLIENTS;
                scope.spawn(move || client(address, tls.cloned(), requests, first, every, begin + length))
            })
            .collect();
        clients
            .into_iter()
            .map(|client| client.join().unwrap_or_else(|_| anyhow::bail!("a client panicked")))
            .collect()
    });
    let mut all = Vec::new();
    for result in results {
        all.extend(result?);
    }
    all.sort_unstable();
    Ok(Latencies(all))
}

fn client(
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    requests: &[Vec<u8>],
    first: Instant,
    every: Duration,
    end: Instant,
) -> anyhow::Result<Vec<Duration>> {
    // By default the kernel is up to 50 µs late with a sleep. Where it cannot be told, all proxies suffer alike.
    let _ = fs::write(format!("/proc/{}/timerslack_ns", nix::unistd::gettid()), "1");
    let mut wire = match tls {
        None => Wire::connect(address)?,
        Some(config) => Wire::connect_tls(address, config)?,
    };
    wire.ask(&requests[0])?;
    let (mut due, mut latencies, mut turn) = (first, Vec::new(), 0);
    while due < end {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        wire.ask(&requests[turn % requests.len()])?;
        latencies.push(due.elapsed());
        due += every;
        turn += 1;
    }
    Ok(latencies)
}
