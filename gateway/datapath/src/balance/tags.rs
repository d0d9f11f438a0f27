//! What tells virtual addresses apart in the names of flows.

use std::collections::BTreeSet;

use gateway_common::hash::mix;
use gateway_common::packet::Address;

use super::settings::VirtualAddress;

/// Sixteen bits for each address: no two have the same, and the next process comes to the same ones, if it has the same
/// addresses.
pub fn tags(addresses: &[VirtualAddress]) -> Vec<u32> {
    let mut order: Vec<usize> = (0..addresses.len()).collect();
    order.sort_by_key(|place| addresses.get(*place).map(|one| (one.address, one.transport.number())));
    let (mut taken, mut tags) = (BTreeSet::new(), vec![0; addresses.len()]);
    for place in order {
        let (Some(one), Some(slot)) = (addresses.get(place), tags.get_mut(place)) else { continue };
        let mut tag = hash(one) & 0xffff;
        while !taken.insert(tag) {
            tag = (tag + 1) & 0xffff;
        }
        *slot = tag;
    }
    tags
}

fn hash(one: &VirtualAddress) -> u32 {
    let words = Address::from(one.address.ip()).0;
    let end = u64::from(one.address.port()) << 8 | u64::from(one.transport.number());
    words.iter().fold(mix(end), |hash, word| mix(hash ^ u64::from(*word))) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_differ_and_do_not_depend_on_the_order() {
        // More than fit without meeting.
        let mut addresses: Vec<VirtualAddress> =
            (0..2000).map(|port| format!("203.0.113.10:{} = 10.0.0.1", 1 + port).parse().unwrap()).collect();
        let first = tags(&addresses);
        let different: BTreeSet<u32> = first.iter().copied().collect();
        assert_eq!(different.len(), 2000);
        assert!(different.iter().all(|tag| *tag <= 0xffff));
        addresses.reverse();
        let mut second = tags(&addresses);
        second.reverse();
        assert_eq!(first, second);
    }
}
