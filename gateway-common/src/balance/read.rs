//! What of a packet a balancer goes by.

use crate::map::{FlowKey, FragmentKey};
use crate::numbers::{ACK, FRAGMENT, PROTOCOL_ICMP, PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP, SYN};
use crate::packet::{Address, Icmp, Ipv4, Ipv6, Ipv6Fragment, Packet, Ports, Tcp};
use crate::parse::{Parsed, Protocol, Verdict};

/// What a packet shows of its flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    /// All of it.
    Whole { flow: FlowKey, opens: bool },
    /// The first of several pieces, which has the ports.
    First { flow: FlowKey, opens: bool, fragment: FragmentKey },
    /// A later one.
    Later(FragmentKey),
    /// An error about a packet of the virtual address, whose flow this is.
    Error(FlowKey),
}

/// Offset of a fragment in eights of bytes (RFC 791 §3.1).
const OFFSET: u16 = 0x1fff;
/// In an ICMP error what it is about begins here (RFC 792, RFC 4443 §3).
const ICMP_BYTES: usize = size_of::<Icmp>();
/// Destination unreachable, time exceeded, parameter problem (RFC 792).
const ERRORS_V4: [u8; 3] = [3, 11, 12];
/// RFC 4443 §2.1: below 128 are errors. Those that are defined: 1 to 4.
const ERRORS_V6_LAST: u8 = 4;

/// `None` for what no balancer forwards.
#[inline(always)]
pub fn read<P: Packet + ?Sized>(packet: &P, parsed: &Parsed) -> Option<Piece> {
    match (parsed.verdict, parsed.protocol) {
        (Verdict::Pass, Protocol::Tcp | Protocol::Udp) => whole(packet, parsed),
        // Without an IP header there is none of ICMP.
        (Verdict::Pass, Protocol::Other) if parsed.network != 0 => error(packet, parsed),
        (Verdict::Fragment, _) => fragment(packet, parsed),
        _ => None,
    }
}

/// Addresses of an IP header in 16 bytes each: source and destination.
type Ends = [[u32; 4]; 2];

#[inline(always)]
fn ends_v4(ip: &Ipv4) -> Ends {
    [Address::v4(ip.source).0, Address::v4(ip.destination).0]
}

#[inline(always)]
fn ends_v6(ip: &Ipv6) -> Ends {
    [ip.source, ip.destination]
}

#[inline(always)]
fn ends<P: Packet + ?Sized>(packet: &P, parsed: &Parsed) -> Option<Ends> {
    Some(if parsed.v6 {
        ends_v6(&packet.header(parsed.network)?)
    } else {
        ends_v4(&packet.header(parsed.network)?)
    })
}

#[inline(always)]
fn whole<P: Packet + ?Sized>(packet: &P, parsed: &Parsed) -> Option<Piece> {
    let [source, destination] = ends(packet, parsed)?;
    let tcp = matches!(parsed.protocol, Protocol::Tcp);
    let flow = FlowKey {
        source,
        destination,
        source_port: parsed.source_port.to_be(),
        destination_port: parsed.destination_port.to_be(),
        protocol: u32::from(if tcp { PROTOCOL_TCP } else { PROTOCOL_UDP }),
    };
    Some(Piece::Whole { flow, opens: tcp && opens(parsed.tcp_flags) })
}

#[inline(always)]
const fn opens(flags: u8) -> bool {
    flags & (SYN | ACK) == SYN
}

#[inline(always)]
fn fragment<P: Packet + ?Sized>(packet: &P, parsed: &Parsed) -> Option<Piece> {
    let (ends, protocol, identification, offset, transport) = if parsed.v6 {
        let ip: Ipv6 = packet.header(parsed.network)?;
        // Behind other extension headers it is left to the stack.
        if ip.next_header != FRAGMENT {
            return None;
        }
        let at = parsed.network + size_of::<Ipv6>();
        let fragment: Ipv6Fragment = packet.header(at)?;
        let offset = u16::from_be(fragment.offset_flags) >> 3;
        (ends_v6(&ip), fragment.next_header, fragment.identification, offset, at + size_of::<Ipv6Fragment>())
    } else {
        let ip: Ipv4 = packet.header(parsed.network)?;
        let offset = u16::from_be(ip.fragment) & OFFSET;
        (ends_v4(&ip), ip.protocol, u32::from(ip.identification), offset, parsed.network + header_length(&ip))
    };
    let [source, destination] = ends;
    let fragment = FragmentKey { source, destination, identification, protocol: u32::from(protocol) };
    if offset != 0 {
        return Some(Piece::Later(fragment));
    }
    let ports: Ports = packet.header(transport)?;
    let opens = match protocol {
        // RFC 1858: whose flags are not in the first piece is up to no good.
        PROTOCOL_TCP => opens(packet.header::<Tcp>(transport)?.flags),
        PROTOCOL_UDP => false,
        _ => return None,
    };
    let flow = FlowKey {
        source,
        destination,
        source_port: ports.source,
        destination_port: ports.destination,
        protocol: u32::from(protocol),
    };
    Some(Piece::First { flow, opens, fragment })
}

#[inline(always)]
fn header_length(ip: &Ipv4) -> usize {
    usize::from(ip.version_length & 0xf) * 4
}

/// What a router on the way, or the client, says about a packet that a member has sent.
#[inline(always)]
fn error<P: Packet + ?Sized>(packet: &P, parsed: &Parsed) -> Option<Piece> {
    if parsed.v6 { error_v6(packet, parsed.network) } else { error_v4(packet, parsed.network) }
}

#[inline(always)]
fn error_v4<P: Packet + ?Sized>(packet: &P, network: usize) -> Option<Piece> {
    let ip: Ipv4 = packet.header(network)?;
    if ip.protocol != PROTOCOL_ICMP {
        return None;
    }
    let at = network + header_length(&ip);
    let icmp: Icmp = packet.header(at)?;
    if !(icmp.kind == ERRORS_V4[0] || icmp.kind == ERRORS_V4[1] || icmp.kind == ERRORS_V4[2]) {
        return None;
    }
    let inner: Ipv4 = packet.header(at + ICMP_BYTES)?;
    if inner.version_length >> 4 != 4 || u16::from_be(inner.fragment) & OFFSET != 0 {
        return None;
    }
    let ports = packet.header(at + ICMP_BYTES + header_length(&inner))?;
    returned(ends_v4(&inner), inner.protocol, ports)
}

#[inline(always)]
fn error_v6<P: Packet + ?Sized>(packet: &P, network: usize) -> Option<Piece> {
    let ip: Ipv6 = packet.header(network)?;
    if ip.next_header != PROTOCOL_ICMPV6 {
        return None;
    }
    let at = network + size_of::<Ipv6>();
    let icmp: Icmp = packet.header(at)?;
    if icmp.kind == 0 || icmp.kind > ERRORS_V6_LAST {
        return None;
    }
    let inner: Ipv6 = packet.header(at + ICMP_BYTES)?;
    let ports = packet.header(at + ICMP_BYTES + size_of::<Ipv6>())?;
    returned(ends_v6(&inner), inner.next_header, ports)
}

/// The flow that the packet was an answer in.
#[inline(always)]
fn returned([source, destination]: Ends, protocol: u8, ports: Ports) -> Option<Piece> {
    if !matches!(protocol, PROTOCOL_TCP | PROTOCOL_UDP) {
        return None;
    }
    Some(Piece::Error(FlowKey {
        source: destination,
        destination: source,
        source_port: ports.destination,
        destination_port: ports.source,
        protocol: u32::from(protocol),
    }))
}
