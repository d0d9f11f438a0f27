//! The table that tells the programs which prefixes there are around an IPv4 address (`gateway_common::prefixes`).

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use gateway_common::prefixes::HINT_BITS;

use crate::kernel::Map;

/// Shared by both lists. A bit stands as long as some prefix needs it.
#[derive(Clone, Debug)]
pub struct Hints(Arc<Mutex<Table>>);

#[derive(Debug)]
struct Table {
    map: Map<u64>,
    /// How many prefixes need a bit of a slot; none that need none.
    needs: BTreeMap<(u32, u64), u32>,
    values: BTreeMap<u32, u64>,
}

impl Hints {
    pub fn new(map: Map<u64>) -> Self {
        Self(Arc::new(Mutex::new(Table { map, needs: BTreeMap::new(), values: BTreeMap::new() })))
    }

    /// To be called when the prefix has just been put into the kernel.
    pub fn need(&self, network: Ipv4Addr, length: u8, bit: u64) -> io::Result<()> {
        self.table().change(network, length, bit, true)
    }

    /// To be called when it has just been taken out.
    pub fn release(&self, network: Ipv4Addr, length: u8, bit: u64) -> io::Result<()> {
        self.table().change(network, length, bit, false)
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        // Each holder leaves it whole between two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn change(&mut self, network: Ipv4Addr, length: u8, bit: u64, needed: bool) -> io::Result<()> {
        let first = u32::from(network) >> (32 - HINT_BITS);
        let slots = 1_u32 << HINT_BITS.saturating_sub(u32::from(length));
        let mut changed = Vec::new();
        for slot in first..first + slots {
            let needs = self.needs.entry((slot, bit)).or_default();
            *needs = if needed { *needs + 1 } else { needs.saturating_sub(1) };
            let none = *needs == 0;
            if none {
                self.needs.remove(&(slot, bit));
            }
            let value = self.values.entry(slot).or_default();
            let before = *value;
            *value = if none { before & !bit } else { before | bit };
            if *value != before {
                changed.push((slot, *value));
            }
            if *value == 0 {
                self.values.remove(&slot);
            }
        }
        self.map.update_all(&changed)
    }
}
