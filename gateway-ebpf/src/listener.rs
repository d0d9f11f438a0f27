//! Whose a port is.

use aya_ebpf::maps::lpm_trie::Key;
use gateway_common::map::{BindKey, NO_LISTENER, PortEntry};
use gateway_common::packet::Address;

use crate::maps::{BIND, PORTS, VIPS};

const NONE: PortEntry = PortEntry { listener: NO_LISTENER, flags: 0 };

/// The entry for a local port; `address` is asked only where several listeners share the port.
#[inline(always)]
pub fn find(port: u16, address: impl FnOnce() -> Option<Address>) -> PortEntry {
    let Some(&entry) = PORTS.get(u32::from(port)) else { return NONE };
    if !entry.has(PortEntry::BY_ADDRESS) {
        return entry;
    }
    let Some(address) = address() else { return NONE };
    // Without a walk through the trie: most packets that come to a balancer are for its virtual address.
    if entry.listener != NO_LISTENER
        && VIPS.get(u32::from(entry.listener)).is_some_and(|vip| vip.address == address)
    {
        return PortEntry { listener: entry.listener, flags: PortEntry::BALANCED };
    }
    let key = Key::new(BindKey::BITS_ADDRESS, BindKey::new(port, address));
    BIND.get(key).copied().unwrap_or(NONE)
}
