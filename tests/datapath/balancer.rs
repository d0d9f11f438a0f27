//! The sample of two gateways behind one address, as its README shows it: `samples/balancer`.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use gateway_tests::namespaces::{Namespace, lack};
use gateway_tests::process::{binary, installed};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const VIRTUAL: [&str; 2] = ["10.77.1.10:8080", "[fd77:1::10]:8080"];
/// Of gateways "one" and "two".
const OWN: [&str; 2] = ["10.77.0.11:8080", "10.77.0.12:8080"];
/// Starting, and noticing that somebody is gone, on a machine that does other things, too.
const PATIENCE: Duration = Duration::from_secs(25);

/// The sample, up until this is dropped.
struct Sample {
    script: PathBuf,
    state: tempfile::TempDir,
}

impl Sample {
    fn up() -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples/balancer/balancer");
        let sample = Self { script, state: tempfile::tempdir().unwrap() };
        // What an interrupted run has left.
        sample.call("down");
        let output = sample.call("up");
        assert!(output.status.success(), "{output:?}");
        sample
    }

    fn call(&self, verb: &str) -> Output {
        let mut command = Command::new(&self.script);
        command.arg(verb).env("GATEWAY", binary()).env("STATE", self.state.path().join("state"));
        command.output().expect("the sample's script")
    }

    /// Sends a signal to all processes of a host.
    fn signal(&self, host: &str, signal: Signal) {
        let output = Command::new("ip").args(["netns", "pids", &name(host)]).output().expect("ip netns");
        let text = String::from_utf8(output.stdout).unwrap();
        let processes: Vec<i32> = text.lines().map(|line| line.trim().parse().unwrap()).collect();
        assert!(!processes.is_empty(), "{host} runs");
        for process in processes {
            kill(Pid::from_raw(process), signal).expect("a signal");
        }
    }

    /// What the balancer says about a member of the first virtual address.
    fn is_ready(&self, member: &str) -> bool {
        let metrics = Namespace::named(&name("balancer")).run(|| {
            let mut stream = connect("127.0.0.1:9090");
            stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).unwrap();
            text
        });
        let start =
            format!("gateway_balance_member_ready{{address=\"{}\",member=\"{member}\"}} ", VIRTUAL[0]);
        metrics.lines().find_map(|line| line.strip_prefix(&start)).expect("the member's figure") == "1"
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        self.call("down");
    }
}

fn name(host: &str) -> String {
    format!("gwbal-{host}")
}

fn connect(to: &str) -> TcpStream {
    let address: SocketAddr = to.parse().unwrap();
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// A connection of the client's that stays open.
struct Connection(TcpStream);

impl Connection {
    fn open(to: &str) -> Self {
        Self(Namespace::named(&name("client")).run(|| connect(to)))
    }

    /// The gateway that answers; `None` when the connection is lost.
    fn ask(&mut self) -> Option<String> {
        self.0.write_all(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n").ok()?;
        let mut answer = Vec::new();
        let mut byte = [0];
        while !answer.ends_with(b"\r\n\r\n") {
            self.0.read_exact(&mut byte).ok()?;
            answer.push(byte[0]);
        }
        let head = String::from_utf8(answer).expect("a head of text").to_lowercase();
        assert!(head.starts_with("http/1.1 200"), "{head}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
        let mut body = vec![0; length.trim().parse().unwrap()];
        self.0.read_exact(&mut body).ok()?;
        Some(String::from_utf8(body).unwrap())
    }
}

/// As many connections to each virtual address, with the gateway that each has.
fn open(each: usize) -> Vec<(Connection, String)> {
    let addresses = VIRTUAL.iter().flat_map(|address| vec![*address; each]);
    addresses
        .map(|address| {
            let mut connection = Connection::open(address);
            let gateway = connection.ask().expect("an answer");
            (connection, gateway)
        })
        .collect()
}

fn counts(connections: &[(Connection, String)]) -> BTreeMap<&str, usize> {
    let mut counts = BTreeMap::new();
    for (_, gateway) in connections {
        *counts.entry(gateway.as_str()).or_default() += 1;
    }
    counts
}

fn within_patience(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !condition() {
        if start.elapsed() > PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    true
}

#[test]
fn sample_spreads_hands_over_drains_and_survives_a_gateway() {
    if let Some(lack) = lack() {
        eprintln!("SKIPPED: {lack}");
        return;
    }
    if installed("nsenter").is_none() {
        return;
    }
    let sample = Sample::up();
    let [one, two] = OWN.map(|own| Connection::open(own).ask().expect("an answer"));
    assert_ne!(one, two);
    let mut connections = open(30);
    // Sixty that fall on one of two by chance: fewer than ten once in a hundred million.
    let spread = counts(&connections);
    assert!(spread.len() == 2 && spread.values().all(|count| *count >= 10), "{spread:?}");
    let stay = |connections: &mut [(Connection, String)], when: &str| {
        for (connection, gateway) in connections {
            assert_eq!(connection.ask().as_ref(), Some(&*gateway), "{when}");
        }
    };
    stay(&mut connections, "nothing has changed");

    let output = sample.call("take-over");
    assert!(output.status.success(), "{output:?}");
    stay(&mut connections, "another process balances");

    // It is told to end: it keeps its connections for a while, and gets no new ones.
    sample.signal("one", Signal::SIGTERM);
    assert!(within_patience(|| !sample.is_ready("10.77.0.11") && sample.is_ready("10.77.0.12")));
    stay(&mut connections, "one drains");
    let more = open(10);
    assert_eq!(counts(&more), BTreeMap::from([(two.as_str(), 20)]));

    sample.signal("one", Signal::SIGKILL);
    for (connection, gateway) in &mut connections {
        let answer = connection.ask();
        let expected = (*gateway == two).then(|| two.clone());
        assert_eq!(answer, expected, "only who had the one that died has lost something");
    }
    assert_eq!(counts(&open(5)), BTreeMap::from([(two.as_str(), 10)]));
}
