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
/// Entries of `FLOWS`, unless a setting says otherwise.
pub const FLOWS_MAX: u32 = 1 << 18;

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
}
plain!(Vip, 16);

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
}
plain!(Member, 56);

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

/// Key of `FLOWS`: from a client to a virtual address. Ports as they lie in the packet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
#[repr(C)]
pub struct FlowKey {
    pub source: [u32; 4],
    pub destination: [u32; 4],
    pub source_port: u16,
    pub destination_port: u16,
    pub protocol: u32,
}
plain!(FlowKey, 40);

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
    /// Dropped, as they do not fit on the way to the member.
    pub too_long: u64,
    /// Dropped, as no way to the member is known.
    pub unreachable: u64,
    /// The second in which [`Self::in_second`] flows were remembered; of no interest to user space.
    pub second: u64,
    pub in_second: u64,
}
plain!(BalanceCounters, 72);

impl BalanceCounters {
    /// True if this CPU may remember one more flow at `now`; then it counts.
    #[inline(always)]
    pub const fn may_remember(&mut self, now: u64, max: u64) -> bool {
        // As with cookies: a shift is no division.
        let second = now >> 30;
        if self.second != second {
            self.second = second;
            self.in_second = 0;
        }
        let may = self.in_second < max;
        if may {
            self.in_second += 1;
        }
        may
    }
}

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
    fn may_remember_up_to_the_rate_of_each_second() {
        let mut counters = BalanceCounters::default();
        let many =
            |counters: &mut BalanceCounters, now| (0..5).filter(|_| counters.may_remember(now, 3)).count();
        assert_eq!(many(&mut counters, 7 << 30), 3);
        assert_eq!(many(&mut counters, (8 << 30) - 1), 0);
        assert_eq!(many(&mut counters, 8 << 30), 3);
    }

    #[test]
    fn member_index_last_of_an_address_is_below_the_next() {
        assert_eq!(member_index(3, MEMBERS_MAX - 1) + 1, member_index(4, 0));
        assert_eq!(member_index(LISTENERS_MAX - 1, MEMBERS_MAX - 1) + 1, MEMBER_COUNTS_MAX);
    }
}
