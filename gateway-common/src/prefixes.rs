//! Prefixes of IPv4 addresses in a hash, found by their lengths.
//!
//! A trie is walked node by node. Here one look at a table, by the first half of the address, tells which lengths of
//! prefixes there are around it: mostly none, and hardly ever more than one. The hash takes no more memory than what is
//! in it asks for: under a flood from everywhere each look is at another place, and what costs time is to wait for memory
//! that is in no cache. An entry is one word, in one of two lines of the cache; user space doubles the lines in use as
//! they fill up, and then tells it by `DENY4_MASK`. Where there are more than [`LOOKS`] lengths, the trie beside it answers:
//! the verifier walks each look anew.

use crate::hash::mix;
use crate::map::PrefixBucket;

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

/// Names the prefix around an address that leaves `open` bits open; never 0.
#[inline(always)]
pub const fn name(address: u32, open: u32) -> u64 {
    let network = u32::from_be(address) as u64 & (u64::MAX << open);
    1 << 38 | network << 6 | open as u64
}

/// Bits of an entry that hold its rule; its name lies above.
const RULE_BITS: u32 = 10;
const _: () = assert!(crate::map::RULES_MAX <= 1 << RULE_BITS);

/// One place of a bucket.
#[inline(always)]
pub const fn entry(name: u64, rule: u32) -> u64 {
    name << RULE_BITS | rule as u64 & ((1 << RULE_BITS) - 1)
}

/// The name in an entry.
pub const fn name_of(entry: u64) -> u64 {
    entry >> RULE_BITS
}

/// The two buckets of `DENY4_BUCKETS` in which a name can be. `mask` is one less than how many are in use, a power of two: with
/// twice as many each bucket is followed by one that takes a half of its names.
#[inline(always)]
pub const fn buckets(name: u64, mask: u32) -> [u32; 2] {
    let hash = mix(name);
    [hash as u32 & mask, (hash >> 32) as u32 & mask]
}

impl PrefixBucket {
    /// The entry of a name; 0 if there is none. Without a branch: which place it is in is random, and a wrong guess costs
    /// more than the look.
    #[inline(always)]
    pub fn entry(&self, name: u64) -> u64 {
        let wanted = entry(name, 0);
        self.0.iter().fold(0, |found, entry| {
            // SAFETY: a reference. Volatile, so that the compiler does not read all at once, for which the programs have no
            // stack; another CPU may write, and does so a whole entry at a time.
            found | one(unsafe { core::ptr::from_ref(entry).read_volatile() }, wanted)
        })
    }

    /// The rule of a name.
    pub fn rule(&self, name: u64) -> Option<u32> {
        rule_of(self.entry(name))
    }
}

/// The rule in an entry.
#[inline(always)]
pub const fn rule_of(entry: u64) -> Option<u32> {
    if entry == 0 { None } else { Some((entry & ((1 << RULE_BITS) - 1)) as u32) }
}

/// The entry if it is of the wanted one's name, else 0.
#[inline(always)]
const fn one(entry: u64, wanted: u64) -> u64 {
    let differs = name_of(entry ^ wanted);
    // Of nothing but 0 the predecessor is negative: a name has no highest bits.
    entry & (differs.wrapping_sub(1).cast_signed() >> 63).cast_unsigned()
}

/// Lengths that are looked up one by one.
pub const LOOKS: u32 = 4;

/// Whether `hints` tells of no more lengths than are looked up.
#[inline(always)]
pub const fn are_few(hints: u64) -> bool {
    let mut rest = hints & LENGTHS;
    let mut number = 0;
    while number < LOOKS {
        rest &= rest.wrapping_sub(1);
        number += 1;
    }
    rest == 0
}

/// What the longest of the prefixes around `address` has, of the few lengths that `hints` tells.
#[inline(always)]
pub fn longest<T>(address: u32, hints: u64, find: impl Fn(u64) -> Option<T>) -> Option<T> {
    let mut rest = hints & LENGTHS;
    for _ in 0..LOOKS {
        if rest == 0 {
            break;
        }
        let open = rest.trailing_zeros() & 0x3f;
        rest &= rest - 1;
        if let Some(found) = find(name(address, open)) {
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
        let (mut state, mut few) = (7, 0);
        for _ in 0..600 {
            // Sometimes few lengths around an address, and sometimes many.
            let most = if random(&mut state).is_multiple_of(2) { 5 } else { 40 };
            let prefixes: Vec<(u32, u32)> = (0..random(&mut state) % most)
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
                assert_eq!(are_few(hints | ALLOWED), hints.count_ones() <= LOOKS, "{hints:x}");
                if !are_few(hints) {
                    continue;
                }
                few += 1;
                let found = longest(address.to_be(), hints | ALLOWED, |name| {
                    entries.get(&((name >> 6) as u32, name as u32 & 0x3f)).copied()
                });
                assert_eq!(found, expected.map(|(_, number)| *number), "{address:x} in {entries:x?}");
            }
        }
        assert!(few > 20_000, "{few}");
    }

    #[test]
    fn longest_asks_for_nothing_that_is_not_hinted() {
        let asked = longest(0x0102_0304_u32.to_be(), ALLOWED, |_| -> Option<()> { panic!("nothing to ask") });
        assert_eq!(asked, None);
        let address = 0x0102_0304_u32.to_be();
        assert_eq!(longest(address, 1, Some), Some(name(address, 0)));
        assert_eq!(longest(address, 1 << 32, Some), Some(name(0, 32)));
        assert_eq!(slot(0x0102_0304_u32.to_be()), 0x0102);
    }

    #[test]
    fn name_tells_prefixes_apart() {
        let mut names = std::collections::BTreeSet::new();
        for open in 0..=32 {
            for address in [0_u32, 1 << 31, 0xffff_ffff] {
                names.insert(name(address.to_be(), open));
            }
        }
        // The last two are one of one bit, and all are one of none.
        assert_eq!(names.len(), 33 * 3 - 1 - 2);
        assert!(!names.contains(&0));
    }

    #[test]
    fn rule_of_a_bucket_is_that_of_the_one_entry_with_the_name() {
        let mut state = 3;
        for _ in 0..1000 {
            let mut bucket = PrefixBucket::default();
            let names: Vec<u64> = (0..random(&mut state) % 9)
                .map(|number| name((number as u32) << 8, random(&mut state) as u32 % 8))
                .collect();
            for (place, name) in bucket.0.iter_mut().zip(&names) {
                *place = entry(*name, (*name % 1024) as u32);
            }
            for name in &names {
                assert_eq!(bucket.rule(*name), Some((*name % 1024) as u32));
            }
            assert_eq!(bucket.rule(name(0xff, 0)), None);
        }
    }

    #[test]
    fn buckets_of_twice_as_many_follow_those_of_before() {
        for number in 0..1000_u32 {
            let name = name(number, 0);
            for (before, after) in buckets(name, 63).into_iter().zip(buckets(name, 127)) {
                assert!(after == before || after == before + 64);
            }
        }
    }
}
