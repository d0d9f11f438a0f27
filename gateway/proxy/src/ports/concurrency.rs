//! Requests at work under a key, over all workers (`limit-concurrency`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gateway_policy::ports::{Concurrency, Slot};

/// Counts by key; a key nobody works under is gone, so requests under way bound the keys.
#[derive(Clone, Debug, Default)]
pub struct AtWork(Arc<Mutex<HashMap<Box<str>, u64>>>);

/// Counts down when dropped.
struct Place {
    key: Box<str>,
    at_work: AtWork,
}

impl AtWork {
    /// A panic elsewhere leaves whole numbers behind, so the data is good.
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<str>, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Concurrency for AtWork {
    fn enter(&self, key: &str, max: u64) -> Option<Slot> {
        let mut counts = self.lock();
        let count = counts.entry(key.into()).or_default();
        if *count >= max {
            if *count == 0 {
                counts.remove(key);
            }
            return None;
        }
        *count += 1;
        Some(Box::new(Place { key: key.into(), at_work: self.clone() }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.at_work.lock();
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_places_come_back_and_keys_go() {
        let at_work = AtWork::default();
        let first = at_work.enter("a", 2);
        let second = at_work.enter("a", 2);
        assert!(first.is_some() && second.is_some());
        assert!(at_work.enter("a", 2).is_none());
        assert!(at_work.enter("b", 1).is_some());
        drop(first);
        assert!(at_work.enter("a", 2).is_some());
        drop(second);
        assert!(at_work.lock().is_empty());
        assert!(at_work.enter("a", 0).is_none());
        assert!(at_work.lock().is_empty());
    }
}
