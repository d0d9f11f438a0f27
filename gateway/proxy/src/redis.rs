//! Redis: connection strings, a connection that comes back by itself, and the external cache over it.
//!
//! A worker has a connection of its own, on its own thread. Whatever goes wrong is a miss for the caller: it never waits
//! longer than [`link::ANSWER_MAX`], and while the server is away it does not wait at all.

pub mod cache;
mod codec;
pub mod link;
mod settings;
pub mod vectors;

pub use settings::{RedisSettings, SettingsError};
