//! Connections that come, go, fail and are drained.

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_policy::exchange::Protocol;
use gateway_proxy::downstream::{ConnectionCap, Settings};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::harness::{Wire, Worker};

#[test]
fn client_that_goes_away_cancels_its_call() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    wire.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    worker.wait_until("the call arrives", |seen| seen.targets.len() == 1);
    let begin = Instant::now();
    drop(wire);
    worker.wait_until("the call is dropped", |seen| seen.cancelled == 1);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    worker.wait_until("the connection ends", |seen| seen.closed == [Protocol::Http11]);
}

#[test]
fn client_that_resets_cancels_its_call_at_once() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    wire.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    worker.wait_until("the call arrives", |seen| seen.targets.len() == 1);
    socket2::SockRef::from(&wire.stream).set_linger(Some(Duration::ZERO)).unwrap();
    let begin = Instant::now();
    drop(wire);
    worker.wait_until("the call is dropped", |seen| seen.cancelled == 1);
    assert!(begin.elapsed() < Duration::from_millis(250), "{:?}", begin.elapsed());
}

#[test]
fn client_that_goes_away_cancels_a_silent_response() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    wire.get("/events");
    wire.until("event\r\n");
    drop(wire);
    worker.wait_until("the response ends", |seen| seen.sent.len() == 1);
    assert!(!worker.stopped().sent[0].complete);
}

#[test]
fn client_that_only_stops_sending_gets_its_answer() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let answer = wire.send("GET /soon HTTP/1.1\r\nHost: a\r\n\r\n").finish().answer();
    assert_eq!((answer.status, answer.field("connection")), (200, Some("close")));
    assert!(wire.is_closed());
    assert_eq!(worker.stopped().cancelled, 0);
}

#[test]
fn panic_costs_one_request_and_its_connection() {
    let worker = Worker::start();
    let mut other = worker.connect();
    assert_eq!(other.get("/").status, 200);
    let mut wire = worker.connect();
    let answer = wire.get("/panic");
    assert_eq!((answer.status, answer.field("connection")), (500, Some("close")));
    assert!(wire.is_closed());
    assert_eq!(other.get("/").status, 200);
    assert_eq!(worker.stopped().anomalies, ["panic"]);
}

#[test]
fn service_may_close_a_connection() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    assert_eq!(wire.get("/close").field("connection"), Some("close"));
    assert!(wire.is_closed());
}

#[test]
fn requests_of_one_connection_are_bounded() {
    let worker = Worker::with(Settings { requests_per_connection: 3, ..Settings::default() }, None);
    let mut wire = worker.connect();
    assert_eq!(wire.get("/").field("connection"), None);
    assert_eq!(wire.get("/").field("connection"), None);
    assert_eq!(wire.get("/").field("connection"), Some("close"));
    assert!(wire.is_closed());
}

#[test]
fn idle_connections_are_closed_in_silence() {
    let settings = Settings { idle_timeout: Duration::from_millis(300), ..Settings::default() };
    let worker = Worker::with(settings, None);
    let mut used = worker.connect();
    let mut fresh = worker.connect();
    assert_eq!(used.get("/").status, 200);
    assert!(used.is_closed());
    assert!(fresh.is_closed());
    assert_eq!(worker.stopped().anomalies, Vec::<&str>::new());
}

#[test]
fn connections_above_the_cap_are_shed_and_others_live() {
    let settings = Settings { connections: Arc::new(ConnectionCap::new(2)), ..Settings::default() };
    let worker = Worker::with(settings, None);
    let (mut one, mut two) = (worker.connect(), worker.connect());
    assert_eq!((one.get("/").status, two.get("/").status), (200, 200));
    assert_eq!(worker.connect().rest().unwrap_or_default(), b"");
    assert_eq!(one.get("/").status, 200);
    drop(two);
    worker.wait_until("a place is free", |seen| seen.closed.len() == 1);
    assert_eq!(worker.connect().get("/").status, 200);
    assert_eq!(worker.stopped().anomalies, ["connections"]);
}

#[test]
fn descriptors_running_out_pauses_accepting_and_nothing_else() {
    const CLIENTS: usize = 20;
    let worker = Worker::start();
    let mut before = worker.connect();
    assert_eq!(before.get("/").status, 200);
    // Clients live in this process too: their sockets exist before the last descriptor is gone.
    let sockets: Vec<_> = (0..CLIENTS)
        .map(|_| socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap())
        .collect();
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, 100, hard).unwrap();
    let mut hogs: Vec<File> = std::iter::from_fn(|| File::open("/dev/null").ok()).collect();
    hogs.pop();
    for socket in &sockets {
        socket.connect(&worker.address.into()).unwrap();
    }
    worker.wait_until("it is noticed", |seen| seen.anomalies.len() >= 3);
    assert_eq!(before.get("/").status, 200);
    let pauses = worker.seen.lock().unwrap().anomalies.len();
    assert!(pauses < 10, "{pauses} attempts: accepting does not pause");
    drop(hogs);
    let mut served = 0;
    for socket in sockets {
        let mut wire = Wire::from(std::net::TcpStream::from(socket));
        if wire.try_send("GET /status/200 HTTP/1.1\r\nHost: a\r\n\r\n") && wire.exactly_or_end(12).is_some() {
            served += 1;
        }
    }
    let seen = worker.stopped();
    assert!(seen.anomalies.iter().all(|reason| *reason == "descriptors"));
    // One was shed with every attempt, the others were served in the end.
    assert!(served >= CLIENTS - seen.anomalies.len() && served < CLIENTS, "{served} {:?}", seen.anomalies);
}

#[test]
fn tunnel_of_which_one_side_has_ended_does_not_stay_for_ever() {
    let mut settings = Settings::default();
    settings.pace.idle = Duration::from_millis(300);
    let worker = Worker::with(settings, None);
    let mut wire = worker.connect();
    let upgrade = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    wire.send(format!("GET /farewell HTTP/1.1\r\n{upgrade}")).until("bye");
    // We hear the end and say nothing.
    assert!(wire.is_closed());
    worker.wait_until("the connection ends", |seen| seen.closed.len() == 1);
}

#[test]
fn drain_lets_idle_connections_go_and_finishes_the_others() {
    let mut worker = Worker::start();
    let mut idle = worker.connect();
    assert_eq!(idle.get("/").status, 200);
    let mut kept = worker.connect();
    assert_eq!(kept.get("/").status, 200);
    let mut busy = worker.connect();
    busy.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbo");
    worker.wait_until("the call arrives", |seen| seen.targets.len() == 3);
    worker.drain(Duration::from_secs(30));
    // Whoever is about to ask is answered, and told to go.
    let answer = kept.get("/");
    assert_eq!((answer.status, answer.field("connection")), (200, Some("close")));
    assert!(kept.is_closed());
    assert!(idle.is_closed());
    let answer = busy.send("dy").answer();
    assert_eq!((answer.status, answer.field("connection")), (200, Some("close")));
    assert!(busy.is_closed());
    let begin = Instant::now();
    let address = worker.address;
    let seen = worker.stopped();
    assert!(begin.elapsed() < Duration::from_secs(3), "nothing is left to wait for");
    assert_eq!((seen.opened.len(), seen.closed.len()), (3, 3));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn drain_ends_what_does_not_end_by_itself() {
    let mut worker = Worker::start();
    let mut stuck = worker.connect();
    stuck.send("GET /hang HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut tunnel = worker.connect();
    let upgrade = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    tunnel.send(format!("GET /tunnel HTTP/1.1\r\n{upgrade}")).until("hello");
    worker.wait_until("the calls arrive", |seen| seen.targets.len() == 2);
    worker.drain(Duration::from_millis(200));
    // Open until the time is up.
    tunnel.send("still").until("STILL");
    let seen = worker.stopped();
    assert_eq!(seen.cancelled, 1);
    assert!(stuck.rest().unwrap_or_default().is_empty());
    assert!(tunnel.rest().unwrap_or_default().is_empty());
}
