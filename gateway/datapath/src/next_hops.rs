//! Next hops of the default routes, from the kernel's tables as text (proc(5)).

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// More say nothing more.
const HOPS_MAX: usize = 4;

/// Those that are reached through `interface`, in this thread's network namespace, at most four. Of an IPv4 route with
/// several the kernel tells the first.
pub fn next_hops(interface: &str) -> Vec<IpAddr> {
    let read = |file| fs::read_to_string(format!("/proc/thread-self/net/{file}")).unwrap_or_default();
    let (four, six) = (read("route"), read("ipv6_route"));
    let mut hops: Vec<_> = four.lines().filter_map(|line| v4(line, interface)).collect();
    hops.extend(six.lines().filter_map(|line| v6(line, interface)));
    hops.dedup();
    hops.truncate(HOPS_MAX);
    hops
}

/// Interface, destination, gateway, flags, …, mask; the addresses are the network's bytes read as one number.
fn v4(line: &str, interface: &str) -> Option<IpAddr> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [name, "00000000", gateway, _, _, _, _, "00000000", ..] = fields.as_slice() else { return None };
    let gateway = Ipv4Addr::from(u32::from_str_radix(gateway, 16).ok()?.to_ne_bytes());
    (*name == interface && !gateway.is_unspecified()).then_some(IpAddr::V4(gateway))
}

/// Destination, its length, source, its length, gateway, …, interface.
fn v6(line: &str, interface: &str) -> Option<IpAddr> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, "00", _, _, gateway, .., name] = fields.as_slice() else { return None };
    let gateway = Ipv6Addr::from(u128::from_str_radix(gateway, 16).ok()?);
    (*name == interface && !gateway.is_unspecified()).then_some(IpAddr::V6(gateway))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v4_default_route_of_the_interface_only() {
        let gateway = format!("{:08X}", u32::from_ne_bytes([10, 0, 0, 1]));
        let line = |destination: &str, gateway: &str, mask: &str| {
            format!("eth0\t{destination}\t{gateway}\t0003\t0\t0\t0\t{mask}\t0\t0\t0")
        };
        let default = line("00000000", &gateway, "00000000");
        assert_eq!(v4(&default, "eth0"), Some("10.0.0.1".parse().unwrap()));
        assert_eq!(v4(&default, "eth1"), None);
        assert_eq!(v4(&line("0000000A", &gateway, "000000FF"), "eth0"), None, "no default route");
        assert_eq!(v4(&line("00000000", "00000000", "00000000"), "eth0"), None, "no next hop");
        assert_eq!(v4("Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask", "eth0"), None);
    }

    #[test]
    fn v6_default_route_of_the_interface_only() {
        let none = "0".repeat(32);
        let line = |length: &str, gateway: &str| {
            format!("{none} {length} {none} 00 {gateway} 00000400 00000001 00000000 00000003     eth0")
        };
        let gateway = "fe800000000000000000000000000001";
        assert_eq!(v6(&line("00", gateway), "eth0"), Some("fe80::1".parse().unwrap()));
        assert_eq!(v6(&line("00", gateway), "lo"), None);
        assert_eq!(v6(&line("40", gateway), "eth0"), None, "no default route");
        assert_eq!(v6(&line("00", &none), "eth0"), None, "no next hop");
    }
}
