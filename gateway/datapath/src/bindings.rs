//! From listeners to the entries of `PORTS` and `BIND`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use gateway_common::map::{BINDINGS_MAX, BindKey, LISTENERS_MAX, NO_LISTENER, PortEntry};
use gateway_common::packet::Address;

use crate::interface::covers;
use crate::load::Maps;
use crate::settings::{Binding, ListenerSpec};

/// Where one listening socket is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    pub address: IpAddr,
    pub port: u16,
    /// IPv6 only (`IPV6_V6ONLY`), or IPv4 only.
    pub one_family: bool,
}

impl Bound {
    /// True when it can take connections of that family.
    pub fn takes(&self, v6: bool) -> bool {
        self.address.is_ipv6() == v6 || (!v6 && !self.one_family)
    }
}

/// A listener as far as it matters here.
pub struct Listener<'a> {
    /// Its number in the maps, from 1.
    pub number: u16,
    pub name: &'a str,
    pub bindings: &'a [Binding],
    /// Of all its workers.
    pub sockets: Vec<Bound>,
    /// It stands for a virtual address, whose packets go to members.
    pub balanced: bool,
}

/// A key of `BIND` as the kernel wants it: the prefix's length in bits first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct TrieKey {
    pub prefix_bits: u32,
    pub key: BindKey,
}

impl TrieKey {
    /// All that tells keys apart.
    fn parts(&self) -> (u32, u16, [u32; 4]) {
        (self.prefix_bits, self.key.port, self.key.address.0)
    }
}

/// The maps' entries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub ports: BTreeMap<u16, PortEntry>,
    pub bind: Vec<(TrieKey, PortEntry)>,
}

impl Plan {
    /// True when some binding has no socket of its own.
    pub fn steers(&self) -> bool {
        let mut entries = self.ports.values().chain(self.bind.iter().map(|(_, entry)| entry));
        entries.any(|entry| entry.has(PortEntry::STEER))
    }
}

/// What cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BindingError {
    #[error("{count} listeners since the start, at most {} are told apart", LISTENERS_MAX - 1)]
    TooManyListeners { count: usize },
    #[error("{binding} belongs to both {first} and {second}")]
    Conflict { binding: Binding, first: String, second: String },
    #[error("more than {BINDINGS_MAX} bindings with an address")]
    TooManyBindings,
}

/// Number of a listener in the maps, by its place in the list: 0 is "none of ours".
pub fn number(place: usize) -> u16 {
    place as u16 + 1
}

/// Gives each listener the number of its name; names that are new come behind the others.
pub fn numbered<'a>(
    names: &mut Vec<String>,
    specs: &'a [ListenerSpec<'a>],
) -> Vec<(u16, &'a ListenerSpec<'a>)> {
    let mut number_of = |spec: &ListenerSpec<'_>| {
        let place = names.iter().position(|name| *name == spec.name).unwrap_or_else(|| {
            names.push(spec.name.clone());
            names.len() - 1
        });
        number(place)
    };
    specs.iter().map(|spec| (number_of(spec), spec)).collect()
}

/// One port's bindings: prefix bits and address → entry.
type OfPort = BTreeMap<(u32, [u32; 4]), PortEntry>;

/// Plans the entries of all listeners.
pub fn plan(listeners: &[Listener<'_>]) -> Result<Plan, BindingError> {
    if let Some(last) =
        listeners.iter().map(|one| one.number).max().filter(|last| *last >= LISTENERS_MAX as u16)
    {
        return Err(BindingError::TooManyListeners { count: usize::from(last) });
    }
    let mut by_port = BTreeMap::<u16, OfPort>::new();
    for listener in listeners {
        for binding in listener.bindings {
            for port in binding.ports.clone() {
                let flags = if listener.balanced {
                    PortEntry::BALANCED
                } else if needs_steering(listener, binding.address, port) {
                    PortEntry::STEER
                } else {
                    0
                };
                let entry = PortEntry { listener: listener.number, flags };
                let old = by_port.entry(port).or_default().insert(prefix(binding.address), entry);
                if let Some(other) = old.filter(|old| old.listener != entry.listener) {
                    return Err(conflict(binding, listeners, other, listener));
                }
            }
        }
    }
    let mut plan = Plan::default();
    for (port, entries) in by_port {
        add_port(&mut plan, port, &entries);
    }
    if plan.bind.len() > BINDINGS_MAX as usize { Err(BindingError::TooManyBindings) } else { Ok(plan) }
}

fn conflict(
    binding: &Binding,
    listeners: &[Listener<'_>],
    other: PortEntry,
    second: &Listener<'_>,
) -> BindingError {
    let first =
        listeners.iter().find(|one| one.number == other.listener).map_or("", |listener| listener.name);
    BindingError::Conflict {
        binding: binding.clone(),
        first: first.to_owned(),
        second: second.name.to_owned(),
    }
}

/// Brings the maps from one plan to the next such that no packet of a listener in both is nobody's for a moment; on failure
/// they are as before. The error comes with the map's name.
pub fn exchange(before: &Plan, after: &Plan, maps: &Maps) -> Result<(), (&'static str, io::Error)> {
    let written = write(before, after, maps).and_then(|()| erase(before, after, maps));
    if written.is_err() {
        // Nothing of this is new to the kernel; what it refuses all the same stays refused.
        let _ = write(after, before, maps).and_then(|()| erase(after, before, maps));
    }
    written
}

/// Addresses come before the ports that ask for them.
fn write(before: &Plan, after: &Plan, maps: &Maps) -> Result<(), (&'static str, io::Error)> {
    let old: HashMap<_, _> = before.bind.iter().map(|(key, entry)| (key.parts(), *entry)).collect();
    // A trie takes no batch before Linux 5.14.
    for (key, entry) in after.bind.iter().filter(|(key, entry)| old.get(&key.parts()) != Some(entry)) {
        maps.bind.update(key, entry).map_err(|error| ("BIND", error))?;
    }
    let new = after.ports.iter().filter(|(port, entry)| before.ports.get(port) != Some(entry));
    let new: Vec<_> = new.map(|(port, entry)| (u32::from(*port), *entry)).collect();
    maps.ports.update_all(&new).map_err(|error| ("PORTS", error))
}

/// What only `before` has.
fn erase(before: &Plan, after: &Plan, maps: &Maps) -> Result<(), (&'static str, io::Error)> {
    let gone = before.ports.keys().filter(|port| !after.ports.contains_key(port));
    let gone: Vec<_> = gone.map(|port| (u32::from(*port), PortEntry::default())).collect();
    maps.ports.update_all(&gone).map_err(|error| ("PORTS", error))?;
    let kept: HashSet<_> = after.bind.iter().map(|(key, _)| key.parts()).collect();
    for (key, _) in before.bind.iter().filter(|(key, _)| !kept.contains(&key.parts())) {
        maps.bind.delete(key).map_err(|error| ("BIND", error))?;
    }
    Ok(())
}

/// A port with one binding that any address may use needs no second look-up.
fn add_port(plan: &mut Plan, port: u16, entries: &OfPort) {
    if entries.len() == 1
        && let Some(((bits, _), entry)) = entries.first_key_value()
        // An IPv4 binding that has its socket may count IPv6 too, but not steer it.
        && (*bits == BindKey::BITS_ANY || (*bits == BindKey::BITS_ANY_V4 && !entry.has(PortEntry::STEER)))
    {
        plan.ports.insert(port, *entry);
        return;
    }
    let balanced = entries.values().find(|entry| entry.has(PortEntry::BALANCED));
    let listener = balanced.map_or(NO_LISTENER, |entry| entry.listener);
    plan.ports.insert(port, PortEntry { listener, flags: PortEntry::BY_ADDRESS });
    for ((prefix_bits, address), entry) in entries {
        let key = TrieKey { prefix_bits: *prefix_bits, key: BindKey::new(port, Address(*address)) };
        plan.bind.push((key, *entry));
    }
}

fn prefix(address: IpAddr) -> (u32, [u32; 4]) {
    match address {
        IpAddr::V6(any) if any.is_unspecified() => (BindKey::BITS_ANY, [0; 4]),
        IpAddr::V4(any) if any.is_unspecified() => (BindKey::BITS_ANY_V4, Address::v4(0).0),
        one => (BindKey::BITS_ADDRESS, Address::from(one).0),
    }
}

/// True when the listener could take a family's connections on that port, but has no socket bound there.
fn needs_steering(listener: &Listener<'_>, address: IpAddr, port: u16) -> bool {
    let parts: &[IpAddr] = match address {
        IpAddr::V6(any) if any.is_unspecified() => {
            &[IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)]
        }
        _ => std::slice::from_ref(&address),
    };
    parts.iter().any(|part| {
        let mut able = listener.sockets.iter().filter(|socket| socket.takes(part.is_ipv6())).peekable();
        able.peek().is_some() && !able.any(|socket| socket.port == port && covers(socket.address, *part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(address: &str, port: u16) -> Bound {
        let address: IpAddr = address.parse().unwrap();
        Bound { address, port, one_family: address.is_ipv4() }
    }

    fn binding(address: &str, ports: std::ops::RangeInclusive<u16>) -> Binding {
        Binding { address: address.parse().unwrap(), ports }
    }

    fn planned(listeners: &[(&[Binding], &[Bound])]) -> Result<Plan, BindingError> {
        let names = ["a", "b", "c"];
        let listeners: Vec<_> = listeners
            .iter()
            .zip((1..).zip(names))
            .map(|((bindings, sockets), (number, name))| Listener {
                number,
                name,
                bindings,
                sockets: sockets.to_vec(),
                balanced: false,
            })
            .collect();
        plan(&listeners)
    }

    #[test]
    fn plan_bound_wildcard_is_one_plain_port() {
        let plan = planned(&[(&[binding("0.0.0.0", 80..=80)], &[bound("0.0.0.0", 80)])]).unwrap();
        assert_eq!(plan.ports, BTreeMap::from([(80, PortEntry { listener: 1, flags: 0 })]));
        assert!(plan.bind.is_empty() && !plan.steers());
    }

    #[test]
    fn plan_range_beyond_the_socket_is_steered() {
        let plan = planned(&[(&[binding("::", 80..=82)], &[bound("::", 80)])]).unwrap();
        let flags: Vec<_> = plan.ports.values().map(|entry| entry.flags).collect();
        assert_eq!(flags, [0, PortEntry::STEER, PortEntry::STEER]);
        assert!(plan.steers());
    }

    #[test]
    fn plan_steered_v4_wildcard_asks_for_the_family() {
        let plan = planned(&[(&[binding("0.0.0.0", 81..=81)], &[bound("0.0.0.0", 80)])]).unwrap();
        assert_eq!(plan.ports[&81].flags, PortEntry::BY_ADDRESS);
        let [(key, entry)] = plan.bind.as_slice() else { panic!("{plan:?}") };
        assert_eq!((key.prefix_bits, entry.flags), (BindKey::BITS_ANY_V4, PortEntry::STEER));
    }

    #[test]
    fn plan_two_listeners_on_one_port_go_by_address() {
        let plan = planned(&[
            (&[binding("192.0.2.1", 80..=80)], &[bound("192.0.2.1", 80)]),
            (&[binding("::", 80..=80)], &[]),
        ])
        .unwrap();
        assert_eq!(plan.ports[&80].flags, PortEntry::BY_ADDRESS);
        let by_bits: Vec<_> =
            plan.bind.iter().map(|(key, entry)| (key.prefix_bits, entry.listener)).collect();
        assert_eq!(by_bits, [(BindKey::BITS_ANY, 2), (BindKey::BITS_ADDRESS, 1)]);
    }

    #[test]
    fn plan_same_binding_twice_names_both_listeners() {
        let one = binding("::", 80..=80);
        let error =
            planned(&[(std::slice::from_ref(&one), &[]), (std::slice::from_ref(&one), &[])]).unwrap_err();
        assert_eq!(error.to_string(), "[::]:80 belongs to both a and b");
    }

    #[test]
    fn plan_dual_stack_socket_covers_v4() {
        let socket = Bound { address: "::".parse().unwrap(), port: 80, one_family: false };
        let plan = planned(&[(&[binding("192.0.2.1", 80..=81)], &[socket])]).unwrap();
        let flags: Vec<_> = plan.bind.iter().map(|(_, entry)| entry.flags).collect();
        assert_eq!(flags, [0, PortEntry::STEER]);
    }
}
