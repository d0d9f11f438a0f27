//! Answers of the name servers, shared by the workers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

use super::DnsError;

/// A TTL below is raised to this: TTL 0 would ask for every connection (U-01).
const TTL_MIN: Duration = Duration::from_secs(1);
/// A TTL above is cut to this, so that a move is noticed.
const TTL_MAX: Duration = Duration::from_mins(5);
/// How long "there is no such name" is believed.
const NEGATIVE_TTL: Duration = Duration::from_secs(5);
/// How long beyond their TTL addresses may serve while the name servers fail.
const GRACE: Duration = Duration::from_mins(10);
/// Names kept; policies can make up host names, so the table is bounded (S-05).
const NAMES_MAX: usize = 4096;

/// All names asked for.
#[derive(Default)]
pub struct DnsCache {
    // Held for a table access only, never across an await.
    names: Mutex<HashMap<Box<str>, Arc<Slot>>>,
}

impl DnsCache {
    pub fn new() -> Self {
        Self::default()
    }

    /// The slot of a name.
    pub(super) fn slot(&self, host: &str) -> Arc<Slot> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = names.get(host) {
            return Arc::clone(slot);
        }
        if names.len() >= NAMES_MAX {
            let now = Instant::now();
            names.retain(|_, slot| Arc::strong_count(slot) > 1 || slot.is_useful(now));
        }
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        Arc::clone(names.entry(host.into()).or_default())
    }
}

/// What is known of one name.
#[derive(Default)]
pub(super) struct Slot {
    answer: Mutex<Answer>,
    asking: AsyncMutex<()>,
    turn: AtomicUsize,
}

#[derive(Default)]
struct Answer {
    known: Option<Result<Arc<[IpAddr]>, DnsError>>,
    /// Until when `known` holds.
    until: Option<Instant>,
    last_good: Option<(Arc<[IpAddr]>, Instant)>,
}

/// Outcome of a look into the cache.
pub(super) enum Found {
    Fresh(Result<Arc<[IpAddr]>, DnsError>),
    Nothing,
}

impl Slot {
    fn with<T>(&self, work: impl FnOnce(&mut Answer) -> T) -> T {
        work(&mut self.answer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn look(&self, now: Instant) -> Found {
        self.with(|answer| match &answer.known {
            Some(known) if answer.until.is_some_and(|until| now < until) => Found::Fresh(known.clone()),
            _ => Found::Nothing,
        })
    }

    /// Held while the name servers are asked.
    pub(super) async fn asking(&self) -> MutexGuard<'_, ()> {
        self.asking.lock().await
    }

    pub(super) fn store(&self, addresses: Arc<[IpAddr]>, until: Instant, now: Instant) {
        let ttl = until.saturating_duration_since(now).clamp(TTL_MIN, TTL_MAX);
        self.with(|answer| {
            answer.last_good = Some((Arc::clone(&addresses), now + ttl + GRACE));
            answer.known = Some(Ok(addresses));
            answer.until = Some(now + ttl);
        });
    }

    pub(super) fn store_failure(&self, error: DnsError, now: Instant) {
        self.with(|answer| {
            answer.known = Some(Err(error));
            answer.until = Some(now + NEGATIVE_TTL);
        });
    }

    /// Addresses that served before and may serve on while there is no answer.
    pub(super) fn last_good(&self, now: Instant) -> Option<Arc<[IpAddr]>> {
        self.with(|answer| match &answer.last_good {
            Some((addresses, until)) if now < *until => Some(Arc::clone(addresses)),
            _ => None,
        })
    }

    /// Does not ask again for a while: an old answer is in use.
    pub(super) fn postpone(&self, now: Instant) {
        self.with(|answer| {
            answer.known = answer.last_good.as_ref().map(|(addresses, _)| Ok(Arc::clone(addresses)));
            answer.until = Some(now + NEGATIVE_TTL);
        });
    }

    /// The addresses beginning with another one at each call (round robin).
    pub(super) fn rotated(&self, addresses: &[IpAddr]) -> Vec<IpAddr> {
        let first = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(addresses.len()).unwrap_or(0);
        let (before, from) = addresses.split_at(first);
        [from, before].concat()
    }

    fn is_useful(&self, now: Instant) -> bool {
        self.with(|answer| answer.until.is_some_and(|until| now < until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(last: u8) -> Arc<[IpAddr]> {
        Arc::from([IpAddr::from([192, 0, 2, last])])
    }

    fn fresh(slot: &Slot, now: Instant) -> Option<Result<Arc<[IpAddr]>, DnsError>> {
        match slot.look(now) {
            Found::Fresh(answer) => Some(answer),
            Found::Nothing => None,
        }
    }

    #[test]
    fn store_ttl_is_clamped_both_ways() {
        let now = Instant::now();
        for (ttl, holds) in [(0, 1), (60, 60), (86_400, 300)] {
            let slot = Slot::default();
            slot.store(addresses(1), now + Duration::from_secs(ttl), now);
            assert!(fresh(&slot, now + Duration::from_millis(holds * 1000 - 1)).is_some());
            assert!(fresh(&slot, now + Duration::from_secs(holds)).is_none());
        }
    }

    #[test]
    fn last_good_serves_until_the_grace_is_over() {
        let now = Instant::now();
        let slot = Slot::default();
        slot.store(addresses(1), now + Duration::from_mins(1), now);
        let later = now + Duration::from_secs(100);
        assert_eq!(slot.last_good(later), Some(addresses(1)));
        slot.postpone(later);
        assert_eq!(fresh(&slot, later), Some(Ok(addresses(1))));
        assert!(fresh(&slot, later + NEGATIVE_TTL).is_none());
        assert_eq!(slot.last_good(now + Duration::from_secs(661)), None);
    }

    #[test]
    fn store_failure_is_believed_for_five_seconds() {
        let now = Instant::now();
        let slot = Slot::default();
        slot.store_failure(DnsError::NoAddresses, now);
        assert_eq!(fresh(&slot, now), Some(Err(DnsError::NoAddresses)));
        assert!(fresh(&slot, now + Duration::from_secs(5)).is_none());
    }

    #[test]
    fn rotated_begins_with_each_address_in_turn() {
        let slot = Slot::default();
        let all = [IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2])];
        let firsts: Vec<_> = (0..4).filter_map(|_| slot.rotated(&all).first().copied()).collect();
        assert_eq!(firsts, [all[0], all[1], all[0], all[1]]);
    }

    #[test]
    fn slot_many_names_stay_bounded() {
        let cache = DnsCache::new();
        for n in 0..3 * NAMES_MAX {
            cache.slot(&format!("h{n}.example"));
        }
        assert!(cache.names.lock().unwrap().len() <= NAMES_MAX);
    }
}
