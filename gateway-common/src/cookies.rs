//! SYN cookies: when the kernel is asked whether a listener's queue overflows, and what a SYN is answered with.
//!
//! While no queue overflows one SYN in a tick asks, and every SYN goes to the stack. Once the kernel would send
//! cookies itself, all SYNs of the listener are answered here for a second; then one asks again.

use crate::checksum::{complement, halves, sum};
use crate::map::CookieState;
use crate::numbers::{PROTOCOL_TCP, V4_PLAIN};
use crate::packet::{Ipv4, Ipv6, Tcp};

/// Every SYN is answered for this long after the kernel has said that its queue overflows.
pub const FLOOD_NS: u64 = 1_000_000_000;
/// The kernel is asked again after this time when it has not.
pub const CALM_NS: u64 = 1_000_000;
/// Bytes of the TCP header of an answer, which has one option: the segment size.
pub const TCP_BYTES: usize = 24;
/// Bytes of an answer by IPv4, from the IP header on.
pub const V4_BYTES: usize = 20 + TCP_BYTES;
/// By IPv6.
pub const V6_BYTES: usize = 40 + TCP_BYTES;
/// What a client may send before it hears of the window that the connection has in the end.
const WINDOW: u16 = 29_200;
const HOPS: u16 = 64;

/// What becomes of a SYN.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The stack takes it.
    Pass,
    /// Ask the kernel, and say what it said by [`CookieState::told`].
    Ask,
    /// Answer it with a cookie.
    Answer,
}

impl CookieState {
    /// For a SYN at `now`. CPUs that come at the same time may both ask, which does no harm.
    #[inline(always)]
    pub const fn step(&mut self, now: u64) -> Step {
        if now >= self.next_ns {
            self.next_ns = now + CALM_NS;
            return Step::Ask;
        }
        if self.flood == 0 { Step::Pass } else { Step::Answer }
    }

    /// Whether the queue overflows, as the kernel has just said.
    #[inline(always)]
    pub const fn told(&mut self, now: u64, overflows: bool) {
        if overflows {
            self.flood = 1;
            self.next_ns = now + FLOOD_NS;
        } else {
            self.flood = 0;
        }
    }

    /// The SYN came again to a connection that is half open already, and could not ask: the next one does.
    #[inline(always)]
    pub const fn not_told(&mut self, now: u64) {
        self.next_ns = now;
    }

    /// True while SYNs are answered; a state that no SYN has looked at since it ended is over, too.
    pub const fn is_flood(&self, now: u64) -> bool {
        self.flood != 0 && now < self.next_ns + FLOOD_NS
    }
}

/// A SYN-ACK to an IPv4 SYN, from the IP header on, as it lies in the packet.
#[inline(always)]
pub fn reply_v4(ip: &Ipv4, tcp: &Tcp, cookie: u32, segment_bytes: u16) -> [u16; V4_BYTES / 2] {
    let [source, destination] = [halves(ip.destination), halves(ip.source)];
    let mut head: [u16; 10] = [
        u16::from_ne_bytes([V4_PLAIN, 0]),
        (V4_BYTES as u16).to_be(),
        0,
        0x4000_u16.to_be(),
        (HOPS << 8 | u16::from(PROTOCOL_TCP)).to_be(),
        0,
        source[0],
        source[1],
        destination[0],
        destination[1],
    ];
    head[5] = complement(sum(0, &head));
    let addresses = [source[0], source[1], destination[0], destination[1]];
    let tcp = segment(tcp, cookie, segment_bytes, sum(0, &addresses));
    let mut reply = [0; V4_BYTES / 2];
    reply[..10].copy_from_slice(&head);
    reply[10..].copy_from_slice(&tcp);
    reply
}

/// A SYN-ACK to an IPv6 SYN, in the same way.
#[inline(always)]
pub fn reply_v6(ip: &Ipv6, tcp: &Tcp, cookie: u32, segment_bytes: u16) -> [u16; V6_BYTES / 2] {
    let (source, destination) = (ip.destination, ip.source);
    let mut head: [u16; 20] = [0; 20];
    head[0] = 0x6000_u16.to_be();
    head[2] = (TCP_BYTES as u16).to_be();
    head[3] = (u16::from(PROTOCOL_TCP) << 8 | HOPS).to_be();
    for word in 0..4 {
        let [first, second] = halves(source[word]);
        head[4 + word * 2] = first;
        head[5 + word * 2] = second;
        let [first, second] = halves(destination[word]);
        head[12 + word * 2] = first;
        head[13 + word * 2] = second;
    }
    let mut addresses = [0; 16];
    addresses.copy_from_slice(&head[4..]);
    let tcp = segment(tcp, cookie, segment_bytes, sum(0, &addresses));
    let mut reply = [0; V6_BYTES / 2];
    reply[..20].copy_from_slice(&head);
    reply[20..].copy_from_slice(&tcp);
    reply
}

/// The TCP header; `addresses` is their sum.
#[inline(always)]
fn segment(syn: &Tcp, cookie: u32, segment_bytes: u16, addresses: u32) -> [u16; TCP_BYTES / 2] {
    let sequence = halves(cookie.to_be());
    let acknowledged = halves(u32::from_be(syn.sequence).wrapping_add(1).to_be());
    let mut words = [
        syn.destination,
        syn.source,
        sequence[0],
        sequence[1],
        acknowledged[0],
        acknowledged[1],
        // Six words of header; SYN and ACK.
        0x6012_u16.to_be(),
        WINDOW.to_be(),
        0,
        0,
        // Option 2 of four bytes: the segment size (RFC 9293 §3.2).
        0x0204_u16.to_be(),
        segment_bytes.to_be(),
    ];
    let pseudo =
        addresses + u32::from(u16::from(PROTOCOL_TCP).to_be()) + u32::from((TCP_BYTES as u16).to_be());
    words[8] = complement(sum(pseudo, &words));
    words
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::vec::Vec;

    use super::*;
    use crate::packet::Packet;
    use crate::parse::{Verdict, parse};

    const SYN: [u8; 20] =
        [0x9c, 0x40, 0x1f, 0x90, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0x50, 2, 4, 0, 0, 0, 0, 0];

    fn bytes(words: &[u16]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }

    /// The sum over bytes, pair by pair: 0xffff if a checksum among them is right.
    fn summed(parts: &[&[u8]]) -> u32 {
        let all = parts.concat();
        let mut sum: u32 = all.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
        while sum >> 16 != 0 {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum
    }

    fn expect_segment(tcp: &[u8]) {
        assert_eq!(tcp[..4], [0x1f, 0x90, 0x9c, 0x40], "ports change places");
        assert_eq!(tcp[4..8], [1, 2, 3, 4], "the cookie");
        assert_eq!(tcp[8..12], [0, 0, 0, 0], "one above the sequence number, which wraps");
        assert_eq!((tcp[12], tcp[13]), (0x60, 0x12));
        assert_eq!(tcp[20..], [2, 4, 0x05, 0xb4]);
    }

    #[test]
    fn reply_v4_has_right_sums_and_the_kernels_cookie() {
        let head = [0x45, 0x10, 0, 40, 0, 7, 0, 0, 33, 6, 1, 2, 192, 0, 2, 1, 198, 51, 100, 9];
        let (ip, tcp) = ((*head.as_slice()).header(0).unwrap(), (*SYN.as_slice()).header(0).unwrap());
        let reply = bytes(&reply_v4(&ip, &tcp, 0x0102_0304, 1460));
        let (head, tcp) = reply.split_at(20);
        assert_eq!(head[12..], [198, 51, 100, 9, 192, 0, 2, 1]);
        assert_eq!(summed(&[head]), 0xffff);
        assert_eq!(summed(&[&head[12..], &[0, 6, 0, 24], tcp]), 0xffff);
        expect_segment(tcp);
        let frame = [[0; 12].as_slice(), &[8, 0], &reply].concat();
        let parsed = parse(frame.as_slice());
        assert_eq!((parsed.verdict, parsed.tcp_flags, parsed.payload), (Verdict::Pass, 0x12, frame.len()));
    }

    #[test]
    fn reply_v6_has_a_right_sum_and_the_kernels_cookie() {
        let mut head = [0; 40];
        head[..8].copy_from_slice(&[0x60, 1, 2, 3, 0, 20, 6, 12]);
        for (at, byte) in head[8..].iter_mut().enumerate() {
            *byte = at as u8;
        }
        let (ip, tcp) = ((*head.as_slice()).header(0).unwrap(), (*SYN.as_slice()).header(0).unwrap());
        let reply = bytes(&reply_v6(&ip, &tcp, 0x0102_0304, 1460));
        let (new, tcp) = reply.split_at(40);
        assert_eq!((&new[8..24], &new[24..]), (&head[24..], &head[8..24]));
        assert_eq!(summed(&[&new[8..], &[0, 6, 0, 24], tcp]), 0xffff);
        expect_segment(tcp);
        let frame = [[0; 12].as_slice(), &[0x86, 0xdd], &reply].concat();
        let parsed = parse(frame.as_slice());
        assert_eq!((parsed.verdict, parsed.v6, parsed.payload), (Verdict::Pass, true, frame.len()));
    }

    #[test]
    fn step_asks_once_a_tick_and_answers_for_a_second() {
        let mut state = CookieState::default();
        let now = 5 * FLOOD_NS;
        assert_eq!(state.step(now), Step::Ask);
        state.told(now, false);
        assert_eq!([state.step(now), state.step(now + CALM_NS - 1)], [Step::Pass; 2]);
        assert_eq!(state.step(now + CALM_NS), Step::Ask);
        // While the first asks, others go on as before.
        assert_eq!(state.step(now + CALM_NS), Step::Pass);
        state.told(now + CALM_NS, true);
        let until = now + CALM_NS + FLOOD_NS;
        assert_eq!([state.step(now + CALM_NS), state.step(until - 1)], [Step::Answer; 2]);
        assert!(state.is_flood(until - 1));
        assert_eq!([state.step(until), state.step(until)], [Step::Ask, Step::Answer]);
        state.told(until, false);
        assert_eq!(state.step(until + 1), Step::Pass);
        assert!(!state.is_flood(until + 1));
    }

    #[test]
    fn syn_of_a_half_open_connection_leaves_the_question_to_the_next() {
        let mut state = CookieState::default();
        assert_eq!(state.step(1), Step::Ask);
        state.not_told(1);
        assert_eq!(state.step(1), Step::Ask);
        state.told(1, true);
        assert_eq!(state.step(2), Step::Answer);
    }

    #[test]
    fn is_flood_ends_with_the_last_syn() {
        let mut state = CookieState::default();
        state.told(FLOOD_NS, true);
        assert!(state.is_flood(2 * FLOOD_NS) && !state.is_flood(3 * FLOOD_NS));
    }
}
