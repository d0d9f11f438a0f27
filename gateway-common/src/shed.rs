//! Whether a packet is dropped before the stack sees it, the same for XDP, TC and the tests.
//!
//! Fail open: what is for none of our listeners, what was not read whole, whom a table does not know and whose
//! answers are not to be had is passed. Allowed sources are asked for before anything else.

use crate::map::{Config, Limit, NO_LISTENER, PortEntry};
use crate::numbers::{ACK, FIN, RST, SYN};
use crate::packet::{Packet, Source};
use crate::parse::{Parsed, Protocol, Verdict};

/// The slot of `DROPS` for packets that no stack sends.
pub const RULE_MALFORMED: u32 = 0;
/// The slot of `DROPS` for new connections beyond the limit.
pub const RULE_LIMIT: u32 = 1;
/// The first slot that user space gives to a list of prefixes.
pub const RULE_FIRST_LIST: u32 = 16;

/// What the decision asks for. All questions are about the source of the packet.
pub trait Tables {
    /// True while the gateway's user space is alive. Without it nobody could take a rule back.
    fn alive(&self) -> bool;
    /// It is in `ALLOW4` or `ALLOW6`.
    fn allows(&self, source: Source) -> bool;
    /// The rule of the longest prefix in `DENY4` or `DENY6`.
    fn denies(&self, source: Source) -> Option<u32>;
    /// A new connection from the source is within the limit, and counts.
    fn admits(&self, source: Source, limit: &Limit) -> bool;
}

/// The rule to drop the packet by. `entry` is what `PORTS` and `BIND` say about its destination.
#[inline(always)]
pub fn rule<P: Packet + ?Sized, T: Tables>(
    packet: &P,
    parsed: &Parsed,
    entry: PortEntry,
    config: &Config,
    tables: &T,
) -> Option<u32> {
    if !config.has(Config::SHED) || entry.listener == NO_LISTENER || !matches!(parsed.verdict, Verdict::Pass)
    {
        return None;
    }
    let source = parsed.source(packet)?;
    if !tables.alive() || tables.allows(source) {
        return None;
    }
    if config.has(Config::DROP_MALFORMED) && is_malformed(parsed) {
        return Some(RULE_MALFORMED);
    }
    if let Some(rule) = tables.denies(source) {
        return Some(rule);
    }
    let over = config.has(Config::LIMIT) && opens_connection(parsed) && !tables.admits(source, &config.limit);
    over.then_some(RULE_LIMIT)
}

/// The first segment of a connection.
#[inline(always)]
const fn opens_connection(parsed: &Parsed) -> bool {
    matches!(parsed.protocol, Protocol::Tcp) && parsed.tcp_flags & (SYN | ACK) == SYN
}

/// No stack sends it: port 0 (RFC 6335 §6), contradictory flags, or a segment without ACK that neither opens nor
/// resets (RFC 9293 §3.10.7): what scanners send to see who answers.
#[inline(always)]
pub const fn is_malformed(parsed: &Parsed) -> bool {
    let flags = parsed.tcp_flags;
    match parsed.protocol {
        Protocol::Tcp => {
            parsed.source_port == 0
                || flags & (SYN | RST | ACK) == 0
                || (flags & SYN != 0 && flags & (FIN | RST) != 0)
                || flags & (FIN | RST) == FIN | RST
        }
        // RFC 768 lets a datagram come from port 0.
        Protocol::Udp | Protocol::Other => false,
    }
}
