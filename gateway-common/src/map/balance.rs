//! Of balancing: virtual addresses, members, and which connection is whose.

use super::{LISTENERS_MAX, Plain};
use crate::packet::Address;

/// Members that are told apart, the slot for "none" included.
pub const MEMBERS_MAX: u32 = 64;
/// Slots of `RING` that each virtual address has: a prime.
pub const RING_SLOTS: u32 = 65_537;
/// Entries of `FRAGMENTS`: datagrams in pieces that are followed at a time.
pub const FRAGMENTS_MAX: u32 = 16_384;
/// Entries of `BALANCERS`.
pub const BALANCERS_MAX: u32 = 256;
/// Flows that are remembered, unless a setting says otherwise.
pub const FLOWS_MAX: u32 = 1 << 18;
/// Packets that are too long and get an answer, of one CPU and virtual address in a second at most.
pub const TOO_LONG_TOLD_MAX: u64 = 1000;

/// Value of `VIPS`, by the number of the listener that stands for the virtual address.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Vip {
    /// Its first slot in `RING`.
    pub ring: u32,
    /// Its protocol number, TCP or UDP.
    pub protocol: u32,
    /// New entries of `FLOWS` that one CPU makes in a second at most.
    pub flows_a_second: u64,
    /// Random, so that nobody can choose flows that share a bucket.
    pub secret: u64,
    /// One less than the buckets of `FLOWS`, a power of two.
    pub mask: u32,
    /// No other virtual address has the same; below two to the sixteenth.
    pub tag: u32,
    pub address: Address,
}
plain!(Vip, 48);

/// Value of `MEMBERS`: a gateway that connections are given to, and the way to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Member {
    pub address: Address,
    /// Of the balancer, on the way to the member.
    pub source: Address,
    /// Hardware addresses of the next hop, and of the interface.
    pub next: [u16; 3],
    pub from: [u16; 3],
    /// Index of the interface that leads there; 0 = no way is known.
    pub interface: u32,
    /// The longest IP packet on that way.
    pub room: u32,
    /// [`Member::KEEPS`], [`Member::HERE`].
    pub flags: u32,
    /// For whole lines of the cache.
    pub pad: u64,
}
plain!(Member, 64);

impl Member {
    /// Connections that it has stay with it.
    pub const KEEPS: u32 = 1;
    /// It is this host: its packets go to the stack.
    pub const HERE: u32 = 2;

    #[inline(always)]
    pub const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// Value of `FLOWS`: places for flows, see `gateway_common::balance::flows`; 0 is none. A line of the processor's cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct FlowBucket(pub [u64; 8]);
plain!(FlowBucket, 64);

/// A flow: from a client to a virtual address. Ports as they lie in the packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(C)]
pub struct FlowKey {
    pub source: [u32; 4],
    pub destination: [u32; 4],
    pub source_port: u16,
    pub destination_port: u16,
    pub protocol: u32,
}

/// Key of `FRAGMENTS`: a datagram in pieces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(C)]
pub struct FragmentKey {
    pub source: [u32; 4],
    pub destination: [u32; 4],
    pub identification: u32,
    pub protocol: u32,
}
plain!(FragmentKey, 40);

/// Value of `FRAGMENTS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Pieces {
    /// The listener that stands for the virtual address.
    pub vip: u32,
    pub member: u32,
}
plain!(Pieces, 8);

/// Value of `BALANCE_COUNTS`, one for each virtual address: packets by what was decided about them.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct BalanceCounters {
    /// Their connection was known.
    pub known: u64,
    /// The ring chose, and the connection is known from now on.
    pub new: u64,
    /// The ring chose; there are too many new ones to remember them all.
    pub unremembered: u64,
    /// Errors by ICMP, given to the member whom they concern.
    pub errors: u64,
    /// Pieces behind the first, given to the member that got the first.
    pub fragments: u64,
    /// Dropped, as they do not fit on the way to the member; nobody was told.
    pub too_long: u64,
    /// The same, and the sender was told.
    pub told: u64,
    /// Dropped, as no way to the member is known.
    pub unreachable: u64,
    /// Flows that were remembered.
    pub remembering: Budget,
    /// Senders that were told.
    pub telling: Budget,
}
plain!(BalanceCounters, 96);

/// So many a second of something; of no interest to user space.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Budget {
    /// The second in which [`Self::spent`] were.
    second: u64,
    spent: u64,
}

impl Budget {
    /// True if there may be one more at `now`; then it counts.
    #[inline(always)]
    pub const fn allows(&mut self, now: u64, max: u64) -> bool {
        // As with cookies: a shift is no division.
        let second = now >> 30;
        if self.second != second {
            self.second = second;
            self.spent = 0;
        }
        let may = self.spent < max;
        if may {
            self.spent += 1;
        }
        may
    }
}

/// Value of `TOO_LONG`: what the program that tells the sender has to know of the packet it gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct TooLong {
    /// The listener that stands for the virtual address.
    pub vip: u32,
    /// The longest packet that fits.
    pub fits: u32,
}
plain!(TooLong, 8);

/// Entries of `MEMBER_COUNTS`.
pub const MEMBER_COUNTS_MAX: u32 = LISTENERS_MAX * MEMBERS_MAX;

/// The slot of `MEMBER_COUNTS`: packets of a virtual address that a member got.
#[inline(always)]
pub const fn member_index(vip: u32, member: u32) -> u32 {
    vip * MEMBERS_MAX + member
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_allows_up_to_the_rate_of_each_second() {
        let mut budget = Budget::default();
        let many = |budget: &mut Budget, now| (0..5).filter(|_| budget.allows(now, 3)).count();
        assert_eq!(many(&mut budget, 7 << 30), 3);
        assert_eq!(many(&mut budget, (8 << 30) - 1), 0);
        assert_eq!(many(&mut budget, 8 << 30), 3);
    }

    #[test]
    fn member_index_last_of_an_address_is_below_the_next() {
        assert_eq!(member_index(3, MEMBERS_MAX - 1) + 1, member_index(4, 0));
        assert_eq!(member_index(LISTENERS_MAX - 1, MEMBERS_MAX - 1) + 1, MEMBER_COUNTS_MAX);
    }
}
