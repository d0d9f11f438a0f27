//! Who still gets a connection while SYNs from addresses that are nobody's come in.

use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use gateway_benches::measure::median;
use gateway_datapath::flood::Flood;
use gateway_datapath::{Binding, Datapath, DatapathSettings, Ingress, ListenerSpec, ShedSettings};
use gateway_tests::namespaces::{CLIENT_INTERFACE, GATEWAY_V4, World};
use serde::Serialize;

use crate::flooded::{self, PORT, SOURCE_PORT, frame};

/// Of one measurement.
const TIME: Duration = Duration::from_secs(4);
/// A connection that takes longer has failed: two repetitions of its SYN.
const PATIENCE: Duration = Duration::from_secs(4);
const CLIENTS: usize = 4;
/// SYNs at once, and the pause behind them: so many that a listener's queue overflows at once, and so few that they do not
/// push others out of the receiving queue.
const BURST: u32 = 100;
const PAUSE: Duration = Duration::from_millis(1);

/// Connections that were wanted, and those that came about.
#[derive(Debug, Serialize)]
pub struct Survival {
    pub answered_by: &'static str,
    /// Share of each round.
    pub rounds: Vec<f64>,
    pub median: f64,
    /// Those that came about, a second.
    pub a_second: f64,
}

struct Contender {
    name: &'static str,
    world: World,
    datapath: Option<Datapath>,
    /// Drops what the flood is answered.
    sink: Datapath,
}

impl Contender {
    fn start(name: &'static str, in_xdp: bool, kernel: &str) -> anyhow::Result<Self> {
        let world = flooded::world()?;
        let datapath = in_xdp.then(|| {
            let bindings = vec![Binding { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), ports: PORT..=PORT }];
            let listener = ListenerSpec { name: "http".to_owned(), bindings, workers: Vec::new() };
            let settings = DatapathSettings {
                xdp: Ingress::Native,
                cookies: Some(u32::MAX),
                ..DatapathSettings::default()
            };
            world.start(&settings, &[listener])
        });
        let sink = sink(&world)?;
        world.gateway.run(|| {
            fs::write("/proc/sys/net/ipv4/tcp_syncookies", kernel)?;
            let listener = TcpListener::bind(address())?;
            // Says a byte to each that has said one, so that both ends know of the connection.
            thread::spawn(move || {
                for mut stream in listener.incoming().map_while(Result::ok) {
                    thread::spawn(move || stream.read_exact(&mut [0]).and_then(|()| stream.write_all(b"x")));
                }
            });
            anyhow::Ok(())
        })?;
        Ok(Self { name, world, datapath, sink })
    }

    /// The share of connections that came about, and how many did a second.
    fn measure(&self, flood: &Flood) -> anyhow::Result<(f64, f64)> {
        self.tick();
        let (wanted, made, done) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
        self.world.client.run(|| {
            let interface = nix::net::if_::if_nametoindex(CLIENT_INTERFACE)?;
            thread::scope(|scope| {
                let flooding = scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        flood.send(&frame(false, true), interface, BURST)?;
                        thread::sleep(PAUSE);
                    }
                    std::io::Result::Ok(())
                });
                thread::sleep(Duration::from_millis(300));
                let begin = Instant::now();
                for _ in 0..CLIENTS {
                    let (wanted, made) = (&wanted, &made);
                    scope.spawn(move || {
                        while begin.elapsed() < TIME {
                            wanted.fetch_add(1, Ordering::Relaxed);
                            made.fetch_add(u64::from(connect()), Ordering::Relaxed);
                        }
                    });
                }
                while begin.elapsed() < TIME + PATIENCE {
                    self.tick();
                    thread::sleep(Duration::from_millis(500));
                }
                done.store(true, Ordering::Relaxed);
                flooding.join().expect("the flood").context("the flood cannot be sent")
            })
        })?;
        let (wanted, made) = (wanted.into_inner() as f64, made.into_inner() as f64);
        Ok((made / wanted.max(1.0), made / TIME.as_secs_f64()))
    }

    /// The sign of life, without which programs of ours let all pass.
    fn tick(&self) {
        self.sink.tick();
        self.datapath.iter().for_each(Datapath::tick);
    }
}

/// XDP at the client's end, which drops what the flood is answered, and nothing else.
fn sink(world: &World) -> anyhow::Result<Datapath> {
    let list = tempfile::NamedTempFile::new()?;
    fs::write(list.path(), GATEWAY_V4)?;
    let bindings = vec![Binding { address: Ipv4Addr::UNSPECIFIED.into(), ports: SOURCE_PORT..=SOURCE_PORT }];
    let listener = ListenerSpec { name: "nobody".to_owned(), bindings, workers: Vec::new() };
    let settings = DatapathSettings {
        xdp: Ingress::Native,
        interfaces: Some(vec![CLIENT_INTERFACE.to_owned()]),
        shed: ShedSettings { deny_files: vec![list.path().to_owned()], ..ShedSettings::default() },
        ..DatapathSettings::default()
    };
    // The list goes with this, and stays in force: a file that cannot be read changes nothing.
    world.client.run(|| Datapath::start(&settings, &[listener])).context("XDP at the client's end")
}

fn address() -> SocketAddr {
    (GATEWAY_V4.parse::<IpAddr>().expect("an address"), PORT).into()
}

/// Whether a connection comes about at both ends.
fn connect() -> bool {
    let begin = Instant::now();
    let Ok(mut stream) = TcpStream::connect_timeout(&address(), PATIENCE) else { return false };
    let left = PATIENCE.saturating_sub(begin.elapsed()).max(Duration::from_millis(1));
    stream.set_read_timeout(Some(left)).is_ok()
        && stream.write_all(b"x").is_ok()
        && stream.read_exact(&mut [0]).is_ok()
}

/// Measures all contenders, in turn.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Survival>> {
    let flood = Flood::load().map_err(anyhow::Error::msg)?;
    let contenders = [
        Contender::start("gateway, native XDP", true, "1")?,
        Contender::start("the kernel's own cookies", false, "1")?,
        Contender::start("nobody", false, "0")?,
    ];
    let mut figures: Vec<Vec<(f64, f64)>> = vec![Vec::new(); contenders.len()];
    for _ in 0..rounds {
        for (contender, figures) in contenders.iter().zip(&mut figures) {
            figures.push(contender.measure(&flood)?);
        }
    }
    let rows = contenders.iter().zip(figures).map(|(contender, figures)| {
        let rounds: Vec<f64> = figures.iter().map(|(share, _)| *share).collect();
        Survival {
            answered_by: contender.name,
            median: median(rounds.iter().copied()),
            a_second: median(figures.iter().map(|(_, rate)| *rate)),
            rounds,
        }
    });
    Ok(rows.collect())
}

/// The rows as a table.
pub fn print(rows: &[Survival]) {
    println!("| SYNs of a flood are answered by | connections of others that come about | a second |");
    println!("| --- | --- | --- |");
    for row in rows {
        println!("| {} | {:.1} % | {:.0} |", row.answered_by, 100.0 * row.median, row.a_second);
    }
}
