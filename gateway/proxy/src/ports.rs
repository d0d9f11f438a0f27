//! Implementations of the policies' ports that workers share.

pub mod built_in_cache;
pub mod caches;
pub mod concurrency;
pub mod counters;
pub mod event_hubs;
pub mod flights;
pub mod quotas;
pub mod state;
