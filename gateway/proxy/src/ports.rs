//! Implementations of the policies' ports that workers share.

pub mod built_in_cache;
pub mod caches;
pub mod client_trust;
pub mod concurrency;
pub mod counters;
pub mod event_hubs;
pub mod flights;
pub mod identity;
pub mod issuers;
mod noted;
pub mod quotas;
mod slot;
pub mod state;
pub mod topics;
pub mod vector_store;
