//! Floods of SYNs from sources that do not exist (E-10): who is real gets through.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use gateway_datapath::{CookieCounts, Datapath, DatapathSettings, Ingress};
use socket2::{Domain, Protocol, Socket, Type};

use crate::counting::listener;
use crate::frames::{SYN, TCP, answerable, ethernet, from_v4, from_v6, ipv4, ipv6, tcp};
use crate::steering::{connect, spec};
use gateway_tests::namespaces::{CLIENT_INTERFACE, CLIENT_V4, GATEWAY_V4, GATEWAY_V6, World, eventually};

const PORT: u16 = 8080;
/// Bound by nobody: `sk_lookup` finds the listener, also for the question whether its queue overflows.
const STEERED: u16 = 443;
/// Of the listening socket; as many half-open connections fill its queue.
const BACKLOG: i32 = 8;

struct Scene {
    world: World,
    sockets: [TcpListener; 1],
    datapath: Datapath,
    /// What XDP sends out of a veth arrives only where the other end runs XDP, too.
    _peer: Datapath,
}

impl Scene {
    fn new(xdp: Ingress, cookies: Option<u32>) -> Option<Self> {
        let world = World::new()?;
        let sockets = [listen(&world)];
        let bindings = [("::", PORT, PORT), ("::", STEERED, STEERED)];
        let settings = DatapathSettings { xdp, cookies, ..DatapathSettings::default() };
        let datapath = world.start(&settings, &[spec("http", &bindings, &sockets)]);
        let interfaces = Some(vec![CLIENT_INTERFACE.to_owned()]);
        let passing = DatapathSettings { xdp: Ingress::Native, interfaces, ..DatapathSettings::default() };
        let peer = world.client.run(|| Datapath::start(&passing, &[listener("none", "::", 1..=1)])).unwrap();
        Some(Self { world, sockets, datapath, _peer: peer })
    }

    fn cookies(&self) -> CookieCounts {
        self.datapath.counters().listener("http").unwrap().cookies
    }

    /// One connection in earnest, there and back.
    fn talk(&self, to: &str) -> (TcpStream, TcpStream) {
        let near = connect(&self.world, to).expect("a connection");
        let (far, _) = self.sockets[0].accept().unwrap();
        let mut both = (near, far);
        say(&mut both);
        both
    }

    /// Four times as many half-open connections as the queue takes.
    fn flood(&self, v6: bool, round: usize) {
        let frame = |at: usize| {
            let number = (round * 32 + at) % 200 + 10;
            if v6 {
                let source = format!("2001:db8::{number:x}");
                ethernet(0x86dd, &answerable(from_v6(&source, ipv6(TCP, &[], &tcp(PORT, SYN, &[])))))
            } else {
                let source = format!("192.0.2.{number}");
                ethernet(0x0800, &answerable(from_v4(&source, ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])))))
            }
        };
        self.world.send(&(0..32).map(frame).collect::<Vec<_>>());
    }

    /// A figure of the gateway's end that the kernel keeps.
    fn kernel(&self, name: &str) -> u64 {
        let text =
            self.world.gateway.run(|| std::fs::read_to_string("/proc/thread-self/net/netstat").unwrap());
        let mut lines =
            text.lines().filter_map(|line| line.strip_prefix("TcpExt: ")).map(|line| line.split(' '));
        let (mut names, mut values) = (lines.next().unwrap(), lines.next().unwrap());
        let place = names.position(|one| one == name).expect("the kernel's figure");
        values.nth(place).unwrap().parse().unwrap()
    }
}

fn listen(world: &World) -> TcpListener {
    world.gateway.run(|| {
        let address: SocketAddr = SocketAddr::new("::".parse().unwrap(), PORT);
        let socket = Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)).unwrap();
        socket.set_only_v6(false).unwrap();
        socket.bind(&address.into()).unwrap();
        socket.listen(BACKLOG).unwrap();
        socket.into()
    })
}

fn say((near, far): &mut (TcpStream, TcpStream)) {
    let mut heard = [0; 4];
    near.write_all(b"ping").unwrap();
    far.read_exact(&mut heard).unwrap();
    far.write_all(b"pong").unwrap();
    near.read_exact(&mut heard).unwrap();
    assert_eq!(heard, *b"pong");
}

#[test]
fn flood_of_syns_is_answered_and_real_clients_get_through() {
    for (xdp, v6) in [(Ingress::Native, false), (Ingress::Native, true), (Ingress::Generic, false)] {
        let Some(scene) = Scene::new(xdp, Some(1_000_000)) else { return };
        let host = if v6 { format!("[{GATEWAY_V6}]") } else { GATEWAY_V4.to_owned() };
        // In peace nothing is different.
        let mut old = scene.talk(&format!("{host}:{PORT}"));
        scene.talk(&format!("{host}:{STEERED}"));
        assert_eq!(scene.cookies(), CookieCounts::default(), "{xdp}");

        let flooded = eventually(|| {
            scene.flood(v6, 0);
            scene.cookies().flood
        });
        assert!(flooded, "{xdp}: {:?}", scene.cookies());
        let status = scene.datapath.status();
        assert_eq!(status.flooded, ["http"]);
        let answering = status.programs.iter().find(|one| one.name == "gw_cookies").expect("the program");
        assert_eq!(answering.attached, ["called by gw_ingress"]);
        let clients = 20;
        for round in 0..clients {
            scene.flood(v6, round);
            scene.talk(&format!("{host}:{}", if round % 2 == 0 { PORT } else { STEERED }));
            say(&mut old);
        }
        let cookies = scene.cookies();
        // A second may end in between; then a SYN or two find the kernel's own cookies.
        assert!(cookies.sent > 32 * (clients as u64) / 2, "{xdp}: {cookies:?}");
        assert!(cookies.returned > clients as u64 / 2, "{xdp}: {cookies:?}");
        assert_eq!((cookies.failed, cookies.over), (0, 0));
        assert_eq!(scene.kernel("SyncookiesRecv"), clients as u64, "each client came with a cookie");
        assert_eq!(scene.kernel("SyncookiesFailed"), 0);
    }
}

/// The server closes first, so that its end of the connection is in TIME-WAIT; the client takes the same port again. A cookie
/// would be answered by an acknowledgment that the old connection swallows.
#[test]
fn flood_leaves_ports_of_connections_that_have_just_ended_to_the_stack() {
    let Some(scene) = Scene::new(Ingress::Native, Some(1_000_000)) else { return };
    let again = || {
        let near = scene.world.client.run(|| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
            socket.set_reuse_address(true).unwrap();
            socket.bind(&SocketAddr::new(CLIENT_V4.parse().unwrap(), 45_000).into()).unwrap();
            let to = SocketAddr::new(GATEWAY_V4.parse().unwrap(), PORT);
            socket.connect_timeout(&to.into(), Duration::from_secs(10)).expect("a connection");
            socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
            TcpStream::from(socket)
        });
        let (mut near, mut far) = (near, scene.sockets[0].accept().unwrap().0);
        near.write_all(b"ping").unwrap();
        far.read_exact(&mut [0; 4]).unwrap();
        drop(far);
        assert_eq!(near.read(&mut [0; 4]).unwrap(), 0);
    };
    again();
    let flooded = eventually(|| {
        scene.flood(false, 0);
        scene.cookies().flood
    });
    assert!(flooded, "{:?}", scene.cookies());
    for round in 1..20 {
        scene.flood(false, round);
        again();
    }
}

#[test]
fn flood_above_the_limit_of_cookies_is_the_stacks() {
    let Some(scene) = Scene::new(Ingress::Native, Some(1)) else { return };
    let over = eventually(|| {
        scene.flood(false, 0);
        scene.cookies().over > 0
    });
    assert!(over, "{:?}", scene.cookies());
    scene.talk(&format!("{GATEWAY_V4}:{PORT}"));
}

#[test]
fn flood_without_cookies_in_the_kernels_settings_is_the_stacks() {
    let Some(scene) = Scene::new(Ingress::Native, Some(1_000_000)) else { return };
    scene.world.gateway.run(|| std::fs::write("/proc/sys/net/ipv4/tcp_syncookies", "0").unwrap());
    for round in 0..10 {
        scene.flood(false, round);
    }
    assert!(eventually(|| scene.kernel("TCPReqQFullDrop") > 0), "the queue is full");
    assert_eq!(scene.cookies(), CookieCounts::default());
}

#[test]
fn cookies_without_xdp_are_reported() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let settings = DatapathSettings { xdp: Ingress::Tcx, cookies: Some(1000), ..DatapathSettings::default() };
    let datapath = world.start(&settings, &[listener("http", "::", PORT..=PORT)]);
    let refused = &datapath.status().interfaces[0].refused;
    assert_eq!(
        *refused,
        ["SYN cookies on gw0: only XDP sends them, and tcx is in use there (setting datapath.xdp)"]
    );
}
