//! Figures of the programs, summed over CPUs. All only grow while the datapath lives.

use std::io;
use std::net::IpAddr;

use gateway_common::map::{
    COUNTERS_PER_LISTENER, Config, ConnectionCounters, CookieCounters, DROP_SLOTS, Direction, MEMBERS_MAX,
    TIME_CLASSES, counter_index, member_index, tcp_flags_index,
};
use gateway_common::{Protocol, Verdict};
use serde::{Deserialize, Serialize};

use crate::balance::Counted;
use crate::cookies::is_flooded;
use crate::load::Maps;

/// One reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// The first, named `other`, holds what belongs to no listener; the rest as they were given.
    pub listeners: Vec<ListenerCounters>,
    /// By worker: connections that the reuseport program gave it.
    pub chosen: Vec<u64>,
    /// By rule and interface, always in the same order.
    #[serde(default)]
    pub drops: Vec<DropCount>,
    /// By virtual address, as they were given.
    #[serde(default)]
    pub balance: Vec<BalanceCount>,
}

/// Packets of one virtual address, by what was decided about them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalanceCount {
    pub address: String,
    /// Their connection was known.
    pub known: u64,
    /// The ring chose the member, and the connection is remembered.
    pub new: u64,
    /// The ring chose the member; there are too many new ones to remember them all.
    pub unremembered: u64,
    /// Errors by ICMP for the member whom they concern.
    pub errors: u64,
    /// Later pieces of datagrams.
    pub fragments: u64,
    /// Dropped: they do not fit on the way to the member. Nobody was told.
    pub too_long: u64,
    /// The same, and the sender was told.
    pub told: u64,
    /// Dropped: no way to the member is known.
    pub unreachable: u64,
    pub members: Vec<MemberCount>,
}

/// What one member got; frames as they came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberCount {
    pub member: IpAddr,
    pub packets: u64,
    pub bytes: u64,
}

/// Packets that a rule has dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DropCount {
    /// `deny`, `malformed`.
    pub reason: String,
    pub rule: String,
    /// Its name; of several that share a slot in the kernel, all names with `+` between them.
    #[serde(default)]
    pub interface: String,
    pub packets: u64,
    pub bytes: u64,
}

/// Figures of one listener.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListenerCounters {
    pub listener: String,
    /// Every combination of direction, protocol and verdict, always in the same order.
    pub packets: Vec<PacketCount>,
    pub segments_in: SegmentCounts,
    pub segments_out: SegmentCounts,
    pub connections: ConnectionCounts,
    pub round_trips: RoundTrips,
    /// How long connections lasted that have ended.
    #[serde(default)]
    pub durations: Durations,
    #[serde(default)]
    pub cookies: CookieCounts,
}

/// Frames as on the wire, Ethernet headers and tags included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketCount {
    /// `in` or `out`.
    pub direction: String,
    /// `tcp`, `udp` or `other`.
    pub protocol: String,
    /// `pass`, `fragment` or `unparsed`, which were all passed; or `dropped`.
    pub verdict: String,
    pub packets: u64,
    pub bytes: u64,
}

/// TCP segments that carry the flag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentCounts {
    pub syn: u64,
    pub fin: u64,
    pub rst: u64,
}

/// Life of the listener's connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionCounts {
    pub established: u64,
    /// In order or not.
    pub closed: u64,
    /// Of those, by a reset of either side, or because the peer was silent for too long.
    #[serde(default)]
    pub aborted: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Given to the listener by `sk_lookup`.
    pub steered: u64,
    /// Left to the kernel because that failed.
    pub steer_errors: u64,
}

/// SYNs of a flood, in both address families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CookieCounts {
    /// The listener's queue overflows, and SYNs are answered with cookies.
    pub flood: bool,
    /// SYNs answered.
    pub sent: u64,
    /// Segments that brought a valid cookie back.
    pub returned: u64,
    /// SYNs that could not be answered, and those above the limit; they went to the stack.
    pub failed: u64,
    pub over: u64,
}

/// Histogram of smoothed round-trip times, one sample for each measurement of the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundTrips {
    /// Samples below [`rtt_upper_bound`] of the class and not below that of the one before.
    pub classes: [u64; TIME_CLASSES],
    pub sum_microseconds: u64,
}

/// Histogram of connections' times from the handshake to the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Durations {
    /// As those of [`RoundTrips`], in milliseconds.
    pub classes: [u64; TIME_CLASSES],
    pub sum_milliseconds: u64,
}

/// Bound of a class in microseconds, exclusive; `None` for the last, which has none.
pub fn rtt_upper_bound(class: usize) -> Option<u64> {
    (class + 1 < TIME_CLASSES).then(|| 1 << class)
}

impl Counters {
    /// Packets and bytes that a rule has dropped, on all interfaces.
    pub fn dropped(&self, rule: &str) -> (u64, u64) {
        let of_rule = self.drops.iter().filter(|one| one.rule == rule);
        of_rule.fold((0, 0), |sum, one| (sum.0 + one.packets, sum.1 + one.bytes))
    }

    /// Figures of the listener of that name.
    pub fn listener(&self, name: &str) -> Option<&ListenerCounters> {
        self.listeners.iter().find(|one| one.listener == name)
    }
}

impl ListenerCounters {
    /// Packets and bytes of one combination, by the words of [`PacketCount`].
    pub fn of(&self, direction: &str, protocol: &str, verdict: &str) -> (u64, u64) {
        let matches = |count: &&PacketCount| {
            count.direction == direction && count.protocol == protocol && count.verdict == verdict
        };
        self.packets.iter().find(matches).map_or((0, 0), |count| (count.packets, count.bytes))
    }

    /// Packets and bytes of one direction, whatever they carried.
    pub fn total(&self, direction: &str) -> (u64, u64) {
        let of_direction = self.packets.iter().filter(|count| count.direction == direction);
        of_direction.fold((0, 0), |sum, count| (sum.0 + count.packets, sum.1 + count.bytes))
    }
}

/// Reads all figures: one call for each map.
pub fn read(maps: &Maps, listeners: &[String], workers: u32) -> io::Result<Counters> {
    let slots = listeners.len() as u32 + 1;
    let packets = maps.counters.totals(slots * COUNTERS_PER_LISTENER)?;
    let flags = maps.tcp_flags.totals(slots * 2)?;
    let connections = maps.connections.totals(slots)?;
    let round_trips = maps.rtt.totals(slots)?;
    let durations = maps.durations.totals(slots)?;
    let cookies = maps.cookie_counts.totals(slots * 2)?;
    let flooded = (0..slots as u16).map(|slot| is_flooded(maps, slot)).collect::<io::Result<Vec<_>>>()?;
    let chosen = maps.chosen.totals(workers.max(1))?;
    let names = std::iter::once("other").chain(listeners.iter().map(String::as_str));
    let listeners = names
        .zip(connections.iter().zip(round_trips.iter().zip(&durations)))
        .enumerate()
        .map(|(slot, (name, (connections, (round_trips, durations))))| {
            let segments = |direction| {
                let found = flags.get(tcp_flags_index(slot as u16, direction) as usize).copied();
                found.map_or_else(SegmentCounts::default, |one| SegmentCounts {
                    syn: one.syn,
                    fin: one.fin,
                    rst: one.rst,
                })
            };
            ListenerCounters {
                listener: name.to_owned(),
                packets: packet_counts(slot as u16, |index| {
                    packets.get(index as usize).map_or((0, 0), |one| (one.packets, one.bytes))
                }),
                segments_in: segments(Direction::In),
                segments_out: segments(Direction::Out),
                connections: connection_counts(connections),
                round_trips: RoundTrips { classes: round_trips.classes, sum_microseconds: round_trips.sum },
                durations: Durations { classes: durations.classes, sum_milliseconds: durations.sum },
                cookies: cookie_counts(&cookies, slot, flooded.get(slot).copied().unwrap_or_default()),
            }
        })
        .collect();
    let chosen = if workers > 1 { chosen } else { Vec::new() };
    Ok(Counters { listeners, chosen, ..Counters::default() })
}

/// Packets that have come in, whatever became of them, over all interfaces; `None` while the programs are switched off.
/// `slots`: listeners and the rest.
pub fn read_arrived(maps: &Maps, slots: u32) -> io::Result<Option<u64>> {
    if !maps.config.get(&0_u32)?.has(Config::ENABLED) {
        return Ok(None);
    }
    let all = maps.counters.totals(slots * COUNTERS_PER_LISTENER)?;
    // Those that leave stand behind.
    let arriving = counter_index(0, Direction::Out, Protocol::ALL[0], Verdict::ALL[0]) as usize;
    let listeners = all.chunks(COUNTERS_PER_LISTENER as usize);
    Ok(Some(listeners.flat_map(|one| one.iter().take(arriving)).map(|one| one.packets).sum()))
}

/// Packets and bytes dropped, by [`drop_index`], of rules with numbers below `rules`.
pub fn read_drops(maps: &Maps, rules: u32) -> io::Result<Vec<(u64, u64)>> {
    let sums = maps.drops.totals(rules * DROP_SLOTS)?;
    Ok(sums.iter().map(|one| (one.packets, one.bytes)).collect())
}

/// Figures of virtual addresses.
pub fn read_balance(maps: &Maps, counted: Vec<Counted>) -> io::Result<Vec<BalanceCount>> {
    let Some(last) = counted.iter().map(|one| u32::from(one.listener)).max() else { return Ok(Vec::new()) };
    let decided = maps.balance_counts.totals(last + 1)?;
    let given = maps.member_counts.totals((last + 1) * MEMBERS_MAX)?;
    let of_vip = |Counted { listener, address, members }: Counted| {
        let one = decided.get(usize::from(listener)).copied().unwrap_or_default();
        let given = |(number, member): (u32, IpAddr)| {
            let slot = member_index(u32::from(listener), number) as usize;
            let one = given.get(slot).copied().unwrap_or_default();
            MemberCount { member, packets: one.packets, bytes: one.bytes }
        };
        BalanceCount {
            address,
            known: one.known,
            new: one.new,
            unremembered: one.unremembered,
            errors: one.errors,
            fragments: one.fragments,
            too_long: one.too_long,
            told: one.told,
            unreachable: one.unreachable,
            members: members.into_iter().map(given).collect(),
        }
    };
    Ok(counted.into_iter().map(of_vip).collect())
}

fn packet_counts(slot: u16, value: impl Fn(u32) -> (u64, u64)) -> Vec<PacketCount> {
    let mut counts = Vec::new();
    for direction in Direction::ALL {
        for protocol in Protocol::ALL {
            for verdict in Verdict::ALL {
                let (packets, bytes) = value(counter_index(slot, direction, protocol, verdict));
                counts.push(PacketCount {
                    direction: direction_word(direction).to_owned(),
                    protocol: protocol_word(protocol).to_owned(),
                    verdict: verdict_word(verdict).to_owned(),
                    packets,
                    bytes,
                });
            }
        }
    }
    counts
}

fn connection_counts(one: &ConnectionCounters) -> ConnectionCounts {
    ConnectionCounts {
        established: one.established,
        closed: one.closed,
        aborted: one.aborted,
        retransmits: one.retransmits,
        steered: one.steered,
        steer_errors: one.steer_errors,
    }
}

fn cookie_counts(all: &[CookieCounters], slot: usize, flood: bool) -> CookieCounts {
    let sum = |figure: fn(&CookieCounters) -> u64| all.iter().skip(slot * 2).take(2).map(figure).sum();
    CookieCounts {
        flood,
        sent: sum(|one| one.sent),
        returned: sum(|one| one.returned),
        failed: sum(|one| one.failed),
        over: sum(|one| one.over),
    }
}

fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Other => "other",
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Fragment => "fragment",
        Verdict::Unparsed => "unparsed",
        Verdict::Dropped => "dropped",
    }
}
