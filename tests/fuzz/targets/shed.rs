//! Whether a packet is dropped, over tables that say anything: never without a reason to, and never a packet that
//! was not read whole. The first bytes are the tables, the rest is the packet.

#![no_main]

use gateway_common::map::{Config, Limit, PortEntry};
use gateway_common::packet::Source;
use gateway_common::shed::{RULE_LIMIT, RULE_MALFORMED, Tables, is_malformed, rule};
use gateway_common::{Verdict, parse};
use libfuzzer_sys::fuzz_target;

const DENIED: u32 = 16;

/// One bit for each answer.
struct Answers(u8);

impl Tables for Answers {
    fn alive(&self) -> bool {
        self.0 & 1 != 0
    }

    fn allows(&self, _: Source) -> bool {
        self.0 & 2 != 0
    }

    fn denies(&self, _: Source) -> Option<u32> {
        (self.0 & 4 != 0).then_some(DENIED)
    }

    fn admits(&self, _: Source, _: &Limit) -> bool {
        self.0 & 8 != 0
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((&[answers, listener, flags], packet)) = input.split_first_chunk() else { return };
    let config = Config { flags: u32::from(flags), ..Config::default() };
    let entry = PortEntry { listener: u16::from(listener), flags: 0 };
    let tables = Answers(answers);
    let parsed = parse(packet);
    let Some(rule) = rule(packet, &parsed, entry, &config, &tables) else { return };
    assert!(config.has(Config::SHED) && listener != 0 && parsed.verdict == Verdict::Pass);
    assert!(tables.0 & 3 == 1, "alive, and not allowed");
    match rule {
        RULE_MALFORMED => assert!(config.has(Config::DROP_MALFORMED) && is_malformed(&parsed)),
        RULE_LIMIT => assert!(config.has(Config::LIMIT) && tables.0 & 12 == 0),
        rule => assert!(rule == DENIED && tables.0 & 4 != 0),
    }
});
