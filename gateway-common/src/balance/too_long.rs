//! What a client is told whose packet does not fit on the way to its member: ICMP "fragmentation needed" (RFC 792, RFC 1191
//! §4) and `ICMPv6` "packet too big" (RFC 4443 §3.2), with the length that fits.
//!
//! IPv4 packets that may be fragmented get the same answer: a balancer fragments nothing, and who minds the answer sends
//! shorter ones.

use crate::checksum::{complement, halves, sum};
use crate::numbers::{PROTOCOL_ICMP, PROTOCOL_ICMPV6, V4_PLAIN};
use crate::packet::{Ipv4, Ipv6, Packet};

/// Bytes of the packet that go into its answer: what 576 leave (RFC 1812 §4.3.2.3), and 1280 (RFC 4443 §2.4 c). A packet
/// that is shorter gets none: no way in use has so little room.
pub const QUOTED_V4: usize = 576 - WORDS_V4 * 2;
pub const QUOTED_V6: usize = 1280 - WORDS_V6 * 2;
/// Of the IP header and the one of ICMP before it.
pub const WORDS_V4: usize = 14;
pub const WORDS_V6: usize = 24;

const HOPS: u16 = 64;
/// Internetwork control (RFC 1812 §4.3.2.5).
const SERVICE: u8 = 0xc0;
/// Destination unreachable, fragmentation needed.
const FRAGMENTATION_NEEDED: [u8; 2] = [3, 4];
const TOO_BIG: [u8; 2] = [2, 0];

/// The headers before what is quoted of the packet, as they lie in the answer: from its destination to its source. `None`
/// for one that is not answered.
#[inline(always)]
pub fn too_long_v4<P: Packet + ?Sized>(packet: &P, network: usize, fits: u32) -> Option<[u16; WORDS_V4]> {
    let ip: Ipv4 = packet.header(network)?;
    if !is_host_v4(ip.source) {
        return None;
    }
    let [source, destination] = [halves(ip.destination), halves(ip.source)];
    let mut words = [
        u16::from_ne_bytes([V4_PLAIN, SERVICE]),
        ((WORDS_V4 * 2 + QUOTED_V4) as u16).to_be(),
        0,
        0,
        (HOPS << 8 | u16::from(PROTOCOL_ICMP)).to_be(),
        0,
        source[0],
        source[1],
        destination[0],
        destination[1],
        u16::from_ne_bytes(FRAGMENTATION_NEEDED),
        0,
        0,
        (fits as u16).to_be(),
    ];
    let message = u32::from(words[10]) + u32::from(words[13]);
    words[11] = complement(message + packet.sum::<{ QUOTED_V4 / 2 }>(network)?);
    let [header @ .., _, _, _, _] = words;
    words[5] = complement(sum(0, &header));
    Some(words)
}

/// The same for IPv6.
#[inline(always)]
pub fn too_long_v6<P: Packet + ?Sized>(packet: &P, network: usize, fits: u32) -> Option<[u16; WORDS_V6]> {
    let ip: Ipv6 = packet.header(network)?;
    let source: [u32; 4] = ip.source;
    if !is_host_v6(source) {
        return None;
    }
    let length = (WORDS_V6 * 2 - size_of::<Ipv6>() + QUOTED_V6) as u16;
    let mut words = [0; WORDS_V6];
    words[0] = 0x6000_u16.to_be();
    words[2] = length.to_be();
    words[3] = (u16::from(PROTOCOL_ICMPV6) << 8 | HOPS).to_be();
    let from: [u32; 4] = ip.destination;
    for word in 0..4 {
        [words[4 + word * 2], words[5 + word * 2]] = halves(from[word]);
        [words[12 + word * 2], words[13 + word * 2]] = halves(source[word]);
    }
    words[20] = u16::from_ne_bytes(TOO_BIG);
    [words[22], words[23]] = halves(fits.to_be());
    // RFC 8200 §8.1: addresses, length and protocol are summed, too.
    let pseudo = u32::from(length.to_be()) + u32::from(u16::from(PROTOCOL_ICMPV6).to_be());
    let [_, _, _, _, rest @ ..] = words;
    words[21] = complement(sum(pseudo, &rest) + packet.sum::<{ QUOTED_V6 / 2 }>(network)?);
    Some(words)
}

/// RFC 1812 §4.3.2.7: no answer to what names no single host.
#[inline(always)]
const fn is_host_v4(address: u32) -> bool {
    let first = address.to_ne_bytes()[0];
    first != 0 && first != 127 && first < 224
}

/// RFC 4443 §2.4 e.6.
#[inline(always)]
const fn is_host_v6(address: [u32; 4]) -> bool {
    let [a, b, c, d] = address;
    a.to_ne_bytes()[0] != 0xff && (a | b | c | d) != 0
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    /// Bytes after bytes, some of them right for a header.
    fn packet(state: &mut u64, length: usize, v6: bool) -> Vec<u8> {
        let mut packet: Vec<u8> = (0..length).map(|_| random(state) as u8).collect();
        packet[0] = if v6 { 0x60 } else { 0x45 };
        packet[if v6 { 8 } else { 12 }] = 32;
        packet
    }

    /// RFC 1071 over pairs of bytes: what is right adds up to nothing but ones.
    fn adds_up(parts: &[&[u8]]) -> bool {
        let bytes = parts.concat();
        let sum: u64 = bytes.chunks(2).map(|pair| u64::from(pair[0]) * 256 + u64::from(pair[1])).sum();
        sum != 0 && sum.is_multiple_of(0xffff)
    }

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    #[test]
    fn too_long_v4_says_what_fits_to_who_has_sent_it() {
        let mut state = 3;
        for fits in [1480, 576, 9000, 65_535, 68] {
            for length in [QUOTED_V4, QUOTED_V4 + 1, 1500, 9001] {
                let packet = packet(&mut state, length, false);
                let head = bytes(&too_long_v4(packet.as_slice(), 0, fits).unwrap());
                let quote = &packet[..QUOTED_V4];
                assert_eq!(head.len() + quote.len(), 576);
                assert_eq!(head[..10], [0x45, 0xc0, 2, 0x40, 0, 0, 0, 0, 64, 1]);
                assert_eq!((&head[12..16], &head[16..20]), (&packet[16..20], &packet[12..16]));
                assert_eq!((&head[20..22], &head[24..26]), (&[3, 4][..], &[0, 0][..]));
                assert_eq!(head[26..], (fits as u16).to_be_bytes());
                assert!(adds_up(&[&head[..20]]) && adds_up(&[&head[20..], quote]));
            }
        }
    }

    #[test]
    fn too_long_v6_says_what_fits_to_who_has_sent_it() {
        let mut state = 5;
        for fits in [1460, 1280, 8960, 65_535] {
            for length in [QUOTED_V6, QUOTED_V6 + 1, 1500, 9001] {
                let packet = packet(&mut state, length, true);
                let head = bytes(&too_long_v6(packet.as_slice(), 0, fits).unwrap());
                let quote = &packet[..QUOTED_V6];
                assert_eq!(head.len() + quote.len(), 1280);
                assert_eq!(head[..8], [0x60, 0, 0, 0, 0x04, 0xd8, 58, 64]);
                assert_eq!((&head[8..24], &head[24..40]), (&packet[24..40], &packet[8..24]));
                assert_eq!((&head[40..42], &head[44..48]), (&[2, 0][..], &fits.to_be_bytes()[..]));
                let pseudo = [0, 0, 0x04, 0xd8, 0, 0, 0, 58];
                assert!(adds_up(&[&head[8..40], &pseudo, &head[40..], quote]));
            }
        }
    }

    #[test]
    fn too_long_answers_no_short_packet_and_no_crowd() {
        let mut state = 9;
        let (four, six) = (packet(&mut state, 1500, false), packet(&mut state, 1500, true));
        for length in 0..1500 {
            assert_eq!(too_long_v4(&four[..length], 0, 1480).is_some(), length >= QUOTED_V4);
            assert_eq!(too_long_v6(&six[..length], 0, 1460).is_some(), length >= QUOTED_V6);
        }
        let from = |first: u8| {
            let (mut four, mut six) = (four.clone(), six.clone());
            (four[12], six[8]) = (first, first);
            (too_long_v4(four.as_slice(), 0, 1480).is_some(), too_long_v6(six.as_slice(), 0, 1460).is_some())
        };
        let found = [0, 1, 127, 128, 223, 224, 254, 255].map(from);
        assert_eq!(found.map(|one| one.0), [false, true, false, true, true, false, false, false]);
        assert_eq!(found.map(|one| one.1), [true, true, true, true, true, true, true, false]);
        let mut nobody = six.clone();
        nobody[8..24].fill(0);
        assert!(too_long_v6(nobody.as_slice(), 0, 1460).is_none());
    }
}
