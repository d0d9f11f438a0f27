//! The decision to drop against a plain one over the same tables.

use std::net::{Ipv4Addr, Ipv6Addr};

use gateway_common::map::{Config, Limit, PortEntry};
use gateway_common::packet::Source;
use gateway_common::shed::{self, RULE_LIMIT, RULE_MALFORMED, Tables};
use gateway_common::{Parsed, Protocol, Verdict, parse};
use proptest::prelude::*;

use crate::packets::{self, Recipe};

const SALT: u64 = 77;

/// A prefix in 128 bits, IPv4 below `::ffff:0:0/96`, with the rule it belongs to.
#[derive(Clone, Debug)]
struct Entry {
    bits: u32,
    address: u128,
    rule: u32,
}

impl Entry {
    fn covers(&self, address: u128) -> bool {
        self.bits == 0 || (self.address ^ address) >> (128 - self.bits) == 0
    }
}

#[derive(Clone, Debug)]
struct Lists {
    alive: bool,
    allow: Vec<Entry>,
    deny: Vec<Entry>,
    /// Whether another connection is within the limit.
    room: bool,
}

fn number(source: Source) -> u128 {
    match source {
        Source::V4(word) => u128::from(Ipv4Addr::from(word.to_ne_bytes()).to_ipv6_mapped()),
        Source::V6(words) => {
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
            u128::from(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).unwrap()))
        }
    }
}

impl Tables for Lists {
    fn alive(&self) -> bool {
        self.alive
    }

    fn allows(&self, source: Source) -> bool {
        self.allow.iter().any(|entry| entry.covers(number(source)))
    }

    fn denies(&self, source: Source) -> Option<u32> {
        let covering = self.deny.iter().filter(|entry| entry.covers(number(source)));
        covering.max_by_key(|entry| entry.bits).map(|entry| entry.rule)
    }

    fn admits(&self, _: Source, limit: &Limit) -> bool {
        assert_eq!(limit.salt, SALT);
        self.room
    }
}

/// What the documentation says, without a look at the order of anything.
fn expected(recipe: &Recipe, parsed: &Parsed, ours: bool, flags: u32, lists: &Lists) -> Option<u32> {
    let source = match recipe.network {
        packets::Network::V4 { .. } => u128::from(Ipv4Addr::from(packets::SOURCE_V4).to_ipv6_mapped()),
        packets::Network::V6 { .. } => u128::from(Ipv6Addr::from(packets::SOURCE_V6)),
    };
    let may_drop = ours && flags & Config::SHED != 0 && lists.alive && parsed.verdict == Verdict::Pass;
    if !may_drop || lists.allow.iter().any(|entry| entry.covers(source)) {
        return None;
    }
    let bogus = flags & Config::DROP_MALFORMED != 0
        && parsed.protocol == Protocol::Tcp
        // ACK is on every segment but the first and a reset.
        && match parsed.tcp_flags & 0x17 {
            0x02 | 0x04 | 0x14 | 0x10 | 0x11 | 0x12 => false,
            0x00 | 0x01 | 0x03 | 0x05 | 0x06 | 0x07 | 0x13 | 0x15 | 0x16 | 0x17 => true,
            other => unreachable!("{other:#x}"),
        };
    if bogus {
        return Some(RULE_MALFORMED);
    }
    let denied = (0..=128).rev().find_map(|bits| {
        lists.deny.iter().rfind(|entry| entry.bits == bits && entry.covers(source)).map(|entry| entry.rule)
    });
    let opens = parsed.protocol == Protocol::Tcp && matches!(parsed.tcp_flags & 0x12, 0x02);
    let over = flags & Config::LIMIT != 0 && opens && !lists.room;
    denied.or(over.then_some(RULE_LIMIT))
}

/// Prefixes around the packets' sources, and beside them.
fn entry() -> impl Strategy<Value = Entry> {
    let sources = [
        u128::from(Ipv4Addr::from(packets::SOURCE_V4).to_ipv6_mapped()),
        u128::from(Ipv6Addr::from(packets::SOURCE_V6)),
    ];
    (prop::sample::select(sources.to_vec()), 0..=128_u32, prop::option::of(0..128_u32), 16..20_u32).prop_map(
        |(source, bits, flipped, rule)| Entry {
            bits,
            address: flipped.map_or(source, |bit| source ^ (1 << bit)),
            rule,
        },
    )
}

fn lists() -> impl Strategy<Value = Lists> {
    let entries = || prop::collection::vec(entry(), 0..3);
    (prop::bool::weighted(0.9), prop::collection::vec(entry(), 0..2), entries(), any::<bool>())
        .prop_map(|(alive, allow, deny, room)| Lists { alive, allow, deny, room })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8192))]

    #[test]
    fn rule_agrees_with_the_plain_decision(
        recipe in packets::recipe(),
        lists in lists(),
        ours in prop::bool::weighted(0.9),
        shed_flag in prop::bool::weighted(0.9),
        flags in any::<u32>(),
    ) {
        let frame = recipe.make().frame;
        let shed_flag = if shed_flag { Config::SHED } else { 0 };
        let flags = flags & !Config::SHED | shed_flag;
        let limit = Limit { salt: SALT, ..Limit::default() };
        let config = Config { flags, limit, ..Config::default() };
        let entry = PortEntry { listener: u16::from(ours), flags: 0 };
        let parsed = parse(frame.as_slice());
        let rule = shed::rule(frame.as_slice(), &parsed, entry, &config, &lists);
        prop_assert_eq!(rule, expected(&recipe, &parsed, ours, flags, &lists));
        // A frame cut anywhere is dropped by the same rule, or not at all.
        for length in 0..frame.len() {
            let cut = &frame[..length];
            let of_cut = shed::rule(cut, &parse(cut), entry, &config, &lists);
            prop_assert!(of_cut.is_none() || of_cut == rule, "cut to {} bytes", length);
        }
    }
}
