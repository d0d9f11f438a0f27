//! The flows that are known, in a hash whose buckets are lines of the cache: one look-up waits for memory once.
//!
//! An entry is a word, which is read and written whole, so that no CPU sees the half of another's. It is what the bucket's
//! number does not tell of a flow's name, the member, and when the flow was last seen; a bucket that is full forgets
//! the entry that was seen longest ago.

use crate::hash::mix;
use crate::map::{FlowBucket, FlowKey, MEMBERS_MAX, Vip};
use crate::packet::Address;

/// There are never fewer buckets than two to this: so many bits of a name follow from the bucket.
const BUCKET_BITS: u32 = 14;
const MEMBER_BITS: u32 = 6;
const AGE_BITS: u32 = 8;
/// Where the name begins.
const NAME_AT: u32 = MEMBER_BITS + AGE_BITS;
const _: () = assert!(NAME_AT == BUCKET_BITS && MEMBERS_MAX == 1 << MEMBER_BITS);

/// Entries of `FLOWS` that have places for so many flows. No more than that: the less memory there is, the more of it is in
/// the cache. Flows do not fall evenly: of half as many one in a hundred finds its bucket full, of as many one in seven.
pub const fn flow_buckets(flows: u32) -> u32 {
    let buckets = flows.div_ceil(8).next_power_of_two();
    if buckets < 1 << BUCKET_BITS { 1 << BUCKET_BITS } else { buckets }
}

/// What a flow is known by. Two of IPv4 never have the same: everything that tells them apart fits, and each step can be
/// undone. Of IPv6 it is a hash of 64 bits, which two of a million flows share once in thirty million times. Nobody who does
/// not know the secret can choose flows that share a bucket.
#[inline(always)]
pub const fn name(flow: &FlowKey, vip: &Vip) -> u64 {
    let [a, b, c, d] = flow.source;
    let (port, tag) = (flow.source_port as u64, vip.tag as u64 & 0xffff);
    if Address(flow.source).is_v4() {
        return mix((d as u64 | port << 32 | tag << 48) ^ vip.secret);
    }
    let network = mix((a as u64 | (b as u64) << 32) ^ vip.secret);
    mix(mix(network ^ (c as u64 | (d as u64) << 32)) ^ (port | tag << 16))
}

/// When something was seen: a count of some eight seconds, which begins anew after more than half an hour.
#[inline(always)]
pub const fn tick(ns: u64) -> u8 {
    (ns >> 33) as u8
}

#[inline(always)]
const fn entry(name: u64, member: u32, tick: u8) -> u64 {
    name >> NAME_AT << NAME_AT | (member as u64 & ((1 << MEMBER_BITS) - 1)) << AGE_BITS | tick as u64
}

/// The flow of an entry was not seen in this tick yet, so that it is to be put anew. Rarely so: each CPU can have its copy
/// of the bucket.
#[inline(always)]
pub const fn is_stale(entry: u64, now: u8) -> bool {
    entry as u8 != now
}

/// The member in an entry; 0 in none.
#[inline(always)]
pub const fn member_of(entry: u64) -> u32 {
    (entry >> AGE_BITS) as u32 & ((1 << MEMBER_BITS) - 1)
}

/// The same entry for another member.
pub const fn with_member(old: u64, member: u32) -> u64 {
    entry(old, member, old as u8)
}

/// Whether both entries are of the same name.
pub const fn same_flow(one: u64, other: u64) -> bool {
    (one ^ other) >> NAME_AT == 0
}

/// The name of a flow whose entry is in a bucket.
pub const fn name_in(bucket: u32, entry: u64) -> u64 {
    let low = (1 << BUCKET_BITS) - 1;
    entry & !low | bucket as u64 & low
}

impl FlowBucket {
    /// The entry of a flow; 0 if it is not known.
    #[inline(always)]
    pub fn find(&self, name: u64) -> u64 {
        let mut found = 0;
        // Without a branch: which place it is in is random, and a wrong guess costs more than the look.
        for place in &self.0 {
            let entry = read(place);
            // Of nothing but 0 the predecessor is negative: what is left of a name has no highest bits.
            let differs = (entry ^ name) >> NAME_AT;
            let same = (differs.wrapping_sub(1).cast_signed() >> 63).cast_unsigned();
            found = entry & same | found & !same;
        }
        found
    }

    /// Remembers the member of a flow: where the flow stands already, in an empty place, or instead of what was seen
    /// longest ago.
    #[inline(always)]
    pub fn put(&mut self, name: u64, member: u32, now: u8) {
        let (mut best, mut most) = (0, 0);
        for (number, place) in self.0.iter().enumerate() {
            let entry = read(place);
            // Another CPU may be a tick ahead.
            let age = now.wrapping_add(1).wrapping_sub(entry as u8);
            let worth = match entry {
                0 => 0x100,
                entry if same_flow(entry, name) => 0x200,
                _ => u32::from(age),
            };
            // Of several the last one, as `find` has it.
            if worth >= most {
                (best, most) = (number, worth);
            }
        }
        for (number, place) in self.0.iter_mut().enumerate() {
            if number == best {
                // SAFETY: a reference. Volatile, so that it is written at once.
                unsafe { core::ptr::from_mut(place).write_volatile(entry(name, member, now)) };
            }
        }
    }
}

#[inline(always)]
fn read(place: &u64) -> u64 {
    // SAFETY: a reference. Volatile, so that it is read once: another CPU may write.
    unsafe { core::ptr::from_ref(place).read_volatile() }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::{BTreeMap, BTreeSet};
    use std::vec;
    use std::vec::Vec;

    use super::*;

    const MASK: u32 = flow_buckets(1) - 1;

    /// As the programs do with each packet.
    fn see(bucket: &mut FlowBucket, name: u64, now: u8) -> u32 {
        let entry = bucket.find(name);
        if entry != 0 && is_stale(entry, now) {
            bucket.put(name, member_of(entry), now);
        }
        member_of(entry)
    }

    fn random(state: &mut u64) -> u64 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        *state
    }

    fn vip(tag: u32) -> Vip {
        Vip { tag, secret: 0x0123_4567_89ab_cdef, mask: MASK, ..Vip::default() }
    }

    fn v4(address: u32, port: u16) -> FlowKey {
        FlowKey { source: Address::v4(address).0, source_port: port, ..FlowKey::default() }
    }

    /// The name can be undone, and with it everything by which flows differ.
    #[test]
    fn name_of_ipv4_tells_flows_apart_that_differ_in_a_bit() {
        let (mut state, mut names) = (7, BTreeSet::new());
        for _ in 0..2000 {
            let what = random(&mut state);
            for bit in 0..64 {
                let other = what ^ 1 << bit;
                let flow = v4(other as u32, (other >> 32) as u16);
                names.insert(name(&flow, &vip((other >> 48) as u32)));
            }
        }
        assert_eq!(names.len(), 2000 * 64);
    }

    #[test]
    fn name_of_ipv6_depends_on_every_bit_of_address_port_and_tag() {
        let base = FlowKey { source: [0x2001, 2, 3, 4], source_port: 5, ..FlowKey::default() };
        let mut names = BTreeSet::from([name(&base, &vip(6))]);
        for bit in 0..128 {
            let mut flow = base;
            flow.source[bit / 32] ^= 1 << (bit % 32);
            names.insert(name(&flow, &vip(6)));
        }
        for bit in 0..16 {
            names.insert(name(&FlowKey { source_port: 5 ^ 1 << bit, ..base }, &vip(6)));
            names.insert(name(&base, &vip(6 ^ 1 << bit)));
        }
        assert_eq!(names.len(), 1 + 128 + 32);
        assert_ne!(name(&base, &vip(6)), name(&base, &Vip { secret: 1, ..vip(6) }));
    }

    #[test]
    fn table_agrees_with_a_map_while_there_is_room() {
        let (mut state, mut table) = (11, vec![FlowBucket::default(); MASK as usize + 1]);
        let mut plain = BTreeMap::new();
        for step in 0..200_000_u32 {
            let what = random(&mut state);
            let flow = v4((what % 20_000) as u32, (what >> 40 & 1) as u16);
            let name = name(&flow, &vip(1));
            let bucket = &mut table[(name as u32 & MASK) as usize];
            let now = (step >> 10) as u8;
            assert_eq!(see(bucket, name, now), plain.get(&flow).copied().unwrap_or(0));
            if what >> 62 == 0 {
                let member = 1 + (what >> 50) as u32 % 63;
                bucket.put(name, member, now);
                plain.insert(flow, member);
            }
        }
        // What hand-over needs: names come back out of the entries.
        let mut names: Vec<u64> = plain.keys().map(|flow| name(flow, &vip(1))).collect();
        let mut found: Vec<u64> = (0_u32..)
            .zip(&table)
            .flat_map(|(number, bucket)| bucket.0.map(|entry| (entry != 0).then(|| name_in(number, entry))))
            .flatten()
            .collect();
        names.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, names);
    }

    #[test]
    fn full_bucket_forgets_what_was_seen_longest_ago() {
        let mut bucket = FlowBucket::default();
        let name = |number: u64| number << NAME_AT;
        // Ticks that begin anew in between.
        for number in 1..=8 {
            bucket.put(name(number), number as u32, 249_u8.wrapping_add(number as u8));
        }
        assert_eq!(see(&mut bucket, name(1), 2), 1, "it is seen");
        bucket.put(name(9), 9, 3);
        assert_eq!(see(&mut bucket, name(2), 3), 0);
        for number in [1, 3, 4, 5, 6, 7, 8, 9] {
            assert_eq!(see(&mut bucket, name(number), 3), number as u32);
        }
        // Who is a tick ahead is not the oldest.
        bucket = FlowBucket::default();
        for number in 1..=8 {
            bucket.put(name(number), number as u32, if number == 8 { 5 } else { 4 });
        }
        bucket.put(name(9), 9, 4);
        assert_eq!(see(&mut bucket, name(8), 4), 8);
    }

    #[test]
    fn put_of_a_known_flow_changes_its_entry_only() {
        let mut bucket = FlowBucket::default();
        for number in 1..=8_u64 {
            bucket.put(number << NAME_AT, 7, 1);
        }
        bucket.put(3 << NAME_AT, 63, 1);
        for number in 1..=8_u64 {
            assert_eq!(see(&mut bucket, number << NAME_AT, 1), if number == 3 { 63 } else { 7 });
        }
        // Two CPUs have put the same flow at once: both ways lead to the same entry.
        bucket.0[0] = entry(5 << NAME_AT, 9, 1);
        let before = see(&mut bucket, 5 << NAME_AT, 1);
        bucket.put(5 << NAME_AT, 10, 1);
        assert_eq!((before, see(&mut bucket, 5 << NAME_AT, 1)), (7, 10));
    }

    #[test]
    fn buckets_have_a_place_for_each_flow() {
        assert_eq!((flow_buckets(1024), flow_buckets(131_072)), (1 << 14, 1 << 14));
        assert_eq!((flow_buckets(131_073), flow_buckets(1 << 18)), (1 << 15, 1 << 15));
    }
}
