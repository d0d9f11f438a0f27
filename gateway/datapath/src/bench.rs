//! What a packet costs in each program, beside a program that does nothing.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use gateway_common::flood::FLOWS;
use serde::Serialize;

use crate::load::name;
use crate::settings::{Binding, ListenerSpec};
use crate::trial::{Arrival, Trial};

/// One program over one packet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProgramCost {
    pub program: String,
    /// The packet it ran over.
    pub packet: String,
    /// Nanoseconds a packet: the lowest average of several rounds.
    pub nanoseconds: u32,
    /// The same of the empty XDP program in the same rounds; for balancing, of one that changes the packet only.
    pub empty_nanoseconds: u32,
    /// Instructions that the verifier walked, where the kernel tells.
    pub verified_instructions: Option<u32>,
}

/// Rounds of each; the lowest is the one that nothing disturbed.
const ROUNDS: usize = 5;
/// The port of the listener that the packets are for.
const PORT: u16 = 8080;
/// `XDP_TX`.
const SENT: u32 = 3;

/// Runs each program `repeat` times a round (1,000,000 for a figure to publish). Needs the capabilities of the
/// datapath itself. Error: one line.
pub fn run(repeat: u32) -> Result<Vec<ProgramCost>, String> {
    let bindings = vec![Binding { address: IpAddr::V4(Ipv4Addr::UNSPECIFIED), ports: PORT..=PORT }];
    let listener = ListenerSpec { name: "http".to_owned(), bindings, workers: Vec::new() };
    let trial = Trial::load(std::slice::from_ref(&listener))?;
    let packets = [
        ("IPv4 TCP", frame_v4(6, 20)),
        ("IPv4 UDP", frame_v4(17, 8)),
        ("IPv6 TCP", frame_v6(false)),
        ("IPv6 TCP, 4 extension headers", frame_v6(true)),
    ];
    let mut costs = Vec::new();
    for program in [name::INGRESS, name::INGRESS_TC, name::EGRESS_TC] {
        for (packet, frame) in &packets {
            costs.push(measure(&trial, program, name::EMPTY, packet, |name| trial.run(name, frame, repeat))?);
        }
    }
    let remote = SocketAddr::from(([192, 0, 2, 1], 40_000));
    let arrival = Arrival { local: SocketAddr::from(([192, 0, 2, 2], PORT)), remote };
    let frame = &packets[0].1;
    costs.push(measure(&trial, name::LOOKUP, name::EMPTY, "new connection", |name| {
        if name == name::LOOKUP { trial.look_up(arrival, repeat) } else { trial.run(name, frame, repeat) }
    })?);
    costs.push(balancing(&listener, repeat)?);
    Ok(costs)
}

/// A packet for a virtual address, of one of many known flows. The floor is the same change of the packet without it.
fn balancing(listener: &ListenerSpec<'_>, repeat: u32) -> Result<ProgramCost, String> {
    let bindings = vec![Binding { address: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)), ports: PORT..=PORT }];
    let trial = Trial::balancing(&ListenerSpec { bindings, ..listener.clone() })?;
    let frame = frame_v4(6, 20);
    // All flows are known, or nearly so.
    let warm = trial.run(name::TRIAL, &frame, FLOWS.saturating_mul(4));
    let verdict = warm.map_err(|error| format!("test run of balancing: {error}"))?.verdict;
    if verdict != SENT {
        return Err(format!("balancing does not send its packet: verdict {verdict}"));
    }
    let packet = format!("IPv4 TCP to a member, {FLOWS} flows");
    measure(&trial, name::TRIAL, name::TRIAL_FLOOR, &packet, |name| trial.run(name, &frame, repeat))
}

fn measure(
    trial: &Trial,
    program: &str,
    floor: &str,
    packet: &str,
    run: impl Fn(&str) -> io::Result<crate::trial::Outcome>,
) -> Result<ProgramCost, String> {
    let failed = |error: io::Error| format!("test run of {program}: {error}");
    let mut cost = u32::MAX;
    let mut empty = u32::MAX;
    for _ in 0..ROUNDS {
        empty = empty.min(run(floor).map_err(failed)?.nanoseconds);
        cost = cost.min(run(program).map_err(failed)?.nanoseconds);
    }
    let verified = trial.programs().into_iter().find(|(name, _)| *name == program);
    Ok(ProgramCost {
        program: program.to_owned(),
        packet: packet.to_owned(),
        nanoseconds: cost,
        empty_nanoseconds: empty,
        verified_instructions: verified.and_then(|(_, count)| count),
    })
}

fn ethernet(ether_type: u16) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend(ether_type.to_be_bytes());
    frame
}

fn transport(protocol: u8) -> Vec<u8> {
    let mut header = Vec::from(40_000_u16.to_be_bytes());
    header.extend(PORT.to_be_bytes());
    if protocol == 6 {
        // Sequence, acknowledgment, 5 words, ACK and PSH.
        header.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
    } else {
        header.extend([0, 8, 0, 0]);
    }
    header.extend([0; 64]);
    header
}

fn frame_v4(protocol: u8, header: u16) -> Vec<u8> {
    let mut frame = ethernet(0x0800);
    frame.extend([0x45, 0]);
    frame.extend((20 + header + 64).to_be_bytes());
    frame.extend([0, 1, 0x40, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    frame.extend(transport(protocol));
    frame
}

fn frame_v6(extended: bool) -> Vec<u8> {
    let extensions: &[u8] = if extended { &[0, 60, 43, 60] } else { &[] };
    let mut frame = ethernet(0x86dd);
    frame.extend([0x60, 0, 0, 0]);
    frame.extend((extensions.len() as u16 * 8 + 20 + 64).to_be_bytes());
    frame.extend([extensions.first().copied().unwrap_or(6), 64]);
    frame.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    frame.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    for next in extensions.iter().skip(1).chain(&[6]).take(extensions.len()) {
        frame.extend([*next, 0, 1, 4, 0, 0, 0, 0]);
    }
    frame.extend(transport(6));
    frame
}
