//! Rate counters: sliding windows shared by all workers, exact over them.
//!
//! A window is a list of (tick, calls), a tick being 1/256 of the period: at most 256 pairs a key whatever the
//! limit. Calls of a tick count until the whole tick has left the window, so no window of one period ever holds
//! more than the limit; a call may wait up to 1/256 of the period longer than the exact instant.

mod others;

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use gateway_policy::ports::{Counters, Hit, RateDecision, RateLimit};

pub use others::{CounterId, Others, SenderId};

const SHARDS: usize = 64;
const TICKS_PER_PERIOD: u64 = 256;

/// Keys held at most; beyond them the window that was used longest ago goes (S-05). Default 262,144.
pub const KEYS_MAX: usize = 1 << 18;

/// All rate counters of the process.
#[derive(Debug)]
pub struct RateCounters {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    /// Times are counted from here.
    start: Instant,
    shard_keys_max: usize,
    /// What other gateways have counted, where they tell each other.
    others: Option<Others>,
}

#[derive(Debug, Default)]
struct Shard {
    windows: HashMap<Box<str>, Window>,
    /// Keys of windows that others are to be told of.
    changed: Vec<Box<str>>,
}

#[derive(Debug)]
struct Window {
    period: Duration,
    /// Its name between gateways, where they tell each other.
    id: Option<CounterId>,
    /// When calls of other gateways leave the window, since `start`, and how many.
    others: Vec<(Duration, u64)>,
    /// How often others are still to be told: twice a change, since a datagram may be lost.
    untold: u8,
    is_listed: bool,
    /// Oldest first; sums to `total`.
    ticks: VecDeque<(u64, u64)>,
    total: u64,
    /// For eviction.
    last_used: Instant,
}

impl Default for RateCounters {
    fn default() -> Self {
        Self::with_keys_max(KEYS_MAX)
    }
}

impl RateCounters {
    /// Counters that hold at most about `keys_max` keys.
    pub fn with_keys_max(keys_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            start: Instant::now(),
            shard_keys_max: keys_max.div_ceil(SHARDS).max(1),
            others: None,
        }
    }

    /// Counters that other gateways are told of, and that count what they tell.
    pub fn shared(others: Others) -> Self {
        Self { others: Some(others), ..Self::default() }
    }

    /// What other gateways have counted, where they tell each other.
    pub fn others(&self) -> Option<&Others> {
        self.others.as_ref()
    }

    /// Keys held now.
    pub fn key_count(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).windows.len()).sum()
    }

    /// Windows that others are to be told of, at most `most`; the rest comes the next time.
    pub fn take_changes(&self, most: usize, now: Instant) -> Vec<Change> {
        let mut changes = Vec::new();
        for shard in &self.shards {
            let Shard { windows, changed } = &mut *lock(shard);
            let mut again = Vec::new();
            while changes.len() < most
                && let Some(key) = changed.pop()
            {
                let Some(window) = windows.get_mut(&key) else { continue };
                let tick = tick_of(now.saturating_duration_since(self.start), window.period);
                window.expire(tick);
                changes.extend(window.change(tick));
                window.untold = window.untold.saturating_sub(1);
                window.is_listed = window.untold > 0;
                if window.is_listed {
                    again.push(key);
                }
            }
            changed.append(&mut again);
        }
        changes
    }

    /// Others are to be told of everything: there is a new one.
    pub fn tell_all(&self) {
        for shard in &self.shards {
            let Shard { windows, changed } = &mut *lock(shard);
            for (key, window) in windows.iter_mut().filter(|(_, window)| window.total > 0) {
                window.untold = window.untold.max(1);
                if !std::mem::replace(&mut window.is_listed, true) {
                    changed.push(key.clone());
                }
            }
        }
    }

    fn with_window<T>(
        &self,
        key: &str,
        limit: RateLimit,
        now: Instant,
        apply: impl FnOnce(&mut Window, u64) -> T,
    ) -> T {
        // The modulo is the bound; the first shard stands in where the type system cannot see it.
        let mut shard = lock(self.shards.get(self.shard_of(key)).unwrap_or(&self.shards[0]));
        self.with_window_of(&mut shard, key, limit, now, apply)
    }

    fn shard_of(&self, key: &str) -> usize {
        (self.hasher.hash_one(key) as usize) % SHARDS
    }

    fn with_window_of<T>(
        &self,
        shard: &mut Shard,
        key: &str,
        limit: RateLimit,
        now: Instant,
        apply: impl FnOnce(&mut Window, u64) -> T,
    ) -> T {
        let Shard { windows, changed } = shard;
        if !windows.contains_key(key) {
            make_room(windows, self.shard_keys_max, now);
            let id = self.others.as_ref().map(|others| others.id(key));
            windows.insert(key.into(), Window { id, ..Window::new(limit.period, now) });
        }
        let since = now.saturating_duration_since(self.start);
        let tick = tick_of(since, limit.period);
        let Some(window) = windows.get_mut(key) else {
            return apply(&mut Window::new(limit.period, now), tick);
        };
        window.adopt(limit.period, now);
        window.expire(tick);
        window.others.clear();
        if let (Some(others), Some(id)) = (&self.others, &window.id) {
            others.leaving(id, now, |left, calls| window.others.push((since + left, calls)));
        }
        let result = apply(window, tick);
        if window.id.is_some() && window.untold > 0 && !std::mem::replace(&mut window.is_listed, true) {
            changed.push(key.into());
        }
        result
    }

    /// `hit_all` at a given time, under the locks of all shards concerned, taken in order so that workers do not
    /// wait for each other in a circle.
    fn hit_all_at(&self, hits: &[Hit], now: Instant) -> RateDecision {
        let since = now.saturating_duration_since(self.start);
        let of: Vec<usize> = hits.iter().map(|hit| self.shard_of(&hit.key)).collect();
        let mut order = of.clone();
        order.sort_unstable();
        order.dedup();
        let mut shards: Vec<_> = order.iter().filter_map(|at| self.shards.get(*at)).map(lock).collect();
        let mut each = |apply: &dyn Fn(&mut Window, u64, RateLimit) -> RateDecision| {
            let mut joint = RateDecision::FREE;
            for (hit, shard) in hits.iter().zip(&of) {
                let Some(shard) = order.binary_search(shard).ok().and_then(|at| shards.get_mut(at)) else {
                    continue;
                };
                let apply = |window: &mut Window, tick| apply(window, tick, hit.limit);
                joint = joint.and(self.with_window_of(shard, &hit.key, hit.limit, now, apply));
            }
            joint
        };
        let joint = each(&|window, _, limit| window.decide(limit, since));
        if !joint.allowed {
            return joint;
        }
        each(&|window, tick, limit| {
            window.add(tick, 1);
            let remaining = limit.calls.saturating_sub(window.used());
            RateDecision { remaining, ..RateDecision::FREE }
        })
    }

    /// `hit` at a given time.
    pub fn hit_at(&self, key: &str, limit: RateLimit, increment: u64, now: Instant) -> RateDecision {
        let since = now.saturating_duration_since(self.start);
        self.with_window(key, limit, now, |window, tick| {
            let decision = window.decide(limit, since);
            if decision.allowed {
                window.add(tick, increment);
            }
            RateDecision { remaining: limit.calls.saturating_sub(window.used()), ..decision }
        })
    }
}

impl Counters for RateCounters {
    fn hit(&self, key: &str, limit: RateLimit, increment: u64) -> RateDecision {
        self.hit_at(key, limit, increment, Instant::now())
    }

    fn peek(&self, key: &str, limit: RateLimit) -> RateDecision {
        let now = Instant::now();
        let since = now.saturating_duration_since(self.start);
        self.with_window(key, limit, now, |window, _| window.decide(limit, since))
    }

    fn add(&self, key: &str, limit: RateLimit, increment: u64) {
        self.with_window(key, limit, Instant::now(), |window, tick| window.add(tick, increment));
    }

    fn hit_all(&self, hits: &[Hit]) -> RateDecision {
        self.hit_all_at(hits, Instant::now())
    }
}

/// A panic elsewhere leaves whole windows behind, so the data is good.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

fn tick_of(since: Duration, period: Duration) -> u64 {
    let tick = period.as_micros() as u64 / TICKS_PER_PERIOD;
    since.as_micros() as u64 / tick.max(1)
}

/// Drops windows that are over; when none is, the one used longest ago.
fn make_room(windows: &mut HashMap<Box<str>, Window>, keys_max: usize, now: Instant) {
    if windows.len() < keys_max {
        return;
    }
    windows.retain(|_, window| now.saturating_duration_since(window.last_used) <= window.period);
    if windows.len() < keys_max {
        return;
    }
    let oldest = windows.iter().min_by_key(|(_, window)| window.last_used).map(|(key, _)| key.clone());
    if let Some(key) = oldest {
        windows.remove(&key);
    }
}

/// What this gateway has counted in a window, for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub id: CounterId,
    pub period: Duration,
    /// Calls by age, in parts of the period ([`AGES`]), youngest last.
    pub calls: Vec<(u8, u32)>,
}

/// Parts of a period in which the age of a call is told.
pub const AGES: u8 = 64;

impl Window {
    fn new(period: Duration, now: Instant) -> Self {
        Self {
            period,
            id: None,
            others: Vec::new(),
            untold: 0,
            is_listed: false,
            ticks: VecDeque::new(),
            total: 0,
            last_used: now,
        }
    }

    /// A key used with another period starts anew: its ticks have another length.
    fn adopt(&mut self, period: Duration, now: Instant) {
        if self.period != period {
            let (id, is_listed) = (self.id, self.is_listed);
            *self = Self { id, is_listed, ..Self::new(period, now) };
        }
        self.last_used = now;
    }

    fn expire(&mut self, tick: u64) {
        while let Some(&(at, calls)) = self.ticks.front() {
            if at + TICKS_PER_PERIOD >= tick {
                break;
            }
            self.ticks.pop_front();
            self.total -= calls;
        }
    }

    /// Calls in the window, of all gateways.
    fn used(&self) -> u64 {
        self.others.iter().fold(self.total, |sum, (_, calls)| sum.saturating_add(*calls))
    }

    fn decide(&self, limit: RateLimit, since: Duration) -> RateDecision {
        let used = self.used();
        let allowed = used < limit.calls;
        RateDecision {
            allowed,
            remaining: limit.calls.saturating_sub(used),
            retry_after: if allowed { Duration::ZERO } else { self.until_room(used, limit, since) },
        }
    }

    /// When enough of the oldest calls have left.
    fn until_room(&self, used: u64, limit: RateLimit, since: Duration) -> Duration {
        let mut excess = used.saturating_sub(limit.calls) + 1;
        let tick_us = (self.period.as_micros() as u64 / TICKS_PER_PERIOD).max(1);
        let leaves = |at: u64| Duration::from_micros(tick_us.saturating_mul(at + TICKS_PER_PERIOD + 1));
        let mut leaving: Vec<_> = self.ticks.iter().map(|(at, calls)| (leaves(*at), *calls)).collect();
        leaving.extend(&self.others);
        leaving.sort_unstable();
        for (at, calls) in leaving {
            if calls >= excess {
                return at.saturating_sub(since);
            }
            excess -= calls;
        }
        self.period
    }

    fn add(&mut self, tick: u64, calls: u64) {
        if calls == 0 {
            return;
        }
        match self.ticks.back_mut() {
            Some((at, count)) if *at == tick => *count += calls,
            _ => self.ticks.push_back((tick, calls)),
        }
        self.total += calls;
        self.untold = 2;
    }

    /// What others are told at a time.
    fn change(&self, tick: u64) -> Option<Change> {
        let mut calls: Vec<(u8, u32)> = Vec::new();
        for &(at, count) in &self.ticks {
            let age = tick.saturating_sub(at) * u64::from(AGES) / TICKS_PER_PERIOD;
            let age = u8::try_from(age).unwrap_or(AGES).min(AGES);
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            match calls.last_mut() {
                Some((known, sum)) if *known == age => *sum = sum.saturating_add(count),
                _ => calls.push((age, count)),
            }
        }
        Some(Change { id: self.id?, period: self.period, calls })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const LIMIT: RateLimit = RateLimit { calls: 3, period: Duration::from_secs(10) };

    #[test]
    fn hit_any_window_holds_at_most_the_limit() {
        let counters = RateCounters::default();
        let start = counters.start;
        let mut passed: Vec<u64> = Vec::new();
        for ms in (0..60_000).step_by(130) {
            if counters.hit_at("k", LIMIT, 1, start + Duration::from_millis(ms)).allowed {
                passed.push(ms);
            }
        }
        for (first, at) in passed.iter().enumerate() {
            let inside = passed[first..].iter().take_while(|other| **other < at + 10_000).count();
            assert!(inside <= 3, "{inside} calls in the window from {at} ms");
        }
        assert!(passed.len() >= 16, "room is used again: {}", passed.len());
    }

    #[test]
    fn hit_refused_waiting_as_told_is_let_through() {
        let counters = RateCounters::default();
        let start = counters.start + Duration::from_millis(777);
        for second in 0..3 {
            assert!(counters.hit_at("k", LIMIT, 1, start + Duration::from_secs(second)).allowed);
        }
        let refused = counters.hit_at("k", LIMIT, 1, start + Duration::from_secs(4));
        assert!(!refused.allowed);
        assert!(refused.retry_after > Duration::from_secs(5) && refused.retry_after < Duration::from_secs(7));
        let early = (start + Duration::from_secs(4) + refused.retry_after)
            .checked_sub(Duration::from_millis(100))
            .unwrap();
        assert!(!counters.hit_at("k", LIMIT, 1, early).allowed);
        let told = start + Duration::from_secs(4) + refused.retry_after;
        assert!(counters.hit_at("k", LIMIT, 1, told).allowed);
    }

    #[test]
    fn hit_remaining_counts_this_call() {
        let counters = RateCounters::default();
        let left: Vec<u64> = (0..4).map(|_| counters.hit("k", LIMIT, 1).remaining).collect();
        assert_eq!(left, [2, 1, 0, 0]);
    }

    #[test]
    fn hit_from_several_threads_is_exact() {
        let counters = Arc::new(RateCounters::default());
        let limit = RateLimit { calls: 1000, period: Duration::from_mins(5) };
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let counters = Arc::clone(&counters);
                std::thread::spawn(move || (0..1000).filter(|_| counters.hit("k", limit, 1).allowed).count())
            })
            .collect();
        let passed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(passed, 1000);
    }

    fn hit(key: &str, calls: u64) -> Hit {
        Hit { key: key.to_owned(), limit: RateLimit { calls, period: Duration::from_mins(5) } }
    }

    #[test]
    fn hit_all_one_without_room_counts_in_none() {
        let counters = RateCounters::default();
        let both = [hit("wide", 5), hit("narrow", 2)];
        let seen: Vec<_> =
            (0..4).map(|_| counters.hit_all(&both)).map(|d| (d.allowed, d.remaining)).collect();
        assert_eq!(seen, [(true, 1), (true, 0), (false, 0), (false, 0)]);
        assert_eq!(counters.peek("wide", both[0].limit).remaining, 3, "refused calls are not counted");
        assert!(counters.hit_all(&both).retry_after > Duration::from_secs(299));
    }

    #[test]
    fn hit_all_from_several_threads_counts_in_all_or_none() {
        let counters = Arc::new(RateCounters::default());
        let threads = (0..4).map(|thread| {
            let counters = Arc::clone(&counters);
            // Both orders, so that taking locks as they come would end in a deadlock.
            let mut hits = [hit("wide", 1000), hit("narrow", 700)];
            hits.rotate_left(thread % 2);
            std::thread::spawn(move || (0..500).filter(|_| counters.hit_all(&hits).allowed).count())
        });
        let threads: Vec<_> = threads.collect();
        let passed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(passed, 700);
        assert_eq!(counters.peek("wide", hit("wide", 1000).limit).remaining, 300);
    }

    #[test]
    fn keys_are_bounded() {
        let counters = RateCounters::with_keys_max(640);
        for key in 0..10_000 {
            counters.hit(&key.to_string(), LIMIT, 1);
        }
        assert!(counters.key_count() <= 640, "{}", counters.key_count());
    }
}
