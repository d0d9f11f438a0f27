//! Numbers that protocols give to things: <https://www.iana.org/protocols>.

pub const ETHER_TYPE_IPV4: u16 = 0x0800;
pub const ETHER_TYPE_IPV6: u16 = 0x86dd;
pub const ETHER_TYPE_VLAN: u16 = 0x8100;
pub const ETHER_TYPE_QINQ: u16 = 0x88a8;

/// First byte of an IPv4 header without options (RFC 791 §3.1).
pub const V4_PLAIN: u8 = 0x45;

pub const PROTOCOL_ICMP: u8 = 1;
/// IPv4 in IP (RFC 2003).
pub const PROTOCOL_IPV4: u8 = 4;
pub const PROTOCOL_TCP: u8 = 6;
pub const PROTOCOL_UDP: u8 = 17;
/// IPv6 in IP (RFC 2473).
pub const PROTOCOL_IPV6: u8 = 41;
/// IPv6's extension headers.
pub const HOP_BY_HOP: u8 = 0;
pub const ROUTING: u8 = 43;
pub const FRAGMENT: u8 = 44;
pub const DESTINATION_OPTIONS: u8 = 60;
pub const PROTOCOL_ICMPV6: u8 = 58;

/// Flags of a TCP header (RFC 9293 §3.1).
pub const FIN: u8 = 1;
pub const SYN: u8 = 2;
pub const RST: u8 = 4;
pub const PUSH: u8 = 8;
pub const ACK: u8 = 16;
