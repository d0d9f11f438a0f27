//! What is left for clients when ten times as many are abusive: with the kernel path dropping these, and with a policy
//! refusing them.
//!
//! Clients come by IPv4 and keep their connections; abusive ones come by IPv6 with a connection for each request, and
//! begin again at once. Both ends share this machine's processors, so that a refused request costs clients twice: what
//! the gateway and what the abusive client spend on it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gateway_benches::measure::median;
use gateway_tests::namespaces::{CLIENT_V6, GATEWAY_V4, GATEWAY_V6};
use serde::Serialize;

use crate::serving::{PORT, Serving, folder};

const CLIENTS: usize = 4;
const ABUSERS: usize = 10 * CLIENTS;
/// Of one measurement.
const TIME: Duration = Duration::from_secs(3);

/// Requests a second that clients got answered.
#[derive(Debug, Serialize)]
pub struct Goodput {
    pub case: &'static str,
    /// One for each round.
    pub rounds: Vec<f64>,
    pub median: f64,
}

struct Case {
    name: &'static str,
    abused: bool,
    gateway: usize,
}

/// Measures all cases, in turn.
pub fn run(rounds: usize) -> anyhow::Result<Vec<Goodput>> {
    let folders = [folder("")?, folder(&forbid())?];
    let list = tempfile::NamedTempFile::new()?;
    fs::write(list.path(), CLIENT_V6)?;
    let list = list.path().display().to_string();
    let kernel = Serving::start(folders[0].path(), &[("datapath.deny.files", &list)])?;
    let policy = Serving::start(folders[1].path(), &[])?;
    let serving = [kernel, policy];
    let cases = [
        Case { name: "no abusive clients", abused: false, gateway: 0 },
        Case { name: "dropped by the kernel path", abused: true, gateway: 0 },
        Case { name: "refused by an ip-filter policy", abused: true, gateway: 1 },
    ];
    let mut figures: Vec<Vec<f64>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, figures) in cases.iter().zip(&mut figures) {
            figures.push(measure(&serving[case.gateway], case.abused));
        }
    }
    for one in serving {
        one.gateway.stop();
    }
    let rows = cases.iter().zip(figures).map(|(case, rounds)| {
        let median = median(rounds.iter().copied());
        Goodput { case: case.name, rounds, median }
    });
    Ok(rows.collect())
}

/// The rows as a table.
pub fn print(rows: &[Goodput]) {
    println!("| ten times as many abusive clients | requests a second of the others | of the undisturbed |");
    println!("| --- | --- | --- |");
    let undisturbed = rows.first().map_or(1.0, |one| one.median);
    for one in rows {
        println!("| {} | {:.0} | {:.0} % |", one.case, one.median, 100.0 * one.median / undisturbed);
    }
}

/// Requests a second that are answered.
fn measure(serving: &Serving, abused: bool) -> f64 {
    let (answered, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let good: SocketAddr = (GATEWAY_V4.parse::<std::net::IpAddr>().expect("an address"), PORT).into();
    let bad: SocketAddr = (GATEWAY_V6.parse::<std::net::IpAddr>().expect("an address"), PORT).into();
    let time = serving.world.client.run(|| {
        std::thread::scope(|scope| {
            for _ in 0..if abused { ABUSERS } else { 0 } {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        abuse(bad);
                    }
                });
            }
            // They have begun when it is measured.
            std::thread::sleep(Duration::from_millis(200));
            let start = Instant::now();
            for _ in 0..CLIENTS {
                scope.spawn(|| ask(good, &answered, &done));
            }
            std::thread::sleep(TIME);
            done.store(true, Ordering::Relaxed);
            start.elapsed()
        })
    });
    answered.load(Ordering::Relaxed) as f64 / time.as_secs_f64()
}

/// A client that keeps its connection.
fn ask(address: SocketAddr, answered: &AtomicU64, done: &AtomicBool) {
    let mut stream = None;
    while !done.load(Ordering::Relaxed) {
        let connected = stream.take().or_else(|| TcpStream::connect_timeout(&address, TIME).ok());
        let Some(mut connected) = connected else { continue };
        let _ = connected.set_read_timeout(Some(TIME));
        let mut bytes = [0; 1024];
        let asked = connected.write_all(b"GET /a/item HTTP/1.1\r\nHost: a\r\n\r\n");
        // The answer is short enough to come in one piece.
        if asked
            .and_then(|()| connected.read(&mut bytes))
            .is_ok_and(|length| bytes[..length].ends_with(b"hello"))
        {
            answered.fetch_add(1, Ordering::Relaxed);
            stream = Some(connected);
        }
    }
}

/// One that does not care for the answer.
fn abuse(address: SocketAddr) {
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) else { return };
    let _ = stream.set_read_timeout(Some(TIME));
    let request = b"GET /a/item HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    if stream.write_all(request).is_ok() {
        let _ = stream.read(&mut [0; 1024]);
    }
}

fn forbid() -> String {
    format!("<ip-filter action=\"forbid\"><address>{CLIENT_V6}</address></ip-filter>")
}
