//! What the kernel programs and user space agree on: the maps' keys and values, and how a packet is read.
//!
//! `no_std`, and without dependencies: the same code runs in the kernel, in user space and in tests.
//! Invariant: nothing here decides to drop. A packet that cannot be read is passed ([`Verdict::Unparsed`]).

#![no_std]

pub mod map;
pub mod packet;
pub mod parse;

pub use map::{
    BindKey, Config, ConnectionCounters, Direction, PacketCounters, PortEntry, RttHistogram, TcpFlagCounters,
};
pub use packet::Packet;
pub use parse::{Parsed, Protocol, Verdict, parse};
