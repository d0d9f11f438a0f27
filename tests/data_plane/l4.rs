//! Connections that pass through: raw TCP and TLS by name, by copy and by `splice(2)`.

mod live;
mod names;

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsRawFd;

use gateway_tests::passing::{End, Ends, connect, read_to_end, reset};
use gateway_tests::process::Process;
use gateway_tests::{Config, Running, Script};
use nix::sys::signal::Signal;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, getsockname, socket};

const ENDED: &str = "gateway_l4_connections_total";
/// Ways that need nothing of the kernel but sockets and pipes.
const WAYS: [&str; 2] = ["copy", "splice"];

fn listen(address: &str) -> TcpListener {
    TcpListener::bind(address).expect("a target")
}

/// A gateway whose only route goes raw to these targets.
fn passing(listener: &str, targets: &str, more: &[(&str, &str)]) -> Running {
    let route = format!("{listener} -> {targets}");
    Running::with(&[&[("net.l4.routes", route.as_str())], more].concat())
}

/// The same with one target, which listens on the same address.
fn with_target(address: &str, more: &[(&str, &str)]) -> (Running, TcpListener) {
    let target = listen(address);
    let gateway = passing(address, &target.local_addr().expect("an address").to_string(), more);
    (gateway, target)
}

#[test]
fn bytes_both_ways_are_the_same_whatever_the_pieces_and_who_closes_first() {
    for way in WAYS {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let (gateway, target) = with_target(address, &[("datapath.splice", way)]);
            for (seed, first) in (1..).zip([End::Client, End::Target, End::Client, End::Target]) {
                connect(gateway.route(), &target).keep_every_byte(first, seed);
            }
            assert!(gateway.comes_to(4, ENDED, &["\"closed\""]), "{way} {address}: 4 end well");
            assert!(gateway.comes_to(0, "gateway_connections_open", &["\"l4\"", "\"tcp\""]));
        }
    }
}

#[test]
fn reset_of_either_side_is_a_reset_of_the_other() {
    for way in WAYS {
        let (gateway, target) = with_target("127.0.0.1:0", &[("datapath.splice", way)]);
        for from in End::BOTH {
            connect(gateway.route(), &target).carry_a_reset(from);
        }
        assert!(gateway.comes_to(2, ENDED, &["\"reset\""]), "{way}: 2 are reset");
    }
}

#[test]
fn slow_reader_holds_the_sender_back() {
    for way in WAYS {
        let (gateway, target) = with_target("127.0.0.1:0", &[("datapath.splice", way)]);
        for reader in End::BOTH {
            connect(gateway.route(), &target).hold_a_sender_back(reader);
        }
    }
}

#[test]
fn bulk_goes_by_splice_unless_the_setting_says_copy() {
    for (way, other) in [("splice", "copy"), ("copy", "splice")] {
        let (gateway, target) = with_target("127.0.0.1:0", &[("datapath.splice", way)]);
        let Ends { mut client, target } = connect(gateway.route(), &target);
        let bulk = vec![b'x'; 8 << 20];
        std::thread::scope(|scope| {
            scope.spawn(|| {
                client.write_all(&bulk).expect("bytes sent");
                client.shutdown(Shutdown::Write).expect("a half-close");
            });
            assert_eq!(read_to_end(&target).len(), bulk.len());
        });
        drop(target);
        assert!(gateway.comes_to(1, ENDED, &["\"closed\""]));
        let moved =
            |way: &str| gateway.metric("gateway_tunnel_bytes_total", &[&format!("way=\"{way}\""), "\"up\""]);
        assert!(moved(way) > moved(other), "{way}: {} against {}", moved(way), moved(other));
        assert!((moved(way) + moved(other) - bulk.len() as f64).abs() < 0.5);
    }
}

/// An address where nothing listens, and nothing else can, as long as the descriptor lives.
fn closed_port() -> (std::os::fd::OwnedFd, u16) {
    let socket =
        socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
    bind(socket.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a port");
    let port = getsockname::<SockaddrIn>(socket.as_raw_fd()).expect("an address").port();
    (socket, port)
}

#[test]
fn target_that_cannot_be_reached_is_passed_over() {
    let (_closed, port) = closed_port();
    let target = listen("127.0.0.1:0");
    let targets = format!("127.0.0.1:{port} localhost:{}", target.local_addr().unwrap().port());
    let gateway = passing("127.0.0.1:0", &targets, &[]);
    connect(gateway.route(), &target).say_hello();
    connect(gateway.route(), &target).say_hello();
}

#[test]
fn no_target_at_all_is_a_reset() {
    let (_closed, port) = closed_port();
    let gateway = passing("127.0.0.1:0", &format!("127.0.0.1:{port}"), &[]);
    let mut client = TcpStream::connect(gateway.route()).expect("a connection");
    let error = client.read(&mut [0; 1]).expect_err("no clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(gateway.comes_to(1, ENDED, &["\"no-target\""]));
}

#[test]
fn proxy_protocol_tells_the_target_of_the_client() {
    for (address, family, length) in [("127.0.0.1:0", 0x11, 12), ("[::1]:0", 0x21, 36)] {
        let target = listen(address);
        let targets = format!("{} proxy-protocol", target.local_addr().unwrap());
        let gateway = passing(address, &targets, &[]);
        let Ends { client, target } = connect(gateway.route(), &target);
        let mut header = vec![0; 16 + length];
        (&target).read_exact(&mut header).expect("a header");
        assert_eq!(&header[..12], b"\r\n\r\n\0\r\nQUIT\n");
        assert_eq!(header[12..16], [0x21, family, 0, length as u8]);
        let ports = [client.local_addr().unwrap().port(), gateway.route().port()];
        assert_eq!(header[12 + length..], ports.map(u16::to_be_bytes).concat());
        Ends { client, target }.say_hello();
    }
}

#[test]
fn connection_without_a_byte_for_too_long_is_reset() {
    let (gateway, target) = with_target("127.0.0.1:0", &[("net.l4.idle.timeout", "1")]);
    let Ends { mut client, target } = connect(gateway.route(), &target);
    let error = client.read(&mut [0; 1]).expect_err("no clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    drop(target);
    assert!(gateway.comes_to(1, ENDED, &["\"idle\""]));
}

#[test]
fn connections_beyond_the_cap_are_reset_and_those_below_stay() {
    let (gateway, target) = with_target("127.0.0.1:0", &[("net.l4.connections.max", "1")]);
    let one = connect(gateway.route(), &target);
    one.say_hello();
    let mut more = TcpStream::connect(gateway.route()).expect("a connection");
    let error = more.read(&mut [0; 1]).expect_err("no clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    one.say_hello();
    reset(one.client);
    assert!((&one.target).read(&mut [0; 1]).is_err());
    assert!(gateway.comes_to(1, ENDED, &["\"limit\""]));
}

#[test]
fn draining_lets_what_is_open_end_and_cuts_it_with_a_reset_at_the_deadline() {
    let target = listen("127.0.0.1:0");
    let route = format!("net.l4.routes=127.0.0.1:0 -> {}", target.local_addr().unwrap());
    let settings =
        ["shutdown.delay=0", "shutdown.timeout=5", &route].map(|setting| ["--set", setting]).concat();
    let mut process = Process::start(&settings);
    let line = process.line_with("\"eventType\":\"RouteListening\"");
    let route = Process::address(&line, "address");
    process.line_with("\"eventType\":\"GatewayListening\"");
    let (ends, stays) = (connect(route, &target), connect(route, &target));
    ends.say_hello();
    process.signal(Signal::SIGTERM);
    process.line_with("\"eventType\":\"GatewayStopping\"");
    ends.say_hello();
    for (one, other) in [(&ends.client, &ends.target), (&ends.target, &ends.client)] {
        one.shutdown(Shutdown::Write).expect("a half-close");
        assert!(read_to_end(other).is_empty());
    }
    let ended = process.line_with("\"eventType\":\"ConnectionPassed\"");
    for part in ["\"result\":\"closed\"", "\"clientIp\":\"127.0.0.1\"", "\"listener\":\"l4-127.0.0.1:0\""] {
        assert!(ended.contains(part), "{part} in {ended}");
    }
    assert!(ended.contains(&format!("\"target\":\"{}\"", target.local_addr().unwrap())), "{ended}");
    let error = (&stays.client).read(&mut [0; 1]).expect_err("no clean end");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert!(process.line_with("\"eventType\":\"ConnectionPassed\"").contains("\"result\":\"cut\""));
    assert_eq!(process.wait(), Some(0));
}

#[test]
fn websocket_between_plain_sockets_is_spliced_and_keeps_early_bytes() {
    const BULK: usize = 4 << 20;
    let backend = Script::start(|client, _| {
        client.through(b"\r\n\r\n").expect("a handshake");
        client.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\nearly down",
        );
        assert_eq!(client.exactly(8).as_deref(), Some(&b"early up"[..]));
        assert_eq!(client.exactly(BULK), Some(vec![b'u'; BULK]));
        client.send(&vec![b'd'; BULK]);
    });
    let config = Config::new();
    let url = backend.url();
    config.file(
        "apis/live/apiInformation.json",
        &format!(
            r#"{{"properties": {{"displayName": "live", "type": "websocket", "path": "live", "protocols": ["ws"],
            "apiRevision": "1", "isCurrent": true, "subscriptionRequired": false, "serviceUrl": "{url}"}}}}"#
        ),
    );
    let gateway = Running::start(config.path(), &[]);
    let mut client = gateway.client();
    client.send(
        b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\nearly up",
    );
    assert_eq!(client.head().map(|head| head.status), Some(101));
    assert_eq!(client.exactly(10).as_deref(), Some(&b"early down"[..]));
    client.send(&vec![b'u'; BULK]);
    assert_eq!(client.exactly(BULK), Some(vec![b'd'; BULK]));
    drop(client);
    assert!(gateway.comes_to(0, "gateway_connections_open", &["\"http\""]));
    for direction in ["\"up\"", "\"down\""] {
        let spliced = gateway.metric("gateway_tunnel_bytes_total", &[direction, "way=\"splice\""]);
        assert!(spliced > 0.0, "{direction}: nothing was spliced");
    }
}

/// A descriptor that nobody closes would show after some connections.
#[test]
fn connections_leave_no_descriptor_behind() {
    let (gateway, target) = with_target("127.0.0.1:0", &[]);
    let open = || std::fs::read_dir("/proc/self/fd").expect("descriptors").count();
    let round = |seed| connect(gateway.route(), &target).keep_every_byte(End::Client, seed);
    round(1);
    assert!(gateway.comes_to(1, ENDED, &["\"closed\""]));
    let before = open();
    (2..12).for_each(round);
    assert!(gateway.comes_to(11, ENDED, &["\"closed\""]));
    // Each worker may have made some pipes that it keeps.
    assert!(open() <= before + 2 * 2 * 8, "{} descriptors, {before} before", open());
}
