//! The built-in cache of `cache-*-value`: shared by the workers, bounded in bytes, gone with the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_expression::Portable;
use gateway_policy::ports::ValueCache;
use moka::Expiry;
use moka::sync::Cache;

/// Default bound: 64 MiB of keys and values.
pub const BYTES_MAX: u64 = 64 << 20;

/// The cache.
#[derive(Debug)]
pub struct BuiltInCache {
    entries: Cache<Box<str>, Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    value: Arc<Portable>,
    lifetime: Duration,
}

struct PerEntry;

impl Expiry<Box<str>, Entry> for PerEntry {
    fn expire_after_create(&self, _: &Box<str>, entry: &Entry, _: Instant) -> Option<Duration> {
        Some(entry.lifetime)
    }

    fn expire_after_update(
        &self,
        _: &Box<str>,
        entry: &Entry,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(entry.lifetime)
    }
}

/// Bookkeeping of an entry that its key and value do not show.
const OVERHEAD_BYTES: usize = 128;

impl BuiltInCache {
    pub fn new(bytes_max: u64) -> Self {
        let entries = Cache::builder()
            .max_capacity(bytes_max)
            .weigher(|key: &Box<str>, entry: &Entry| {
                u32::try_from(key.len() + entry.value.size_bytes() + OVERHEAD_BYTES).unwrap_or(u32::MAX)
            })
            .expire_after(PerEntry)
            .build();
        Self { entries }
    }
}

impl Default for BuiltInCache {
    fn default() -> Self {
        Self::new(BYTES_MAX)
    }
}

impl ValueCache for BuiltInCache {
    fn get(&self, key: &str) -> Option<Arc<Portable>> {
        self.entries.get(key).map(|entry| entry.value)
    }

    fn set(&self, key: &str, value: Portable, lifetime: Duration) {
        self.entries.insert(key.into(), Entry { value: Arc::new(value), lifetime });
    }

    fn remove(&self, key: &str) {
        self.entries.invalidate(key);
    }
}
