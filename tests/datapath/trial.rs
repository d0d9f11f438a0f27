//! Verdicts without an interface, by `BPF_PROG_TEST_RUN`.

use gateway_datapath::Counters;
use gateway_datapath::trial::{Arrival, Trial};

use crate::counting::listener;
use crate::frames::{SYN, TCP, ethernet, ipv4, ipv6, tcp};
use gateway_tests::namespaces::lack;

const XDP_PASS: u32 = 2;
/// `TCX_NEXT`, which is -1.
const TCX_NEXT: u32 = u32::MAX;
const SK_PASS: u32 = 1;

fn trial() -> Option<Trial> {
    if let Some(lack) = lack() {
        eprintln!("SKIPPED: {lack}");
        return None;
    }
    Some(Trial::load(&[listener("http", "::", 8080..=8080)]).expect("loaded programs"))
}

fn frames() -> Vec<Vec<u8>> {
    let whole = [
        ethernet(0x0800, &ipv4(TCP, 10, 0, &tcp(8080, SYN, &[1; 400]))),
        ethernet(0x86dd, &ipv6(TCP, &[0, 60, 43, 60], &tcp(8080, SYN, &[1; 400]))),
    ];
    // The kernel's test run takes no frame shorter than an Ethernet header.
    let cut = whole.iter().flat_map(|frame| (14..=frame.len()).map(|length| frame[..length].to_vec()));
    cut.collect()
}

/// The kernel's own test runs of TC programs refuse a frame that is cut within its IP header.
fn has_ip_header(frame: &[u8]) -> bool {
    frame.len() >= if frame[12..14] == [0x86, 0xdd] { 14 + 40 } else { 14 + 20 }
}

fn sum(counters: &Counters, direction: &str) -> (u64, u64) {
    let totals = counters.listeners.iter().map(|one| one.total(direction));
    totals.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}

fn weight(frames: &[&Vec<u8>]) -> (u64, u64) {
    (frames.len() as u64, frames.iter().map(|frame| frame.len() as u64).sum())
}

/// E-09.
#[test]
fn verdict_any_truncation_is_passed_and_counted_once() {
    let Some(trial) = trial() else { return };
    let frames = frames();
    let all: Vec<_> = frames.iter().collect();
    for frame in &all {
        let outcome = trial.run("gw_ingress", frame, 1).expect("a test run");
        assert_eq!(outcome.verdict, XDP_PASS, "{} bytes", frame.len());
    }
    let counters = trial.counters().expect("counters");
    assert_eq!(sum(&counters, "in"), weight(&all));
    assert!(counters.listeners[0].of("in", "tcp", "unparsed").0 > 0, "some were cut within the TCP header");

    let with_ip: Vec<_> = frames.iter().filter(|frame| has_ip_header(frame)).collect();
    for frame in &with_ip {
        for program in ["gw_ingress_tc", "gw_egress_tc"] {
            let outcome = trial.run(program, frame, 1).expect("a test run");
            assert_eq!(outcome.verdict, TCX_NEXT, "{program} over {} bytes", frame.len());
        }
    }
    let after = trial.counters().expect("counters");
    assert_eq!(sum(&after, "out"), weight(&with_ip));
    let (packets, bytes) = weight(&with_ip);
    let (packets_xdp, bytes_xdp) = weight(&all);
    assert_eq!(sum(&after, "in"), (packets_xdp + packets, bytes_xdp + bytes));
}

#[test]
fn verdict_lookup_without_socket_is_left_to_the_kernel() {
    let Some(trial) = trial() else { return };
    for (local, remote) in [("192.0.2.2:8080", "192.0.2.1:40000"), ("[2001:db8::2]:9", "[2001:db8::1]:40000")]
    {
        let arrival = Arrival { local: local.parse().unwrap(), remote: remote.parse().unwrap() };
        assert_eq!(trial.look_up(arrival, 1).expect("a test run").verdict, SK_PASS, "{local}");
    }
}

#[test]
fn cost_of_counting_is_measured_for_each_program() {
    if trial().is_none() {
        return;
    }
    let costs = gateway_datapath::bench::run(10_000).expect("a measurement");
    for cost in &costs {
        println!(
            "{:<14} {:<30} {:>4} ns, empty {:>3} ns, {:?} instructions verified",
            cost.program, cost.packet, cost.nanoseconds, cost.empty_nanoseconds, cost.verified_instructions
        );
        assert!(cost.nanoseconds < 10_000, "{cost:?}");
    }
    assert_eq!(costs.len(), 14);
}
