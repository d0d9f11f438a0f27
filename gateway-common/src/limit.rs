//! New connections of one source, counted in a sketch of fixed size: the generic cell rate algorithm with three
//! candidate cells a source.
//!
//! A cell holds the time up to which its sources have used what they are worth. Sources that share a cell can only
//! make a limit stricter for each other, and only if they share all three; an attacker fills no memory, and the salt keeps
//! him from choosing addresses that fall on somebody else's cells.
//!
//! Under a flood from everywhere each source's cells are in memory that is in no cache, and what costs time is to wait for it:
//! they lie in one line of the processor's cache, and all lines in as few pages as can be. So a cell has 16 bits, in units of
//! time that the rate decides. They wrap around; what is further ahead than any connection brings a cell is over. Of a source
//! that comes back after a rest the first connection is thereby refused once in some thousand times; its second attempt is not.

use core::cell::Cell;

use crate::hash::mix;
use crate::map::{Limit, SKETCH_LINES, SketchLine};
use crate::packet::Source;

/// The longest burst: what is ahead of now is less than half of what a cell holds.
pub const BURST_MAX: u32 = 1 << 15;
/// Units that one connection is worth, where the burst leaves room for them: they say any rate exactly enough.
const INTERVAL: u32 = 16;
/// Between two ticks of the clock, four milliseconds, a cell must not wrap around.
const UNIT_MIN_NS: u64 = 1000;

/// A source's cells.
pub type Cells<'a> = [&'a Cell<u16>; 3];

/// Where they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The entry of `SKETCH`.
    pub line: u32,
    /// Cells in it, no two the same.
    pub cells: [usize; 3],
}

impl Limit {
    /// `rate` connections a second, at least 1 and exact up to some ten thousand; `burst` at once, 1 to [`BURST_MAX`].
    pub fn new(rate: u32, burst: u32, v6_mask: u64, salt: u64) -> Self {
        let burst = burst.clamp(1, BURST_MAX);
        let interval_ns = 1_000_000_000 / u64::from(rate.max(1));
        // Upwards: never more than the rate.
        let unit_ns = interval_ns.div_ceil(u64::from(INTERVAL.min(BURST_MAX / burst))).max(UNIT_MIN_NS);
        let interval = interval_ns.div_ceil(unit_ns) as u32;
        Self { unit_ns, interval, burst: (burst - 1) * interval, v6_mask, salt }
    }
}

/// Where the source is counted.
#[inline(always)]
pub const fn place(source: Source, limit: &Limit) -> Place {
    let value = match source {
        Source::V4(word) => word as u64,
        // Apart from any IPv4 address by the complement: no global address begins with 32 set bits.
        Source::V6(words) => !((words[0] as u64 | (words[1] as u64) << 32) & limit.v6_mask),
    };
    let hash = mix(value ^ limit.salt);
    let first = (hash >> 59) as usize;
    // Two others of the line, each as likely as any. Their bound is written out, as verifiers before Linux 6.6 do not
    // follow it otherwise.
    let apart = 1 + below(hash >> 43, SketchLine::CELLS - 1);
    let other = 1 + below(hash >> 27, SketchLine::CELLS - 2);
    let other = if other < apart { other } else { other + 1 };
    let cells = [first, (first + apart) % SketchLine::CELLS, (first + other) % SketchLine::CELLS];
    Place { line: hash as u32 & (SKETCH_LINES - 1), cells }
}

/// From 16 bits a number below `end`.
#[inline(always)]
const fn below(bits: u64, end: usize) -> usize {
    ((bits & 0xffff) as usize * end) >> 16
}

/// True if a connection at `now` is within the limit; then it counts. The emptiest cell tells; all are brought to
/// what that makes, and none back. Two CPUs at once may forget a connection: this is no exact limit.
#[inline(always)]
pub fn admit(now: u64, limit: &Limit, cells: Cells<'_>) -> bool {
    let now = now.checked_div(limit.unit_ns).unwrap_or(0) as u16;
    let ahead = cells.map(|cell| ahead(cell.get(), now, limit));
    let used = ahead.into_iter().fold(u32::MAX, u32::min);
    if used > limit.burst {
        return false;
    }
    let next = used + limit.interval;
    for (cell, ahead) in cells.into_iter().zip(ahead) {
        if ahead < next {
            cell.set(now.wrapping_add(next as u16));
        }
    }
    true
}

/// How far a cell is ahead of `now`.
#[inline(always)]
const fn ahead(cell: u16, now: u16, limit: &Limit) -> u32 {
    let ahead = cell.wrapping_sub(now) as u32;
    if ahead > limit.burst + limit.interval { 0 } else { ahead }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn limit(rate: u32, burst: u32) -> Limit {
        Limit::new(rate, burst, u64::MAX, 7)
    }

    type Line = [Cell<u16>; SketchLine::CELLS];

    fn sketch() -> Vec<Line> {
        (0..SKETCH_LINES).map(|_| Line::default()).collect()
    }

    fn ask(sketch: &[Line], limit: &Limit, source: Source, now: u64) -> bool {
        let place = place(source, limit);
        let line = &sketch[place.line as usize];
        admit(now, limit, place.cells.map(|cell| &line[cell]))
    }

    #[test]
    fn admit_one_source_gets_its_burst_and_then_its_rate() {
        let (limit, sketch) = (limit(10, 5), sketch());
        let source = Source::V4(1);
        let admitted = |start: u64, count: u64, step: u64| {
            (0..count).filter(|i| ask(&sketch, &limit, source, start + i * step)).count()
        };
        assert_eq!(admitted(SECOND, 100, 0), 5, "a burst");
        // Rounded to units.
        let slow = admitted(SECOND + 1, 1001, SECOND / 100);
        assert!((99..=100).contains(&slow), "{slow} in ten seconds at ten times the rate");
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
                assert!(*admitted <= 10 + (now - *since) / (SECOND / 100) + 1, "source {source}");
            } else {
                strict += 1;
            }
        }
        // 133 connections in 8 seconds each: only who shares both cells is refused.
        assert!(strict < 400, "{strict}");
    }

    #[test]
    fn place_v6_sources_of_one_network_are_one() {
        let mut limit = limit(1, 1);
        let source =
            |first: u32, second: u32, last: u32| Source::V6([first.to_be(), second.to_be(), 0, last]);
        assert_eq!(place(source(1, 2, 3), &limit), place(source(1, 2, 4), &limit));
        assert_ne!(place(source(1, 2, 3), &limit), place(source(1, 3, 3), &limit));
        limit.v6_mask = u64::from_ne_bytes([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]);
        assert_eq!(place(source(1, 2, 3), &limit), place(source(1, 3, 3), &limit));
        assert_ne!(place(source(1, 2, 3), &limit), place(source(1, 0x1_0002, 3), &limit));
        assert_ne!(place(Source::V4(1), &limit), place(Source::V4(2), &limit));
    }

    #[test]
    fn admit_another_salt_separates_who_shared() {
        let one = limit(1, 1);
        let other = Limit { salt: 8, ..one };
        let shared = (0..2000_u32).filter(|i| place(Source::V4(*i), &one) == place(Source::V4(*i), &other));
        assert_eq!(shared.count(), 0);
    }

    #[test]
    fn place_cells_are_three_and_each_is_as_likely() {
        let limit = limit(1, 1);
        let mut pairs = BTreeMap::<[usize; 2], u32>::new();
        for number in 0..100_000 {
            let [first, second, third] = place(Source::V4(number), &limit).cells;
            for pair in [[first, second], [first, third], [second, third]] {
                *pairs.entry([pair[0].min(pair[1]), pair[0].max(pair[1])]).or_default() += 1;
            }
        }
        assert_eq!(pairs.len(), SketchLine::CELLS * (SketchLine::CELLS - 1) / 2);
        for (pair, count) in pairs {
            assert!((450..760).contains(&count) && pair[0] != pair[1], "{pair:?}: {count}");
        }
    }

    /// Of 600,000 sources that come for the first time, those that are refused after so many others have used their burst.
    fn refused_beside(sources: u32) -> usize {
        let (limit, sketch) = (limit(1, 1), sketch());
        for number in 0..sources {
            while ask(&sketch, &limit, Source::V4(number), SECOND) {}
        }
        let others = 1_000_000..1_600_000;
        let refused = others.filter(|number| {
            let place = place(Source::V4(*number), &limit);
            place.cells.iter().all(|cell| sketch[place.line as usize][*cell].get() != 0)
        });
        refused.count()
    }

    /// The figures in docs/datapath.md.
    #[test]
    fn admit_hardly_anybody_shares_all_his_cells() {
        let (few, many) = (refused_beside(10_000), refused_beside(100_000));
        assert!((400..600).contains(&few), "{few} of 600,000 beside 10,000: one in 1,200");
        assert!((55_000..62_000).contains(&many), "{many} of 600,000 beside 100,000: one in ten");
    }

    #[test]
    fn admit_after_a_rest() {
        for (rate, burst) in [(1, 1), (20, 100), (1000, 10), (60_000, 2000), (1_000_000, 1), (1, BURST_MAX)] {
            let limit = limit(rate, burst);
            let round = limit.unit_ns << 16;
            let interval = u64::from(limit.interval) * limit.unit_ns;
            let exact = SECOND / u64::from(rate);
            assert!(interval >= exact && interval <= exact + exact / 100, "{rate}: {interval}");
            assert!(round > 60_000_000, "a cell wraps around within {round} ns");
            for start in [0, SECOND, round - limit.unit_ns, 3 * round - interval] {
                let now = (start / limit.unit_ns) as u16;
                let cells = [const { Cell::new(0) }; 3];
                let set = |to: u16| cells.each_ref().map(|cell| cell.set(to));
                set(now.wrapping_sub(1));
                let admit = |now| admit(now, &limit, cells.each_ref());
                assert_eq!((0..=burst).take_while(|_| admit(start)).count() as u32, burst, "at {rate}");
                assert!(!admit(start));
                let full = now.wrapping_add((limit.burst + limit.interval) as u16);
                let long = u64::from(limit.burst) * limit.unit_ns + interval;
                for rest in
                    [interval, long, u64::midpoint(long, round), round - interval, round + 2 * interval]
                {
                    set(full);
                    assert!(admit(start + rest), "{rate}, {burst}: after {rest}");
                }
            }
        }
    }

    /// The price of short cells: an attempt that comes a second later is not refused again.
    #[test]
    fn admit_refuses_a_first_connection_in_a_short_time_of_each_round_only() {
        let limit = limit(20, 100);
        let round = limit.unit_ns << 16;
        let is_refused = |rest: u64| {
            let cells = [const { Cell::new(0) }; 3];
            !admit(10 * round + rest, &limit, cells.each_ref())
        };
        let refused: Vec<u64> =
            (0..1 << 16).map(|step| step * limit.unit_ns).filter(|rest| is_refused(*rest)).collect();
        assert!(refused.len() <= limit.interval as usize, "{}", refused.len());
        assert!(refused.iter().all(|rest| !is_refused(rest + SECOND)));
    }
}
