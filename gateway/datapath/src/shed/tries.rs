//! Prefixes in the kernel: tries, and for denied IPv4 addresses, of which there may be a flood, a hash.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr};

use gateway_common::map::{PrefixEntry, PrefixKey};
use gateway_common::prefixes::{ALLOWED, key};

use super::hints::Hints;
use super::prefix::Prefix;
use super::table::Trie;
use crate::kernel::Map;

/// A pair of tables, one for each address family.
#[derive(Debug)]
pub struct KernelTrie {
    v4: Four,
    v6: Map<PrefixEntry>,
    hints: Hints,
    /// IPv4 prefixes that are in the kernel.
    placed: BTreeSet<(Ipv4Addr, u8)>,
}

#[derive(Debug)]
enum Four {
    Trie(Map<PrefixEntry>),
    Hash(Map<PrefixEntry>),
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
        Self { v4: Four::Trie(v4), v6, hints, placed: BTreeSet::new() }
    }

    /// Of denied sources.
    pub fn deny(v4: Map<PrefixEntry>, v6: Map<PrefixEntry>, hints: Hints) -> Self {
        Self { v4: Four::Hash(v4), v6, hints, placed: BTreeSet::new() }
    }

    fn put_v4(&mut self, network: Ipv4Addr, bits: u8, entry: PrefixEntry) -> io::Result<()> {
        match &self.v4 {
            Four::Trie(map) => map.update(&trie_key(network, bits), &entry)?,
            Four::Hash(map) => map.update(&hash_key(network, bits), &entry)?,
        }
        if self.placed.insert((network, bits)) {
            self.hints.need(network, bits, self.v4.hint(bits))?;
        }
        Ok(())
    }

    fn remove_v4(&mut self, network: Ipv4Addr, bits: u8) -> io::Result<()> {
        match &self.v4 {
            Four::Trie(map) => map.delete(&trie_key(network, bits))?,
            Four::Hash(map) => map.delete(&hash_key(network, bits))?,
        }
        if self.placed.remove(&(network, bits)) {
            self.hints.release(network, bits, self.v4.hint(bits))?;
        }
        Ok(())
    }
}

impl Four {
    /// The bit of `HINTS4` that leads here.
    fn hint(&self, bits: u8) -> u64 {
        match self {
            Self::Trie(_) => ALLOWED,
            Self::Hash(_) => 1 << (32 - bits),
        }
    }
}

fn trie_key(network: Ipv4Addr, bits: u8) -> Key<4> {
    Key { bits: u32::from(bits), address: network.octets() }
}

fn hash_key(network: Ipv4Addr, bits: u8) -> PrefixKey {
    key(u32::from(network).to_be(), 32 - u32::from(bits))
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
        let entry = match (prefix.address(), &self.v4) {
            (IpAddr::V4(network), Four::Trie(map)) => map.get(&trie_key(network, bits)),
            (IpAddr::V4(network), Four::Hash(map)) => map.get(&hash_key(network, bits)),
            (IpAddr::V6(address), _) => {
                self.v6.get(&Key { bits: u32::from(bits), address: address.octets() })
            }
        };
        match entry {
            Ok(entry) => Ok(Some(entry.rule)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
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
