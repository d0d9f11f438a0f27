//! What it brings that a new connection goes to the worker on the CPU that its packets arrive on.
//!
//! One client on each core opens a connection for each request; with more of them both cores have always work, a worker is
//! seldom woken across cores, and the gain vanishes (1.1 with two, none with eight). The gateway has a worker on each core. The first two rows
//! are without any program: the kernel chooses the worker by a hash of the connection's ports, or by the sockets' option.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use gateway_benches::measure::{cpu_time, median};
use gateway_benches::scratch::{LOAD_CORE, PROXY_CORE, on_core};
use gateway_datapath::{DatapathSettings, Steering};
use gateway_tests::namespaces::{GATEWAY_V4, World};
use serde::Serialize;

use crate::accepting::Accepting;
use crate::serving::{self, PORT, Serving};

/// Of one measurement.
const TIME: Duration = Duration::from_secs(3);
/// Clients on each core.
const CLIENTS: usize = 1;

/// Connections that were opened, answered and closed.
#[derive(Debug, Serialize)]
pub struct Steered {
    pub steering: &'static str,
    /// A second, one for each round.
    pub rounds: Vec<f64>,
    pub median: f64,
    /// Median of the rounds' ratios to the first row of its kind.
    pub of_plain: f64,
    /// CPU time of server and clients for each, µs.
    pub cpu: f64,
}

/// Who gets the connections.
enum Server {
    Gateway(Serving),
    Accepting(Accepting),
}

impl Server {
    fn gateway(folder: &Path, mode: &str, steering: &str) -> anyhow::Result<Self> {
        let settings = [("datapath.mode", mode), ("datapath.xdp", "tcx"), ("datapath.steering", steering)];
        Serving::start(folder, &settings).map(Self::Gateway)
    }

    fn accepting(steering: Steering) -> anyhow::Result<Self> {
        let settings = DatapathSettings { steering, ..DatapathSettings::default() };
        Accepting::steered(&settings).map(Self::Accepting)
    }

    fn world(&self) -> &World {
        match self {
            Self::Gateway(serving) => &serving.world,
            Self::Accepting(accepting) => &accepting.world,
        }
    }

    fn stop(self) {
        if let Self::Gateway(serving) = self {
            serving.gateway.stop();
        }
    }
}

/// Measures all contenders, in turn: servers that only accept, and gateways.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Steered>> {
    let folder = serving::folder("")?;
    let folder = folder.path();
    let mut rows = compare(
        rounds,
        [
            ("accepted, SO_REUSEPORT", Accepting::plain(false).map(Server::Accepting)?),
            ("accepted, SO_INCOMING_CPU", Accepting::plain(true).map(Server::Accepting)?),
            ("accepted, by hash", Server::accepting(Steering::Hash)?),
            ("accepted, by CPU", Server::accepting(Steering::Cpu)?),
        ],
    );
    rows.extend(compare(
        rounds,
        [
            ("a request each, SO_REUSEPORT", Server::gateway(folder, "off", "hash")?),
            ("a request each, SO_INCOMING_CPU", Server::gateway(folder, "off", "cpu")?),
            ("a request each, by hash", Server::gateway(folder, "required", "hash")?),
            ("a request each, by CPU", Server::gateway(folder, "required", "cpu")?),
        ],
    ));
    Ok(rows)
}

/// The first is what the others are compared with.
fn compare<const N: usize>(rounds: usize, servers: [(&'static str, Server); N]) -> Vec<Steered> {
    let mut figures: Vec<Vec<(f64, f64)>> = vec![Vec::new(); N];
    for _ in 0..rounds {
        for ((_, server), figures) in servers.iter().zip(&mut figures) {
            figures.push(measure(server.world()));
        }
    }
    let plain: Vec<f64> = figures.iter().take(1).flatten().map(|(rate, _)| *rate).collect();
    let row = |((steering, server), figures): ((_, Server), Vec<(f64, f64)>)| {
        server.stop();
        let rounds: Vec<f64> = figures.iter().map(|(rate, _)| *rate).collect();
        Steered {
            steering,
            median: median(rounds.iter().copied()),
            of_plain: median(rounds.iter().zip(&plain).map(|(one, plain)| one / plain)),
            cpu: median(figures.iter().map(|(_, cpu)| *cpu)),
            rounds,
        }
    };
    servers.into_iter().zip(figures).map(row).collect()
}

/// The rows as a table.
pub fn print(rows: &[Steered]) {
    println!(
        "| new connections go to their worker | a second | of SO_REUSEPORT's | CPU µs of both ends for each |"
    );
    println!("| --- | --- | --- | --- |");
    for row in rows {
        println!("| {} | {:.0} | {:.2} | {:.1} |", row.steering, row.median, row.of_plain, row.cpu);
    }
}

/// Connections a second, and the CPU time of each.
fn measure(world: &World) -> (f64, f64) {
    let (answered, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let address = (GATEWAY_V4.parse::<std::net::IpAddr>().expect("an address"), PORT).into();
    let own = [std::process::id()];
    let before = cpu_time(&own);
    let time = world.client.run(|| {
        thread::scope(|scope| {
            let begin = Instant::now();
            for core in [PROXY_CORE, LOAD_CORE].into_iter().cycle().take(2 * CLIENTS) {
                let (answered, done) = (&answered, &done);
                scope.spawn(move || {
                    on_core(core).expect("a core");
                    while !done.load(Ordering::Relaxed) {
                        answered.fetch_add(u64::from(ask(address).is_ok()), Ordering::Relaxed);
                    }
                });
            }
            thread::sleep(TIME);
            done.store(true, Ordering::Relaxed);
            begin.elapsed()
        })
    });
    let count = answered.load(Ordering::Relaxed) as f64;
    let cpu = cpu_time(&own).saturating_sub(before).as_secs_f64() * 1e6;
    (count / time.as_secs_f64(), cpu / count.max(1.0))
}

/// One connection for one request.
fn ask(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, TIME)?;
    stream.set_read_timeout(Some(TIME))?;
    stream.write_all(b"GET /a/item HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let is_whole = answer.ends_with(b"hello");
    is_whole.then_some(()).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
}
