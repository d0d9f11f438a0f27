//! Which member of a virtual address a packet goes to, the same for XDP, TC and the tests.
//!
//! A flow's hash names a slot of the ring, and the ring a member. Flows that have begun are remembered, so that they
//! stay where they are when the ring changes. A SYN never asks what is remembered: it may be another connection of the
//! same name. Nothing is sent to a member that would not know it: what cannot be read whole is left to the stack.

mod envelope;
pub mod flows;
mod read;
mod too_long;

use crate::hash::mix;
use crate::map::{FlowKey, RING_SLOTS};

pub use envelope::{outer_v4, outer_v6, packed_v4, packed_v6};
pub use read::{Piece, read};
pub use too_long::{QUOTED_V4, QUOTED_V6, WORDS_V4, WORDS_V6, too_long_v4, too_long_v6};

/// What the decision asks for.
pub trait Tables {
    /// The member that `FLOWS` remembers.
    fn remembered(&self, flow: &FlowKey) -> Option<u32>;
    /// The member's flows stay with it; not so if it is gone.
    fn keeps(&self, member: u32) -> bool;
    /// The member in a slot of the ring; 0 = none.
    fn in_ring(&self, slot: u32) -> u32;
    /// Remembers the flow's member, unless there are too many new ones.
    fn remember(&self, flow: &FlowKey, member: u32) -> bool;
}

/// How a member was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    /// It was remembered.
    Known,
    /// By the ring, and it is remembered from now on.
    New,
    /// By the ring, and it is not.
    Unremembered,
}

/// The member that a packet of the flow goes to; `None` if there is none. `opens`: it is the first segment of a
/// connection. `lasting` is false for what does not show that the flow exists.
#[inline(always)]
pub fn member<T: Tables>(
    flow: &FlowKey,
    ring: u32,
    opens: bool,
    lasting: bool,
    tables: &T,
) -> Option<(u32, How)> {
    if !opens
        && let Some(member) = tables.remembered(flow)
        && tables.keeps(member)
    {
        return Some((member, How::Known));
    }
    let member = tables.in_ring(ring + slot(flow));
    if member == 0 {
        return None;
    }
    let how = if lasting && tables.remember(flow, member) { How::New } else { How::Unremembered };
    Some((member, how))
}

/// The flow's slot in a ring. Without a secret: every balancer of a site comes to the same.
#[inline(always)]
pub const fn slot(flow: &FlowKey) -> u32 {
    let [a, b, c, d] = flow.source;
    let ports = (flow.source_port as u64) << 16 | flow.destination_port as u64;
    let mut hash = mix((a as u64 | (b as u64) << 32) ^ ports.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    hash = mix(hash ^ (c as u64 | (d as u64) << 32));
    // Of numbers that are evenly spread, the upper half times the number of slots is, too.
    (((hash >> 32) * RING_SLOTS as u64) >> 32) as u32
}

#[cfg(test)]
mod tests {
    extern crate std;

    use core::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;
    use crate::packet::Address;

    /// A ring of two members, even slots and odd, and a memory.
    struct Site {
        flows: RefCell<BTreeMap<FlowKey, u32>>,
        gone: Cell<u32>,
        room: Cell<u64>,
    }

    impl Site {
        fn new() -> Self {
            Self { flows: RefCell::default(), gone: Cell::new(0), room: Cell::new(u64::MAX) }
        }
    }

    impl Tables for Site {
        fn remembered(&self, flow: &FlowKey) -> Option<u32> {
            self.flows.borrow().get(flow).copied()
        }

        fn keeps(&self, member: u32) -> bool {
            member != self.gone.get()
        }

        fn in_ring(&self, slot: u32) -> u32 {
            match self.gone.get() {
                0 => 1 + slot % 2,
                3 => 0,
                gone => 3 - gone,
            }
        }

        fn remember(&self, flow: &FlowKey, member: u32) -> bool {
            let may = self.room.get() > 0;
            if may {
                self.room.set(self.room.get() - 1);
                self.flows.borrow_mut().insert(*flow, member);
            }
            may
        }
    }

    fn flow(number: u32) -> FlowKey {
        let source = Address::v4(number.wrapping_mul(0x0101_0101)).0;
        FlowKey { source, source_port: number as u16, protocol: 6, ..FlowKey::default() }
    }

    #[test]
    fn member_of_a_known_flow_stays_until_it_is_gone() {
        let site = Site::new();
        let first = (0..100).map(flow).find(|flow| slot(flow).is_multiple_of(2)).unwrap();
        assert_eq!(member(&first, 0, true, true, &site), Some((1, How::New)));
        // The ring changes: what is known stays, and a SYN asks the ring.
        assert_eq!(member(&first, 1, false, true, &site), Some((1, How::Known)));
        assert_eq!(member(&first, 1, true, true, &site), Some((2, How::New)));
        assert_eq!(member(&first, 0, false, true, &site), Some((2, How::Known)));
        site.gone.set(2);
        assert_eq!(member(&first, 0, false, true, &site), Some((1, How::New)));
        site.gone.set(3);
        site.flows.borrow_mut().clear();
        assert_eq!(member(&first, 0, false, true, &site), None);
    }

    #[test]
    fn member_of_a_flood_is_the_rings_and_known_flows_stay() {
        let site = Site::new();
        let old = flow(7);
        let (before, _) = member(&old, 0, true, true, &site).unwrap();
        site.room.set(2);
        for number in 100..200 {
            let (_, how) = member(&flow(number), 0, true, true, &site).unwrap();
            assert_eq!(how, if number < 102 { How::New } else { How::Unremembered });
        }
        assert_eq!(site.flows.borrow().len(), 3);
        assert_eq!(member(&old, 1, false, true, &site), Some((before, How::Known)));
        // An error by ICMP shows no flow.
        site.room.set(9);
        assert_eq!(member(&flow(300), 0, false, false, &site).unwrap().1, How::Unremembered);
        assert_eq!(site.room.get(), 9);
    }

    #[test]
    fn slots_are_evenly_spread_whatever_of_a_flow_differs() {
        let by_port = |n: u32| FlowKey { source_port: n as u16, ..flow(1) };
        let by_v4 = |n: u32| FlowKey { source: Address::v4(n.to_be()).0, ..flow(1) };
        let by_v6 = |n: u32| FlowKey { source: [0x2001, n, 0, 1], ..flow(1) };
        let by_host = |n: u32| FlowKey { source: [0x2001, 0, n, 1], ..flow(1) };
        for (what, make) in [
            ("port", &by_port as &dyn Fn(u32) -> FlowKey),
            ("v4", &by_v4),
            ("v6", &by_v6),
            ("host", &by_host),
        ] {
            let mut classes: Vec<u32> = (0..16).map(|_| 0).collect();
            for number in 0..16_000 {
                classes[slot(&make(number)) as usize * 16 / RING_SLOTS as usize] += 1;
            }
            // A thousand each; five times the standard deviation.
            assert!(classes.iter().all(|count| count.abs_diff(1000) < 160), "{what}: {classes:?}");
        }
    }
}
