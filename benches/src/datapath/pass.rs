//! What passing connections through brings: L4 routes by each of the gateway's ways, beside HAProxy in TCP mode.
//!
//! All in one network namespace over its loopback interface; the proxy has one core, clients and target share the other.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use gateway_benches::measure::{cpu_time, median};
use gateway_benches::scratch::{self, Process};
use gateway_tests::namespaces::World;
use serde::Serialize;

/// Of one measurement.
const TIME: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(10);
const TARGET: u16 = 7000;
/// Of the first contender; the others follow.
const FIRST_PORT: u16 = 7001;
const MESSAGE_BYTES: usize = 64;
const CHATTY_CONNECTIONS: usize = 8;
const BULK_BYTES: usize = 256 << 10;

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
}

#[derive(Clone, Copy)]
enum Shape {
    Chatty,
    Bulk,
}

impl Shape {
    const ALL: [Self; 2] = [Self::Chatty, Self::Bulk];

    fn name(self) -> &'static str {
        match self {
            Self::Chatty => "64-byte round trips on 8 connections",
            Self::Bulk => "MiB on one connection",
        }
    }
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
                Process::proxy(&binary, ["run"].into_iter().chain(listeners).chain(settings), &log)
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
                Process::proxy(Path::new("haproxy"), [Path::new("-db"), Path::new("-f"), &file], &log)
            }
        }
    }
}

/// Measures all contenders, in turn.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Passed>> {
    let world = World::new().context("namespaces cannot be made here")?;
    let dir = tempfile::tempdir()?;
    world.gateway.run(|| {
        scratch::prepare()?;
        let target = Target::start()?;
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
            let mut figures: Vec<Vec<(f64, f64)>> = vec![Vec::new(); proxies.len()];
            for _ in 0..rounds {
                for ((_, port, process), figures) in proxies.iter().zip(&mut figures) {
                    let pids = process.pids();
                    let before = cpu_time(&pids);
                    let (count, time) = target.measure(shape, (Ipv4Addr::LOCALHOST, *port).into())?;
                    let cpu = cpu_time(&pids).saturating_sub(before).as_secs_f64() * 1e6;
                    figures.push((count / time.as_secs_f64(), cpu / count.max(1.0)));
                }
            }
            for ((contender, ..), figures) in proxies.iter().zip(figures) {
                let rounds: Vec<f64> = figures.iter().map(|(rate, _)| *rate).collect();
                rows.push(Passed {
                    shape: shape.name(),
                    contender: contender.name(),
                    median: median(rounds.iter().copied()),
                    rounds,
                    cpu: median(figures.iter().map(|(_, cpu)| *cpu)),
                });
            }
        }
        Ok(rows)
    })
}

/// The rows as a table.
pub fn print(rows: &[Passed]) {
    println!("| what | passed through by | a second | against copy | CPU µs of the proxy for each |");
    println!("| --- | --- | --- | --- | --- |");
    for row in rows {
        // The copy stands first for each shape.
        let copy = rows.iter().find(|one| one.shape == row.shape).map_or(row.median, |one| one.median);
        println!(
            "| {} | {} | {:.0} | {:.2} | {:.1} |",
            row.shape,
            row.contender,
            row.median,
            row.median / copy,
            row.cpu
        );
    }
}

/// Answers round trips, and takes what comes behind a first byte of zero.
struct Target {
    taken: &'static AtomicU64,
}

impl Target {
    fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, TARGET))?;
        // Its threads live as long as the program.
        let taken: &'static AtomicU64 = Box::leak(Box::default());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || serve(stream, taken));
            }
        });
        Ok(Self { taken })
    }

    fn measure(&self, shape: Shape, route: SocketAddr) -> anyhow::Result<(f64, Duration)> {
        match shape {
            Shape::Chatty => chat(route),
            Shape::Bulk => self.pour(route),
        }
    }

    fn pour(&self, route: SocketAddr) -> anyhow::Result<(f64, Duration)> {
        let mut stream = connect(route)?;
        let bytes = vec![0; BULK_BYTES];
        // It is bulk already when it is measured.
        let warm = Instant::now();
        while warm.elapsed() < TIME / 10 {
            stream.write_all(&bytes)?;
        }
        let (begin, before) = (Instant::now(), self.taken.load(Ordering::Relaxed));
        while begin.elapsed() < TIME {
            stream.write_all(&bytes)?;
        }
        let taken = self.taken.load(Ordering::Relaxed) - before;
        Ok((taken as f64 / f64::from(1 << 20), begin.elapsed()))
    }
}

fn serve(mut stream: TcpStream, taken: &AtomicU64) {
    let mut bytes = vec![0; BULK_BYTES];
    let _ = stream.set_nodelay(true);
    while let Ok(count @ 1..) = stream.read(&mut bytes) {
        if bytes[0] == 0 {
            taken.fetch_add(count as u64, Ordering::Relaxed);
        } else if stream.write_all(&bytes[..count]).is_err() {
            return;
        }
    }
}

fn chat(route: SocketAddr) -> anyhow::Result<(f64, Duration)> {
    let (count, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let mut streams = Vec::new();
    for _ in 0..CHATTY_CONNECTIONS {
        streams.push(connect(route)?);
    }
    let begin = Instant::now();
    thread::scope(|scope| {
        for stream in &mut streams {
            let (count, done) = (&count, &done);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) && round_trip(stream).is_ok() {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        thread::sleep(TIME);
        done.store(true, Ordering::Relaxed);
    });
    Ok((count.load(Ordering::Relaxed) as f64, begin.elapsed()))
}

fn round_trip(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&[1; MESSAGE_BYTES])?;
    stream.read_exact(&mut [0; MESSAGE_BYTES])
}

fn connect(route: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(route)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Until something goes through.
fn wait(route: SocketAddr) -> anyhow::Result<()> {
    let begin = Instant::now();
    loop {
        match connect(route).and_then(|mut stream| round_trip(&mut stream)) {
            Ok(()) => return Ok(()),
            Err(error) if begin.elapsed() > PATIENCE => return Err(error.into()),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}
