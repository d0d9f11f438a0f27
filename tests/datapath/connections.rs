//! What `sock_ops` and TC say about real connections.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};

use gateway_datapath::{DatapathSettings, Ingress, rtt_upper_bound};

use crate::steering::{connect, listen, spec};
use gateway_tests::namespaces::{
    CLIENT_MAC, CLIENT_V4, CLIENT_V6, GATEWAY_INTERFACE, GATEWAY_V4, GATEWAY_V6, World, counters_when,
    eventually,
};

const PORT: u16 = 8080;
/// Of what a machine under load disturbs.
const TRIES: usize = 10;
/// Ethernet, IPv4, TCP with time stamps.
const HEADERS: u64 = 14 + 20 + 32;
/// What the options of a SYN take beyond time stamps: segment size, SACK, window scale, rounded up.
const SYN_EXTRA: u64 = 8;

/// One request of `up` bytes and an answer of `down` bytes; then both ends close, the client first.
fn exchange(mut near: TcpStream, mut far: TcpStream, up: usize, down: usize) {
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut request = vec![0; up];
            far.read_exact(&mut request).unwrap();
            far.write_all(&vec![1; down]).unwrap();
            // Waits for the client's end, so that the server closes second.
            assert_eq!(far.read(&mut [0]).unwrap(), 0);
        });
        near.write_all(&vec![2; up]).unwrap();
        near.read_exact(&mut vec![0; down]).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
    });
}

/// Segments that either end has sent again, as a machine under load makes them do.
fn sent_again(world: &World) -> u64 {
    [&world.client, &world.gateway].map(|one| one.run(|| tcp_figure("RetransSegs"))).iter().sum()
}

/// A figure of TCP in this thread's network namespace.
fn tcp_figure(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/net/snmp").unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let place = names.split(' ').position(|one| one == name).unwrap();
    values.split(' ').nth(place).unwrap().parse().unwrap()
}

#[test]
fn connections_bytes_and_flags_are_exact() {
    // Segments that are sent again count, too, and then no sum is known beforehand.
    assert!((0..TRIES).any(|_| counts_exactly()), "segments were sent again each of {TRIES} times");
}

/// False if that cannot be said.
fn counts_exactly() -> bool {
    let Some(world) = World::attaching(Ingress::Tcx) else { return true };
    let sockets = [listen(&world, "::", PORT)];
    let settings = DatapathSettings { xdp: Ingress::Tcx, ..DatapathSettings::default() };
    let datapath = world.start(&settings, &[spec("http", &[("::", PORT, PORT)], &sockets)]);
    let (up, down) = (30_000, 400_000);
    let near = connect(&world, &format!("{GATEWAY_V4}:{PORT}")).unwrap();
    let (far, _) = sockets[0].accept().unwrap();
    exchange(near, far, up, down);
    let closed = |counters: &gateway_datapath::Counters| {
        let http = counters.listener("http").unwrap();
        (http.segments_in.fin, http.segments_out.fin) == (1, 1) && http.connections.closed == 1
    };
    let counters = counters_when(&datapath, closed);
    if sent_again(&world) > 0 {
        return false;
    }
    let http = counters.listener("http").unwrap();
    assert_eq!((http.segments_in.syn, http.segments_in.fin, http.segments_in.rst), (1, 1, 0));
    assert_eq!((http.segments_out.syn, http.segments_out.fin, http.segments_out.rst), (1, 1, 0));
    // Large sends leave as one packet with many segments: each counts with its own headers.
    for (direction, payload) in [("in", up), ("out", down)] {
        let (packets, bytes) = http.of(direction, "tcp", "pass");
        assert_eq!(bytes, payload as u64 + packets * HEADERS + SYN_EXTRA, "{direction}: {packets} packets");
        assert!(packets > (payload / 1500) as u64, "{direction}: {packets} packets");
    }
    true
}

#[test]
fn connections_established_closed_and_round_trips_are_counted() {
    let Some(world) = World::new() else { return };
    let sockets = [listen(&world, "::", PORT)];
    let Some(datapath) = observing(&world, &sockets) else { return };
    for to in
        [format!("{GATEWAY_V4}:{PORT}"), format!("[{GATEWAY_V6}]:{PORT}"), format!("{GATEWAY_V4}:{PORT}")]
    {
        let near = connect(&world, &to).unwrap();
        let (far, _) = sockets[0].accept().unwrap();
        exchange(near, far, 100, 100);
    }
    let last = connect(&world, &format!("{GATEWAY_V4}:{PORT}")).unwrap();
    let counters = counters_when(&datapath, |counters| {
        let http = http(counters);
        // Two maps, one after the other.
        http.connections.closed == 3 && http.durations.classes.iter().sum::<u64>() == 3
    });
    let http = http(&counters);
    assert_eq!((http.connections.established, http.connections.closed), (4, 3));
    assert_eq!(http.connections.retransmits, 0);
    let samples: u64 = http.round_trips.classes.iter().sum();
    assert!(samples >= 3, "one for each answer at least: {samples}");
    let upper: u64 = http
        .round_trips
        .classes
        .iter()
        .enumerate()
        .map(|(class, count)| count * rtt_upper_bound(class).unwrap_or(0))
        .sum();
    let sum = http.round_trips.sum_microseconds;
    assert!(sum < upper && sum * 2 >= upper - samples, "{sum} µs lie in the classes: {:?}", http.round_trips);
    let durations: u64 = http.durations.classes.iter().sum();
    assert_eq!((durations, http.connections.aborted), (3, 0), "{:?}", http.durations);
    // Others' connections in the same control group are none of ours.
    assert_eq!(counters.listener("other").unwrap().connections.established, 0);
    drop(last);
}

fn http(counters: &gateway_datapath::Counters) -> gateway_datapath::ListenerCounters {
    counters.listener("http").unwrap().clone()
}

/// The path over one listener; `None`, said aloud, where `sock_ops` cannot be had.
fn observing(world: &World, sockets: &[TcpListener]) -> Option<gateway_datapath::Datapath> {
    let datapath = world.start(&DatapathSettings::default(), &[spec("http", &[("::", PORT, PORT)], sockets)]);
    let refused = datapath.status().refused.into_iter().find(|line| line.starts_with("sock_ops"));
    if let Some(reason) = &refused {
        eprintln!("SKIPPED: {reason}");
    }
    refused.is_none().then_some(datapath)
}

#[test]
fn connections_that_last_and_are_reset_are_told_apart() {
    let Some(world) = World::new() else { return };
    let sockets = [listen(&world, "::", PORT)];
    let Some(datapath) = observing(&world, &sockets) else { return };
    let near = connect(&world, &format!("{GATEWAY_V4}:{PORT}")).unwrap();
    let _far = sockets[0].accept().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(600));
    gateway_tests::passing::reset(near);
    let counters = counters_when(&datapath, |counters| {
        let http = http(counters);
        http.connections.closed == 1 && http.durations.classes.iter().sum::<u64>() == 1
    });
    let http = http(&counters);
    assert_eq!((http.connections.closed, http.connections.aborted), (1, 1));
    // At least 512 ms, whatever else the machine does.
    let long: u64 = http.durations.classes[10..].iter().sum();
    assert_eq!(long, 1, "{:?}", http.durations);
    assert!(http.durations.sum_milliseconds >= 600, "{:?}", http.durations);
}

#[test]
fn connections_lost_segments_count_as_retransmits() {
    let Some(world) = World::new() else { return };
    let sockets = [listen(&world, "::", PORT)];
    let Some(datapath) = observing(&world, &sockets) else { return };
    let mut near = connect(&world, &format!("{GATEWAY_V4}:{PORT}")).unwrap();
    let (mut far, _) = sockets[0].accept().unwrap();
    // The client's stack throws away what is addressed to another station.
    world.meet(&world.gateway, GATEWAY_INTERFACE, [CLIENT_V4, CLIENT_V6], [2, 0, 0, 0, 0, 9]);
    far.write_all(b"lost").unwrap();
    let retransmits = || datapath.counters().listener("http").unwrap().connections.retransmits;
    assert!(eventually(|| retransmits() >= 2), "{}", retransmits());
    world.meet(&world.gateway, GATEWAY_INTERFACE, [CLIENT_V4, CLIENT_V6], CLIENT_MAC);
    let mut data = [0; 4];
    near.read_exact(&mut data).unwrap();
    assert_eq!(data, *b"lost");
}
