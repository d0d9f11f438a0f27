//! What is left for clients when ten times as many are abusive: with the kernel path dropping these, and with a policy
//! refusing them.
//!
//! Clients come by IPv4 and keep their connections; abusive ones come by IPv6 with a connection for each request, and
//! begin again at once. Both ends share this machine's processors, so that a refused request costs clients twice: what
//! the gateway and what the abusive client spend on it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use gateway::settings::{Given, Settings};
use gateway::{Gateway, telemetry};
use gateway_tests::namespaces::{CLIENT_V6, GATEWAY_INTERFACE, GATEWAY_V4, GATEWAY_V6, World};
use serde::Serialize;

const CLIENTS: usize = 4;
const ABUSERS: usize = 10 * CLIENTS;
/// Of one measurement.
const TIME: Duration = Duration::from_secs(3);
const PORT: u16 = 8080;

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
            figures.push(serving[case.gateway].measure(case.abused));
        }
    }
    for one in serving {
        one.gateway.stop();
    }
    let rows = cases.iter().zip(figures).map(|(case, rounds)| {
        let mut sorted = rounds.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
        Goodput { case: case.name, rounds, median }
    });
    Ok(rows.collect())
}

struct Serving {
    world: World,
    gateway: Gateway,
}

impl Serving {
    fn start(config: &Path, more: &[(&str, &str)]) -> anyhow::Result<Self> {
        let world = World::new().context("namespaces cannot be made here")?;
        let http = format!("[::]:{PORT}");
        let settings = [
            ("config.folder", config.to_str().context("a UTF-8 path")?),
            ("net.http.address", &http),
            ("net.https.address", "off"),
            ("admin.address", "off"),
            ("datapath.mode", "required"),
            ("datapath.interface", GATEWAY_INTERFACE),
            ("datapath.xdp", "native"),
            ("telemetry.logs.std", "none"),
            ("shutdown.delay", "0"),
            ("shutdown.timeout", "1"),
        ];
        let given: Vec<_> = settings
            .iter()
            .chain(more)
            .map(|(name, value)| Given { name: (*name).to_owned(), value: (*value).to_owned() })
            .collect();
        let (settings, _) = Settings::from_given(&given).map_err(|errors| anyhow::anyhow!("{errors:?}"))?;
        let gateway = world.gateway.run(|| {
            let (telemetry, instance) = telemetry::start(&settings).map_err(anyhow::Error::msg)?;
            anyhow::Ok(Gateway::start(settings, telemetry, &instance)?)
        })?;
        Ok(Self { world, gateway })
    }

    fn measure(&self, abused: bool) -> f64 {
        let (answered, done) = (AtomicU64::new(0), AtomicBool::new(false));
        let good: SocketAddr = (GATEWAY_V4.parse::<std::net::IpAddr>().expect("an address"), PORT).into();
        let bad: SocketAddr = (GATEWAY_V6.parse::<std::net::IpAddr>().expect("an address"), PORT).into();
        let time = self.world.client.run(|| {
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

/// One API of one operation.
fn folder(inbound: &str) -> anyhow::Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    let operation = dir.path().join("apis/a/operations/item");
    fs::create_dir_all(&operation)?;
    let api = r#"{"properties": {"displayName": "a", "path": "a", "protocols": ["http"], "apiRevision": "1",
        "isCurrent": true, "subscriptionRequired": false}}"#;
    let of_operation = r#"{"properties": {"displayName": "item", "method": "GET", "urlTemplate": "/item",
        "templateParameters": []}}"#;
    let policy = format!(
        "<policies><inbound>{inbound}<return-response><set-body>hello</set-body></return-response></inbound>\
         <backend /><outbound /><on-error /></policies>"
    );
    fs::write(dir.path().join("apis/a/apiInformation.json"), api)?;
    fs::write(dir.path().join("apis/a/policy.xml"), policy)?;
    fs::write(operation.join("operationInformation.json"), of_operation)?;
    Ok(dir)
}
