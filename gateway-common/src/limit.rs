//! New connections of one source, counted in a sketch of fixed size: the generic cell rate algorithm with two
//! candidate cells a source.
//!
//! A cell holds the time up to which its sources have used what they are worth. Sources that share a cell can only
//! make a limit stricter for each other, and only if they share both; an attacker fills no memory, and the salt keeps
//! him from choosing addresses that fall on somebody else's cells.

use core::cell::Cell;

use crate::hash::mix;
use crate::map::{Limit, SKETCH_CELLS};
use crate::packet::Source;

/// The source's cell in each of the two rows of `SKETCH`.
#[inline(always)]
pub const fn cells(source: Source, limit: &Limit) -> [u32; 2] {
    let value = match source {
        Source::V4(word) => word as u64,
        // Apart from any IPv4 address by the complement: no global address begins with 32 set bits.
        Source::V6(words) => !((words[0] as u64 | (words[1] as u64) << 32) & limit.v6_mask),
    };
    let hash = mix(value ^ limit.salt);
    let first = hash as u32 & (SKETCH_CELLS - 1);
    let second = (hash >> 32) as u32 & (SKETCH_CELLS - 1);
    [first, SKETCH_CELLS + second]
}

/// True if a connection at `now` is within the limit; then it counts. The emptier cell tells; both are brought to
/// what that makes, and none back. Two CPUs at once may forget a connection: this is no exact limit.
#[inline(always)]
pub fn admit(now: u64, limit: &Limit, first: &Cell<u64>, second: &Cell<u64>) -> bool {
    let (one, other) = (first.get(), second.get());
    let used = if one < other { one } else { other };
    let used = if used < now { now } else { used };
    if used - now > limit.burst_ns {
        return false;
    }
    let next = used.wrapping_add(limit.interval_ns);
    if one < next {
        first.set(next);
    }
    if other < next {
        second.set(next);
    }
    true
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// `rate` a second, `burst` at once.
    fn limit(rate: u64, burst: u64) -> Limit {
        let interval_ns = SECOND / rate;
        Limit { interval_ns, burst_ns: (burst - 1) * interval_ns, v6_mask: u64::MAX, salt: 7 }
    }

    fn sketch() -> Vec<Cell<u64>> {
        (0..SKETCH_CELLS * 2).map(|_| Cell::new(0)).collect()
    }

    fn ask(sketch: &[Cell<u64>], limit: &Limit, source: Source, now: u64) -> bool {
        let [first, second] = cells(source, limit);
        admit(now, limit, &sketch[first as usize], &sketch[second as usize])
    }

    #[test]
    fn admit_one_source_gets_its_burst_and_then_its_rate() {
        let (limit, sketch) = (limit(10, 5), sketch());
        let source = Source::V4(1);
        let admitted = |start: u64, count: u64, step: u64| {
            (0..count).filter(|i| ask(&sketch, &limit, source, start + i * step)).count()
        };
        assert_eq!(admitted(SECOND, 100, 0), 5, "a burst");
        assert_eq!(admitted(SECOND + 1, 1001, SECOND / 100), 100, "ten seconds at ten times the rate");
        assert_eq!(admitted(60 * SECOND, 100, SECOND / 10), 100, "at the rate");
        assert_eq!(admitted(100 * SECOND, 100, 0), 5, "rested");
    }

    #[test]
    fn admit_never_more_than_an_exact_limit_whoever_shares_cells() {
        let (limit, sketch) = (limit(100, 10), sketch());
        let mut exact = BTreeMap::<u32, (u64, u64)>::new();
        let mut random = 1_u64;
        let mut strict = 0;
        for step in 0..400_000_u64 {
            random = mix(random + step);
            let now = SECOND + step * 20_000;
            let source = (random >> 20) as u32 % 3000;
            let (admitted, since) = exact.entry(source).or_insert((0, now));
            if ask(&sketch, &limit, Source::V4(source), now) {
                *admitted += 1;
                assert!(*admitted <= 10 + (now - *since) / limit.interval_ns + 1, "source {source}");
            } else {
                strict += 1;
            }
        }
        // 133 connections in 8 seconds each: only who shares both cells is refused.
        assert!(strict < 400, "{strict}");
    }

    #[test]
    fn cells_v6_sources_of_one_network_are_one() {
        let mut limit = limit(1, 1);
        let source =
            |first: u32, second: u32, last: u32| Source::V6([first.to_be(), second.to_be(), 0, last]);
        assert_eq!(cells(source(1, 2, 3), &limit), cells(source(1, 2, 4), &limit));
        assert_ne!(cells(source(1, 2, 3), &limit), cells(source(1, 3, 3), &limit));
        limit.v6_mask = u64::from_ne_bytes([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
        assert_eq!(cells(source(1, 2, 3), &limit), cells(source(1, 3, 3), &limit));
        assert_ne!(cells(source(1, 2, 3), &limit), cells(source(1, 0x1_0002, 3), &limit));
        assert_ne!(cells(Source::V4(1), &limit), cells(Source::V4(2), &limit));
    }

    #[test]
    fn admit_another_salt_separates_who_shared() {
        let one = limit(1, 1);
        let other = Limit { salt: 8, ..one };
        let shared = (0..2000_u32).filter(|i| cells(Source::V4(*i), &one) == cells(Source::V4(*i), &other));
        assert_eq!(shared.count(), 0);
    }
}
