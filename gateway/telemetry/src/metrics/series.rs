//! Request counts by every label at once: a fixed table a worker, written without lock or allocation.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::labels;
use crate::event::{Cache, RequestEvent};

/// Label combinations a worker can count apart; later ones are counted as "other". 64 KiB.
const SLOTS: usize = 4096;

/// Slots looked at before a combination is given up.
const PROBES: usize = 32;

/// A combination of labels in one word: occupied 1 bit, route 16, host 12, code 10, backend code 10, reason 8, cache 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SeriesKey {
    pub route: u16,
    pub host: u16,
    pub code: u16,
    pub backend_code: u16,
    pub reason: u8,
    pub cache: Cache,
}

impl SeriesKey {
    /// What counts everything that has no slot of its own.
    pub const OVERFLOW: Self = Self {
        route: 0,
        host: 0,
        code: Self::CODE_OTHER,
        backend_code: Self::CODE_OTHER,
        reason: 0,
        cache: Cache::None,
    };

    /// Stands for no status; HTTP has three digits.
    pub const CODE_OTHER: u16 = 1023;

    pub fn of(event: &RequestEvent<'_>) -> Self {
        Self {
            route: event.labels.route,
            host: event.host.0,
            code: event.response_code.min(Self::CODE_OTHER),
            backend_code: event.backend().map_or(0, |call| call.response_code.min(Self::CODE_OTHER)),
            reason: labels::reason_number(event.last_error.map_or("", |error| error.reason)),
            cache: event.cache,
        }
    }

    fn pack(self) -> u64 {
        let fields = [
            (self.route.into(), 16),
            (u64::from(self.host) & 0xfff, 12),
            (self.code.into(), 10),
            (self.backend_code.into(), 10),
            (self.reason.into(), 8),
            (self.cache as u64, 2),
        ];
        fields.into_iter().fold(1, |word, (field, bits)| word << bits | field)
    }

    fn unpack(mut word: u64) -> Self {
        let mut field = |bits: u32| {
            let field = word & ((1 << bits) - 1);
            word >>= bits;
            field
        };
        Self {
            cache: Cache::ALL.get(field(2) as usize).copied().unwrap_or(Cache::None),
            reason: field(8) as u8,
            backend_code: field(10) as u16,
            code: field(10) as u16,
            host: field(12) as u16,
            route: field(16) as u16,
        }
    }
}

struct Slot {
    /// 0 = free; set once.
    key: AtomicU64,
    count: AtomicU64,
}

pub(super) struct SeriesTable {
    slots: Box<[Slot]>,
    overflow: AtomicU64,
}

impl Default for SeriesTable {
    fn default() -> Self {
        let slots = (0..SLOTS).map(|_| Slot { key: AtomicU64::new(0), count: AtomicU64::new(0) }).collect();
        Self { slots, overflow: AtomicU64::new(0) }
    }
}

impl SeriesTable {
    pub fn add(&self, key: SeriesKey) {
        let word = key.pack();
        // Fibonacci hashing: the upper bits of the product depend on every bit of the key.
        let start = (word.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 52) as usize;
        for probe in 0..PROBES {
            let Some(slot) = self.slots.get((start + probe) % SLOTS) else { break };
            let held = match slot.key.load(Relaxed) {
                0 => slot.key.compare_exchange(0, word, Relaxed, Relaxed).map_or_else(|held| held, |_| word),
                held => held,
            };
            if held == word {
                slot.count.fetch_add(1, Relaxed);
                return;
            }
        }
        self.overflow.fetch_add(1, Relaxed);
    }

    pub fn sum_into(&self, totals: &mut HashMap<SeriesKey, u64>) {
        for slot in &self.slots {
            let word = slot.key.load(Relaxed);
            if word != 0 {
                *totals.entry(SeriesKey::unpack(word)).or_default() += slot.count.load(Relaxed);
            }
        }
        let overflow = self.overflow();
        if overflow > 0 {
            *totals.entry(SeriesKey::OVERFLOW).or_default() += overflow;
        }
    }

    pub fn overflow(&self) -> u64 {
        self.overflow.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn table_beyond_its_slots_counts_all_and_tells_overflow() {
        let table = SeriesTable::default();
        for route in 0..10_000 {
            table.add(SeriesKey { route, ..SeriesKey::OVERFLOW });
            table.add(SeriesKey { route: 7, ..SeriesKey::OVERFLOW });
        }
        let mut totals = HashMap::new();
        table.sum_into(&mut totals);
        assert_eq!(totals.values().sum::<u64>(), 20_000);
        assert_eq!(totals[&SeriesKey { route: 7, ..SeriesKey::OVERFLOW }], 10_001);
        assert!(totals.len() <= SLOTS && table.overflow() >= 5_904, "{}", totals.len());
    }

    proptest! {
        #[test]
        fn key_packed_and_unpacked_is_itself(
            route: u16, host in 0_u16..4096, code in 0_u16..1024, backend_code in 0_u16..1024, reason: u8, cache in 0_usize..3,
        ) {
            let key = SeriesKey { route, host, code, backend_code, reason, cache: Cache::ALL[cache] };
            prop_assert_eq!(SeriesKey::unpack(key.pack()), key);
            prop_assert_ne!(key.pack(), 0);
        }
    }
}
