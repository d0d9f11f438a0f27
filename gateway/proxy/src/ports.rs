//! What a worker offers to policies: the ports of `gateway_policy::ports`, implemented.

pub mod counters;
pub mod event_hubs;
pub mod value_cache;
