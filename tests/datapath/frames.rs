//! Frames from client to gateway, byte by byte.

use std::net::{Ipv4Addr, Ipv6Addr};

use gateway_tests::namespaces::{CLIENT_MAC, CLIENT_V4, CLIENT_V6, GATEWAY_MAC, GATEWAY_V4, GATEWAY_V6};

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const ACK: u8 = 16;

/// A frame without tags.
pub fn ethernet(ether_type: u16, payload: &[u8]) -> Vec<u8> {
    tagged(&[], ether_type, payload)
}

/// A frame with tags, the outermost first, each as its `EtherType` and its identifier.
pub fn tagged(tags: &[(u16, u16)], ether_type: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = [GATEWAY_MAC, CLIENT_MAC].concat();
    for (tag, identifier) in tags {
        frame.extend(tag.to_be_bytes());
        frame.extend(identifier.to_be_bytes());
    }
    frame.extend(ether_type.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `options` in words of 4 bytes; `fragment` is the field as it is: flags and offset.
pub fn ipv4(protocol: u8, options: usize, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let header = 20 + options * 4;
    let mut packet = vec![0x40 | (header / 4) as u8, 0];
    packet.extend(((header + payload.len()) as u16).to_be_bytes());
    packet.extend([0, 1]);
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, protocol, 0, 0]);
    packet.extend(CLIENT_V4.parse::<Ipv4Addr>().unwrap().octets());
    packet.extend(GATEWAY_V4.parse::<Ipv4Addr>().unwrap().octets());
    packet.extend(vec![1; options * 4]);
    let checksum = checksum(&packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(payload);
    packet
}

/// `extensions`: kind of each header between IPv6 and the transport.
pub fn ipv6(protocol: u8, extensions: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut kinds = extensions.to_vec();
    kinds.push(protocol);
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(((extensions.len() * 8 + payload.len()) as u16).to_be_bytes());
    packet.extend([kinds[0], 64]);
    packet.extend(CLIENT_V6.parse::<Ipv6Addr>().unwrap().octets());
    packet.extend(GATEWAY_V6.parse::<Ipv6Addr>().unwrap().octets());
    for next in &kinds[1..] {
        // Eight bytes with four of padding (RFC 8200 §4.2).
        packet.extend([*next, 0, 1, 4, 0, 0, 0, 0]);
    }
    packet.extend(payload);
    packet
}

/// A fragment header (RFC 8200 §4.5) before `payload`.
pub fn fragment_v6(protocol: u8, field: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![protocol, 0];
    header.extend(field.to_be_bytes());
    header.extend([0, 0, 0, 7]);
    header.extend(payload);
    let mut packet = ipv6(44, &[], &header);
    packet[6] = 44;
    packet
}

/// The checksum is left wrong, so that the stack answers nothing.
pub fn tcp(port: u16, flags: u8, data: &[u8]) -> Vec<u8> {
    let mut segment = Vec::from(40_000_u16.to_be_bytes());
    segment.extend(port.to_be_bytes());
    segment.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 4, 0, 0xba, 0xad, 0, 0]);
    segment.extend(data);
    segment
}

/// The checksum is left wrong, so that the stack answers nothing.
pub fn udp(port: u16, data: &[u8]) -> Vec<u8> {
    let mut datagram = Vec::from(40_000_u16.to_be_bytes());
    datagram.extend(port.to_be_bytes());
    datagram.extend(((8 + data.len()) as u16).to_be_bytes());
    datagram.extend([0xba, 0xad]);
    datagram.extend(data);
    datagram
}

/// The IPv4 packet as if it came from another address.
pub fn from_v4(source: &str, mut packet: Vec<u8>) -> Vec<u8> {
    packet[12..16].copy_from_slice(&source.parse::<Ipv4Addr>().unwrap().octets());
    packet[10..12].fill(0);
    let header = usize::from(packet[0] & 0xf) * 4;
    let checksum = checksum(&packet[..header]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// The IPv6 packet as if it came from another address.
pub fn from_v6(source: &str, mut packet: Vec<u8>) -> Vec<u8> {
    packet[8..24].copy_from_slice(&source.parse::<Ipv6Addr>().unwrap().octets());
    packet
}

/// The IPv4 packet as if it were for another address.
pub fn to_v4(destination: &str, mut packet: Vec<u8>) -> Vec<u8> {
    packet[16..20].copy_from_slice(&destination.parse::<Ipv4Addr>().unwrap().octets());
    packet[10..12].fill(0);
    let header = usize::from(packet[0] & 0xf) * 4;
    let checksum = checksum(&packet[..header]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// The IPv6 packet as if it were for another address.
pub fn to_v6(destination: &str, mut packet: Vec<u8>) -> Vec<u8> {
    packet[24..40].copy_from_slice(&destination.parse::<Ipv6Addr>().unwrap().octets());
    packet
}

/// The packet of TCP, without options or extension headers, with the right checksum: the stack answers it.
pub fn answerable(mut packet: Vec<u8>) -> Vec<u8> {
    let (addresses, transport) = if packet[0] >> 4 == 4 { (12, 20) } else { (8, 40) };
    packet[transport + 16..transport + 18].fill(0);
    let segment = packet.len() - transport;
    let pseudo = [&packet[addresses..transport], &[0, TCP, 0, segment as u8]].concat();
    let checksum = checksum(&[pseudo.as_slice(), &packet[transport..]].concat());
    packet[transport + 16..transport + 18].copy_from_slice(&checksum.to_be_bytes());
    packet
}

fn checksum(header: &[u8]) -> u16 {
    let words = header.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]));
    let sum: u32 = words.sum();
    !((sum & 0xffff) + (sum >> 16)) as u16
}
