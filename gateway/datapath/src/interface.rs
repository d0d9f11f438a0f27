//! Which interfaces are counted on.

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;

use nix::net::if_::InterfaceFlags;

use crate::kernel;
use crate::settings::Binding;

/// An interface of the current network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    pub name: String,
    pub index: u32,
    pub loopback: bool,
    pub addresses: Vec<IpAddr>,
}

/// Drivers whose packets are already in this host's memory: XDP there costs more than it saves
/// (`reference/ebpf-datapath.md` §9; on veth it halves bulk TCP), and members of a bridge or bond are counted
/// as such.
const VIRTUAL: [&str; 10] = [
    "veth",
    "tun",
    "bridge",
    "802.1Q VLAN Support",
    "macvlan",
    "ipvlan",
    "dummy",
    "bonding",
    "team",
    "vxlan",
];

impl Interface {
    pub fn is_veth(&self) -> bool {
        kernel::driver(&self.name).is_ok_and(|driver| driver == "veth")
    }

    /// True where TCX is the better choice.
    pub fn is_virtual(&self) -> bool {
        // Without the ioctl it is no hardware's driver.
        kernel::driver(&self.name).map_or(true, |driver| VIRTUAL.contains(&driver.as_str()))
    }
}

/// All interfaces that are there, by index: the name may change while this reads, and addresses may have labels of their
/// own (`eth0:1`).
pub fn all() -> io::Result<Vec<Interface>> {
    let mut found = BTreeMap::<u32, Interface>::new();
    for entry in nix::ifaddrs::getifaddrs()? {
        // What stands behind a colon is the address's label: no interface's name has one.
        let name = entry.interface_name.split(':').next().unwrap_or_default();
        let link = entry.address.as_ref().and_then(|address| address.as_link_addr());
        let known = || found.values().find(|one| one.name == name).map(|one| one.index);
        let index = link.map(|link| link.ifindex() as u32).or_else(known);
        let Some(index) = index.or_else(|| nix::net::if_::if_nametoindex(name).ok()) else { continue };
        let interface = found.entry(index).or_insert_with(|| Interface {
            name: name.to_owned(),
            index,
            loopback: entry.flags.contains(InterfaceFlags::IFF_LOOPBACK),
            addresses: Vec::new(),
        });
        let Some(address) = entry.address else { continue };
        if let Some(v4) = address.as_sockaddr_in() {
            interface.addresses.push(IpAddr::V4(v4.ip()));
        } else if let Some(v6) = address.as_sockaddr_in6() {
            interface.addresses.push(IpAddr::V6(v6.ip()));
        }
    }
    Ok(found.into_values().collect())
}

/// Those to count on, and a line for each name that is not to be found.
pub fn choose(
    all: &[Interface],
    named: Option<&[String]>,
    bindings: &[Binding],
) -> (Vec<Interface>, Vec<String>) {
    let Some(named) = named else {
        return (all.iter().filter(|one| by_default(one, bindings)).cloned().collect(), Vec::new());
    };
    let mut chosen = Vec::new();
    let mut missing = Vec::new();
    for name in named {
        match all.iter().find(|one| one.name == *name) {
            Some(interface) => chosen.push(interface.clone()),
            None => missing.push(format!("interface {name}: there is none of that name")),
        }
    }
    (chosen, missing)
}

fn by_default(interface: &Interface, bindings: &[Binding]) -> bool {
    if interface.loopback || interface.name.starts_with("mgmt") {
        return false;
    }
    bindings.iter().any(|binding| interface.addresses.iter().any(|address| covers(binding.address, *address)))
}

/// True when a socket bound to `bound` answers on `address`.
pub fn covers(bound: IpAddr, address: IpAddr) -> bool {
    match bound {
        IpAddr::V6(any) if any.is_unspecified() => true,
        IpAddr::V4(any) if any.is_unspecified() => address.is_ipv4(),
        one => one == address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, addresses: &[&str]) -> Interface {
        Interface {
            name: name.into(),
            index: 1,
            loopback: name == "lo",
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
        }
    }

    fn chosen(address: &str, named: Option<&[String]>) -> (Vec<String>, Vec<String>) {
        let all = [
            interface("eth0", &["192.0.2.1", "fe80::1"]),
            interface("eth1", &["2001:db8::1"]),
            interface("eth2", &[]),
            interface("lo", &["127.0.0.1", "::1"]),
            interface("mgmt0", &["192.0.2.9"]),
        ];
        let binding = Binding { address: address.parse().unwrap(), ports: 80..=80 };
        let (interfaces, missing) = choose(&all, named, &[binding]);
        (interfaces.into_iter().map(|one| one.name).collect(), missing)
    }

    #[test]
    fn choose_by_address_takes_who_carries_it() {
        let table: [(&str, &[&str]); 5] = [
            ("0.0.0.0", &["eth0"]),
            ("::", &["eth0", "eth1"]),
            ("192.0.2.1", &["eth0"]),
            ("127.0.0.1", &[]),
            ("198.51.100.1", &[]),
        ];
        for (address, expected) in table {
            assert_eq!(chosen(address, None).0, expected, "{address}");
        }
    }

    #[test]
    fn choose_named_takes_even_management_and_reports_unknown() {
        let named = ["mgmt0".to_owned(), "eth9".to_owned()];
        let (names, missing) = chosen("::", Some(&named));
        assert_eq!(names, ["mgmt0"]);
        assert_eq!(missing, ["interface eth9: there is none of that name"]);
    }
}
