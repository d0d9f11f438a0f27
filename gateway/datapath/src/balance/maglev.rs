//! Maglev hashing: a ring in which every member has its share, and which hardly changes when a member comes or goes.
//! Source: D. Eisenbud et al., "Maglev: A Fast and Reliable Software Network Load Balancer", NSDI 2016, §3.4.

use std::net::IpAddr;

use gateway_common::hash::mix;
use gateway_common::map::RING_SLOTS;

/// A member as the ring sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seat {
    /// What stands in its slots; not 0.
    pub number: u32,
    pub address: IpAddr,
    /// Its share, relative to the others'; 0 = none.
    pub weight: u32,
}

/// The order in which a member wants slots: by its address alone, so that every balancer comes to the same ring.
struct Wishes {
    next: u64,
    step: u64,
}

impl Wishes {
    fn of(address: IpAddr) -> Self {
        let slots = u64::from(RING_SLOTS);
        Self { next: hash(address, 0) % slots, step: hash(address, 1) % (slots - 1) + 1 }
    }

    fn next(&mut self) -> usize {
        let wish = self.next;
        self.next = (self.next + self.step) % u64::from(RING_SLOTS);
        wish as usize
    }
}

/// The member of each slot; `None` if nobody has a share.
pub fn ring(seats: &[Seat]) -> Option<Vec<u32>> {
    let mut seats: Vec<Seat> = seats.iter().copied().filter(|seat| seat.weight > 0).collect();
    // Turns go by address, too: not by the order in which somebody has written them down.
    seats.sort_by_key(|seat| seat.address);
    let most = seats.iter().map(|seat| seat.weight).max()?;
    let mut wishes: Vec<Wishes> = seats.iter().map(|seat| Wishes::of(seat.address)).collect();
    let mut credit = vec![0; seats.len()];
    let mut ring = vec![0; RING_SLOTS as usize];
    let mut left = ring.len();
    // In each round who has the most weight takes one slot, and others as often as their credit lets them.
    loop {
        for ((seat, wishes), credit) in seats.iter().zip(&mut wishes).zip(&mut credit) {
            *credit += seat.weight;
            if *credit < most {
                continue;
            }
            *credit -= most;
            // A prime number of slots: every wish is another one until all have been named.
            let slot = loop {
                let slot = wishes.next();
                if ring[slot] == 0 {
                    break slot;
                }
            };
            ring[slot] = seat.number;
            left -= 1;
            if left == 0 {
                return Some(ring);
            }
        }
    }
}

/// FNV-1a over the address and a number, and spread.
fn hash(address: IpAddr, number: u8) -> u64 {
    let octets = match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().octets(),
        IpAddr::V6(six) => six.octets(),
    };
    let hash = octets.iter().chain(&[number]).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    mix(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(weights: &[u32]) -> Vec<Seat> {
        let seat = |(place, weight): (usize, &u32)| Seat {
            number: place as u32 + 1,
            address: IpAddr::from([10, 0, (place / 200) as u8, place as u8]),
            weight: *weight,
        };
        weights.iter().enumerate().map(seat).collect()
    }

    fn share(ring: &[u32], number: u32) -> f64 {
        ring.iter().filter(|slot| **slot == number).count() as f64 / ring.len() as f64
    }

    #[test]
    fn ring_shares_are_as_the_weights() {
        for weights in [&[1][..], &[1, 1], &[3, 1], &[1; 10], &[5, 0, 3, 2], &[100, 1], &[7; 63]] {
            let ring = ring(&seats(weights)).unwrap();
            let sum: u32 = weights.iter().sum();
            for (place, weight) in weights.iter().enumerate() {
                let expected = f64::from(*weight) / f64::from(sum);
                let share = share(&ring, place as u32 + 1);
                assert!((share - expected).abs() < 0.001, "{weights:?}: {place} has {share}");
            }
        }
    }

    #[test]
    fn ring_without_a_share_is_none() {
        assert_eq!(ring(&[]), None);
        assert_eq!(ring(&seats(&[0, 0])), None);
    }

    #[test]
    fn ring_whatever_the_order_is_the_same() {
        let mut members = seats(&[1, 2, 3, 4, 5]);
        let first = ring(&members).unwrap();
        members.reverse();
        assert_eq!(ring(&members), Some(first));
    }

    /// Whoever stays keeps his slots, but for one in twenty-five of all at most.
    #[test]
    fn ring_hardly_changes_when_one_leaves_or_comes() {
        for count in [2_usize, 3, 5, 10, 30, 63] {
            let all = seats(&vec![1; count]);
            let before = ring(&all).unwrap();
            for leaving in (0..count).step_by(count / 2) {
                let mut rest = all.clone();
                let gone = rest.remove(leaving).number;
                let after = ring(&rest).unwrap();
                let moved =
                    before.iter().zip(&after).filter(|(old, new)| **old != gone && old != new).count();
                let share = moved as f64 / f64::from(RING_SLOTS);
                assert!(share < 0.04, "{count} members, {leaving} leaves: {share} of the others' slots move");
                assert_eq!(after.iter().filter(|slot| **slot == gone).count(), 0);
            }
        }
    }
}
