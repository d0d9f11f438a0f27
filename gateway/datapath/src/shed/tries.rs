//! Prefixes in the kernel: tries, and beside that of denied IPv4 addresses, of which there may be a flood, a hash of our own.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use gateway_common::map::PrefixEntry;
use gateway_common::prefixes::{ALLOWED, name};

use super::denied::{Denied, InKernel};
use super::hints::Hints;
use super::prefix::Prefix;
use super::table::Trie;
use crate::kernel::Map;

/// A pair of tables, one for each address family.
#[derive(Debug)]
pub struct KernelTrie {
    v4: Map<PrefixEntry>,
    /// The same prefixes once more, where they are denied.
    denied: Option<Denied<InKernel>>,
    v6: Map<PrefixEntry>,
    hints: Hints,
    /// IPv4 prefixes that are in the kernel.
    placed: BTreeSet<(Ipv4Addr, u8)>,
}

/// Keys of tries as the kernel wants them: the number of bits first.
#[derive(Clone, Copy)]
#[repr(C)]
struct Key<const N: usize> {
    bits: u32,
    address: [u8; N],
}

impl KernelTrie {
    /// Of allowed sources.
    pub fn allow(v4: Map<PrefixEntry>, v6: Map<PrefixEntry>, hints: Hints) -> Self {
        Self { v4, denied: None, v6, hints, placed: BTreeSet::new() }
    }

    /// Of denied sources.
    pub fn deny(v4: Map<PrefixEntry>, denied: Denied<InKernel>, v6: Map<PrefixEntry>, hints: Hints) -> Self {
        Self { v4, denied: Some(denied), v6, hints, placed: BTreeSet::new() }
    }

    fn put_v4(&mut self, network: Ipv4Addr, bits: u8, entry: PrefixEntry) -> io::Result<()> {
        self.v4.update(&trie_key(network, bits), &entry)?;
        if let Some(denied) = &mut self.denied {
            denied.put(name_of(network, bits), entry.rule)?;
        }
        if self.placed.insert((network, bits)) {
            self.hints.need(network, bits, self.hint(bits))?;
        }
        Ok(())
    }

    fn remove_v4(&mut self, network: Ipv4Addr, bits: u8) -> io::Result<()> {
        self.v4.delete(&trie_key(network, bits))?;
        if let Some(denied) = &mut self.denied {
            denied.remove(name_of(network, bits))?;
        }
        if self.placed.remove(&(network, bits)) {
            self.hints.release(network, bits, self.hint(bits))?;
        }
        Ok(())
    }

    /// The bit of `HINTS4` that leads here.
    fn hint(&self, bits: u8) -> u64 {
        if self.denied.is_some() { 1 << (32 - bits) } else { ALLOWED }
    }
}

fn trie_key(network: Ipv4Addr, bits: u8) -> Key<4> {
    Key { bits: u32::from(bits), address: network.octets() }
}

fn name_of(network: Ipv4Addr, bits: u8) -> u64 {
    name(u32::from(network).to_be(), 32 - u32::from(bits))
}

impl Trie for KernelTrie {
    fn put(&mut self, prefix: Prefix, rule: u32) -> io::Result<()> {
        let entry = PrefixEntry { rule, pad: 0 };
        match prefix.address() {
            IpAddr::V4(network) => self.put_v4(network, prefix.bits(), entry),
            IpAddr::V6(address) => {
                self.v6.update(&Key { bits: u32::from(prefix.bits()), address: address.octets() }, &entry)
            }
        }
    }

    fn remove(&mut self, prefix: Prefix) -> io::Result<()> {
        match prefix.address() {
            IpAddr::V4(network) => self.remove_v4(network, prefix.bits()),
            IpAddr::V6(address) => {
                self.v6.delete(&Key { bits: u32::from(prefix.bits()), address: address.octets() })
            }
        }
    }

    fn rule(&self, prefix: Prefix) -> io::Result<Option<u32>> {
        let bits = prefix.bits();
        let entry = match prefix.address() {
            IpAddr::V4(network) => self.v4.get(&trie_key(network, bits)),
            IpAddr::V6(address) => self.v6.get(&Key { bits: u32::from(bits), address: address.octets() }),
        };
        match entry {
            Ok(entry) => self.agreed(prefix, entry.rule),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl KernelTrie {
    /// The rule of the trie, unless the hash beside it says something else.
    fn agreed(&self, prefix: Prefix, rule: u32) -> io::Result<Option<u32>> {
        match (prefix.address(), &self.denied) {
            (IpAddr::V4(network), Some(denied)) => {
                let beside = denied.rule(name_of(network, prefix.bits()))?;
                Ok(beside.filter(|beside| *beside == rule))
            }
            _ => Ok(Some(rule)),
        }
    }
}

/// `CLOCK_MONOTONIC`, the programs' clock.
pub fn clock_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call fills the structure. If it failed, 0 would end all rules, and everything would pass.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
