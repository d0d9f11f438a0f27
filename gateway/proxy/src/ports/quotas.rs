//! Quota counters of the process: fixed windows, exact over the workers, kept beyond it by [`super::state`].

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use gateway_policy::ports::{QuotaDecision, QuotaHit, QuotaUse, QuotaWindow, Quotas};

const SHARDS: usize = 64;

/// Counters held at most; beyond them those of windows that are over go, then the one that changed longest ago.
pub const KEYS_MAX: usize = 1 << 16;

/// All quota counters of the process.
#[derive(Debug)]
pub struct QuotaCounters {
    shards: Box<[Mutex<Shard>]>,
    hasher: RandomState,
    shard_keys_max: usize,
}

type Shard = HashMap<Box<str>, Counter>;

#[derive(Clone, Copy, Debug)]
struct Counter {
    window: QuotaWindow,
    used: QuotaUse,
    /// Part of `used` that other gateways have not been told.
    untold: QuotaUse,
    /// Part of it that the management plane has not been told.
    unreported: QuotaUse,
    /// Used, or looked at, since the plane was told.
    is_asked: bool,
    /// How often the plane had it set by hand, as far as this gateway knows.
    sets: u64,
    /// The last of them, while other gateways have not been told.
    set: Option<(QuotaUse, u64)>,
    /// Changed since it was last saved.
    is_unsaved: bool,
    /// When it was last looked at, in rounds of telling the others.
    round: u64,
}

/// A counter as it is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub key: Box<str>,
    pub window: QuotaWindow,
    pub used: QuotaUse,
}

/// What others have not been told of a counter; nothing untold asks for theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Untold {
    pub key: Box<str>,
    pub window: QuotaWindow,
    pub more: QuotaUse,
    /// What the plane had it set to by hand, before `more` was added, and for the how manieth time.
    pub set: Option<(QuotaUse, u64)>,
}

impl Default for QuotaCounters {
    fn default() -> Self {
        Self::with_keys_max(KEYS_MAX)
    }
}

impl QuotaCounters {
    /// Counters that hold at most about `keys_max` keys.
    pub fn with_keys_max(keys_max: usize) -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: RandomState::new(),
            shard_keys_max: keys_max.div_ceil(SHARDS).max(1),
        }
    }

    fn shard_of(&self, key: &str) -> usize {
        (self.hasher.hash_one(key) as usize) % SHARDS
    }

    fn with<T>(&self, key: &str, window: QuotaWindow, apply: impl FnOnce(&mut Counter) -> T) -> T {
        // The modulo is the bound; the first shard stands in where the type system cannot see it.
        let mut shard = lock(self.shards.get(self.shard_of(key)).unwrap_or(&self.shards[0]));
        apply(self.counter(&mut shard, key, window))
    }

    fn counter<'a>(&self, shard: &'a mut Shard, key: &str, window: QuotaWindow) -> &'a mut Counter {
        if !shard.contains_key(key) {
            make_room(shard, self.shard_keys_max, window.start);
        }
        let counter = shard.entry(key.into()).or_insert_with(|| Counter::new(window));
        if counter.window != window {
            *counter = Counter::new(window);
        }
        (counter.round, counter.is_asked) = (0, true);
        counter
    }

    /// All counters, when one has changed since the last call.
    pub fn unsaved(&self) -> Option<Vec<Saved>> {
        let mut saved = Vec::new();
        let mut is_unsaved = false;
        for shard in &self.shards {
            for (key, counter) in lock(shard).iter_mut() {
                is_unsaved |= std::mem::take(&mut counter.is_unsaved);
                saved.push(Saved { key: key.clone(), window: counter.window, used: counter.used });
            }
        }
        is_unsaved.then_some(saved)
    }

    /// Takes in a counter from elsewhere: the higher count holds.
    pub fn restore(&self, saved: &Saved) {
        self.with(&saved.key, saved.window, |counter| {
            counter.raise(saved.used);
            counter.is_asked = false;
        });
    }

    /// What the management plane has not been told, and counters looked at since the last call.
    pub fn take_unreported(&self) -> Vec<Untold> {
        let mut unreported = Vec::new();
        for shard in &self.shards {
            for (key, counter) in lock(shard).iter_mut() {
                let more = std::mem::take(&mut counter.unreported);
                if std::mem::take(&mut counter.is_asked) || more != QuotaUse::default() {
                    unreported.push(Untold { key: key.clone(), window: counter.window, more, set: None });
                }
            }
        }
        unreported
    }

    /// The plane's sum of all gateways, as it was when `told` had been added. One that was set by hand since holds as it is;
    /// true then.
    pub fn learn_from_plane(&self, told: &Untold, sum: QuotaUse, sets: u64) -> bool {
        let mut shard = lock(self.shards.get(self.shard_of(&told.key)).unwrap_or(&self.shards[0]));
        let counter = shard.get_mut(&told.key).filter(|counter| counter.window == told.window);
        let Some(counter) = counter else { return false };
        let now = plus(sum, counter.unreported);
        if counter.sets == sets {
            counter.raise(now);
            return false;
        }
        // What others are told from now on is what came after.
        (counter.used, counter.untold) = (now, counter.unreported);
        (counter.set, counter.sets, counter.is_unsaved) = (Some((sum, sets)), sets, true);
        true
    }

    /// What others have not been told yet, and counters looked at in the last `rounds` calls.
    pub fn take_untold(&self, rounds: u64) -> Vec<Untold> {
        let mut untold = Vec::new();
        for shard in &self.shards {
            for (key, counter) in lock(shard).iter_mut() {
                let more = std::mem::take(&mut counter.untold);
                let set = counter.set.take();
                counter.round += 1;
                if set.is_some() || more != QuotaUse::default() || counter.round <= rounds {
                    untold.push(Untold { key: key.clone(), window: counter.window, more, set });
                }
            }
        }
        untold
    }

    /// The sum of all gateways, as it was when `told` had been added.
    pub fn learn(&self, told: &Untold, sum: QuotaUse) {
        let mut shard = lock(self.shards.get(self.shard_of(&told.key)).unwrap_or(&self.shards[0]));
        if let Some(counter) = shard.get_mut(&told.key).filter(|counter| counter.window == told.window) {
            counter.raise(plus(sum, counter.untold));
        }
    }

    /// Telling failed: it is told the next time.
    pub fn give_back(&self, untold: &Untold) {
        let mut shard = lock(self.shards.get(self.shard_of(&untold.key)).unwrap_or(&self.shards[0]));
        if let Some(counter) = shard.get_mut(&untold.key).filter(|counter| counter.window == untold.window) {
            counter.untold = plus(counter.untold, untold.more);
            counter.set = counter.set.or(untold.set);
        }
    }
}

impl Quotas for QuotaCounters {
    fn take(&self, hits: &[QuotaHit], count: u64) -> QuotaDecision {
        // All shards concerned, in order, so that workers do not wait for each other in a circle.
        let of: Vec<usize> = hits.iter().map(|hit| self.shard_of(&hit.key)).collect();
        let mut order = of.clone();
        order.sort_unstable();
        order.dedup();
        let mut shards: Vec<_> = order.iter().filter_map(|at| self.shards.get(*at)).map(lock).collect();
        let mut each = |apply: &dyn Fn(&mut Counter, &QuotaHit) -> QuotaDecision| {
            for (hit, shard) in hits.iter().zip(&of) {
                let Some(shard) = order.binary_search(shard).ok().and_then(|at| shards.get_mut(at)) else {
                    continue;
                };
                let decision = apply(self.counter(shard, &hit.key, hit.window), hit);
                if decision != QuotaDecision::Allowed {
                    return decision;
                }
            }
            QuotaDecision::Allowed
        };
        let decision = each(&|counter, hit| hit.decide(counter.used));
        if decision == QuotaDecision::Allowed && count > 0 {
            each(&|counter, _| {
                counter.add(QuotaUse { count, bytes: 0 });
                QuotaDecision::Allowed
            });
        }
        decision
    }

    fn used(&self, key: &str, window: QuotaWindow) -> QuotaUse {
        self.with(key, window, |counter| counter.used)
    }

    fn add(&self, key: &str, window: QuotaWindow, more: QuotaUse) {
        self.with(key, window, |counter| counter.add(more));
    }
}

impl Counter {
    fn new(window: QuotaWindow) -> Self {
        let none = QuotaUse::default();
        Self {
            window,
            used: none,
            untold: none,
            unreported: none,
            is_asked: false,
            sets: 0,
            set: None,
            is_unsaved: false,
            round: 0,
        }
    }

    fn add(&mut self, more: QuotaUse) {
        if more != QuotaUse::default() {
            (self.used, self.untold) = (plus(self.used, more), plus(self.untold, more));
            self.unreported = plus(self.unreported, more);
            self.is_unsaved = true;
        }
    }

    fn raise(&mut self, to: QuotaUse) {
        let raised = QuotaUse { count: self.used.count.max(to.count), bytes: self.used.bytes.max(to.bytes) };
        self.is_unsaved |= raised != self.used;
        self.used = raised;
    }
}

fn plus(a: QuotaUse, b: QuotaUse) -> QuotaUse {
    QuotaUse { count: a.count.saturating_add(b.count), bytes: a.bytes.saturating_add(b.bytes) }
}

/// A panic elsewhere leaves whole counters behind, so the data is good.
fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Drops counters whose window is over by `now`; when none is, the one not looked at for longest.
fn make_room(shard: &mut Shard, keys_max: usize, now: i64) {
    if shard.len() < keys_max {
        return;
    }
    shard.retain(|_, counter| counter.window.end.is_none_or(|end| end > now));
    if shard.len() < keys_max {
        return;
    }
    let oldest = shard.iter().max_by_key(|(_, counter)| counter.round).map(|(key, _)| key.clone());
    if let Some(key) = oldest {
        shard.remove(&key);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const WINDOW: QuotaWindow = QuotaWindow { start: 0, end: Some(300) };

    fn hit(key: &str, count_max: u64) -> QuotaHit {
        QuotaHit { key: key.to_owned(), window: WINDOW, count_max: Some(count_max), bytes_max: None }
    }

    #[test]
    fn take_one_without_room_counts_in_none() {
        let quotas = QuotaCounters::default();
        let both = [hit("wide", 5), hit("narrow", 2)];
        let allowed = (0..4).filter(|_| quotas.take(&both, 1) == QuotaDecision::Allowed).count();
        assert_eq!(allowed, 2);
        assert_eq!(quotas.used("wide", WINDOW).count, 2);
    }

    #[test]
    fn take_from_several_threads_is_exact() {
        let quotas = Arc::new(QuotaCounters::default());
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let quotas = Arc::clone(&quotas);
                let mut hits = [hit("wide", 1000), hit("narrow", 700)];
                hits.rotate_left(thread % 2);
                std::thread::spawn(move || {
                    (0..500).filter(|_| quotas.take(&hits, 1) == QuotaDecision::Allowed).count()
                })
            })
            .collect();
        let passed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(passed, 700);
    }

    #[test]
    fn used_in_a_new_window_starts_anew() {
        let quotas = QuotaCounters::default();
        quotas.add("k", WINDOW, QuotaUse { count: 1, bytes: 10 });
        assert_eq!(quotas.used("k", WINDOW), QuotaUse { count: 1, bytes: 10 });
        assert_eq!(quotas.used("k", QuotaWindow { start: 300, end: Some(600) }), QuotaUse::default());
    }

    #[test]
    fn learn_adds_what_has_been_counted_since() {
        let quotas = QuotaCounters::default();
        let one = QuotaUse { count: 1, bytes: 0 };
        quotas.add("k", WINDOW, one);
        let told = quotas.take_untold(0);
        assert_eq!(told, [Untold { key: "k".into(), window: WINDOW, more: one, set: None }]);
        quotas.add("k", WINDOW, one);
        quotas.learn(&told[0], QuotaUse { count: 10, bytes: 0 });
        assert_eq!(quotas.used("k", WINDOW).count, 11);
        quotas.give_back(&told[0]);
        assert_eq!(quotas.take_untold(0)[0].more.count, 2);
    }

    #[test]
    fn learn_from_plane_takes_the_higher_sum_and_any_that_was_set() {
        let quotas = QuotaCounters::default();
        let one = QuotaUse { count: 1, bytes: 0 };
        let sum = |count| QuotaUse { count, bytes: 0 };
        quotas.add("k", WINDOW, one);
        let told = quotas.take_unreported().remove(0);
        assert_eq!(told.more, one);
        quotas.add("k", WINDOW, one);
        assert!(!quotas.learn_from_plane(&told, sum(10), 0));
        assert_eq!(quotas.used("k", WINDOW).count, 11);
        assert!(!quotas.learn_from_plane(&told, sum(3), 0));
        assert_eq!(quotas.used("k", WINDOW).count, 11, "a lower sum is an older one");
        assert!(quotas.learn_from_plane(&told, sum(0), 1));
        assert_eq!(quotas.used("k", WINDOW).count, 1, "what came after the report stays");
        let untold = quotas.take_untold(0);
        assert_eq!((untold[0].more, untold[0].set), (one, Some((sum(0), 1))), "others are told too");
        assert_eq!(quotas.take_unreported()[0].more, one);
        assert_eq!(quotas.take_unreported(), [], "nobody looked at it since");
        quotas.take(&[hit("k", 5)], 0);
        assert_eq!(quotas.take_unreported()[0].more, QuotaUse::default(), "asked for");
    }

    #[test]
    fn keys_are_bounded() {
        let quotas = QuotaCounters::with_keys_max(640);
        for key in 0..10_000 {
            quotas.add(&key.to_string(), WINDOW, QuotaUse { count: 1, bytes: 0 });
        }
        assert!(quotas.unsaved().unwrap().len() <= 640);
        assert!(quotas.unsaved().is_none());
    }
}
