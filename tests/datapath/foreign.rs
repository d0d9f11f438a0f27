//! Programs of others on the same interface: they stay, see what ours lets through, and outlive ours. Another datapath of our
//! own stands for them: whose programs the kernel runs makes no difference to it.

use gateway_datapath::{Counters, Datapath, Ingress, List, ShedSettings, placements};

use crate::shedding::{add, attack, start, syn};
use gateway_tests::namespaces::{World, counters_when};

const DENIED: &str = "203.0.113.7";

/// TCP that came in and was passed, and what was dropped.
fn seen(counters: &Counters) -> (u64, u64) {
    let http = counters.listener("http").unwrap();
    (http.of("in", "tcp", "pass").0, http.of("in", "tcp", "dropped").0)
}

/// Sends frames behind a sign of life: without one for five seconds a datapath drops nothing.
fn send(world: &World, datapaths: &[&Datapath], sources: &[&str]) {
    for datapath in datapaths {
        world.gateway.run(|| datapath.tick());
    }
    world.send(&sources.iter().map(|source| syn(source)).collect::<Vec<_>>());
}

fn expect(datapath: &Datapath, figures: (u64, u64), who: &str) {
    assert_eq!(seen(&counters_when(datapath, |counters| seen(counters) == figures)), figures, "{who}");
}

/// Where its programs are attached, as the kernel says.
fn places(datapath: &Datapath) -> Vec<(u32, String)> {
    let ids: Vec<_> = datapath.status().programs.iter().map(|one| one.id).collect();
    let links = placements().unwrap().into_iter().filter(|one| ids.contains(&one.program_id));
    links.map(|one| (one.program_id, one.place)).collect()
}

/// One that was there before ours, which stands in front of it: it sees what ours passes.
#[test]
fn foreign_tcx_program_that_is_there_stays_and_sees_what_passes() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let foreign = start(&world, Ingress::Tcx, ShedSettings::default());
    let before = places(&foreign);
    let ours = start(&world, Ingress::Tcx, ShedSettings::default());
    add(&ours, List::Deny, &[DENIED]);
    send(&world, &[&ours, &foreign], &["198.51.100.1", DENIED, "198.51.100.2", DENIED]);
    expect(&ours, (2, 2), "ours");
    expect(&foreign, (2, 0), "the foreign one");
    drop(ours);
    assert_eq!((before.is_empty(), places(&foreign)), (false, before));
    send(&world, &[&foreign], &["198.51.100.1", DENIED]);
    expect(&foreign, (4, 0), "the foreign one, alone");
}

/// One that comes later, and stands in front of ours: both see all that it passes, and what it drops is none of our business.
#[test]
fn foreign_tcx_program_that_comes_later_stands_beside_ours() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let ours = start(&world, Ingress::Tcx, ShedSettings::default());
    add(&ours, List::Deny, &[DENIED]);
    let foreign = start(&world, Ingress::Tcx, ShedSettings::default());
    let before = places(&foreign);
    world.gateway.run(|| ours.refresh());
    assert_eq!(ours.status().interfaces[0].ingress, Ingress::Tcx);
    send(&world, &[&ours, &foreign], &["198.51.100.1", DENIED]);
    expect(&foreign, (2, 0), "the foreign one sees what ours drops");
    expect(&ours, (1, 1), "ours");
    add(&foreign, List::Deny, &["198.51.100.1"]);
    send(&world, &[&ours, &foreign], &["198.51.100.1", DENIED]);
    expect(&foreign, (3, 1), "the foreign one drops");
    expect(&ours, (1, 2), "ours");
    drop(ours);
    assert_eq!(places(&foreign), before);
    send(&world, &[&foreign], &[DENIED]);
    expect(&foreign, (4, 1), "the foreign one, alone");
}

/// What is chosen on a veth by itself goes round a foreign XDP program.
#[test]
fn foreign_xdp_program_and_auto_takes_tcx_behind_it() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let foreign = start(&world, Ingress::Native, ShedSettings::default());
    let ours = start(&world, Ingress::Auto, ShedSettings::default());
    assert_eq!(ours.status().interfaces[0].ingress, Ingress::Tcx);
    add(&ours, List::Deny, &[DENIED]);
    send(&world, &[&ours, &foreign], &["198.51.100.1", DENIED]);
    expect(&foreign, (2, 0), "the foreign one");
    expect(&ours, (1, 1), "ours");
    drop(ours);
    assert_eq!(foreign.status().interfaces[0].ingress, Ingress::Native);
}

/// Under attack native XDP is not to be had: TCX goes on, and so does the foreign program.
#[test]
fn foreign_xdp_program_under_attack_stays_and_ours_drops_by_tcx() {
    let Some(world) = World::attaching(Ingress::Attack) else { return };
    let foreign = start(&world, Ingress::Native, ShedSettings::default());
    let before = places(&foreign);
    let ours = start(&world, Ingress::Attack, ShedSettings::default());
    add(&ours, List::Deny, &["203.0.113.0/24"]);
    ours.tick();
    attack(&world, &ours);
    world.gateway.run(|| ours.tick());
    assert_eq!(ours.status().interfaces[0].ingress, Ingress::Tcx);
    assert_eq!((foreign.status().interfaces[0].ingress, places(&foreign)), (Ingress::Native, before));
    let (passed, dropped) = seen(&ours.counters());
    send(&world, &[&ours, &foreign], &["198.51.100.1", DENIED]);
    expect(&ours, (passed + 1, dropped + 1), "the same rules");
    expect(&foreign, (passed + dropped + 2, 0), "the foreign one sees everything");
}

/// Linux 6.18 hands TCX what somebody's generic XDP program has seen without its Ethernet header: ours cannot read that, and lets
/// it pass. Where a kernel leaves the header, the rules hold.
#[test]
fn foreign_generic_xdp_program_makes_ours_drop_nothing_that_it_cannot_read() {
    let Some(world) = World::attaching(Ingress::Tcx) else { return };
    let foreign = start(&world, Ingress::Generic, ShedSettings::default());
    let ours = start(&world, Ingress::Tcx, ShedSettings::default());
    add(&ours, List::Deny, &[DENIED]);
    send(&world, &[&ours, &foreign], &["198.51.100.1", DENIED, "198.51.100.2"]);
    expect(&foreign, (3, 0), "the foreign one");
    let other = |counters: &Counters| counters.listener("other").unwrap().of("in", "other", "pass").0;
    let counters = counters_when(&ours, |counters| seen(counters) == (2, 1) || other(counters) >= 3);
    let dropped: u64 = counters.drops.iter().map(|one| one.packets).sum();
    assert!(seen(&counters) == (2, 1) || (seen(&counters), dropped) == ((0, 0), 0), "{counters:?}");
    assert_eq!(ours.status().interfaces[0].ingress, Ingress::Tcx);
}
