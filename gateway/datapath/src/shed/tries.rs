//! The tries in the kernel.

use std::io;
use std::net::IpAddr;

use gateway_common::map::PrefixEntry;

use super::prefix::Prefix;
use super::table::Trie;
use crate::kernel::Map;

/// A pair of tries, one for each address family.
#[derive(Debug)]
pub struct KernelTrie {
    v4: Map<PrefixEntry>,
    v6: Map<PrefixEntry>,
}

/// Keys as the kernel wants them: the number of bits first.
#[derive(Clone, Copy)]
#[repr(C)]
struct Key<const N: usize> {
    bits: u32,
    address: [u8; N],
}

impl KernelTrie {
    pub fn new(v4: Map<PrefixEntry>, v6: Map<PrefixEntry>) -> Self {
        Self { v4, v6 }
    }
}

impl Trie for KernelTrie {
    fn put(&mut self, prefix: Prefix, rule: u32) -> io::Result<()> {
        let entry = PrefixEntry { rule, pad: 0 };
        let bits = u32::from(prefix.bits());
        match prefix.address() {
            IpAddr::V4(address) => self.v4.update(&Key { bits, address: address.octets() }, &entry),
            IpAddr::V6(address) => self.v6.update(&Key { bits, address: address.octets() }, &entry),
        }
    }

    fn remove(&mut self, prefix: Prefix) -> io::Result<()> {
        let bits = u32::from(prefix.bits());
        match prefix.address() {
            IpAddr::V4(address) => self.v4.delete(&Key { bits, address: address.octets() }),
            IpAddr::V6(address) => self.v6.delete(&Key { bits, address: address.octets() }),
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
