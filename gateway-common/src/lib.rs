//! What the kernel programs and user space agree on: the maps' keys and values, and how a packet is read.
//!
//! `no_std`, and without dependencies: the same code runs in the kernel, in user space and in tests.
//! Invariant: only [`shed`] decides to drop, by a rule that somebody gave. A packet that cannot be read is passed
//! ([`Verdict::Unparsed`]).

#![no_std]

pub mod balance;
pub mod checksum;
pub mod cookies;
pub mod flood;
pub mod hash;
pub mod limit;
pub mod map;
pub mod numbers;
pub mod packet;
pub mod parse;
pub mod prefixes;
pub mod shed;
pub mod splice;

pub use map::{
    BindKey, Config, ConnectionCounters, CookieCounters, CookieState, Direction, DropEvent, Limit,
    PacketCounters, PortEntry, PrefixEntry, Sampling, TcpFlagCounters, TimeHistogram,
};
pub use packet::Packet;
pub use parse::{Parsed, Protocol, Verdict, parse};
