//! Packets for a virtual address: what goes to which member, byte by byte, in every mode.
//!
//! The members are addresses at the client's end, so that a packet for one of them comes back in another.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use gateway_datapath::{Answer, BalanceCount, BalanceSettings, Datapath, DatapathSettings, Ingress, Mode};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, setsockopt, socket,
    sockopt::ReceiveTimeout,
};
use nix::sys::time::{TimeVal, TimeValLike as _};

use crate::counting::listener;
use crate::frames::{
    ACK, SYN, TCP, UDP, ethernet, fragment_v6, from_v4, from_v6, ipv4, ipv6, tagged, tcp, to_v4, to_v6, udp,
};
use gateway_tests::namespaces::{
    CLIENT_INTERFACE, CLIENT_MAC, GATEWAY_INTERFACE, GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6, World,
    counters_when, modes,
};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
pub const PORT: u16 = 443;
pub const VIP_V4: &str = "203.0.113.10";
pub const VIP_V6: &str = "2001:db8:99::10";
const MEMBERS_V4: [&str; 3] = ["192.0.2.101", "192.0.2.102", "192.0.2.103"];
const MEMBERS_V6: [&str; 3] = ["2001:db8::101", "2001:db8::102", "2001:db8::103"];
const EVERY_MODE: [Ingress; 3] = [Ingress::Native, Ingress::Generic, Ingress::Tcx];

/// Frames that are on their way at once.
const AT_ONCE: usize = 32;

pub fn every_mode() -> Vec<Ingress> {
    modes(&EVERY_MODE)
}

/// In every mode with each family.
fn every_mode_and_family() -> Vec<(Ingress, bool)> {
    every_mode().into_iter().flat_map(|xdp| [(xdp, false), (xdp, true)]).collect()
}

pub struct Site {
    pub world: World,
    pub datapath: Datapath,
    /// What XDP sends out of a veth arrives only where the other end runs XDP, too.
    _peer: Datapath,
    /// Hears what comes back.
    pub ear: OwnedFd,
}

fn settings(xdp: Ingress) -> DatapathSettings {
    let addresses = [
        format!("{VIP_V4}:{PORT} = {}", MEMBERS_V4.join(" ")),
        format!("[{VIP_V6}]:{PORT} = {}", MEMBERS_V6.join(" ")),
        format!("{VIP_V4}:53/udp = {} {}*0", MEMBERS_V4[0], MEMBERS_V4[1]),
    ];
    let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect();
    let balance = BalanceSettings { addresses, ..BalanceSettings::default() };
    DatapathSettings { xdp, balance, ..DatapathSettings::default() }
}

impl Site {
    pub fn new(xdp: Ingress) -> Option<Self> {
        Self::with(&settings(xdp))
    }

    fn with(settings: &DatapathSettings) -> Option<Self> {
        let world = World::new()?;
        for (four, six) in MEMBERS_V4.iter().zip(MEMBERS_V6) {
            world.meet(&world.gateway, GATEWAY_INTERFACE, [four, six], CLIENT_MAC);
        }
        let datapath = world.start(settings, &[listener("http", "::", 8080..=8080)]);
        let interfaces = Some(vec![CLIENT_INTERFACE.to_owned()]);
        let passing = DatapathSettings { xdp: Ingress::Native, interfaces, ..DatapathSettings::default() };
        let peer = world.client.run(|| Datapath::start(&passing, &[listener("none", "::", 1..=1)])).unwrap();
        let ear = world.client.run(|| {
            let flags = SockFlag::SOCK_CLOEXEC;
            socket(AddressFamily::Packet, SockType::Raw, flags, SockProtocol::EthAll).unwrap()
        });
        setsockopt(&ear, ReceiveTimeout, &TimeVal::seconds(10)).unwrap();
        Some(Self { world, datapath, _peer: peer, ear })
    }

    /// Sends frames; the packets in packets that come back, as many as are `expected`: a few at a time, so that all have
    /// room in the socket.
    pub fn pass(&self, frames: &[Vec<u8>], expected: usize) -> Vec<Enveloped> {
        if frames.len() == expected && expected > AT_ONCE {
            return frames.chunks(AT_ONCE).flat_map(|part| self.pass(part, part.len())).collect();
        }
        self.world.send(frames);
        let mut found = Vec::new();
        while found.len() < expected {
            let mut frame = vec![0; 70_000];
            let length = recv(self.ear.as_raw_fd(), &mut frame, MsgFlags::empty())
                .unwrap_or_else(|error| panic!("{} of {expected} came back: {error}", found.len()));
            found.extend(Enveloped::read(&frame[..length]));
        }
        found
    }

    pub fn counts(&self, address: &str) -> BalanceCount {
        let counters = self.datapath.counters();
        counters.balance.into_iter().find(|one| one.address == address).expect("the virtual address")
    }

    fn hear(&self, member: &str, answer: Answer, times: usize) {
        for _ in 0..times {
            self.datapath.hear(member.parse().unwrap(), answer);
        }
    }
}

/// A packet that came back in another.
#[derive(Debug, PartialEq, Eq)]
pub struct Enveloped {
    from: IpAddr,
    to: IpAddr,
    /// The packet inside, from its IP header on; padding of the frame behind it is gone.
    pub inner: Vec<u8>,
}

impl Enveloped {
    /// `None` for anything else.
    fn read(frame: &[u8]) -> Option<Self> {
        if frame[..12] != [CLIENT_MAC, GATEWAY_MAC].concat() {
            return None;
        }
        let packet = &frame[14..];
        let address = |at: usize, bytes: usize| -> IpAddr {
            match bytes {
                4 => IpAddr::from(<[u8; 4]>::try_from(&packet[at..at + 4]).unwrap()),
                _ => IpAddr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).unwrap()),
            }
        };
        let number = |at: usize| usize::from(u16::from_be_bytes([packet[at], packet[at + 1]]));
        let (header, length, from, to) = match (&frame[12..14], packet[0] >> 4) {
            ([8, 0], 4) if packet[9] == 4 => {
                let words = packet[..20].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
                let sum: u32 = words.sum();
                assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff, "the outer checksum");
                (20, number(2), address(12, 4), address(16, 4))
            }
            ([0x86, 0xdd], 6) if packet[6] == 41 => (40, number(4) + 40, address(8, 16), address(24, 16)),
            _ => return None,
        };
        Some(Self { from, to, inner: packet[header..length].to_vec() })
    }
}

/// A segment of the flow with that number.
pub fn segment(v6: bool, flow: u16, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut segment = tcp(PORT, flags, data);
    segment[..2].copy_from_slice(&(20_000 + flow).to_be_bytes());
    if v6 {
        let source = format!("2001:db8:7::{flow:x}");
        ethernet(IPV6, &to_v6(VIP_V6, from_v6(&source, ipv6(TCP, &[], &segment))))
    } else {
        let source = format!("198.51.100.{}", flow % 250);
        ethernet(IPV4, &to_v4(VIP_V4, from_v4(&source, ipv4(TCP, usize::from(flow % 3), 0, &segment))))
    }
}

fn port_of(one: &Enveloped) -> u16 {
    let at = if one.inner[0] >> 4 == 4 { usize::from(one.inner[0] & 0xf) * 4 } else { 40 };
    u16::from_be_bytes([one.inner[at], one.inner[at + 1]]) - 20_000
}

/// Opens flows; which member each went to.
fn open(site: &Site, v6: bool, flows: std::ops::Range<u16>) -> BTreeMap<u16, IpAddr> {
    let frames: Vec<_> = flows.map(|flow| segment(v6, flow, SYN, &[])).collect();
    site.pass(&frames, frames.len()).iter().map(|one| (port_of(one), one.to)).collect()
}

/// Where a segment of each open flow goes.
fn go_on(site: &Site, v6: bool, flows: &BTreeMap<u16, IpAddr>) -> BTreeMap<u16, IpAddr> {
    let frames: Vec<_> = flows.keys().map(|flow| segment(v6, *flow, ACK, b"data")).collect();
    site.pass(&frames, frames.len()).iter().map(|one| (port_of(one), one.to)).collect()
}

#[test]
fn balancing_gives_each_flow_to_one_member_unchanged() {
    for (xdp, v6) in every_mode_and_family() {
        let Some(site) = Site::new(xdp) else { return };
        let frames: Vec<_> = (0..100).map(|flow| segment(v6, flow, SYN, &[])).collect();
        let more: Vec<_> = (0..100).map(|flow| segment(v6, flow, ACK, &[7; 1000])).collect();
        let opened = site.pass(&frames, 100);
        let gone_on = site.pass(&more, 100);
        let mut members = BTreeSet::new();
        for ((opened, gone_on), (syn, data)) in opened.iter().zip(&gone_on).zip(frames.iter().zip(&more)) {
            assert_eq!(opened.from.to_string(), if v6 { GATEWAY_V6 } else { GATEWAY_V4 });
            assert_eq!((&opened.inner[..], &gone_on.inner[..]), (&syn[14..], &data[14..]), "{xdp}");
            assert_eq!(opened.to, gone_on.to, "{xdp}");
            members.insert(opened.to.to_string());
        }
        let all = if v6 { MEMBERS_V6 } else { MEMBERS_V4 };
        assert_eq!(members, all.iter().map(ToString::to_string).collect(), "{xdp}");
        let address = if v6 { format!("[{VIP_V6}]:{PORT}") } else { format!("{VIP_V4}:{PORT}") };
        let counts = site.counts(&address);
        assert_eq!((counts.new, counts.known, counts.unremembered), (100, 100, 0), "{xdp}");
        let bytes: usize = frames.iter().chain(&more).map(Vec::len).sum();
        let given = counts.members.iter().fold((0, 0), |sum, one| (sum.0 + one.packets, sum.1 + one.bytes));
        assert_eq!(given, (200, bytes as u64), "{xdp}");
        // The listener that stands for the virtual address counts them, too.
        let counters = site.datapath.counters();
        assert_eq!(counters.listener(&address).unwrap().of("in", "tcp", "pass"), (200, bytes as u64));
    }
}

#[test]
fn balancing_when_members_fail_moves_their_flows_only() {
    for xdp in modes(&[Ingress::Native, Ingress::Tcx]) {
        let v6 = xdp == Ingress::Native;
        let Some(site) = Site::new(xdp) else { return };
        let all = if v6 { MEMBERS_V6 } else { MEMBERS_V4 }.map(|text| text.parse::<IpAddr>().unwrap());
        for member in all {
            site.datapath.hear(member, Answer::Ready);
        }
        let before = open(&site, v6, 0..200);
        let hear = |member: IpAddr, answer, times| site.hear(&member.to_string(), answer, times);
        // Twice is not enough, and then it is.
        hear(all[0], Answer::Unready, 2);
        assert!(open(&site, v6, 200..300).values().any(|to| *to == all[0]));
        hear(all[0], Answer::Unready, 1);
        assert_eq!(go_on(&site, v6, &before), before, "a draining member keeps its flows");
        assert!(open(&site, v6, 300..400).values().all(|to| *to != all[0]), "and gets no new ones");
        assert!(open(&site, v6, 0..100).values().all(|to| *to != all[0]), "a SYN asks the ring");

        let before = open(&site, v6, 1000..1200);
        hear(all[1], Answer::Silent, 3);
        let after = go_on(&site, v6, &before);
        for (flow, to) in &before {
            let expected = if *to == all[1] { all[2] } else { *to };
            assert_eq!(after[flow], expected, "{xdp}: only the flows of who is gone move");
        }
        // None is ready: everything goes where it went.
        hear(all[2], Answer::Silent, 3);
        let status = site.datapath.status();
        let address = status.balance.iter().find(|one| one.address.starts_with('[') == v6).unwrap();
        assert!(address.last_known, "{address:?}");
        assert_eq!(go_on(&site, v6, &after), after);
        assert!(open(&site, v6, 2000..2050).values().all(|to| *to == all[2]));
        hear(all[0], Answer::Ready, 2);
        assert!(open(&site, v6, 3000..3050).values().all(|to| *to == all[0]));
    }
}

/// An error about a packet that the virtual address has sent to the flow's client.
fn icmp_about(v6: bool, flow: u16) -> Vec<u8> {
    let mut answer = tcp(20_000 + flow, ACK, &[]);
    answer[..2].copy_from_slice(&PORT.to_be_bytes());
    if v6 {
        let client = format!("2001:db8:7::{flow:x}");
        let inner = to_v6(&client, from_v6(VIP_V6, ipv6(TCP, &[], &answer)));
        // Packet too big, 1280.
        let error = [&[2, 0, 0, 0, 0, 0, 5, 0], inner.as_slice()].concat();
        ethernet(IPV6, &to_v6(VIP_V6, from_v6("2001:db8:8::1", ipv6(58, &[], &error))))
    } else {
        let client = format!("198.51.100.{}", flow % 250);
        let inner = to_v4(&client, from_v4(VIP_V4, ipv4(TCP, 1, 0x4000, &answer)));
        // Fragmentation needed, 1280; of the segment the first eight bytes (RFC 792).
        let error = [&[3, 4, 0, 0, 0, 0, 5, 0], &inner[..24 + 8]].concat();
        ethernet(IPV4, &to_v4(VIP_V4, from_v4("198.18.0.1", ipv4(1, 2, 0, &error))))
    }
}

#[test]
fn balancing_errors_and_fragments_reach_the_flows_member() {
    for (xdp, v6) in every_mode_and_family() {
        let Some(site) = Site::new(xdp) else { return };
        let flows = open(&site, v6, 0..40);
        let errors: Vec<_> = (0..40).map(|flow| icmp_about(v6, flow)).collect();
        for (flow, one) in (0..40).zip(site.pass(&errors, 40)) {
            assert_eq!((one.to, &one.inner[..]), (flows[&flow], &errors[usize::from(flow)][14..]), "{xdp}");
        }
        // The first piece has the ports, the later ones only the number.
        let (mut pieces, data) = (Vec::new(), [9; 64]);
        for flow in 0..40_u16 {
            let mut first = tcp(PORT, ACK, &data);
            first[..2].copy_from_slice(&(20_000 + flow).to_be_bytes());
            for (field, payload) in [(0x2000_u16, first.as_slice()), (10, &data)] {
                pieces.push(if v6 {
                    let field = if field == 10 { 10 << 3 } else { 1 };
                    let mut packet =
                        from_v6(&format!("2001:db8:7::{flow:x}"), fragment_v6(TCP, field, payload));
                    packet[46..48].copy_from_slice(&flow.to_be_bytes());
                    ethernet(IPV6, &to_v6(VIP_V6, packet))
                } else {
                    let mut packet = ipv4(TCP, 0, field, payload);
                    packet[4..6].copy_from_slice(&flow.to_be_bytes());
                    let packet = from_v4(&format!("198.51.100.{}", flow % 250), packet);
                    ethernet(IPV4, &to_v4(VIP_V4, packet))
                });
            }
        }
        for (at, one) in site.pass(&pieces, 80).into_iter().enumerate() {
            assert_eq!((one.to, &one.inner[..]), (flows[&(at as u16 / 2)], &pieces[at][14..]), "{xdp}");
        }
        let counts = site.counts(&if v6 { format!("[{VIP_V6}]:{PORT}") } else { format!("{VIP_V4}:{PORT}") });
        assert_eq!((counts.errors, counts.fragments, counts.new, counts.known), (40, 40, 40, 40), "{xdp}");
    }
}

#[test]
fn balancing_leaves_to_the_stack_what_it_does_not_know() {
    for xdp in every_mode() {
        let Some(site) = Site::new(xdp) else { return };
        let vip = |packet: Vec<u8>| to_v4(VIP_V4, from_v4("198.51.100.7", packet));
        let unknown_error = {
            let mut error = icmp_about(false, 7);
            // About a packet from another port.
            let at = 14 + 28 + 8 + 24;
            error[at..at + 2].copy_from_slice(&999_u16.to_be_bytes());
            error
        };
        let mut echo = vip(ipv4(1, 0, 0, &[8, 0, 0, 0, 0, 0, 0, 0]));
        echo.truncate(28);
        let frames = [
            ethernet(IPV4, &vip(ipv4(TCP, 0, 0, &tcp(8081, SYN, &[])))),
            ethernet(IPV4, &vip(ipv4(UDP, 0, 0, &udp(PORT, &[1; 30])))),
            ethernet(IPV4, &vip(ipv4(TCP, 0, 0x0010, &[1; 64]))),
            ethernet(IPV4, &vip(ipv4(TCP, 0, 0x2000, &tcp(PORT, SYN, &[])[..8]))),
            ethernet(IPV4, &vip(ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])))[..30]),
            ethernet(IPV4, &to_v4("203.0.113.11", ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])))),
            tagged(&[(0x8100, 5)], IPV4, &vip(ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])))),
            ethernet(IPV4, &echo),
            unknown_error,
        ];
        let last = segment(false, 1, SYN, &[]);
        let all: Vec<_> = frames.iter().cloned().chain([last.clone()]).collect();
        // They would have come back before the last one.
        let [one] = &site.pass(&all, 1)[..] else { panic!("one comes back") };
        assert_eq!(one.inner, last[14..], "{xdp}");
        let counts = site.counts(&format!("{VIP_V4}:{PORT}"));
        assert_eq!((counts.new, counts.known, counts.errors, counts.fragments), (1, 0, 0, 0), "{xdp}");
    }
}

#[test]
fn balancing_datagrams_and_a_member_without_a_share() {
    let Some(site) = Site::new(Ingress::Native) else { return };
    let datagram = |flow: u16| {
        let mut datagram = udp(53, b"question");
        datagram[..2].copy_from_slice(&(20_000 + flow).to_be_bytes());
        ethernet(IPV4, &to_v4(VIP_V4, from_v4("198.51.100.7", ipv4(UDP, 0, 0, &datagram))))
    };
    let frames: Vec<_> = (0..50).chain(0..50).map(datagram).collect();
    assert!(site.pass(&frames, 100).iter().all(|one| one.to.to_string() == MEMBERS_V4[0]));
    let counts = site.counts(&format!("{VIP_V4}:53/udp"));
    assert_eq!((counts.new, counts.known), (50, 50));
}

/// E-08: the stack would reset the connection, so that the packet is dropped, and counted.
#[test]
fn balancing_what_leads_nowhere_is_dropped_and_counted() {
    for xdp in modes(&[Ingress::Native, Ingress::Tcx]) {
        let Some(site) = Site::new(xdp) else { return };
        for member in MEMBERS_V4 {
            site.world.gateway.ip(&format!("neighbour delete {member} dev {GATEWAY_INTERFACE}"));
        }
        site.datapath.tick();
        site.world.send(&[segment(false, 0, ACK, &[])]);
        let gone =
            counters_when(&site.datapath, |counters| counters.balance.iter().any(|one| one.unreachable == 1));
        assert!(gone.balance.iter().any(|one| one.unreachable == 1), "{xdp}");
        let status = site.datapath.status();
        let why = status.balance[0].members[0].unreachable.clone().expect("a reason");
        assert!(!why.is_empty(), "{status:?}");
    }
}

/// E-02, E-03: a table of flows that no kernel makes. What the balancer is not there for stays.
#[test]
fn balancing_that_the_kernel_refuses_leaves_everything_else() {
    let Some(world) = World::new() else { return };
    let mut wanted = settings(Ingress::Native);
    wanted.balance.flows_max = u32::MAX;
    wanted.cookies = Some(1000);
    wanted.sockmap = true;
    let specs = [listener("http", "::", PORT..=PORT)];
    wanted.mode = Mode::Auto;
    let datapath = world.gateway.run(|| Datapath::start(&wanted, &specs)).unwrap();
    let status = datapath.status();
    let why = "virtual addresses: eBPF map FLOWS: ";
    assert!(matches!(&status.refused[..], [line] if line.starts_with(why)), "{status:?}");
    assert_eq!(status.interfaces[0].ingress, Ingress::Native);
    assert!(status.balance.is_empty() && datapath.members().is_empty());
    assert!(datapath.sockmap().is_ok());
    world.send(&[segment(false, 0, ACK, &[])]);
    let counted = counters_when(&datapath, |counters| {
        counters.listener("http").is_some_and(|one| one.total("in").0 > 0)
    });
    assert!(counted.listener("http").is_some_and(|one| one.total("in").0 > 0));
    drop(datapath);

    let required = DatapathSettings { mode: Mode::Required, ..wanted };
    let error = world.gateway.run(|| Datapath::start(&required, &specs)).err().expect("an error").to_string();
    assert!(error.starts_with(&format!("datapath required, but {why}")), "{error}");
}

/// E-10.
#[test]
fn balancing_a_flood_of_new_flows_is_not_remembered_and_old_ones_stay() {
    let mut wanted = settings(Ingress::Native);
    wanted.balance.flows_rate = 1;
    let Some(site) = Site::with(&wanted) else { return };
    let old = open(&site, false, 0..1);
    let flows = open(&site, false, 10..300);
    let counts = site.counts(&format!("{VIP_V4}:{PORT}"));
    assert!(counts.unremembered > 250, "{counts:?}");
    assert_eq!(counts.new + counts.unremembered, 291);
    // What is not remembered goes by the ring, which is as good while nobody leaves.
    assert_eq!(go_on(&site, false, &flows), flows);
    assert_eq!(go_on(&site, false, &old), old);
}

#[test]
fn balancing_takes_flows_over_from_the_process_before() {
    for xdp in every_mode() {
        let Some(site) = Site::new(xdp) else { return };
        let flows = open(&site, false, 0..300);
        let gone: IpAddr = MEMBERS_V4[0].parse().unwrap();
        site.hear(MEMBERS_V4[0], Answer::Unready, 3);
        // The new one has them in another order, with another number, and knows one more.
        let mut wanted = settings(xdp);
        let more =
            format!("{VIP_V4}:{PORT} = 192.0.2.90 {} {} {}", MEMBERS_V4[2], MEMBERS_V4[1], MEMBERS_V4[0]);
        wanted.balance.addresses[0] = more.parse().unwrap();
        let handed = site.datapath.hand_over().unwrap();
        let specs = [listener("http", "::", 8080..=8080)];
        let new = site.world.gateway.run(|| Datapath::take_over(&wanted, &specs, &handed)).unwrap();
        drop(handed);
        let Site { world, datapath, _peer, ear } = site;
        drop(datapath);
        let site = Site { world, datapath: new, _peer, ear };
        assert!(flows.values().any(|to| *to == gone));
        assert_eq!(go_on(&site, false, &flows), flows, "{xdp}");
        let counts = site.counts(&format!("{VIP_V4}:{PORT}"));
        assert_eq!((counts.known, counts.new), (300, 0), "{xdp}");
    }
}

#[test]
fn unpacking_takes_packets_of_balancers_only() {
    for xdp in every_mode() {
        let accept = ["192.0.2.1", "2001:db8::1"].map(|text| text.parse().unwrap()).to_vec();
        let balance = BalanceSettings { accept, ..BalanceSettings::default() };
        let wanted = DatapathSettings { xdp, balance, ..DatapathSettings::default() };
        let Some(site) = Site::with(&wanted) else { return };
        let four = |source: &str| {
            let inner = to_v4(VIP_V4, from_v4("198.51.100.7", ipv4(TCP, 1, 0, &tcp(8080, SYN, &[]))));
            ethernet(IPV4, &from_v4(source, ipv4(4, 0, 0, &inner)))
        };
        let six = |source: &str| {
            let inner = to_v6(VIP_V6, from_v6("2001:db8:7::1", ipv6(TCP, &[], &tcp(8080, SYN, &[]))));
            ethernet(IPV6, &from_v6(source, ipv6(41, &[], &inner)))
        };
        let mut optioned = four("192.0.2.1");
        optioned[14] = 0x46;
        let mine = [four("192.0.2.1"), six("2001:db8::1")];
        site.world.send(&[four("192.0.2.9"), six("2001:db8::9"), optioned]);
        site.world.send(&mine);
        let of_http = |counters: &gateway_datapath::Counters| counters.listener("http").unwrap().total("in");
        let counters = counters_when(&site.datapath, |counters| of_http(counters).0 >= 2);
        let bytes = mine[0].len() - 20 + mine[1].len() - 40;
        assert_eq!(of_http(&counters), (2, bytes as u64), "{xdp}");
    }
}
