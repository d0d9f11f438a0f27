//! The cache of values.

use std::sync::Arc;
use std::time::Duration;

use gateway_expression::Portable;

/// The value cache of `cache-*-value`. Entries are shared by the workers and bounded in bytes.
pub trait ValueCache {
    fn get(&self, key: &str) -> Option<Arc<Portable>>;
    fn set(&self, key: &str, value: Portable, lifetime: Duration);
    fn remove(&self, key: &str);
}
