//! Entries in the making: one request makes an entry, others wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use gateway_policy::ports::{Claim, Fill, Filled};
use moka::sync::Cache;
use tokio::sync::Notify;

/// How long nobody waits for an entry whose last answer could not be stored.
const PASS: Duration = Duration::from_secs(5);
const PASSES_MAX: u64 = 10_000;

/// Entries that requests are making now, over all workers.
#[derive(Debug)]
pub struct Flights(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// One for each fill: bounded by the requests under way.
    making: Mutex<HashMap<Box<str>, Arc<Notify>>>,
    passes: Cache<Box<str>, ()>,
}

impl Default for Flights {
    fn default() -> Self {
        let passes = Cache::builder().max_capacity(PASSES_MAX).time_to_live(PASS).build();
        Self(Arc::new(Inner { making: Mutex::default(), passes }))
    }
}

impl Flights {
    /// Asks to make the entry of a key.
    pub fn claim(&self, key: &str) -> Claim {
        if self.0.passes.contains_key(key) {
            return Claim::Pass;
        }
        let mut making = self.0.lock();
        if making.contains_key(key) {
            return Claim::Busy;
        }
        let key: Box<str> = key.into();
        making.insert(key.clone(), Arc::default());
        drop(making);
        let inner = Arc::clone(&self.0);
        Claim::Mine(Fill::new(move |how| inner.end(key, how)))
    }

    /// Waits until whoever makes the entry is done, at most so long.
    pub async fn wait(&self, key: &str, at_most: Duration) {
        // Made under the lock: an end that comes behind it is noticed.
        let done = self.0.lock().get(key).map(|notify| Arc::clone(notify).notified_owned());
        if let Some(done) = done {
            // Too late is as good as done: the caller looks for itself.
            let _ = tokio::time::timeout(at_most, done).await;
        }
    }
}

impl Inner {
    /// A panic elsewhere leaves whole entries behind, so the data is good.
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Notify>>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, key: Box<str>, how: Filled) {
        let waiting = self.lock().remove(&key);
        if how == Filled::NotStorable {
            self.passes.insert(key, ());
        }
        if let Some(waiting) = waiting {
            waiting.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mine(flights: &Flights) -> Fill {
        match flights.claim("k") {
            Claim::Mine(fill) => fill,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn claim_one_makes_and_others_wait() {
        let flights = Flights::default();
        let fill = mine(&flights);
        assert!(matches!(flights.claim("k"), Claim::Busy));
        let waiting = async {
            flights.wait("k", Duration::from_secs(1)).await;
            tokio::time::Instant::now()
        };
        let making = async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            fill.end(Filled::Stored);
        };
        let began = tokio::time::Instant::now();
        let (ended, ()) = tokio::join!(waiting, making);
        assert_eq!(ended - began, Duration::from_millis(300));
        drop(mine(&flights));
    }

    #[tokio::test(start_paused = true)]
    async fn wait_is_bounded_and_dropping_lets_another_make() {
        let flights = Flights::default();
        let fill = mine(&flights);
        let began = tokio::time::Instant::now();
        flights.wait("k", Duration::from_secs(1)).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1));
        drop(fill);
        drop(mine(&flights));
    }

    #[test]
    fn claim_behind_what_cannot_be_stored_passes() {
        let flights = Flights::default();
        mine(&flights).end(Filled::NotStorable);
        assert!(matches!(flights.claim("k"), Claim::Pass));
    }
}
