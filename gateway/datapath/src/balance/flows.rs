//! Flows on their way from one process to the next, so that connections stay where they are.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use gateway_common::balance::flows::{member_of, name_in, same_flow, with_member};
use gateway_common::map::{FlowBucket, LISTENERS_MAX, MEMBERS_MAX, Member, Vip};

use super::health::MemberState;
use crate::kernel::{Map, Mapped};
use crate::load::Maps;

/// Places of a bucket.
const PLACES: usize = size_of::<FlowBucket>() / size_of::<u64>();

/// What another gateway remembers: its maps `FLOWS`, `MEMBERS` and `VIPS`.
#[derive(Debug)]
pub struct HandedFlows {
    flows: Map<FlowBucket>,
    members: Map<Member>,
    vips: Map<Vip>,
}

impl HandedFlows {
    /// How many maps these are.
    pub const MAPS: usize = 3;

    /// As they came from the other process. What is no such map is refused when it is used.
    pub fn new([flows, members, vips]: [OwnedFd; Self::MAPS]) -> Self {
        Self { flows: Map::new(flows), members: Map::new(members), vips: Map::new(vips) }
    }

    pub(crate) fn of(maps: &Maps) -> io::Result<Self> {
        Ok(Self {
            flows: maps.flows.try_clone()?,
            members: maps.members.try_clone()?,
            vips: maps.vips.try_clone()?,
        })
    }

    /// In the order in which they are given to [`HandedFlows::new`].
    pub fn descriptors(&self) -> [BorrowedFd<'_>; Self::MAPS] {
        [self.flows.as_fd(), self.members.as_fd(), self.vips.as_fd()]
    }

    /// What its flows are named with; who adopts them has to use the same.
    pub(super) fn secret(&self) -> io::Result<Option<u64>> {
        self.vips.expect_sizes(size_of::<u32>())?;
        for number in 0..LISTENERS_MAX {
            let vip = self.vips.get(&number)?;
            if vip != Vip::default() {
                return Ok(Some(vip.secret));
            }
        }
        Ok(None)
    }

    /// What the other gateway believes about its members.
    pub(super) fn states(&self) -> io::Result<BTreeMap<IpAddr, MemberState>> {
        let state = |member: &Member| {
            if member.has(Member::KEEPS) { MemberState::Ready } else { MemberState::Gone }
        };
        Ok(self.members()?.iter().map(|(_, member)| (address(member), state(member))).collect())
    }

    fn members(&self) -> io::Result<Vec<(u32, Member)>> {
        self.members.expect_sizes(size_of::<u32>())?;
        let mut found = Vec::new();
        for number in 1..MEMBERS_MAX {
            let member = self.members.get(&number)?;
            if member != Member::default() {
                found.push((number, member));
            }
        }
        Ok(found)
    }

    /// Copies those that the other table does not know; how many. It has the same secret, and perhaps another size.
    /// `numbers` are those of the members there.
    pub(super) fn copy_to(&self, to: &Map<FlowBucket>, numbers: &BTreeMap<IpAddr, u32>) -> io::Result<usize> {
        let ours: BTreeMap<u32, u32> = self
            .members()?
            .iter()
            .filter_map(|(number, member)| Some((*number, *numbers.get(&address(member))?)))
            .collect();
        let (from, to) = (Mapped::new(&self.flows)?, Mapped::new(to)?);
        let buckets = to.words().len() / PLACES;
        let mut copied = 0;
        for (number, bucket) in (0..).zip(from.words().chunks_exact(PLACES)) {
            for entry in bucket.iter().map(|place| place.load(Relaxed)).filter(|entry| *entry != 0) {
                let Some(member) = ours.get(&member_of(entry)) else { continue };
                let place = name_in(number, entry) as usize & (buckets - 1);
                let bucket = to.words().chunks_exact(PLACES).nth(place);
                copied += usize::from(bucket.is_some_and(|bucket| add(bucket, with_member(entry, *member))));
            }
        }
        Ok(copied)
    }
}

/// Puts a flow where the programs may do the same; whether it had to be, and there was room.
fn add(bucket: &[AtomicU64], entry: u64) -> bool {
    let is_there = |except: Option<usize>| {
        let others = bucket.iter().enumerate().filter(|(place, _)| Some(*place) != except);
        others.map(|(_, word)| word.load(Relaxed)).any(|other| other != 0 && same_flow(other, entry))
    };
    if is_there(None) {
        return false;
    }
    let empty = |word: &&AtomicU64| word.compare_exchange(0, entry, Relaxed, Relaxed).is_ok();
    let Some((place, word)) = bucket.iter().enumerate().find(|(_, word)| empty(word)) else { return false };
    if is_there(Some(place)) {
        // The programs have begun with it meanwhile, and know better.
        let _ = word.compare_exchange(entry, 0, Relaxed, Relaxed);
        return false;
    }
    true
}

fn address(member: &Member) -> IpAddr {
    let mut octets = [0; 16];
    for (place, word) in octets.chunks_exact_mut(4).zip(member.address.0) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_takes_an_empty_place_for_what_is_not_there() {
        let flow = |number: u64, member| with_member(number << 20, member);
        let bucket: [AtomicU64; PLACES] = std::array::from_fn(|_| AtomicU64::new(0));
        for number in 1..=8 {
            assert!(add(&bucket, flow(number, 1)));
            assert!(!add(&bucket, flow(number, 2)), "what is there stays");
        }
        assert!(!add(&bucket, flow(9, 1)), "it is full");
        let found = bucket.map(|word| word.load(Relaxed));
        assert_eq!(found, std::array::from_fn(|place| flow(place as u64 + 1, 1)));
    }
}
