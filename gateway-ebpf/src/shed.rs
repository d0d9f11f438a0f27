//! The maps behind `gateway_common::shed`, and the account of what is dropped.

use core::cell::Cell;

use aya_ebpf::helpers::generated::bpf_ktime_get_coarse_ns;
use aya_ebpf::maps::lpm_trie::Key;
use gateway_common::map::{
    Config, DropEvent, Limit, PortEntry, SAMPLE_INTERVAL_NS, Sampling, SketchLine, drop_index,
};
use gateway_common::packet::{Address, Source};
use gateway_common::prefixes::{ALLOWED, LENGTHS, are_few, buckets, longest, rule_of, slot};
use gateway_common::shed::{self, Tables};
use gateway_common::{Parsed, limit};

use crate::account::{Frame, Weight};
use crate::maps::{
    ALIVE, ALLOW4, ALLOW6, DENY4, DENY4_BUCKETS, DENY4_MASK, DENY6, DROPS, EVENTS, HINTS4, SAMPLING, SKETCH,
};

/// `BPF_RB_NO_WAKEUP`: user space looks by itself.
const NO_WAKEUP: u64 = 1;
/// No rule has this number.
const NO_RULE: u32 = u32::MAX;

/// An arriving packet is to be dropped.
pub struct Dropped {
    rule: u32,
    /// When that was decided.
    now: u64,
}

/// Whether an arriving packet is dropped.
#[inline(always)]
pub fn rule(frame: &Frame, parsed: &Parsed, entry: PortEntry, config: &Config) -> Option<Dropped> {
    let maps = InMaps { now: Cell::new(0) };
    let rule = shed::rule(frame, parsed, entry, config, &maps)?;
    Some(Dropped { rule, now: maps.now.get() })
}

struct InMaps {
    /// Of this packet, once somebody has asked: each call of a helper takes some ten nanoseconds.
    now: Cell<u64>,
}

impl Tables for InMaps {
    #[inline(always)]
    fn alive(&self) -> bool {
        self.now.set(now());
        ALIVE.get(0).is_some_and(|until| self.now.get() < *until)
    }

    #[inline(always)]
    fn allows(&self, source: Source) -> bool {
        match source {
            Source::V4(address) => {
                hints(address) & ALLOWED != 0 && ALLOW4.get(Key::new(32, address)).is_some()
            }
            Source::V6(address) => ALLOW6.get(Key::new(128, address)).is_some(),
        }
    }

    #[inline(always)]
    fn denies(&self, source: Source) -> Option<u32> {
        match source {
            Source::V4(address) => denied(address),
            Source::V6(address) => DENY6.get(Key::new(128, address)).map(|entry| entry.rule),
        }
    }

    #[inline(always)]
    fn admits(&self, source: Source, limit: &Limit) -> bool {
        let place = limit::place(source, limit);
        let Some(line) = SKETCH.get_ptr_mut(place.line) else { return true };
        // SAFETY: the map gave the pointer. Another CPU may write in between: that loses a count, which the limit bears (the
        // target has no atomic loads).
        let line = unsafe { Cell::from_mut(&mut (*line).0).as_array_of_cells() };
        limit::admit(self.now.get(), limit, place.cells.map(|cell| &line[cell % SketchLine::CELLS]))
    }
}

/// The rule of the longest prefix around an IPv4 address.
#[inline(always)]
fn denied(address: u32) -> Option<u32> {
    let hints = hints(address);
    if hints & LENGTHS == 0 {
        return None;
    }
    let rule = gw_denied(address, hints);
    (rule != NO_RULE).then_some(rule)
}

/// The same where there is any; [`NO_RULE`] if none of them is around it. The verifier walks it once, as `read` says.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn gw_denied(address: u32, hints: u64) -> u32 {
    if !are_few(hints) {
        return DENY4.get(Key::new(32, address)).map_or(NO_RULE, |entry| entry.rule);
    }
    let Some(mask) = DENY4_MASK.get(0) else { return NO_RULE };
    let rule = longest(address, hints, |name| {
        let [first, second] = buckets(name, *mask);
        rule_of(look(name, first) | look(name, second))
    });
    rule.unwrap_or(NO_RULE)
}

/// The entry of a name in a bucket; 0 if there is none.
#[inline(always)]
fn look(name: u64, bucket: u32) -> u64 {
    DENY4_BUCKETS.get(bucket).map_or(0, |bucket| bucket.entry(name))
}

/// What the lists hold around an IPv4 address.
#[inline(always)]
fn hints(address: u32) -> u64 {
    HINTS4.get(slot(address)).copied().unwrap_or(0)
}

/// Ticks of some milliseconds are fine for all that is measured here.
#[inline(always)]
pub fn now() -> u64 {
    // SAFETY: a helper without arguments.
    unsafe { bpf_ktime_get_coarse_ns() }
}

/// Counts a dropped packet, and reports it unless this CPU has just reported another.
#[inline(always)]
pub fn report(frame: &Frame, parsed: &Parsed, dropped: &Dropped, weight: &Weight, interface: u32) {
    let Dropped { rule, now } = *dropped;
    if let Some(counters) = DROPS.get_ptr_mut(drop_index(rule, interface)) {
        // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
        unsafe {
            (*counters).packets += weight.packets;
            (*counters).bytes += weight.bytes;
        }
    }
    let Some(sampling) = SAMPLING.get_ptr_mut(0) else { return };
    // SAFETY: as above.
    let sampling: &mut Sampling = unsafe { &mut *sampling };
    if now < sampling.next_ns {
        sampling.skipped += weight.packets;
        return;
    }
    let event = DropEvent {
        source: parsed.source(frame).map_or(Address([0; 4]), Source::address),
        skipped: sampling.skipped,
        rule,
        interface,
        bytes: weight.bytes as u32,
        source_port: parsed.source_port,
        destination_port: parsed.destination_port,
        tcp_flags: parsed.tcp_flags,
        protocol: parsed.protocol as u8,
        pad: [0; 6],
    };
    sampling.next_ns = now + SAMPLE_INTERVAL_NS;
    sampling.skipped = 0;
    if EVENTS.output::<DropEvent>(&event, NO_WAKEUP).is_err() {
        sampling.lost += 1;
    }
}
