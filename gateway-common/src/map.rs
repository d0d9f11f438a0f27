//! Keys and values of the maps, as both sides see them.
//!
//! All `repr(C)`, padding spelled out (the kernel compares keys byte by byte), sizes asserted.
//! Counters live in per-CPU arrays, only grow, and are never reset by a reader.

use crate::packet::Address;
use crate::parse::{Protocol, Verdict};

/// A type whose bytes may be copied to and from the kernel.
///
/// # Safety
/// `repr(C)`, no padding, every bit pattern is a value of it.
pub unsafe trait Plain: Copy + 'static {}

macro_rules! plain {
    ($name:ident, $size:expr) => {
        const _: () = assert!(size_of::<$name>() == $size);
        // SAFETY: `repr(C)` integers only, and the size asserted above leaves no room for padding.
        unsafe impl Plain for $name {}
    };
}

mod balance;
mod cookies;

pub use balance::*;
pub use cookies::*;

// SAFETY: integers.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}

/// Listeners that are told apart, the slot for "none of ours" included.
pub const LISTENERS_MAX: u32 = 64;
/// The listener of packets that are for none of ours.
pub const NO_LISTENER: u16 = 0;
/// Workers that one listener can have.
pub const WORKERS_MAX: u32 = 256;
/// CPUs that can be assigned to a worker; those above get one by hash.
pub const CPUS_MAX: u32 = 1024;
/// Entries of `BIND`: bindings with an address of their own.
pub const BINDINGS_MAX: u32 = 65_536;
/// Entries of `PORTS`.
pub const PORTS_MAX: u32 = 65_536;
/// Prefixes in each of `ALLOW4`, `ALLOW6`, `DENY4` and `DENY6`, unless a setting says less.
pub const PREFIXES_MAX: u32 = 1 << 20;
/// Entries of `DENY4_BUCKETS`: see [`prefix_buckets`].
pub const PREFIX_BUCKETS_MAX: u32 = prefix_buckets(PREFIXES_MAX);
/// Entries of `SKETCH`: a power of two.
pub const SKETCH_LINES: u32 = 1 << 14;
/// Entries of `DROPS`: rules that are counted apart.
pub const RULES_MAX: u32 = 1024;
/// Slots of `DROPS` that each rule has.
pub const DROP_SLOTS: u32 = 8;
/// Entries of `DROPS`.
pub const DROPS_MAX: u32 = RULES_MAX * DROP_SLOTS;

/// The slot of `DROPS` for packets that a rule drops on an interface. Interfaces share slots, as user space knows.
#[inline(always)]
pub const fn drop_index(rule: u32, interface: u32) -> u32 {
    rule * DROP_SLOTS + interface % DROP_SLOTS
}
/// Bytes of `EVENTS`.
pub const EVENTS_BYTES: u32 = 1 << 16;
/// Between two samples of what a CPU drops, in nanoseconds.
pub const SAMPLE_INTERVAL_NS: u64 = 100_000_000;

/// The one entry of `CONFIG`, which every program reads first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Config {
    /// Bumped after every change of the other maps.
    pub generation: u64,
    /// The network namespace served (`SO_NETNS_COOKIE`); 0 = do not compare.
    pub netns_cookie: u64,
    /// [`Config::ENABLED`] and its siblings.
    pub flags: u32,
    /// Workers that take new connections: entries of `ACTIVE`.
    pub workers: u32,
    /// Of new connections from one source.
    pub limit: Limit,
    /// SYN cookies that one CPU sends in a second at most.
    pub cookies_max: u64,
}
plain!(Config, 64);

/// How many new connections one source may open, as the generic cell rate algorithm counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Limit {
    /// Nanoseconds of a unit of time.
    pub unit_ns: u64,
    /// What one connection is worth, in units.
    pub interval: u32,
    /// How far a source may be ahead, in units.
    pub burst: u32,
    /// Bits of an IPv6 address that make a source, counted in its first eight bytes, as they lie in the packet.
    pub v6_mask: u64,
    /// Random, so that nobody can choose addresses that share cells.
    pub salt: u64,
}
plain!(Limit, 32);

impl Config {
    /// The kill switch: without it every program passes at once.
    pub const ENABLED: u32 = 1;
    /// The worker of the receiving CPU, where it has one; else by hash.
    pub const STEER_BY_CPU: u32 = 2;
    /// There is something to drop by: ask `gateway_common::shed`.
    pub const SHED: u32 = 4;
    /// What no stack sends is dropped.
    pub const DROP_MALFORMED: u32 = 8;
    /// New connections are limited by source.
    pub const LIMIT: u32 = 16;
    /// SYNs are answered with cookies while a listener's queue overflows.
    pub const COOKIES: u32 = 32;
    /// Packets for virtual addresses go to members.
    pub const BALANCE: u32 = 64;
    /// What balancers send is unpacked.
    pub const UNPACK: u32 = 128;
    /// All that drop.
    pub const RULES: u32 = Self::SHED | Self::DROP_MALFORMED | Self::LIMIT;

    #[inline(always)]
    pub const fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// Value of `PORTS` (by port) and of `BIND` (by port and address).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct PortEntry {
    /// [`NO_LISTENER`] = not ours.
    pub listener: u16,
    /// [`PortEntry::STEER`] and its siblings.
    pub flags: u16,
}
plain!(PortEntry, 4);

impl PortEntry {
    /// No socket is bound there: `sk_lookup` has to find the listener's.
    pub const STEER: u16 = 1;
    /// In `PORTS` only: the address decides, ask `BIND`. If there is a listener, it is a virtual address, which
    /// needs no asking.
    pub const BY_ADDRESS: u16 = 2;
    /// A virtual address: `VIPS` knows its members.
    pub const BALANCED: u16 = 4;

    #[inline(always)]
    pub const fn has(self, flag: u16) -> bool {
        self.flags & flag != 0
    }
}

/// Key of `BIND`, a longest-prefix trie: the port first, then as much of the address as the binding names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct BindKey {
    /// In network byte order.
    pub port: u16,
    pub pad: u16,
    pub address: Address,
}
plain!(BindKey, 20);

impl BindKey {
    /// Bits that count for a binding on any address of either family.
    pub const BITS_ANY: u32 = 32;
    /// For a binding on any IPv4 address.
    pub const BITS_ANY_V4: u32 = 32 + 96;
    /// For a binding on one address; a look-up asks with these and gets the longest match.
    pub const BITS_ADDRESS: u32 = 32 + 128;

    #[inline(always)]
    pub const fn new(port: u16, address: Address) -> Self {
        Self { port: port.to_be(), pad: 0, address }
    }
}

/// Value of the tries `ALLOW4`, `ALLOW6`, `DENY4` and `DENY6`: prefixes of source addresses.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct PrefixEntry {
    /// The slot of `DROPS` that counts what this entry drops.
    pub rule: u32,
    pub pad: u32,
}
plain!(PrefixEntry, 8);

/// Value of `DENY4_BUCKETS`: places for entries, see `gateway_common::prefixes`; 0 is none. A line of the processor's cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct PrefixBucket(pub [u64; 8]);
plain!(PrefixBucket, 64);

/// Buckets of `DENY4_BUCKETS` that so many prefixes fill at most by half: a power of two.
pub const fn prefix_buckets(prefixes: u32) -> u32 {
    prefixes.div_ceil(4).next_power_of_two()
}

/// Value of `SKETCH`: cells, see `gateway_common::limit`. A line of the processor's cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct SketchLine(pub [u16; SketchLine::CELLS]);
plain!(SketchLine, 64);

impl SketchLine {
    pub const CELLS: usize = 32;
}

/// Entries of `HINTS4`.
pub const HINTS_MAX: u32 = 1 << crate::prefixes::HINT_BITS;

/// Value of `SAMPLING`, which has one slot a CPU.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Sampling {
    /// `CLOCK_MONOTONIC` from which on the next dropped packet is reported.
    pub next_ns: u64,
    /// Dropped and not reported since the last report.
    pub skipped: u64,
    /// Reports that found `EVENTS` full.
    pub lost: u64,
}
plain!(Sampling, 24);

/// One record of `EVENTS`: a dropped packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(C)]
pub struct DropEvent {
    pub source: Address,
    /// Dropped on this CPU since its last report, this packet not counted.
    pub skipped: u64,
    pub rule: u32,
    /// Index of the interface it came in by.
    pub interface: u32,
    pub bytes: u32,
    /// In host byte order, as all that follow.
    pub source_port: u16,
    pub destination_port: u16,
    pub tcp_flags: u8,
    /// A [`Protocol`].
    pub protocol: u8,
    pub pad: [u8; 6],
}
plain!(DropEvent, 48);

/// Seen from this host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Direction {
    In = 0,
    Out = 1,
}

impl Direction {
    pub const ALL: [Self; 2] = [Self::In, Self::Out];
}

/// Value of `COUNTERS`: frames as on the wire, Ethernet headers and tags included.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct PacketCounters {
    pub packets: u64,
    pub bytes: u64,
}
plain!(PacketCounters, 16);

/// Slots of `COUNTERS` that one listener takes.
pub const COUNTERS_PER_LISTENER: u32 = 32;
/// Entries of `COUNTERS`.
pub const COUNTERS_MAX: u32 = LISTENERS_MAX * COUNTERS_PER_LISTENER;

/// The slot of `COUNTERS`. Listeners are outermost, so that a reader reads only those in use.
#[inline(always)]
pub const fn counter_index(listener: u16, direction: Direction, protocol: Protocol, verdict: Verdict) -> u32 {
    (((listener as u32) * 2 + direction as u32) * 4 + protocol as u32) * 4 + verdict as u32
}

const _: () = assert!(
    counter_index(1, Direction::In, Protocol::Tcp, Verdict::Pass) == COUNTERS_PER_LISTENER
        && counter_index(0, Direction::Out, Protocol::Other, Verdict::Dropped) < COUNTERS_PER_LISTENER
);

/// Value of `TCP_FLAGS`, one for each listener and direction: segments that carry the flag.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct TcpFlagCounters {
    pub syn: u64,
    pub fin: u64,
    pub rst: u64,
}
plain!(TcpFlagCounters, 24);

/// Entries of `TCP_FLAGS`.
pub const TCP_FLAGS_MAX: u32 = LISTENERS_MAX * 2;

/// The slot of `TCP_FLAGS`.
#[inline(always)]
pub const fn tcp_flags_index(listener: u16, direction: Direction) -> u32 {
    (listener as u32) * 2 + direction as u32
}

/// Value of `CONNECTIONS`, one for each listener.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct ConnectionCounters {
    /// Accepted by the kernel (`sock_ops`).
    pub established: u64,
    /// Of those, ended, in order or not.
    pub closed: u64,
    /// Of those, ended by a reset of either side, or because the peer was silent for too long.
    pub aborted: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// New connections that `sk_lookup` gave to the listener.
    pub steered: u64,
    /// Those it could not: no socket, or one of the wrong kind. They take the kernel's own way.
    pub steer_errors: u64,
}
plain!(ConnectionCounters, 48);

/// Classes of [`TimeHistogram`].
pub const TIME_CLASSES: usize = 24;

/// Value of `RTT` (smoothed round trips, in µs) and of `DURATIONS` (of connections, in ms), one for each listener; class
/// `n` holds times below 2ⁿ that class `n − 1` does not, the last one everything longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct TimeHistogram {
    pub classes: [u64; TIME_CLASSES],
    /// Of all samples.
    pub sum: u64,
}
plain!(TimeHistogram, (TIME_CLASSES + 1) * 8);

/// The class of a time.
#[inline(always)]
pub const fn time_class(time: u32) -> u32 {
    // Shifts by comparison: the BPF target has no instruction that counts leading zeros.
    let mut rest = time;
    let mut class = 0;
    if rest >= 1 << 16 {
        rest >>= 16;
        class += 16;
    }
    if rest >= 1 << 8 {
        rest >>= 8;
        class += 8;
    }
    if rest >= 1 << 4 {
        rest >>= 4;
        class += 4;
    }
    if rest >= 1 << 2 {
        rest >>= 2;
        class += 2;
    }
    if rest >= 1 << 1 {
        rest >>= 1;
        class += 1;
    }
    class += rest;
    if class < TIME_CLASSES as u32 { class } else { TIME_CLASSES as u32 - 1 }
}

/// The slot of `LISTENERS` and of a listener's workers: one for each address family.
#[inline(always)]
pub const fn group_index(listener: u16, v6: bool) -> u32 {
    (listener as u32) * 2 + v6 as u32
}

/// Entries of `LISTENERS`.
pub const GROUPS_MAX: u32 = LISTENERS_MAX * 2;

/// The slot of `WORKERS`.
#[inline(always)]
pub const fn worker_index(group: u32, worker: u32) -> u32 {
    group * WORKERS_MAX + worker
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn counter_index_every_combination_has_its_own_slot() {
        let mut slots = BTreeSet::new();
        for listener in 0..LISTENERS_MAX as u16 {
            for direction in Direction::ALL {
                for protocol in Protocol::ALL {
                    for verdict in Verdict::ALL {
                        let slot = counter_index(listener, direction, protocol, verdict);
                        assert!(slot < COUNTERS_MAX && slots.insert(slot));
                        assert_eq!(slot / COUNTERS_PER_LISTENER, u32::from(listener));
                    }
                }
            }
        }
        assert_eq!(slots.len() as u32, LISTENERS_MAX * 2 * 3 * 4);
    }

    #[test]
    fn rtt_class_is_the_number_of_bits() {
        for microseconds in (0..100_000).chain([1 << 22, (1 << 23) - 1, 1 << 23, u32::MAX]) {
            let bits = u32::BITS - microseconds.leading_zeros();
            assert_eq!(time_class(microseconds), bits.min(TIME_CLASSES as u32 - 1), "{microseconds} µs");
        }
    }

    #[test]
    fn admit_cookies_up_to_the_limit_of_each_second() {
        let mut counters = CookieCounters::default();
        let admitted = |counters: &mut CookieCounters, now| (0..5).filter(|_| counters.admit(now, 3)).count();
        assert_eq!(admitted(&mut counters, 7 << 30), 3);
        assert_eq!(admitted(&mut counters, (8 << 30) - 1), 0);
        assert_eq!(admitted(&mut counters, 8 << 30), 3);
        assert_eq!((counters.sent, counters.over), (6, 9));
    }

    #[test]
    fn worker_index_last_of_a_group_is_below_the_next_group() {
        let last = worker_index(group_index(3, false), WORKERS_MAX - 1);
        assert_eq!(last + 1, worker_index(group_index(3, true), 0));
        let most = worker_index(group_index(LISTENERS_MAX as u16 - 1, true), WORKERS_MAX - 1);
        assert_eq!(most + 1, GROUPS_MAX * WORKERS_MAX);
    }
}
