//! Requests at work under a key.

use std::any::Any;

/// A place among those at work; given back when dropped.
pub type Slot = Box<dyn Any>;

/// Counts who is at work, over the workers of the process.
pub trait Concurrency {
    /// Takes a place unless `max` are taken.
    fn enter(&self, key: &str, max: u64) -> Option<Slot>;
}
