//! Packets for a virtual address that do not fit on the way to its member: what their sender is told (E-08).

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd as _;
use std::time::{Duration, Instant};

use gateway_datapath::{BalanceSettings, Datapath, DatapathSettings, Ingress};
use nix::sys::socket::{MsgFlags, recv};

use crate::balancing::{PORT, Site, VIP_V4, VIP_V6, every_mode, segment};
use crate::counting::listener;
use crate::frames::{ACK, TCP, ethernet, fragment_v6, from_v4, from_v6, ipv4, tcp, to_v4, to_v6};
use gateway_tests::namespaces::{
    CLIENT_INTERFACE, CLIENT_MAC, GATEWAY_INTERFACE, GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6, Namespace, World,
    modes,
};
use gateway_tests::process::installed;

/// Sent, each taking longer than this to arrive: the test has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn vip(v6: bool) -> &'static str {
    if v6 { VIP_V6 } else { VIP_V4 }
}

fn end(v6: bool) -> String {
    if v6 { format!("[{VIP_V6}]:{PORT}") } else { format!("{VIP_V4}:{PORT}") }
}

/// The next message of ICMP that comes from a virtual address, from its IP header on.
fn answer(site: &Site) -> Vec<u8> {
    loop {
        let mut frame = vec![0; 70_000];
        let length = recv(site.ear.as_raw_fd(), &mut frame, MsgFlags::empty()).expect("an answer");
        frame.truncate(length);
        if frame[..12] != [CLIENT_MAC, GATEWAY_MAC].concat() {
            continue;
        }
        match (&frame[12..14], frame[14] >> 4, frame[23], frame[20]) {
            ([8, 0], 4, 1, _) | ([0x86, 0xdd], 6, _, 58) => return frame.split_off(14),
            _ => {}
        }
    }
}

/// RFC 1071.
fn adds_up(parts: &[&[u8]]) -> bool {
    let bytes = parts.concat();
    let sum: u64 = bytes.chunks(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(pair[1])).sum();
    sum != 0 && sum.is_multiple_of(0xffff)
}

/// In every mode with each family.
fn for_each_site(check: impl Fn(&Site, Ingress, bool)) {
    for xdp in every_mode() {
        let Some(site) = Site::new(xdp) else { return };
        check(&site, xdp, false);
        check(&site, xdp, true);
    }
}

/// A segment that is one byte too long, and what its sender is told.
#[test]
fn too_long_packet_is_answered_with_what_fits() {
    for_each_site(|site, xdp, v6| {
        let envelope = if v6 { 40 } else { 20 };
        let header = envelope + 20;
        let [fits, long] = [0, 1].map(|more| segment(v6, 0, ACK, &vec![7; 1500 - envelope - header + more]));
        site.world.send(&[fits, long.clone()]);
        let answer = answer(site);
        let (head, quoted) = if v6 { (48, 1232) } else { (28, 548) };
        assert_eq!(&answer[head..], &long[14..][..quoted], "{xdp}: as much as may be");
        if v6 {
            assert_eq!((&answer[8..24], &answer[24..40]), (&long[38..54], &long[22..38]), "{xdp}");
            assert_eq!(
                (&answer[40..42], &answer[44..48]),
                (&[2, 0][..], &[0, 0, 5, 0xb4][..]),
                "{xdp}: 1460"
            );
            assert!(adds_up(&[&answer[8..40], &[0, 0, 4, 0xd8, 0, 0, 0, 58], &answer[40..]]), "{xdp}");
        } else {
            assert_eq!((&answer[12..16], &answer[16..20]), (&long[30..34], &long[26..30]), "{xdp}");
            assert_eq!(&answer[20..22], &[3, 4], "{xdp}");
            assert_eq!(&answer[24..28], &[0, 0, 5, 0xc8], "{xdp}: 1480");
            assert!(adds_up(&[&answer[..20]]) && adds_up(&[&answer[20..]]), "{xdp}");
        }
        let counts = site.counts(&end(v6));
        assert_eq!(
            (counts.told, counts.too_long, counts.new, counts.known),
            (1, 0, 1, 1),
            "{xdp}: {counts:?}"
        );
    });
}

/// RFC 1812 §4.3.2.7, RFC 4443 §2.4 e: no answer to an error, to a later piece, to what no host has sent.
#[test]
fn too_long_packet_that_has_no_sender_is_dropped_and_counted() {
    for_each_site(|site, xdp, v6| {
        let data = [5; 1470];
        let mut first = tcp(PORT, ACK, &data[..200]);
        first[..2].copy_from_slice(&20_000_u16.to_be_bytes());
        let pieces: Vec<_> = [(0x2000, &first[..]), (0x20, &data[..if v6 { 1448 } else { 1470 }])]
            .map(|(field, payload)| {
                if v6 {
                    let field = if field == 0x20 { 0x20 << 3 } else { 1 };
                    let packet = from_v6("2001:db8:7::1", fragment_v6(TCP, field, payload));
                    ethernet(0x86dd, &to_v6(VIP_V6, packet))
                } else {
                    ethernet(0x0800, &to_v4(VIP_V4, from_v4("198.51.100.7", ipv4(TCP, 0, field, payload))))
                }
            })
            .into();
        let mut nobody = segment(v6, 0, ACK, &vec![7; if v6 { 1440 } else { 1460 }]);
        if v6 {
            nobody[22] = 0xff;
        } else {
            let packet = from_v4("224.0.0.1", nobody.split_off(14));
            nobody.extend(packet);
        }
        site.world.send(&pieces);
        site.world.send(&[nobody]);
        // Were the others answered, it would have been before this one.
        let last = segment(v6, 3, ACK, &vec![1; if v6 { 1430 } else { 1450 }]);
        site.world.send(std::slice::from_ref(&last));
        let answer = answer(site);
        assert!(answer.windows(8).any(|window| *window == last[if v6 { 54 } else { 34 }..][..8]), "{xdp}");
        let counts = site.counts(&end(v6));
        assert_eq!((counts.told, counts.too_long), (1, 2), "{xdp}: {counts:?}");
        assert!(counts.fragments == 1, "{xdp}: {counts:?}");
    });
}

/// A flood of what is too long makes no flood of answers.
#[test]
fn too_long_packets_are_answered_up_to_a_rate() {
    let Some(site) = Site::new(Ingress::Native) else { return };
    let long = segment(false, 0, ACK, &[7; 1460]);
    let start = Instant::now();
    site.world.send(&vec![long; 6000]);
    let seconds = start.elapsed().as_secs() + 2;
    let counts = site.counts(&end(false));
    assert_eq!(counts.told + counts.too_long, 6000, "{counts:?}");
    assert!(counts.told >= 1000, "{counts:?}");
    let cpus = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    assert!(counts.told <= 1000 * seconds * cpus, "{counts:?}");
}

const MEMBER_INTERFACE: &str = "mb1";
const MEMBERS_INTERFACE: &str = "mb0";
const MEMBER_V4: &str = "10.9.0.11";
const MEMBER_V6: &str = "fd09::11";
const BALANCER_V4: &str = "10.9.0.2";
const BALANCER_V6: &str = "fd09::2";
const MEMBER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 4];
const BALANCER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 3];

/// A client, a balancer, and a member on another network. All ways take 1500 bytes.
struct Upload {
    world: World,
    member: Namespace,
    datapaths: [Datapath; 3],
}

impl Upload {
    fn new(xdp: Ingress) -> Option<Self> {
        let world = World::new()?;
        let member = Namespace::new();
        member.ip("link set lo up");
        world.gateway.ip(&format!(
            "link add {MEMBERS_INTERFACE} address {} type veth peer name {MEMBER_INTERFACE} address {} netns {}",
            mac(BALANCER_MAC),
            mac(MEMBER_MAC),
            member.path()
        ));
        world.address(&world.gateway, MEMBERS_INTERFACE, [BALANCER_V4, BALANCER_V6]);
        world.address(&member, MEMBER_INTERFACE, [MEMBER_V4, MEMBER_V6]);
        world.meet(&world.gateway, MEMBERS_INTERFACE, [MEMBER_V4, MEMBER_V6], MEMBER_MAC);
        world.meet(&member, MEMBER_INTERFACE, [BALANCER_V4, BALANCER_V6], BALANCER_MAC);
        for (vip, bits, from, client) in
            [(VIP_V4, 32, BALANCER_V4, GATEWAY_V4), (VIP_V6, 128, BALANCER_V6, GATEWAY_V6)]
        {
            member.ip(&format!("address add {vip}/{bits} dev lo"));
            member.ip(&format!("route add default via {from}"));
            world.client.ip(&format!("route add {vip}/{bits} via {client}"));
        }
        // Answers go through the balancer's host as through any router.
        world.gateway.run(|| {
            for (file, value) in [
                ("ipv4/ip_forward", "1"),
                ("ipv6/conf/all/forwarding", "1"),
                ("ipv4/conf/all/rp_filter", "0"),
                ("ipv4/conf/mb0/rp_filter", "0"),
            ] {
                fs::write(format!("/proc/sys/net/{file}"), value).expect(file);
            }
        });
        // As on a wire: whole checksums, and no segments that are cut later.
        world.client.call("ethtool", &format!("--offload {CLIENT_INTERFACE} tx off"));
        let addresses = [(VIP_V4, MEMBER_V4), (VIP_V6, MEMBER_V6)].map(|(vip, member)| {
            let vip = if vip.contains(':') { format!("[{vip}]") } else { vip.to_owned() };
            format!("{vip}:{PORT} = {member}").parse().unwrap()
        });
        let only = |interface: &str| Some(vec![interface.to_owned()]);
        let balancing = DatapathSettings {
            xdp,
            interfaces: only(GATEWAY_INTERFACE),
            balance: BalanceSettings { addresses: addresses.into(), ..BalanceSettings::default() },
            ..DatapathSettings::default()
        };
        let accept = [BALANCER_V4, BALANCER_V6].map(|text| text.parse().unwrap()).to_vec();
        let unpacking = DatapathSettings {
            xdp,
            interfaces: only(MEMBER_INTERFACE),
            balance: BalanceSettings { accept, ..BalanceSettings::default() },
            ..DatapathSettings::default()
        };
        let passing =
            DatapathSettings { xdp, interfaces: only(CLIENT_INTERFACE), ..DatapathSettings::default() };
        let nobody = [listener("none", "::", 1..=1)];
        let start = |namespace: &Namespace, settings: &DatapathSettings| {
            namespace.run(|| Datapath::start(settings, &nobody)).expect("a datapath")
        };
        let datapaths = [
            start(&world.gateway, &balancing),
            start(&member, &unpacking),
            // What XDP sends out of a veth arrives only where the other end runs XDP, too.
            start(&world.client, &passing),
        ];
        Some(Self { world, member, datapaths })
    }

    /// Sends bytes to a virtual address; what has arrived.
    fn send(&self, v6: bool, bytes: &[u8]) -> Vec<u8> {
        let address: SocketAddr = end(v6).parse().unwrap();
        let server = self.member.run(|| TcpListener::bind(address)).expect("the member's socket");
        std::thread::scope(|scope| {
            let received = scope.spawn(|| {
                let (mut stream, _) = server.accept().expect("a connection");
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                let mut received = Vec::new();
                stream.read_to_end(&mut received).expect("all that was sent");
                received
            });
            let stream = self.world.client.run(|| TcpStream::connect_timeout(&address, PATIENCE));
            let mut stream = stream.expect("a connection");
            stream.set_write_timeout(Some(PATIENCE)).unwrap();
            stream.write_all(bytes).expect("sending");
            stream.shutdown(Shutdown::Write).unwrap();
            received.join().expect("the member's end")
        })
    }
}

fn mac(address: [u8; 6]) -> String {
    address.map(|byte| format!("{byte:02x}")).join(":")
}

/// Everybody has 1500 bytes, and nobody was told to send less.
#[test]
fn too_long_upload_learns_what_fits_and_arrives() {
    if installed("ethtool").is_none() {
        return;
    }
    for xdp in modes(&[Ingress::Native, Ingress::Tcx]) {
        let Some(upload) = Upload::new(xdp) else { return };
        let bytes: Vec<u8> =
            (0..1_000_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for (v6, fits) in [(false, 1480), (true, 1460)] {
            assert!(upload.send(v6, &bytes) == bytes, "{xdp} {}", vip(v6));
            let route = upload.world.client.ip(&format!("route get {}", vip(v6)));
            assert!(route.contains(&format!("mtu {fits}")), "{xdp}: {route}");
            let counters = upload.datapaths[0].counters();
            let count = counters.balance.iter().find(|one| one.address == end(v6)).expect("the address");
            assert!(count.told > 0 && count.too_long == 0, "{xdp}: {count:?}");
        }
    }
}
