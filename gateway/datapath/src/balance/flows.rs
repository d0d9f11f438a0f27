//! Flows on their way from one process to the next, so that connections stay where they are.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use gateway_common::map::{FlowKey, MEMBERS_MAX, Member};

use super::health::MemberState;
use crate::kernel::Map;
use crate::load::Maps;

/// What another gateway remembers: its maps `FLOWS` and `MEMBERS`.
#[derive(Debug)]
pub struct HandedFlows {
    flows: Map<u32>,
    members: Map<Member>,
}

impl HandedFlows {
    /// As they came from the other process. What is no such map is refused when it is used.
    pub fn new(flows: OwnedFd, members: OwnedFd) -> Self {
        Self { flows: Map::new(flows), members: Map::new(members) }
    }

    pub(crate) fn of(maps: &Maps) -> io::Result<Self> {
        Ok(Self { flows: maps.flows.try_clone()?, members: maps.members.try_clone()? })
    }

    /// In the order in which they are given to [`HandedFlows::new`].
    pub fn descriptors(&self) -> [BorrowedFd<'_>; 2] {
        [self.flows.as_fd(), self.members.as_fd()]
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

    /// Copies those that the other map does not know; how many. `numbers` are those of the members there.
    pub(super) fn copy_to(&self, to: &Map<u32>, numbers: &BTreeMap<IpAddr, u32>) -> io::Result<usize> {
        self.flows.expect_sizes(size_of::<FlowKey>())?;
        let ours: BTreeMap<u32, u32> = self
            .members()?
            .iter()
            .filter_map(|(number, member)| Some((*number, *numbers.get(&address(member))?)))
            .collect();
        let mut copied = 0;
        self.flows.each(|flow: &FlowKey, member: &u32| {
            if let Some(member) = ours.get(member) {
                copied += usize::from(to.insert(flow, member)?);
            }
            Ok(())
        })?;
        Ok(copied)
    }
}

fn address(member: &Member) -> IpAddr {
    let mut octets = [0; 16];
    for (place, word) in octets.chunks_exact_mut(4).zip(member.address.0) {
        place.copy_from_slice(&word.to_ne_bytes());
    }
    IpAddr::V6(Ipv6Addr::from(octets)).to_canonical()
}
