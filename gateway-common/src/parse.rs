//! From a frame to what the counters and the listener look-up need.
//!
//! Ethernet with up to two VLAN tags, IPv4 with options, IPv6 with up to [`EXTENSION_HEADERS_MAX`] extension
//! headers, TCP, UDP. Total: every sequence of bytes has a [`Parsed`].

mod ip;
mod packed;

use crate::map::Direction;
use crate::numbers::{
    ETHER_TYPE_IPV4, ETHER_TYPE_IPV6, ETHER_TYPE_QINQ, ETHER_TYPE_VLAN, PROTOCOL_TCP, PROTOCOL_UDP,
};
use crate::packet::{Address, Ethernet, Ipv4, Ipv6, Packet, Source, Tcp, Udp, VlanTag};

pub use packed::Packed;

/// Longer chains are passed unread: `reference/ebpf-datapath.md` §10 rule 7.
pub const EXTENSION_HEADERS_MAX: usize = 4;
/// 802.1Q inside 802.1ad.
pub const VLAN_TAGS_MAX: usize = 2;

/// What carries the packet's data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Protocol {
    Tcp = 0,
    Udp = 1,
    /// Anything else, ARP and ICMP among them.
    Other = 2,
}

impl Protocol {
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Other];

    #[inline(always)]
    const fn of(number: u8) -> Self {
        match number {
            PROTOCOL_TCP => Self::Tcp,
            PROTOCOL_UDP => Self::Udp,
            _ => Self::Other,
        }
    }
}

/// What was decided about a packet, and why. All but [`Verdict::Dropped`], which no parser gives, hand it to the stack.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Verdict {
    /// Read whole.
    Pass = 0,
    /// A fragment, first or later: it is passed without a look at ports.
    Fragment = 1,
    /// Truncated, contradictory, or with more headers than are followed.
    Unparsed = 2,
    /// Shed by a rule (`gateway_common::shed`).
    Dropped = 3,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Pass, Self::Fragment, Self::Unparsed, Self::Dropped];
}

/// One packet, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parsed {
    pub protocol: Protocol,
    pub verdict: Verdict,
    /// In host byte order; 0 unless TCP or UDP was read.
    pub source_port: u16,
    /// In host byte order; 0 unless TCP or UDP was read.
    pub destination_port: u16,
    /// The TCP header's flags (FIN is bit 0, SYN bit 1, RST bit 2); 0 for anything else.
    pub tcp_flags: u8,
    /// IPv6; else IPv4, or no IP at all.
    pub v6: bool,
    /// Where the IP header starts, at most 22; 0 if none was read.
    pub network: usize,
    /// Where the data behind the TCP or UDP header starts; 0 unless one was read.
    pub payload: usize,
}

impl Parsed {
    #[inline(always)]
    const fn without_ports(protocol: Protocol, verdict: Verdict) -> Self {
        Self {
            protocol,
            verdict,
            source_port: 0,
            destination_port: 0,
            tcp_flags: 0,
            v6: false,
            network: 0,
            payload: 0,
        }
    }

    /// The port at this host's end.
    #[inline(always)]
    pub const fn local_port(&self, direction: Direction) -> u16 {
        match direction {
            Direction::In => self.destination_port,
            Direction::Out => self.source_port,
        }
    }

    /// Where the packet says it comes from; `None` without an IP header.
    #[inline(always)]
    pub fn source<P: Packet + ?Sized>(&self, packet: &P) -> Option<Source> {
        if self.network == 0 {
            return None;
        }
        if self.v6 {
            packet.header::<Ipv6>(self.network).map(|ip| Source::V6(ip.source))
        } else {
            packet.header::<Ipv4>(self.network).map(|ip| Source::V4(ip.source))
        }
    }

    /// The address at this host's end; `None` without an IP header.
    #[inline(always)]
    pub fn local_address<P: Packet + ?Sized>(&self, packet: &P, direction: Direction) -> Option<Address> {
        if self.network == 0 {
            return None;
        }
        let address = if self.v6 {
            let ip: Ipv6 = packet.header(self.network)?;
            Address(match direction {
                Direction::In => ip.destination,
                Direction::Out => ip.source,
            })
        } else {
            let ip: Ipv4 = packet.header(self.network)?;
            Address::v4(match direction {
                Direction::In => ip.destination,
                Direction::Out => ip.source,
            })
        };
        Some(address)
    }
}

/// Reads `packet` from its Ethernet header on.
#[inline(always)]
pub fn parse<P: Packet + ?Sized>(packet: &P) -> Parsed {
    let Some((ether_type, network)) = link(packet) else {
        return Parsed::without_ports(Protocol::Other, Verdict::Unparsed);
    };
    let transport = match ether_type {
        ETHER_TYPE_IPV4 => ip::v4(packet, network),
        ETHER_TYPE_IPV6 => ip::v6(packet, network),
        // A third tag: deeper than we follow.
        ETHER_TYPE_VLAN | ETHER_TYPE_QINQ => Err((Protocol::Other, Verdict::Unparsed)),
        _ => Err((Protocol::Other, Verdict::Pass)),
    };
    let v6 = ether_type == ETHER_TYPE_IPV6;
    match transport {
        Ok(transport) => self::transport(packet, network, v6, &transport),
        Err((protocol, Verdict::Fragment)) => {
            Parsed { v6, network, ..Parsed::without_ports(protocol, Verdict::Fragment) }
        }
        Err((protocol, verdict)) => Parsed::without_ports(protocol, verdict),
    }
}

/// `EtherType` and start of what is behind the Ethernet header and its tags.
#[inline(always)]
fn link<P: Packet + ?Sized>(packet: &P) -> Option<(u16, usize)> {
    let ethernet: Ethernet = packet.header(0)?;
    let mut ether_type = u16::from_be(ethernet.ether_type);
    let mut offset = size_of::<Ethernet>();
    for _ in 0..VLAN_TAGS_MAX {
        if ether_type != ETHER_TYPE_VLAN && ether_type != ETHER_TYPE_QINQ {
            break;
        }
        let tag: VlanTag = packet.header(offset)?;
        ether_type = u16::from_be(tag.ether_type);
        offset += size_of::<VlanTag>();
    }
    Some((ether_type, offset))
}

/// What an IP header says about the header behind it.
struct Transport {
    protocol: u8,
    offset: usize,
    /// Bytes from `offset` to the end that the IP header states; `usize::MAX` where it states none
    /// (jumbograms, and merged packets above 64 KiB).
    length: usize,
}

#[inline(always)]
fn transport<P: Packet + ?Sized>(packet: &P, network: usize, v6: bool, transport: &Transport) -> Parsed {
    let Transport { protocol: number, offset, length } = *transport;
    let protocol = Protocol::of(number);
    let mut parsed = Parsed { v6, network, ..Parsed::without_ports(protocol, Verdict::Pass) };
    match protocol {
        Protocol::Tcp => {
            let Some(tcp) = packet.header::<Tcp>(offset) else { return unparsed(parsed) };
            let header_length = usize::from(tcp.data_offset >> 4) * 4;
            if header_length < size_of::<Tcp>() || header_length > length {
                return unparsed(parsed);
            }
            parsed.source_port = u16::from_be(tcp.source);
            parsed.destination_port = u16::from_be(tcp.destination);
            parsed.tcp_flags = tcp.flags;
            parsed.payload = offset + header_length;
        }
        Protocol::Udp => {
            let Some(udp) = packet.header::<Udp>(offset) else { return unparsed(parsed) };
            if size_of::<Udp>() > length {
                return unparsed(parsed);
            }
            parsed.source_port = u16::from_be(udp.source);
            parsed.destination_port = u16::from_be(udp.destination);
            parsed.payload = offset + size_of::<Udp>();
        }
        Protocol::Other => {}
    }
    parsed
}

#[inline(always)]
const fn unparsed(parsed: Parsed) -> Parsed {
    Parsed { verdict: Verdict::Unparsed, ..parsed }
}
