//! Known packets in, known figures out, in every mode.

use gateway_datapath::{Binding, Counters, Datapath, DatapathSettings, Ingress, ListenerSpec, Runs, Tier};

use crate::frames::{ACK, SYN, TCP, UDP, ethernet, fragment_v6, ipv4, ipv6, tagged, tcp, udp};
use gateway_tests::namespaces::{GATEWAY_INTERFACE, World, counters_when};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const QINQ: u16 = 0x88a8;
const PORT: u16 = 8080;
const ELSEWHERE: u16 = 9999;

pub fn listener(name: &str, address: &str, ports: std::ops::RangeInclusive<u16>) -> ListenerSpec<'static> {
    let bindings = vec![Binding { address: address.parse().unwrap(), ports }];
    ListenerSpec { name: name.to_owned(), bindings, workers: Vec::new() }
}

pub fn settings(xdp: Ingress) -> DatapathSettings {
    DatapathSettings { xdp, ..DatapathSettings::default() }
}

/// Frame, how often, whose, protocol, verdict.
type Row = (Vec<u8>, u64, &'static str, &'static str, &'static str);

fn table() -> Vec<Row> {
    let data = [7; 100];
    let six = |extensions: &[u8], protocol, payload: &[u8]| ipv6(protocol, extensions, payload);
    vec![
        (ethernet(IPV4, &ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[]))), 3, "http", "tcp", "pass"),
        (ethernet(IPV4, &ipv4(TCP, 10, 0, &tcp(PORT, ACK, &data))), 2, "http", "tcp", "pass"),
        (ethernet(IPV6, &six(&[], TCP, &tcp(PORT, SYN, &[]))), 4, "http", "tcp", "pass"),
        (ethernet(IPV6, &six(&[0, 60, 43, 60], TCP, &tcp(PORT, ACK, &data))), 1, "http", "tcp", "pass"),
        (ethernet(IPV4, &ipv4(UDP, 0, 0, &udp(PORT, &data))), 5, "http", "udp", "pass"),
        (ethernet(IPV6, &six(&[60], UDP, &udp(PORT, &[]))), 2, "http", "udp", "pass"),
        (tagged(&[(VLAN, 5)], IPV4, &ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[]))), 2, "http", "tcp", "pass"),
        (tagged(&[(QINQ, 5), (VLAN, 6)], IPV6, &six(&[], UDP, &udp(PORT, &data))), 3, "http", "udp", "pass"),
        // First fragment (with its ports) and a later one.
        (ethernet(IPV4, &ipv4(UDP, 0, 0x2000, &udp(PORT, &data))), 1, "other", "udp", "fragment"),
        (ethernet(IPV4, &ipv4(TCP, 0, 0x0010, &data)), 2, "other", "tcp", "fragment"),
        (ethernet(IPV6, &fragment_v6(UDP, 0x0001, &udp(PORT, &data))), 1, "other", "udp", "fragment"),
        // A fragment header is one, even if all of the packet is there.
        (ethernet(IPV6, &fragment_v6(UDP, 0, &udp(PORT, &data))), 1, "other", "udp", "fragment"),
        (ethernet(IPV4, &ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[]))[..30]), 2, "other", "tcp", "unparsed"),
        (ethernet(IPV6, &six(&[60; 5], TCP, &tcp(PORT, SYN, &[]))), 1, "other", "other", "unparsed"),
        (ethernet(IPV4, &ipv4(TCP, 0, 0, &tcp(ELSEWHERE, SYN, &[]))), 6, "other", "tcp", "pass"),
    ]
}

fn send_all(world: &World, table: &[Row]) {
    for (frame, times, ..) in table {
        world.send(&vec![frame.clone(); *times as usize]);
    }
}

/// Packets and bytes that the table makes for one slot.
fn expected(table: &[Row], listener: &str, protocol: &str, verdict: &str) -> (u64, u64) {
    let of_slot = table.iter().filter(|row| (row.2, row.3, row.4) == (listener, protocol, verdict));
    of_slot.fold((0, 0), |sum, row| (sum.0 + row.1, sum.1 + row.1 * row.0.len() as u64))
}

const SLOTS: [(&str, &str, &str); 7] = [
    ("http", "tcp", "pass"),
    ("http", "udp", "pass"),
    ("other", "tcp", "pass"),
    ("other", "udp", "fragment"),
    ("other", "tcp", "fragment"),
    ("other", "tcp", "unparsed"),
    ("other", "other", "unparsed"),
];

fn figures(counters: &Counters, slot: (&str, &str, &str)) -> (u64, u64) {
    counters.listener(slot.0).map_or((0, 0), |one| one.of("in", slot.1, slot.2))
}

fn ingress_of(datapath: &Datapath) -> Ingress {
    let status = datapath.status();
    let [interface] = status.interfaces.as_slice() else { panic!("one interface: {status:?}") };
    assert_eq!(interface.name, GATEWAY_INTERFACE);
    interface.ingress
}

fn counts_exactly(setting: Ingress, used: Ingress) {
    let Some(world) = World::attaching(used) else { return };
    let datapath = world.start(&settings(setting), &[listener("http", "::", PORT..=PORT)]);
    assert_eq!(ingress_of(&datapath), used);
    let table = table();
    send_all(&world, &table);
    let all_in = |counters: &Counters| {
        SLOTS.iter().all(|slot| figures(counters, *slot) == expected(&table, slot.0, slot.1, slot.2))
    };
    let counters = counters_when(&datapath, all_in);
    for slot in SLOTS {
        assert_eq!(figures(&counters, slot), expected(&table, slot.0, slot.1, slot.2), "{slot:?}");
    }
    let http = counters.listener("http").unwrap();
    assert_eq!((http.segments_in.syn, http.segments_in.fin, http.segments_in.rst), (9, 0, 0));
    assert_eq!(http.total("out"), (0, 0), "wrong checksums are not answered");
}

/// Runs of the programs are counted on request, and what the kernel offers is told.
#[test]
fn counting_runs_of_programs_on_request() {
    let Some(world) = World::new() else { return };
    for statistics in [false, true] {
        let settings = DatapathSettings { statistics, ..settings(Ingress::Native) };
        let datapath = world.start(&settings, &[listener("http", "::", PORT..=PORT)]);
        let packet = ethernet(IPV4, &ipv4(UDP, 0, 0, &udp(PORT, &[1; 8])));
        world.send(&vec![packet; 100]);
        let status = datapath.status();
        assert!(status.tier >= Tier::T3, "{:?}", status.tier);
        let runs = |name: &str| status.programs.iter().find(|one| one.name == name).and_then(|one| one.runs);
        let Some(Runs { count, nanoseconds }) = runs("gw_ingress") else {
            assert!(!statistics, "{:?}", status.refused);
            continue;
        };
        assert!(statistics && count >= 100 && nanoseconds > count, "{count} runs, {nanoseconds} ns");
        assert_eq!(runs("gw_ingress_tc").map(|runs| runs.count), Some(0));
    }
}

#[test]
fn counting_native_xdp_is_exact() {
    counts_exactly(Ingress::Native, Ingress::Native);
}

#[test]
fn counting_generic_xdp_is_exact() {
    counts_exactly(Ingress::Generic, Ingress::Generic);
}

#[test]
fn counting_tcx_is_exact() {
    counts_exactly(Ingress::Tcx, Ingress::Tcx);
}

#[test]
fn counting_auto_on_veth_takes_tcx() {
    counts_exactly(Ingress::Auto, Ingress::Tcx);
}

#[test]
fn counting_off_attaches_nothing() {
    let Some(world) = World::new() else { return };
    let datapath = world.start(&settings(Ingress::Off), &[listener("http", "::", PORT..=PORT)]);
    assert_eq!(ingress_of(&datapath), Ingress::Off);
    let table = table();
    send_all(&world, &table);
    assert!(SLOTS.iter().all(|slot| figures(&datapath.counters(), *slot) == (0, 0)));
}

#[test]
fn counting_two_listeners_on_one_port_go_by_address() {
    let Some(world) = World::new() else { return };
    let listeners = [
        listener("four", gateway_tests::namespaces::GATEWAY_V4, PORT..=PORT),
        listener("six", gateway_tests::namespaces::GATEWAY_V6, PORT..=PORT),
    ];
    let datapath = world.start(&settings(Ingress::Native), &listeners);
    let four = ethernet(IPV4, &ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])));
    let six = ethernet(IPV6, &ipv6(TCP, &[], &tcp(PORT, SYN, &[])));
    world.send(&[four.clone(), four.clone(), six.clone()]);
    let slots = [("four", "tcp", "pass"), ("six", "tcp", "pass")];
    let expected = [(2, 2 * four.len() as u64), (1, six.len() as u64)];
    let counters = counters_when(&datapath, |counters| slots.map(|slot| figures(counters, slot)) == expected);
    assert_eq!(slots.map(|slot| figures(&counters, slot)), expected);
}

#[test]
fn counting_after_the_kill_switch_stands_still() {
    let Some(world) = World::new() else { return };
    let datapath = world.start(&settings(Ingress::Native), &[listener("http", "::", PORT..=PORT)]);
    let frame = ethernet(IPV4, &ipv4(TCP, 0, 0, &tcp(PORT, SYN, &[])));
    let slot = ("http", "tcp", "pass");
    world.send(std::slice::from_ref(&frame));
    counters_when(&datapath, |counters| figures(counters, slot).0 == 1);
    datapath.set_enabled(false).unwrap();
    assert!(!datapath.status().enabled);
    world.send(&vec![frame.clone(); 5]);
    datapath.set_enabled(true).unwrap();
    world.send(std::slice::from_ref(&frame));
    let counters = counters_when(&datapath, |counters| figures(counters, slot).0 == 2);
    assert_eq!(figures(&counters, slot), (2, 2 * frame.len() as u64));
}
