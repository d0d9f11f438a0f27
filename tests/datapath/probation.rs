//! What has been attached is confirmed, or taken back: a client that is the gateway's router, and answers or does not.

use std::net::{IpAddr, UdpSocket};
use std::thread;
use std::time::Duration;

use gateway_datapath::{Datapath, Ingress, InterfaceStatus, ShedSettings};
use gateway_tests::namespaces::{
    CLIENT_INTERFACE, CLIENT_V4, CLIENT_V6, GATEWAY_INTERFACE, World, eventually,
};

use crate::shedding::{attacked, start, syn};

/// Between two ticks, so that sixty of them, which end an attack, last longer than any probation.
const PAUSE: Duration = Duration::from_millis(250);
/// So many pauses are far longer than a probation.
const ROUNDS: u32 = 120;

/// The default routes lead to the client.
fn world(mode: Ingress) -> Option<World> {
    let world = World::attaching(mode)?;
    // Neighbour discovery asks from it, and namespaces of tests have none.
    world.gateway.ip(&format!("address add fe80::2/64 dev {GATEWAY_INTERFACE} nodad"));
    for (family, router) in [("-4", CLIENT_V4), ("-6", CLIENT_V6)] {
        world.gateway.ip(&format!("neighbour delete {router} dev {GATEWAY_INTERFACE}"));
        world.gateway.ip(&format!("{family} route add default via {router} dev {GATEWAY_INTERFACE}"));
    }
    Some(world)
}

/// The client answers for both of its addresses.
fn hear_router(world: &World) {
    for router in [CLIENT_V4, CLIENT_V6] {
        let router: IpAddr = router.parse().unwrap();
        let any = if router.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        world.gateway.run(|| UdpSocket::bind(any).unwrap().send_to(&[], (router, 9)).unwrap());
        let shown = || world.gateway.ip(&format!("neighbour show {router}"));
        assert!(eventually(|| shown().contains("REACHABLE")), "{}", shown());
    }
}

/// The client's end stays up, and answers no more.
fn fall_silent(world: &World) {
    world.client.ip(&format!("link set {CLIENT_INTERFACE} arp off"));
}

/// Ticks until the interface's status is as wanted.
fn ticks_until(
    world: &World,
    datapath: &Datapath,
    wanted: impl Fn(&InterfaceStatus) -> bool,
) -> InterfaceStatus {
    for _ in 0..ROUNDS {
        world.gateway.run(|| datapath.tick());
        let status = datapath.status().interfaces.remove(0);
        if wanted(&status) {
            return status;
        }
        thread::sleep(PAUSE);
    }
    panic!("{:?}", datapath.status().interfaces);
}

#[test]
fn native_that_cuts_off_the_router_is_taken_back() {
    let Some(world) = world(Ingress::Attack) else { return };
    let datapath = attacked(&world);
    hear_router(&world);
    fall_silent(&world);
    let trial = ticks_until(&world, &datapath, |one| one.ingress == Ingress::Native);
    assert!(trial.on_trial && trial.findings.is_empty(), "{trial:?}");
    let after = ticks_until(&world, &datapath, |one| !one.on_trial);
    let why = format!(
        "interface {GATEWAY_INTERFACE}: native XDP was taken back: the default route's next hop {CLIENT_V4} did not answer \
         any more; tcx instead"
    );
    assert_eq!((after.ingress, after.egress, after.findings), (Ingress::Tcx, true, vec![why]));
    // What is denied still is.
    let dropped = || datapath.counters().dropped("command").0;
    let before = dropped();
    world.send(&[syn("203.0.113.7")]);
    assert!(eventually(|| dropped() == before + 1));
}

#[test]
fn native_with_a_router_that_answers_stays() {
    let Some(world) = world(Ingress::Attack) else { return };
    let datapath = attacked(&world);
    hear_router(&world);
    let trial = ticks_until(&world, &datapath, |one| one.ingress == Ingress::Native);
    assert!(trial.on_trial, "{trial:?}");
    let after = ticks_until(&world, &datapath, |one| !one.on_trial);
    assert_eq!((after.ingress, after.findings), (Ingress::Native, vec![]));
}

#[test]
fn native_is_not_to_blame_for_a_router_that_was_silent_before() {
    let Some(world) = world(Ingress::Attack) else { return };
    let datapath = attacked(&world);
    fall_silent(&world);
    ticks_until(&world, &datapath, |one| one.ingress == Ingress::Native);
    let after = ticks_until(&world, &datapath, |one| !one.on_trial);
    assert_eq!((after.ingress, after.findings), (Ingress::Native, vec![]));
}

#[test]
fn native_by_force_stays_and_says_what_was_found() {
    let Some(world) = world(Ingress::Native) else { return };
    hear_router(&world);
    let datapath = start(&world, Ingress::Native, ShedSettings::default());
    fall_silent(&world);
    let after = ticks_until(&world, &datapath, |one| !one.findings.is_empty());
    let found = format!(
        "interface {GATEWAY_INTERFACE}: after native XDP was attached the default route's next hop {CLIENT_V4} did not answer \
         any more; it stays, as the setting names it"
    );
    assert_eq!((after.ingress, after.on_trial, after.findings), (Ingress::Native, false, vec![found]));
}
