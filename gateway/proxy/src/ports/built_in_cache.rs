//! The built-in cache: shared by the workers, bounded in bytes, gone with the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_policy::ports::Entry;
use moka::Expiry;
use moka::sync::Cache;

/// Default bound: 64 MiB of keys and content.
pub const BYTES_MAX: u64 = 64 << 20;

/// The cache.
#[derive(Debug)]
pub struct BuiltInCache {
    entries: Cache<Box<str>, Arc<Entry>>,
}

struct PerEntry;

impl Expiry<Box<str>, Arc<Entry>> for PerEntry {
    fn expire_after_create(&self, _: &Box<str>, entry: &Arc<Entry>, _: Instant) -> Option<Duration> {
        Some(Duration::from_millis(entry.lifetime_ms))
    }

    fn expire_after_update(
        &self,
        _: &Box<str>,
        entry: &Arc<Entry>,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(Duration::from_millis(entry.lifetime_ms))
    }
}

/// Bookkeeping of an entry that its key and content do not show.
const OVERHEAD_BYTES: usize = 128;

impl BuiltInCache {
    #[expect(clippy::borrowed_box, reason = "moka passes its keys so")]
    pub fn new(bytes_max: u64) -> Self {
        let entries = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|key: &Box<str>, entry: &Arc<Entry>| {
                u32::try_from(key.len() + entry.size_bytes() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
            })
            .expire_after(PerEntry)
            .build();
        Self { entries }
    }

    pub fn get(&self, key: &str) -> Option<Arc<Entry>> {
        self.entries.get(key)
    }

    pub fn set(&self, key: Box<str>, entry: Entry) {
        self.entries.insert(key, Arc::new(entry));
    }

    pub fn remove(&self, key: &str) {
        self.entries.invalidate(key);
    }
}

impl Default for BuiltInCache {
    fn default() -> Self {
        Self::new(BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use gateway_expression::Portable;
    use gateway_policy::ports::Cached;

    use super::*;

    fn entry(bytes: usize, lifetime_ms: u64) -> Entry {
        let content = Cached::Value(Portable::Str("x".repeat(bytes).into()));
        Entry { content, stored_ms: 0, lifetime_ms }
    }

    #[test]
    fn set_beyond_the_bound_lets_others_go() {
        let cache = BuiltInCache::new(10_000);
        for number in 0..100 {
            cache.set(number.to_string().into(), entry(900, 60_000));
        }
        cache.entries.run_pending_tasks();
        assert!(cache.entries.weighted_size() <= 10_000);
        assert!((0..100).any(|number| cache.get(&number.to_string()).is_some()));
    }

    #[test]
    fn get_behind_the_lifetime_is_a_miss() {
        let cache = BuiltInCache::default();
        cache.set("a".into(), entry(1, 30));
        assert!(cache.get("a").is_some());
        std::thread::sleep(Duration::from_millis(60));
        assert!(cache.get("a").is_none());
        cache.set("b".into(), entry(1, 60_000));
        cache.remove("b");
        assert!(cache.get("b").is_none());
    }
}
