//! The sources of what measurements make: floods, and many flows.

/// Networks of 256 addresses, each with as large a gap behind it, so that no list can merge them.
pub const NETWORKS: u32 = 10_000;

/// A frame of a flood, in words as they lie there: Ethernet, IPv4 without options, TCP, and what fills it up.
pub type FloodFrame = [u32; 15];

/// Flows of a trial of balancing.
pub const FLOWS: u32 = 65_536;

/// First address of a network.
pub const fn network(number: u32) -> u32 {
    u32::from_be_bytes([20, 0, 0, 0]) + number * 512
}
