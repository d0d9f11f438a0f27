//! Packets in packets: IPv4 in IPv4 (RFC 2003), IPv6 in IPv6 (RFC 2473).

use crate::checksum::{complement, halves, sum};
use crate::map::Member;
use crate::numbers::{PROTOCOL_IPV4, PROTOCOL_IPV6, V4_PLAIN};
use crate::packet::{Ipv4, Ipv6, Packet};

const HOPS: u16 = 64;
const DO_NOT_FRAGMENT: u16 = 0x4000;
/// Offset and "more" of a fragment.
const FRAGMENT: u16 = 0x3fff;

/// The header that takes an IPv4 packet to the member, as it lies in the packet. The type of service is the packet's own,
/// so that congestion marks (RFC 6040) are not lost.
#[inline(always)]
pub fn outer_v4(inner: &Ipv4, member: &Member) -> [u16; 10] {
    let length = u16::from_be(inner.total_length).wrapping_add(20);
    let [source, destination] = [halves(member.source.0[3]), halves(member.address.0[3])];
    let mut words = [
        u16::from_ne_bytes([V4_PLAIN, inner.service]),
        length.to_be(),
        0,
        DO_NOT_FRAGMENT.to_be(),
        (HOPS << 8 | u16::from(PROTOCOL_IPV4)).to_be(),
        0,
        source[0],
        source[1],
        destination[0],
        destination[1],
    ];
    words[5] = complement(sum(0, &words));
    words
}

/// The same for an IPv6 packet.
#[inline(always)]
pub fn outer_v6(inner: &Ipv6, member: &Member) -> [u16; 20] {
    let mut words = [0; 20];
    // Version and class are the packet's own; no flow label.
    words[0] = inner.version_class & 0xfff0_u16.to_be();
    words[2] = u16::from_be(inner.payload_length).wrapping_add(40).to_be();
    words[3] = (u16::from(PROTOCOL_IPV6) << 8 | HOPS).to_be();
    for word in 0..4 {
        let [first, second] = halves(member.source.0[word]);
        words[4 + word * 2] = first;
        words[5 + word * 2] = second;
        let [first, second] = halves(member.address.0[word]);
        words[12 + word * 2] = first;
        words[13 + word * 2] = second;
    }
    words
}

/// The outer header, if that is a whole IPv4 packet in an IPv4 packet.
#[inline(always)]
pub fn packed_v4<P: Packet + ?Sized>(packet: &P, network: usize) -> Option<Ipv4> {
    let outer: Ipv4 = packet.header(network)?;
    let plain = outer.version_length == V4_PLAIN
        && outer.protocol == PROTOCOL_IPV4
        && u16::from_be(outer.fragment) & FRAGMENT == 0;
    let inner: Ipv4 = packet.header(network + size_of::<Ipv4>())?;
    (plain && inner.version_length >> 4 == 4).then_some(outer)
}

/// The outer header, if that is an IPv6 packet in an IPv6 packet.
#[inline(always)]
pub fn packed_v6<P: Packet + ?Sized>(packet: &P, network: usize) -> Option<Ipv6> {
    let outer: Ipv6 = packet.header(network)?;
    let inner: Ipv6 = packet.header(network + size_of::<Ipv6>())?;
    let six = |ip: &Ipv6| u16::from_be(ip.version_class) >> 12 == 6;
    (outer.next_header == PROTOCOL_IPV6 && six(&outer) && six(&inner)).then_some(outer)
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::packet::Address;

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn outer_v4_is_a_right_header_around_the_packet() {
        let inner = [0x45, 3, 5, 220, 0, 7, 0x40, 0, 33, 6, 1, 2, 192, 0, 2, 1, 203, 0, 113, 9];
        let member = Member {
            address: Address::v4(u32::from_ne_bytes([10, 0, 0, 11])),
            source: Address::v4(u32::from_ne_bytes([10, 0, 0, 2])),
            ..Member::default()
        };
        let outer = bytes(&outer_v4(&(*inner.as_slice()).header(0).unwrap(), &member));
        assert_eq!(outer[..10], [0x45, 3, 5, 240, 0, 0, 0x40, 0, 64, 4]);
        assert_eq!(outer[12..], [10, 0, 0, 2, 10, 0, 0, 11]);
        let sum: u32 = outer.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        let packet = [outer, inner.to_vec()].concat();
        assert!(packed_v4(packet.as_slice(), 0).is_some());
        assert!(packed_v4(packet.as_slice(), 20).is_none(), "TCP in it");
        assert!(packed_v4(&packet[..39], 0).is_none(), "cut off");
        for (at, value) in [(0, 0x46), (6, 0x20), (7, 1), (9, 6), (20, 0x65)] {
            let mut other = packet.clone();
            other[at] = value;
            assert!(packed_v4(other.as_slice(), 0).is_none(), "byte {at} is {value}");
        }
    }

    #[test]
    fn outer_v6_is_a_right_header_around_the_packet() {
        let mut inner = [7; 40];
        inner[..8].copy_from_slice(&[0x6a, 0xbc, 2, 3, 1, 0, 6, 12]);
        let six = |last: u8| Address::v6([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        let member = Member { address: six(11), source: six(2), ..Member::default() };
        let outer = bytes(&outer_v6(&(*inner.as_slice()).header(0).unwrap(), &member));
        assert_eq!(outer[..8], [0x6a, 0xb0, 0, 0, 1, 40, 41, 64]);
        assert_eq!((outer[23], outer[39]), (2, 11));
        let packet = [outer, inner.to_vec()].concat();
        assert!(packed_v6(packet.as_slice(), 0).is_some());
        assert!(packed_v6(packet.as_slice(), 40).is_none() && packed_v6(&packet[..79], 0).is_none());
    }
}
