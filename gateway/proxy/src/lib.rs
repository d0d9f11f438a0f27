//! The data plane: clients on one side, backends on the other, policies between.
//!
//! ```text
//! listener ─► connection ─► wire: one validated request ─► route, key ─► pipeline ─► upstream
//!                 ▲                                                          │
//!                 └──────────── response, then the closed event ◄────────────┘
//! ```
//!
//! One worker is one thread with one current-thread runtime: its own listeners, connections and upstream pools.
//! Workers share the read-only snapshot, sharded counters and the built-in cache, nothing else. Bytes of a peer
//! are never forwarded: messages are parsed into one canonical form and written anew.

pub mod abuse;
mod admit;
pub mod debug;
pub mod downstream;
pub mod keys;
mod maybe_tls;
pub mod neighbours;
pub mod ports;
mod preflight;
pub mod redis;
pub mod route;
pub mod service;
mod signatures;
pub mod snapshot;
mod subscriptions;
pub mod tunnel;
pub mod upstream;
pub mod wire;
pub mod worker;
