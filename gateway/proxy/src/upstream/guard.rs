//! Which addresses a policy may not reach (`reliability-security.md` X-09): by calls of its own, by a base URL it
//! makes up, or by a redirect. Checked after name resolution. Backend entities are not subject to it; loopback and
//! private networks are fine for all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::settings::{Network, UpstreamSettings};

/// The rules of one worker.
#[derive(Clone, Debug)]
pub struct Guard {
    allowed: Vec<Network>,
    own: Vec<SocketAddr>,
}

/// Metadata services outside the link-local networks: Azure's host agent, Alibaba Cloud, Oracle Cloud, AWS.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

impl Guard {
    pub fn new(settings: &UpstreamSettings) -> Self {
        Self { allowed: settings.allowed_networks.clone(), own: settings.own_listeners.clone() }
    }

    /// Whether a policy may call the address.
    pub fn allows(&self, address: SocketAddr) -> bool {
        let ip = plain(address.ip());
        if self.is_own(ip, address.port()) {
            return false;
        }
        let internal = match ip {
            IpAddr::V4(v4) => v4.is_link_local() || v4.is_multicast() || v4.is_broadcast(),
            IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.is_multicast(),
        } || METADATA.contains(&ip);
        !internal || self.allowed.iter().any(|network| network.contains(ip))
    }

    /// Whether a connection that came about ends at one of the gateway's own listeners after all: a listener on
    /// the wildcard address answers on every address of the host.
    pub fn allows_connection(&self, local: SocketAddr, peer: SocketAddr) -> bool {
        let same_host = plain(local.ip()) == plain(peer.ip());
        !(same_host && self.own.iter().any(|own| own.port() == peer.port() && own.ip().is_unspecified()))
    }

    fn is_own(&self, ip: IpAddr, port: u16) -> bool {
        // The unspecified address connects to this host.
        let local = ip.is_loopback() || ip.is_unspecified();
        self.own.iter().any(|own| {
            let listens = plain(own.ip());
            own.port() == port
                && (listens == ip || (local && (listens.is_loopback() || listens.is_unspecified())))
        })
    }
}

/// The IPv4 address inside an IPv6 one that leads to it: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn plain(ip: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = ip.to_canonical() else { return ip.to_canonical() };
    let embedded = |high: u16, low: u16| {
        let bits = (u32::from(high) << 16) | u32::from(low);
        IpAddr::V4(Ipv4Addr::from(bits))
    };
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, high, low] if high != 0 => embedded(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        _ => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard() -> Guard {
        Guard::new(&UpstreamSettings {
            own_listeners: vec!["127.0.0.1:9090".parse().unwrap(), "[::]:8082".parse().unwrap()],
            allowed_networks: vec![Network::parse("169.254.7.0/24").unwrap()],
            ..UpstreamSettings::default()
        })
    }

    #[test]
    fn guard_refuses_what_leads_inside() {
        for address in [
            "169.254.169.254:80",
            "[::ffff:169.254.169.254]:80",
            "[64:ff9b::a9fe:a9fe]:80",
            "[2002:a9fe:a9fe::1]:80",
            "[::a9fe:a9fe]:80",
            "[fe80::1]:80",
            "[febf::1]:443",
            "168.63.129.16:80",
            "[fd00:ec2::254]:80",
            "224.0.0.1:80",
            "255.255.255.255:80",
            "127.0.0.1:9090",
            "127.9.9.9:9090",
            "0.0.0.0:9090",
            "[::1]:9090",
            "[::ffff:127.0.0.1]:9090",
            "127.0.0.1:8082",
            "[::1]:8082",
        ] {
            assert!(!guard().allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn guard_lets_others_pass() {
        for address in ["127.0.0.1:8080", "10.0.0.1:9090", "[::1]:80", "203.0.113.1:443", "169.254.7.9:80"] {
            assert!(guard().allows(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn guard_wildcard_listener_is_found_by_the_connection() {
        let local = "192.0.2.5:50000".parse().unwrap();
        assert!(!guard().allows_connection(local, "192.0.2.5:8082".parse().unwrap()));
        assert!(guard().allows_connection(local, "192.0.2.6:8082".parse().unwrap()));
        assert!(guard().allows_connection(local, "192.0.2.5:80".parse().unwrap()));
    }
}
