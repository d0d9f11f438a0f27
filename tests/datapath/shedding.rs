//! What is dropped, and what never is: known packets in, exact figures out, in every mode.

use std::io::Write as _;
use std::time::Duration;

use gateway_datapath::{
    Action, ConnectionLimit, Counters, Datapath, DatapathSettings, Ingress, List, PacketCount, ShedRequest,
    ShedSettings,
};

use crate::counting::{listener, settings};
use crate::frames::{ACK, FIN, SYN, TCP, UDP, ethernet, fragment_v6, from_v4, from_v6, ipv4, ipv6, tcp, udp};
use gateway_tests::namespaces::{World, counters_when, eventually, modes};

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const PORT: u16 = 8080;
const ELSEWHERE: u16 = 9999;

pub fn start(world: &World, xdp: Ingress, shed: ShedSettings) -> Datapath {
    world.start(&DatapathSettings { shed, ..settings(xdp) }, &[listener("http", "::", PORT..=PORT)])
}

pub fn request(action: Action, list: List, prefixes: &[&str]) -> ShedRequest {
    ShedRequest {
        action,
        list,
        prefixes: prefixes.iter().map(|text| text.parse().unwrap()).collect(),
        seconds: None,
        trial_seconds: None,
        operator: None,
    }
}

pub fn add(datapath: &Datapath, list: List, prefixes: &[&str]) {
    let answer = datapath.change(&request(Action::Add, list, prefixes)).unwrap();
    assert_eq!((answer.changed, answer.refused), (prefixes.len(), vec![]));
}

/// A SYN to the listener from that address.
pub fn syn(source: &str) -> Vec<u8> {
    segment(source, PORT, SYN)
}

fn segment(source: &str, port: u16, flags: u8) -> Vec<u8> {
    if source.contains(':') {
        ethernet(IPV6, &from_v6(source, ipv6(TCP, &[], &tcp(port, flags, &[]))))
    } else {
        ethernet(IPV4, &from_v4(source, ipv4(TCP, 0, 0, &tcp(port, flags, &[]))))
    }
}

fn bytes(frames: &[Vec<u8>]) -> (u64, u64) {
    (frames.len() as u64, frames.iter().map(|frame| frame.len() as u64).sum())
}

/// TCP and UDP that came in, passed and dropped; the stacks say things of their own by ICMPv6.
fn arrived(counters: &Counters) -> (u64, u64) {
    let transport =
        counters.listeners.iter().flat_map(|one| &one.packets).filter(|one| one.protocol != "other");
    let (dropped, passed): (Vec<_>, Vec<_>) =
        transport.filter(|one| one.direction == "in").partition(|one| one.verdict == "dropped");
    let sum = |counts: Vec<&PacketCount>| counts.iter().map(|one| one.packets).sum();
    (sum(passed), sum(dropped))
}

/// Sends both and waits for them: exactly these pass, exactly these are dropped, by that rule.
fn expect(world: &World, datapath: &Datapath, rule: &str, passed: &[Vec<u8>], dropped: &[Vec<u8>]) {
    let before = datapath.counters();
    world.send(passed);
    world.send(dropped);
    let (passed_before, dropped_before) = arrived(&before);
    let all = (passed_before + passed.len() as u64, dropped_before + dropped.len() as u64);
    let sum = |one: (u64, u64)| one.0 + one.1;
    let after = counters_when(datapath, |counters| sum(arrived(counters)) >= sum(all));
    assert_eq!(arrived(&after), all, "passed and dropped");
    let (packets, bytes_before) = before.dropped(rule);
    let (count, weight) = bytes(dropped);
    assert_eq!(after.dropped(rule), (packets + count, bytes_before + weight), "{rule}");
    let of_all_rules: u64 = after.drops.iter().map(|one| one.packets).sum();
    assert_eq!(of_all_rules, all.1, "each dropped packet belongs to one rule: {:?}", after.drops);
}

fn denies_exactly(xdp: Ingress) {
    let Some(world) = World::attaching(xdp) else { return };
    let datapath = start(&world, xdp, ShedSettings::default());
    let bad = ["203.0.113.7", "203.0.113.255", "2001:db8:bad::1", "198.51.100.1"].map(syn).to_vec();
    let good = ["203.0.114.7", "192.0.2.1", "2001:db8:bae::1", "198.51.100.2"].map(syn).to_vec();
    expect(&world, &datapath, "command", &[good.clone(), bad.clone()].concat(), &[]);

    add(&datapath, List::Deny, &["203.0.113.0/24", "2001:db8:bad::/48", "198.51.100.1"]);
    expect(&world, &datapath, "command", &good, &bad);
    // Established connections too, and other protocols; but nothing that is not for a listener, no fragment, and
    // nothing that cannot be read.
    let bad_v4 = |payload: Vec<u8>| ethernet(IPV4, &from_v4("203.0.113.7", payload));
    let more = [
        segment("203.0.113.7", PORT, ACK),
        bad_v4(ipv4(UDP, 0, 0, &udp(PORT, &[1; 100]))),
        bad_v4(ipv4(TCP, 10, 0, &tcp(PORT, SYN, &[]))),
    ];
    let spared = [
        segment("203.0.113.7", ELSEWHERE, SYN),
        bad_v4(ipv4(TCP, 0, 0x2000, &tcp(PORT, SYN, &[]))),
        ethernet(IPV6, &from_v6("2001:db8:bad::1", fragment_v6(UDP, 1, &udp(PORT, &[1; 9])))),
        syn("203.0.113.7")[..40].to_vec(),
    ];
    // An echo request and ARP, which the counts below would show if they were dropped.
    world.send(&[bad_v4(ipv4(1, 0, 0, &[8, 0, 0, 0, 0, 0, 0, 0])), ethernet(0x0806, &[0; 46])]);
    expect(&world, &datapath, "command", &spared, &more);

    // A longer prefix is no exception, an allowed network is one.
    add(&datapath, List::Allow, &["203.0.113.0/28"]);
    expect(&world, &datapath, "command", &[syn("203.0.113.7")], &[syn("203.0.113.255")]);
    let removed = datapath.change(&request(Action::Remove, List::Deny, &["203.0.113.0/24"])).unwrap();
    assert_eq!(removed.changed, 1);
    expect(&world, &datapath, "command", &[syn("203.0.113.255")], &[syn("198.51.100.1")]);

    datapath.set_enabled(false).unwrap();
    world.send(&bad);
    datapath.set_enabled(true).unwrap();
    expect(&world, &datapath, "command", &good, &[syn("198.51.100.1")]);
}

#[test]
fn shedding_native_xdp_is_exact() {
    denies_exactly(Ingress::Native);
}

#[test]
fn shedding_generic_xdp_is_exact() {
    denies_exactly(Ingress::Generic);
}

#[test]
fn shedding_tcx_is_exact() {
    denies_exactly(Ingress::Tcx);
}

/// One length around an address is looked up at once, some one after the other, and many in the trie: the verdicts are the same.
#[test]
fn shedding_by_any_number_of_lengths_is_exact() {
    let Some(world) = World::new() else { return };
    let datapath = start(&world, Ingress::Native, ShedSettings::default());
    // Each with an address that no longer one of them covers.
    let nested = [
        ("198.18.22.200", "198.18.22.200"),
        ("198.18.22.128/25", "198.18.22.129"),
        ("198.18.22.0/24", "198.18.22.1"),
        ("198.18.20.0/22", "198.18.20.1"),
        ("198.18.16.0/20", "198.18.16.1"),
        ("198.18.0.0/18", "198.18.1.1"),
        ("198.18.0.0/15", "198.19.1.1"),
    ];
    let syns = |pairs: &[(&str, &str)]| pairs.iter().map(|(_, source)| syn(source)).collect::<Vec<_>>();
    for number in 0..=nested.len() {
        let (denied, free) = nested.split_at(number);
        if let Some((prefix, _)) = denied.last() {
            add(&datapath, List::Deny, &[prefix]);
        }
        expect(&world, &datapath, "command", &syns(free), &syns(denied));
    }
    for number in 0..nested.len() {
        let change = request(Action::Remove, List::Deny, &[nested[number].0]);
        assert_eq!(datapath.change(&change).unwrap().changed, 1);
        // What was removed is covered by the shorter ones that are left.
        let dropped = if number + 1 == nested.len() { &[][..] } else { &nested[..] };
        let passed = if dropped.is_empty() { &nested[..] } else { &[] };
        expect(&world, &datapath, "command", &syns(passed), &syns(dropped));
    }
}

#[test]
fn shedding_malformed_segments_when_asked_to() {
    for xdp in modes(&[Ingress::Native, Ingress::Tcx]) {
        let Some(world) = World::new() else { return };
        let shed = ShedSettings { drop_malformed: true, ..ShedSettings::default() };
        let datapath = start(&world, xdp, shed);
        let mut from_port_0 = syn("203.0.113.7");
        from_port_0[34..36].fill(0);
        let whole =
            [SYN, ACK, SYN | ACK, FIN | ACK, 4, 4 | ACK].map(|flags| segment("203.0.113.7", PORT, flags));
        let odd = [0, FIN, 0x29, SYN | FIN, SYN | 4, FIN | 4 | ACK]
            .map(|flags| segment("203.0.113.7", PORT, flags));
        let elsewhere = segment("203.0.113.7", ELSEWHERE, 0);
        let passed = [whole.to_vec(), vec![elsewhere]].concat();
        expect(&world, &datapath, "malformed", &passed, &[odd.to_vec(), vec![from_port_0]].concat());
        add(&datapath, List::Allow, &["203.0.113.7"]);
        expect(&world, &datapath, "malformed", &odd, &[]);
    }
}

#[test]
fn shedding_files_are_followed_and_a_broken_one_changes_nothing() {
    let Some(world) = World::new() else { return };
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"203.0.113.0/24 # bad\n192.0.2.0/24\n").unwrap();
    let path = file.path().to_path_buf();
    let shed = ShedSettings {
        deny_files: vec![path.clone()],
        management: vec!["192.0.2.9".parse().unwrap()],
        ..ShedSettings::default()
    };
    let datapath = start(&world, Ingress::Native, shed);
    let rule = path.display().to_string();
    // The network that holds a management address is refused, and the rest is taken.
    expect(&world, &datapath, &rule, &[syn("192.0.2.77")], &[syn("203.0.113.7")]);
    let refused = datapath.status().shed.refused;
    let expected =
        format!("{rule}: 192.0.2.0/24 would deny 192.0.2.9 (setting datapath.management): refused");
    assert_eq!(refused, [expected]);

    let reread = || {
        datapath.tick();
        let count = |status: &gateway_datapath::ShedStatus| {
            status.rules.iter().find(|one| one.rule == rule).map_or(0, |one| one.prefixes)
        };
        count(&datapath.status().shed)
    };
    std::fs::write(&path, "198.51.100.0/24\n198.51.101.0/24\n").unwrap();
    assert!(eventually(|| reread() == 2));
    assert_eq!(datapath.status().shed.refused, [""; 0], "what was complained of is gone");
    expect(&world, &datapath, &rule, &[syn("203.0.113.7")], &[syn("198.51.100.7")]);
    std::fs::write(&path, "198.51.100.0/24\nexample.com, a broken line\n").unwrap();
    assert!(eventually(|| {
        reread();
        datapath
            .status()
            .shed
            .refused
            .iter()
            .any(|line| line.contains("line 2") && line.contains("stays as it was"))
    }));
    expect(&world, &datapath, &rule, &[], &[syn("198.51.101.7")]);
}

#[test]
fn shedding_what_is_protected_is_refused_with_the_reason() {
    let Some(world) = World::new() else { return };
    let shed = ShedSettings {
        management: vec!["203.0.113.0/28".parse().unwrap()],
        trusted: vec!["2001:db8::/64".parse().unwrap()],
        ..ShedSettings::default()
    };
    let datapath = start(&world, Ingress::Native, shed);
    let wanted = ShedRequest {
        operator: Some("198.51.100.9".parse().unwrap()),
        ..request(
            Action::Add,
            List::Deny,
            &["203.0.113.0/24", "0.0.0.0/0", "2001:db8::7", "198.51.100.9", "198.51.100.8"],
        )
    };
    let answer = datapath.change(&wanted).unwrap();
    assert_eq!(answer.changed, 1);
    let [first, second, third, fourth] = answer.refused.as_slice() else { panic!("{answer:?}") };
    assert_eq!(first, "203.0.113.0/24 would deny 203.0.113.0/28 (setting datapath.management): refused");
    assert!(second.starts_with("0.0.0.0/0 would deny"), "{second}");
    assert_eq!(third, "2001:db8::7 would deny 2001:db8::/64 (setting net.server.trusted-proxies): refused");
    assert_eq!(fourth, "198.51.100.9 would deny 198.51.100.9 (the operator's own address): refused");
    expect(&world, &datapath, "command", &[syn("203.0.113.17"), syn("198.51.100.9")], &[syn("198.51.100.8")]);
}

/// E-04.
#[test]
fn shedding_full_map_drops_nothing_more() {
    let Some(world) = World::new() else { return };
    let datapath =
        start(&world, Ingress::Native, ShedSettings { prefixes_max: 2, ..ShedSettings::default() });
    let addresses = ["203.0.113.1", "203.0.113.2", "203.0.113.3"];
    let answer = datapath.change(&request(Action::Add, List::Deny, &addresses)).unwrap();
    assert_eq!((answer.changed, answer.waiting), (3, 1));
    assert_eq!(datapath.status().shed.waiting, 1);
    expect(&world, &datapath, "command", &[syn(addresses[2])], &[syn(addresses[0]), syn(addresses[1])]);
    datapath.change(&request(Action::Remove, List::Deny, &addresses[..1])).unwrap();
    datapath.tick();
    assert_eq!(datapath.status().shed.waiting, 0);
    expect(&world, &datapath, "command", &[syn(addresses[0])], &[syn(addresses[1]), syn(addresses[2])]);
}

#[test]
fn shedding_on_trial_ends_unless_confirmed() {
    let Some(world) = World::new() else { return };
    let datapath = start(&world, Ingress::Native, ShedSettings::default());
    let trial = |address: &str| {
        let wanted = ShedRequest { trial_seconds: Some(1), ..request(Action::Add, List::Deny, &[address]) };
        assert_eq!(datapath.change(&wanted).unwrap().changed, 1);
    };
    trial("203.0.113.1");
    assert_eq!(datapath.confirm(), Ok(1));
    trial("203.0.113.2");
    let (claims, more) = datapath.claims().unwrap();
    assert_eq!((claims.len(), more, claims[0].on_trial, claims[1].on_trial), (2, 0, false, true));
    expect(&world, &datapath, "command", &[], &[syn("203.0.113.1"), syn("203.0.113.2")]);
    std::thread::sleep(Duration::from_millis(1100));
    datapath.tick();
    expect(&world, &datapath, "command", &[syn("203.0.113.2")], &[syn("203.0.113.1")]);

    // What ends before its trial would, and what holds already, is not on trial.
    let wanted = |address: &str, seconds| ShedRequest {
        seconds,
        trial_seconds: Some(60),
        ..request(Action::Add, List::Deny, &["203.0.113.3", address])
    };
    assert_eq!(datapath.change(&wanted("203.0.113.4", Some(1))).unwrap().on_trial, 0);
    assert_eq!(datapath.change(&wanted("203.0.113.5", None)).unwrap().on_trial, 1);
    std::thread::sleep(Duration::from_millis(1100));
    datapath.tick();
    expect(&world, &datapath, "command", &[syn("203.0.113.4")], &[syn("203.0.113.5")]);
}

/// E-05: the process is there, and does nothing.
#[test]
fn shedding_ends_when_user_space_gives_no_sign_of_life() {
    let Some(world) = World::new() else { return };
    let datapath = start(&world, Ingress::Native, ShedSettings::default());
    add(&datapath, List::Deny, &["203.0.113.1"]);
    expect(&world, &datapath, "command", &[], &[syn("203.0.113.1")]);
    std::thread::sleep(Duration::from_millis(5100));
    expect(&world, &datapath, "command", &[syn("203.0.113.1")], &[]);
    datapath.tick();
    expect(&world, &datapath, "command", &[], &[syn("203.0.113.1")]);
}

#[test]
fn shedding_kill_switch_works_from_outside() {
    let Some(world) = World::new() else { return };
    let datapath = start(&world, Ingress::Native, ShedSettings::default());
    add(&datapath, List::Deny, &["203.0.113.1"]);
    assert!(gateway_datapath::switch_all(false).unwrap().gateways >= 1);
    datapath.tick();
    add(&datapath, List::Deny, &["203.0.113.2"]);
    assert!(!datapath.status().enabled, "the gateway does not switch itself on again");
    world.send(&[syn("203.0.113.1")]);
    assert!(gateway_datapath::switch_all(true).unwrap().gateways >= 1);
    expect(&world, &datapath, "command", &[syn("203.0.113.3")], &[syn("203.0.113.1"), syn("203.0.113.2")]);
}

#[test]
fn shedding_new_connections_beyond_the_limit() {
    for xdp in modes(&[Ingress::Native, Ingress::Generic, Ingress::Tcx]) {
        let Some(world) = World::new() else { return };
        // One a second after the burst: the test takes less.
        let connections = ConnectionLimit { rate: 1, burst: 5, v6_bits: 48 };
        let datapath = start(&world, xdp, ShedSettings { connections, ..ShedSettings::default() });
        let burst = |source: &str, count: usize| vec![syn(source); count];
        expect(&world, &datapath, "connections", &burst("203.0.113.1", 5), &burst("203.0.113.1", 20));
        // Others have their own; what belongs to an open connection, or is for somebody else, is not counted.
        expect(&world, &datapath, "connections", &burst("203.0.113.2", 5), &burst("203.0.113.2", 1));
        let others = vec![
            segment("203.0.113.1", PORT, ACK),
            segment("203.0.113.1", PORT, SYN | ACK),
            segment("203.0.113.1", ELSEWHERE, SYN),
        ];
        expect(&world, &datapath, "connections", &others, &[]);
        // An IPv6 source is its network.
        let network =
            ["2001:db8:7::1", "2001:db8:7:1::1", "2001:db8:7::2", "2001:db8:7:2::1", "2001:db8:7::1"];
        expect(&world, &datapath, "connections", &network.map(syn), &[syn("2001:db8:7:ffff::1")]);
        expect(&world, &datapath, "connections", &[syn("2001:db8:8::1")], &[]);
        add(&datapath, List::Allow, &["203.0.113.1"]);
        expect(&world, &datapath, "connections", &burst("203.0.113.1", 20), &[]);
    }
}

/// As many packets as make an attack (10,000 in a second of the gateway's clock), from 203.0.113.7, which is denied.
pub fn attack(world: &World, datapath: &Datapath) {
    let dropped = || datapath.counters().dropped("command").0;
    for round in 1..=40_u64 {
        // No more than the stack's queue takes at once.
        world.send(&vec![syn("203.0.113.7"); 256]);
        assert!(eventually(|| dropped() == round * 256), "{} of round {round}", dropped());
    }
}

/// The gateway's end under so much of what is denied that `attack` goes native with the next tick.
pub fn attacked(world: &World) -> Datapath {
    let datapath = start(world, Ingress::Attack, ShedSettings::default());
    add(&datapath, List::Deny, &["203.0.113.0/24"]);
    datapath.tick();
    assert_eq!(datapath.status().interfaces[0].ingress, Ingress::Tcx);
    attack(world, &datapath);
    datapath
}

#[test]
fn shedding_under_attack_is_native_for_as_long_as_it_lasts() {
    let Some(world) = World::attaching(Ingress::Attack) else { return };
    let datapath = attacked(&world);
    let mode = || datapath.status().interfaces[0].ingress;
    let dropped = || datapath.counters().dropped("command").0;
    let tick = || world.gateway.run(|| datapath.tick());
    tick();
    assert_eq!(mode(), Ingress::Native, "{:?}", datapath.status().interfaces);
    let before = dropped();
    world.send(&[syn("203.0.113.7"), syn("198.51.100.1")]);
    assert!(eventually(|| dropped() == before + 1), "the same rules");
    // So is an interface that appears now.
    world.pair("gw1", "cl1");
    world.address(&world.gateway, "gw1", ["198.18.0.2", "2001:db8:1::2"]);
    world.gateway.run(|| datapath.refresh());
    let second = datapath.status().interfaces.pop().expect("the second");
    assert_eq!((second.name.as_str(), second.ingress), ("gw1", Ingress::Native), "{:?}", second.refused);
    for _ in 0..60 {
        tick();
    }
    assert_eq!(mode(), Ingress::Tcx, "it is over");
}
