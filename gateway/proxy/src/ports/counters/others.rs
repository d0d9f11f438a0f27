//! What other gateways have counted.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;

use super::{AGES, Change};

const SHARDS: usize = 64;
/// Counters of others that are held, over all shards; beyond them what is over goes, then nothing more comes in.
const COUNTERS_MAX: usize = 1 << 18;
/// Gateways whose share of one counter is held.
const SHARES_MAX: usize = 256;

/// Name of a counter between gateways: a keyed digest of its key, so that keys do not travel.
pub type CounterId = [u8; 16];

/// A gateway process.
pub type SenderId = [u8; 16];

/// The shares of other gateways by counter.
#[derive(Debug)]
pub struct Others {
    key: hmac::Key,
    shards: Box<[Mutex<HashMap<CounterId, Vec<Share>>>]>,
}

#[derive(Debug)]
struct Share {
    sender: SenderId,
    /// When calls leave the window, and how many.
    leaving: Vec<(Instant, u64)>,
}

impl Others {
    /// `secret` is what the gateways have in common.
    pub fn new(secret: &[u8]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }

    /// The name of a key's counter.
    pub fn id(&self, key: &str) -> CounterId {
        hmac::sign(&self.key, key.as_bytes()).as_ref().first_chunk().copied().unwrap_or_default()
    }

    /// Calls of others that are in the window still: how long each stays, and how many.
    pub fn leaving(&self, id: &CounterId, now: Instant, mut each: impl FnMut(Duration, u64)) {
        if let Some(shares) = self.shard(id).get(id) {
            for (at, calls) in shares.iter().flat_map(|share| &share.leaving) {
                if let Some(left) = at.checked_duration_since(now).filter(|left| !left.is_zero()) {
                    each(left, *calls);
                }
            }
        }
    }

    /// Takes in what a gateway has counted, told `late` ago; it replaces what it told before. Calls are kept until the
    /// whole part of the period that they were told with has left the window.
    pub fn learn(&self, sender: SenderId, change: &Change, late: Duration, now: Instant) {
        let left = |age: u8| change.period * u32::from(AGES.saturating_sub(age)) / u32::from(AGES);
        let leaving: Vec<_> = change
            .calls
            .iter()
            .filter_map(|(age, calls)| {
                let left = left(*age).checked_sub(late).filter(|left| !left.is_zero())?;
                Some((now + left, u64::from(*calls)))
            })
            .collect();
        let mut shard = self.shard(&change.id);
        if !shard.contains_key(&change.id) && shard.len() >= COUNTERS_MAX / SHARDS {
            shard
                .retain(|_, shares| shares.iter().any(|share| share.leaving.iter().any(|(at, _)| *at > now)));
            if shard.len() >= COUNTERS_MAX / SHARDS {
                return;
            }
        }
        let shares = shard.entry(change.id).or_default();
        if let Some(share) = shares.iter_mut().find(|share| share.sender == sender) {
            share.leaving = leaving;
        } else {
            shares.retain(|share| share.leaving.iter().any(|(at, _)| *at > now));
            if shares.len() < SHARES_MAX {
                shares.push(Share { sender, leaving });
            }
        }
    }

    /// A panic elsewhere leaves whole shares behind, so the data is good.
    fn shard(&self, id: &CounterId) -> MutexGuard<'_, HashMap<CounterId, Vec<Share>>> {
        let [first, ..] = *id;
        let shard = self.shards.get(usize::from(first) % SHARDS).unwrap_or(&self.shards[0]);
        shard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use gateway_policy::ports::{Counters, RateLimit};

    use super::super::RateCounters;
    use super::*;

    const LIMIT: RateLimit = RateLimit { calls: 10, period: Duration::from_secs(64) };

    /// Tells what `from` has counted to `to`.
    fn tell(from: &RateCounters, sender: u8, to: &RateCounters, now: Instant) {
        for change in from.take_changes(usize::MAX, now) {
            to.others().unwrap().learn([sender; 16], &change, Duration::ZERO, now);
        }
    }

    #[test]
    fn learn_calls_of_others_count_until_they_leave() {
        let (a, b) = (RateCounters::shared(Others::new(b"s")), RateCounters::shared(Others::new(b"s")));
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in [0, 0, 0, 10, 10, 10] {
            assert!(a.hit_at("k", LIMIT, 1, at(second)).allowed);
        }
        tell(&a, 1, &b, at(20));
        let passed = (0..10).filter(|_| b.hit_at("k", LIMIT, 1, at(20)).allowed).count();
        assert_eq!(passed, 4);
        let refused = b.hit_at("k", LIMIT, 1, at(20));
        assert!(
            refused.retry_after > Duration::from_secs(43) && refused.retry_after <= Duration::from_secs(46)
        );
        assert!(b.hit_at("k", LIMIT, 1, at(20) + refused.retry_after).allowed);
        // Told again, nothing is counted twice; a change is told twice.
        tell(&a, 1, &b, at(20));
        assert!(a.take_changes(usize::MAX, at(20)).is_empty());
        assert_eq!(b.hit_at("l", LIMIT, 1, at(20)).remaining, 9, "another key");
    }

    #[test]
    fn tell_all_tells_a_newcomer_everything() {
        let (a, b) = (RateCounters::shared(Others::new(b"s")), RateCounters::shared(Others::new(b"s")));
        let now = Instant::now();
        for key in ["k", "l"] {
            a.hit_at(key, LIMIT, 3, now);
        }
        while !a.take_changes(1, now).is_empty() {}
        a.tell_all();
        tell(&a, 1, &b, now);
        assert_eq!(b.hit_at("k", LIMIT, 1, now).remaining, 6);
        assert_eq!(b.hit_at("l", LIMIT, 1, now).remaining, 6);
    }

    #[test]
    fn id_depends_on_the_secret() {
        assert_ne!(Others::new(b"a").id("k"), Others::new(b"b").id("k"));
        assert_eq!(Others::new(b"a").id("k"), Others::new(b"a").id("k"));
    }

    #[test]
    fn counters_that_tell_nobody_list_no_changes() {
        let counters = RateCounters::default();
        counters.hit("k", LIMIT, 1);
        assert!(counters.take_changes(usize::MAX, Instant::now()).is_empty());
    }
}
