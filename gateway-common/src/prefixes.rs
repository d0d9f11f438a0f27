//! Prefixes of IPv4 addresses in a hash, found by their lengths.
//!
//! A trie is walked node by node. Here one look at a table, by the first half of the address, tells which lengths of
//! prefixes there are around it: mostly none, and hardly ever more than one.

use crate::map::PrefixKey;

/// Lengths in a value of `HINTS4`: bit n stands for prefixes that leave n bits open, 0 to 32.
pub const LENGTHS: u64 = (1 << 33) - 1;
/// Some of the addresses are in `ALLOW4`.
pub const ALLOWED: u64 = 1 << 33;
/// Bits of an address that `HINTS4` is asked by.
pub const HINT_BITS: u32 = 16;

/// The slot of `HINTS4` for an address as it lies in the packet.
#[inline(always)]
pub const fn slot(address: u32) -> u32 {
    u32::from_be(address) >> (32 - HINT_BITS)
}

/// The key of the prefix around an address that leaves `open` bits open.
#[inline(always)]
pub const fn key(address: u32, open: u32) -> PrefixKey {
    let mask = (u64::MAX << open) as u32;
    PrefixKey { address: (u32::from_be(address) & mask).to_be(), open }
}

/// What the longest of the prefixes around `address` has, of the lengths that `hints` tells.
#[inline(always)]
pub fn longest<T>(address: u32, hints: u64, find: impl Fn(PrefixKey) -> Option<T>) -> Option<T> {
    let mut rest = hints & LENGTHS;
    // As many as there can be: the verifier wants to see an end.
    for _ in 0..=32 {
        if rest == 0 {
            break;
        }
        let open = rest.trailing_zeros() & 0x3f;
        rest &= rest - 1;
        if let Some(found) = find(key(address, open)) {
            return Some(found);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeMap;
    use std::vec::Vec;

    use super::*;

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    #[test]
    fn longest_agrees_with_a_look_at_all() {
        let mut state = 7;
        for _ in 0..300 {
            let prefixes: Vec<(u32, u32)> = (0..random(&mut state) % 40)
                .map(|_| {
                    let open = (random(&mut state) % 33) as u32;
                    // Few addresses, so that they meet.
                    let address = (random(&mut state) as u32 & 0x8080_8081) | 0x0a00_0000;
                    ((u64::from(address) & u64::MAX << open) as u32, open)
                })
                .collect();
            let entries: BTreeMap<(u32, u32), usize> = prefixes
                .iter()
                .enumerate()
                .map(|(number, (address, open))| ((*address, *open), number))
                .collect();
            for _ in 0..100 {
                let address = (random(&mut state) as u32 & 0x8080_8081) | 0x0a00_0000;
                let covers = |(network, open): &(u32, u32)| u64::from(address ^ network) >> open == 0;
                let expected =
                    entries.iter().filter(|(key, _)| covers(key)).min_by_key(|((_, open), _)| *open);
                // Of the addresses with the same first half only.
                let near =
                    |(network, open): &(u32, u32)| u64::from(address ^ network) >> (*open).max(16) == 0;
                let hints =
                    entries.keys().filter(|key| near(key)).fold(0, |hints, (_, open)| hints | 1 << open);
                let found = longest(address.to_be(), hints | ALLOWED, |key| {
                    entries.get(&(u32::from_be(key.address), key.open)).copied()
                });
                assert_eq!(found, expected.map(|(_, number)| *number), "{address:x} in {entries:x?}");
            }
        }
    }

    #[test]
    fn longest_asks_for_nothing_that_is_not_hinted() {
        let asked = longest(0x0102_0304_u32.to_be(), ALLOWED, |_| -> Option<()> { panic!("nothing to ask") });
        assert_eq!(asked, None);
        let host = longest(0x0102_0304_u32.to_be(), 1, Some).unwrap();
        assert_eq!((u32::from_be(host.address), host.open), (0x0102_0304, 0));
        let all = longest(0x0102_0304_u32.to_be(), 1 << 32, Some).unwrap();
        assert_eq!((all.address, all.open), (0, 32));
        assert_eq!(slot(0x0102_0304_u32.to_be()), 0x0102);
    }
}
