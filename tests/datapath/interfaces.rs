//! Interfaces that change while programs are attached: another name, another MTU, labels of addresses.

use std::process::Command;

use gateway_datapath::{Datapath, DatapathSettings, Ingress, InterfaceStatus};

use crate::balancing::{Site, every_mode, segment};
use crate::counting::{listener, settings};
use crate::frames::{ACK, UDP, ethernet, ipv4, udp};
use crate::shedding::syn;
use gateway_tests::namespaces::{
    CLIENT_INTERFACE, CLIENT_MAC, GATEWAY_INTERFACE, Namespace, World, counters_when, usual_mode,
};

const PORT: u16 = 8080;
/// The other name of the gateway's interface.
const RENAMED: &str = "wan0";

fn refresh(world: &World, datapath: &Datapath) -> Vec<InterfaceStatus> {
    world.gateway.run(|| datapath.refresh());
    datapath.status().interfaces
}

/// Packets and bytes that came in for the listener, once there are as many packets.
fn arrived(datapath: &Datapath, packets: u64) -> (u64, u64) {
    let total = |counters: &gateway_datapath::Counters| counters.listener("http").unwrap().total("in");
    total(&counters_when(datapath, |counters| total(counters).0 == packets))
}

/// Linux before 6.2 renames only what is down.
fn rename(namespace: &Namespace, from: &str, to: &str) {
    namespace.ip(&format!("link set {from} down"));
    namespace.ip(&format!("link set {from} name {to}"));
    namespace.ip(&format!("link set {to} up"));
}

/// Chosen by name or by address: it stays, whatever it is called, and an interface that takes the name is chosen, too.
#[test]
fn interface_that_is_renamed_stays_and_is_shown_under_its_new_name() {
    for mode in every_mode() {
        for names in [None, Some(vec![GATEWAY_INTERFACE.to_owned()])] {
            let Some(world) = World::new() else { return };
            let by_name = names.is_some();
            let wanted = DatapathSettings { interfaces: names, ..settings(mode) };
            let datapath = world.start(&wanted, &[listener("http", "::", PORT..=PORT)]);
            let before = datapath.status().interfaces;
            rename(&world.gateway, GATEWAY_INTERFACE, RENAMED);
            let after = refresh(&world, &datapath);
            let renamed = InterfaceStatus { name: RENAMED.to_owned(), ..before[0].clone() };
            assert_eq!((after.as_slice(), before[0].ingress), ([renamed].as_slice(), mode), "{by_name}");
            world.send(&[syn("198.51.100.1"), syn("198.51.100.2")]);
            assert_eq!(arrived(&datapath, 2).0, 2, "{mode}, {by_name}");

            world.pair(GATEWAY_INTERFACE, "cl1");
            world.gateway.ip(&format!("link set {GATEWAY_INTERFACE} up"));
            let with_another = refresh(&world, &datapath);
            let shown: Vec<_> =
                with_another.iter().map(|one| (one.name.as_str(), one.index, one.ingress)).collect();
            let first = (RENAMED, before[0].index, mode);
            if by_name {
                let [one, (GATEWAY_INTERFACE, index, ingress)] = shown[..] else { panic!("{shown:?}") };
                assert!(one == first && index != first.1 && ingress == mode, "{shown:?}");
            } else {
                // It has no address.
                assert_eq!(shown, [first]);
            }
        }
    }
}

/// A label looks like the name of another interface, and is none.
#[test]
fn interface_whose_addresses_have_labels_is_attached_to_once() {
    let Some(world) = World::new() else { return };
    let label = format!("{GATEWAY_INTERFACE}:1");
    world.gateway.ip(&format!("address add 192.0.2.9/24 dev {GATEWAY_INTERFACE} label {label}"));
    for address in ["::", "192.0.2.9"] {
        let datapath = world.start(&settings(usual_mode()), &[listener("http", address, PORT..=PORT)]);
        let interfaces = datapath.status().interfaces;
        let [interface] = interfaces.as_slice() else { panic!("{address}: {interfaces:?}") };
        assert_eq!(interface.name, GATEWAY_INTERFACE, "{address}");
        assert_ne!(interface.ingress, Ingress::Off, "{interface:?}");
        assert_eq!(refresh(&world, &datapath), interfaces, "{address}");
    }
}

/// Whether the kernel takes the MTU at both ends: with native XDP it may refuse.
fn resize(world: &World, mtu: u32) -> bool {
    let ends = [(&world.gateway, GATEWAY_INTERFACE), (&world.client, CLIENT_INTERFACE)];
    let set = |(namespace, interface): (&Namespace, &str)| {
        let words = ["link", "set", interface, "mtu", &mtu.to_string()].map(str::to_owned);
        namespace.run(|| Command::new("ip").args(words).output()).expect("ip").status.success()
    };
    // Back to what both had, if it is only one of them.
    let taken = ends.map(set);
    if taken.contains(&false) {
        eprintln!("the kernel refuses an MTU of {mtu}: {taken:?}");
        for (namespace, interface) in ends {
            namespace.ip(&format!("link set {interface} mtu 1500"));
        }
    }
    !taken.contains(&false)
}

/// For the listener, of that many bytes.
fn long(bytes: usize) -> Vec<u8> {
    ethernet(0x0800, &ipv4(UDP, 0, 0, &udp(PORT, &vec![7; bytes - 14 - 20 - 8])))
}

#[test]
fn interface_with_another_mtu_stays_attached_and_long_packets_are_counted_whole() {
    for mode in every_mode() {
        let Some(world) = World::new() else { return };
        let datapath = world.start(&settings(mode), &[listener("http", "::", PORT..=PORT)]);
        let before = datapath.status().interfaces;
        let (mut packets, mut bytes) = (0, 0);
        for mtu in [1500, 9000, 1500] {
            let taken = resize(&world, mtu);
            assert!(taken || mode == Ingress::Native, "{mode} {mtu}");
            let mtu = if taken { mtu as usize } else { 1500 };
            assert_eq!(refresh(&world, &datapath), before, "{mode} {mtu}");
            for length in [60, mtu, mtu + 14] {
                world.send(&[long(length)]);
                (packets, bytes) = (packets + 1, bytes + length as u64);
                assert_eq!(arrived(&datapath, packets), (packets, bytes), "{mode} {mtu} {length}");
            }
        }
    }
}

/// The room on the way to a member follows the way's MTU.
#[test]
fn interface_with_another_mtu_takes_longer_packets_to_members() {
    for mode in every_mode() {
        for v6 in [false, true] {
            let Some(site) = Site::new(mode) else { return };
            let header = if v6 { 40 } else { 20 } + 20;
            // With its envelope too long for 1500 bytes, and as long as 9000 take.
            let frames = [1500, 9000 - header + 20].map(|room| segment(v6, 0, ACK, &vec![7; room - header]));
            if !resize(&site.world, 9000) {
                continue;
            }
            site.world.meet(
                &site.world.gateway,
                GATEWAY_INTERFACE,
                ["192.0.2.101", "2001:db8::101"],
                CLIENT_MAC,
            );
            site.world.gateway.run(|| site.datapath.tick());
            let back = site.pass(&frames, 2);
            for (one, frame) in back.iter().zip(&frames) {
                assert_eq!(one.inner, frame[14..], "{mode}");
            }
            assert!(resize(&site.world, 1500), "{mode}");
        }
    }
}
