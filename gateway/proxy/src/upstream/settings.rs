//! What an operator can set about the way to backends.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use gateway_policy::message::BufferBudget;

/// Settings of one worker's upstream side. Every limit counts per worker.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Name, TCP and TLS together; default 10 s.
    pub connect_timeout: Duration,
    /// An idle connection is closed after this; default 60 s. A shorter `Keep-Alive: timeout` of the backend wins.
    pub idle_timeout: Duration,
    /// A connection is not used again once it is so old, so that a name which has moved is followed under load as
    /// well; default 10 min.
    pub connection_lifetime: Duration,
    /// Idle connections kept to one target; default 256.
    pub idle_max_per_target: usize,
    /// Connections to one target, idle ones included; further requests wait their turn; default 2048.
    pub connections_max_per_target: usize,
    /// Unacknowledged data kills the connection after this (`TCP_USER_TIMEOUT`, U-09); default 30 s.
    pub tcp_user_timeout: Duration,
    /// Field lines of a response's head; default 64 KiB. The count is bounded by [`crate::wire::head::FIELDS_MAX`].
    pub response_head_bytes_max: usize,
    /// Bodies that are read into memory (`send-request`, `buffer-request-body`).
    pub budget: BufferBudget,
    /// `send-one-way-request` calls under way; more are dropped and counted; default 1000.
    pub one_way_max: usize,
    /// Peers whose `X-Forwarded-*` fields are believed; default none.
    pub trusted_proxies: Vec<Network>,
    /// Link-local and metadata networks that policies may call all the same; default none.
    pub allowed_networks: Vec<Network>,
    /// The gateway's own admin and management listeners, which policies may not call.
    pub own_listeners: Vec<SocketAddr>,
}

impl Default for UpstreamSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            connection_lifetime: Duration::from_mins(10),
            idle_max_per_target: 256,
            connections_max_per_target: 2048,
            tcp_user_timeout: Duration::from_secs(30),
            response_head_bytes_max: 64 << 10,
            budget: BufferBudget::default(),
            one_way_max: 1000,
            trusted_proxies: Vec::new(),
            allowed_networks: Vec::new(),
            own_listeners: Vec::new(),
        }
    }
}

/// An address with a prefix length, as `10.0.0.0/8`; a bare address is one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

impl Network {
    /// Reads `address` or `address/bits`; `None` when it is neither.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.trim().split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
            None => width,
        };
        Some(Self { address, prefix_bits })
    }

    /// As it was written: address and prefix length.
    pub fn parts(&self) -> (IpAddr, u8) {
        (self.address, self.prefix_bits)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                (u32::from(network) ^ u32::from(address)).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                (u128::from(network) ^ u128::from(address)).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_contains_is_decided_by_the_prefix() {
        for (network, address, inside) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("fe80::/10", "febf::1", true),
            ("fe80::/10", "fec0::1", false),
            ("::/0", "10.0.0.1", false),
        ] {
            let network = Network::parse(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside, "{network:?} {address}");
        }
    }

    #[test]
    fn network_parse_bad_texts_are_refused() {
        for text in ["", "10.0.0.0/33", "10.0.0/8", "::/129", "a/8", "10.0.0.0/"] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
