//! Virtual addresses: who their members are, which of them take connections, and the way to each.
//!
//! The programs decide by what stands in the maps; here the maps are kept right. A ring changes slot by slot, which does
//! no harm: each slot holds a member that is right before or after, and flows that have begun are remembered.

mod flows;
mod health;
mod maglev;
mod settings;
mod tags;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use gateway_common::balance::flows::flow_buckets;
use gateway_common::map::{Member, RING_SLOTS, Vip};
use gateway_common::packet::Address;
use serde::{Deserialize, Serialize};

use crate::bindings::number;
use crate::kernel::{Map, Routes, Way};
use crate::load::Maps;
use crate::random::random;
use crate::settings::{Binding, ListenerSpec};
use health::Health;
use maglev::Seat;
use tags::tags;

pub use flows::HandedFlows;
pub use health::{Answer, MemberState};
pub use settings::{
    BalanceSettings, HealthSettings, Transport, VirtualAddress, VirtualAddressError, WeightedMember,
    check_addresses,
};

/// Slots that change in one call.
const SLOTS_AT_ONCE: usize = 8192;

/// One virtual address, for `GET /datapath`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VirtualAddressStatus {
    pub address: String,
    pub members: Vec<MemberStatus>,
    /// No member is ready: the ring is as it was when one was.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub last_known: bool,
}

/// Where the figures of a virtual address stand: the number of its listener, and those of its members.
#[derive(Debug)]
pub struct Counted {
    pub listener: u16,
    pub address: String,
    pub members: Vec<(u32, IpAddr)>,
}

/// One member of a virtual address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberStatus {
    pub address: IpAddr,
    pub weight: u32,
    pub state: MemberState,
    /// Of the ring, in thousandths.
    pub share: u32,
    /// Why its packets cannot be sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unreachable: Option<String>,
}

/// All virtual addresses of one datapath.
#[derive(Debug)]
pub struct Balance {
    settings: BalanceSettings,
    /// In the order of their numbers, which begin with 1.
    members: Vec<Known>,
    vips: Vec<VipRing>,
    table: Map<Member>,
    ring: Map<u32>,
    routes: Routes,
}

/// A member, and what is known about it.
#[derive(Debug)]
struct Known {
    address: IpAddr,
    health: Health,
    way: Result<Way, String>,
    /// As it stands in the kernel.
    written: Member,
}

#[derive(Debug)]
struct VipRing {
    /// Of the listener that stands for it.
    number: u16,
    settings: VirtualAddress,
    /// As it stands in the kernel.
    slots: Vec<u32>,
    last_known: bool,
}

/// Listeners that stand for the virtual addresses.
pub fn specs(settings: &BalanceSettings) -> Vec<ListenerSpec<'static>> {
    let spec = |one: &VirtualAddress| {
        let port = one.address.port();
        let bindings = vec![Binding { address: one.address.ip(), ports: port..=port }];
        ListenerSpec { name: one.to_string(), bindings, workers: Vec::new() }
    };
    settings.addresses.iter().map(spec).collect()
}

impl Balance {
    /// Fills the maps; to be called before anything is attached, in the gateway's network namespace. The listeners that
    /// stand for the virtual addresses come behind `listeners` others. Members are believed to be as `before` says.
    pub fn start(
        settings: &BalanceSettings,
        listeners: usize,
        maps: &Maps,
        before: Option<&HandedFlows>,
    ) -> io::Result<Option<Self>> {
        for address in &settings.accept {
            maps.balancers.update(&Address::from(*address), &1)?;
        }
        if settings.addresses.is_empty() {
            return Ok(None);
        }
        let addresses: BTreeSet<IpAddr> =
            settings.addresses.iter().flat_map(|one| &one.members).map(|one| one.address).collect();
        let secret = before.map(HandedFlows::secret).transpose()?.flatten().unwrap_or_else(random);
        let before = before.map(HandedFlows::states).transpose()?.unwrap_or_default();
        let known = |address: IpAddr| Known {
            address,
            health: Health::new(before.get(&address).copied().unwrap_or(MemberState::Ready)),
            way: Err("not asked yet".to_owned()),
            written: Member::default(),
        };
        let vip = |(place, one): (usize, &VirtualAddress)| VipRing {
            number: number(listeners + place),
            settings: one.clone(),
            slots: vec![0; RING_SLOTS as usize],
            last_known: false,
        };
        let mut this = Self {
            settings: settings.clone(),
            members: addresses.into_iter().map(known).collect(),
            vips: settings.addresses.iter().enumerate().map(vip).collect(),
            table: maps.members.try_clone()?,
            ring: maps.ring.try_clone()?,
            routes: Routes::open()?,
        };
        let mask = flow_buckets(settings.flows_max) - 1;
        for ((place, vip), tag) in this.vips.iter().enumerate().zip(tags(&settings.addresses)) {
            let entry = Vip {
                ring: place as u32 * RING_SLOTS,
                protocol: u32::from(vip.settings.transport.number()),
                flows_a_second: u64::from(settings.flows_rate),
                secret,
                mask,
                tag,
                address: vip.settings.address.ip().into(),
            };
            maps.vips.update(&u32::from(vip.number), &entry)?;
        }
        this.follow()?;
        this.find_ways()?;
        Ok(Some(this))
    }

    /// Looks for the ways to members again. Meant for a timer of a second.
    pub fn tick(&mut self) -> io::Result<()> {
        self.find_ways()
    }

    /// Who is to be asked whether they are ready.
    pub fn members(&self) -> Vec<IpAddr> {
        self.members.iter().map(|one| one.address).collect()
    }

    /// What a member has said.
    pub fn hear(&mut self, address: IpAddr, answer: Answer) -> io::Result<()> {
        let (rise, fall) = (self.settings.health.rise, self.settings.health.fall);
        let Some(place) = self.members.iter().position(|one| one.address == address) else { return Ok(()) };
        let Some(member) = self.members.get_mut(place) else { return Ok(()) };
        // Who has answered has made its hardware address known.
        if member.way.is_err() {
            member.way = self.routes.way(address).map_err(|error| error.to_string());
            self.write_member(place)?;
        }
        let Some(member) = self.members.get_mut(place) else { return Ok(()) };
        if !member.health.hear(answer, rise, fall) {
            return Ok(());
        }
        match member.health.state() {
            MemberState::Ready => tracing::info!(member = %address, "balance: a member is ready"),
            MemberState::Draining => {
                tracing::warn!(member = %address, "balance: a member is not ready, and gets no new connections");
            }
            MemberState::Gone => {
                tracing::warn!(member = %address, "balance: a member does not answer, and its connections are lost");
            }
        }
        self.follow()
    }

    /// Brings rings and members to what is believed.
    fn follow(&mut self) -> io::Result<()> {
        for place in 0..self.vips.len() {
            self.follow_ring(place)?;
        }
        for place in 0..self.members.len() {
            self.write_member(place)?;
        }
        Ok(())
    }

    fn state(&self, address: IpAddr) -> (u32, MemberState) {
        let place = self.members.iter().position(|one| one.address == address).unwrap_or_default();
        (place as u32 + 1, self.members.get(place).map_or(MemberState::Gone, |one| one.health.state()))
    }

    fn follow_ring(&mut self, place: usize) -> io::Result<()> {
        let Some(vip) = self.vips.get(place) else { return Ok(()) };
        let seats = |all: bool| -> Vec<Seat> {
            let seat = |member: &WeightedMember| {
                let (number, state) = self.state(member.address);
                let weight = if all || state == MemberState::Ready { member.weight } else { 0 };
                Seat { number, address: member.address, weight }
            };
            vip.settings.members.iter().map(seat).collect()
        };
        let ready = maglev::ring(&seats(false));
        let last_known = ready.is_none();
        let empty = vip.slots.first() == Some(&0);
        // Who has never heard of a ready member tries them all.
        let ring = ready.or_else(|| if empty { maglev::ring(&seats(true)) } else { None });
        let Some(vip) = self.vips.get_mut(place) else { return Ok(()) };
        if last_known && !vip.last_known {
            tracing::error!(address = %vip.settings, "balance: no member is ready; packets go where they went before");
        }
        vip.last_known = last_known;
        let Some(ring) = ring else { return Ok(()) };
        let first = place as u32 * RING_SLOTS;
        let changed: Vec<(u32, u32)> = (first..)
            .zip(vip.slots.iter().zip(&ring))
            .filter(|(_, (old, new))| old != new)
            .map(|(slot, (_, new))| (slot, *new))
            .collect();
        for part in changed.chunks(SLOTS_AT_ONCE) {
            self.ring.update_all(part)?;
        }
        vip.slots = ring;
        Ok(())
    }

    fn find_ways(&mut self) -> io::Result<()> {
        for place in 0..self.members.len() {
            if let Some(member) = self.members.get_mut(place) {
                member.way = self.routes.way(member.address).map_err(|error| error.to_string());
            }
            self.write_member(place)?;
        }
        Ok(())
    }

    fn write_member(&mut self, place: usize) -> io::Result<()> {
        let Some(member) = self.members.get(place) else { return Ok(()) };
        // Where nobody is ready the ring leads back to those that were.
        let keeps = member.health.state() != MemberState::Gone;
        let entry = entry(member, keeps);
        if entry != member.written {
            self.table.update(&(place as u32 + 1), &entry)?;
            if let Some(member) = self.members.get_mut(place) {
                member.written = entry;
            }
        }
        Ok(())
    }

    pub fn status(&self) -> Vec<VirtualAddressStatus> {
        let of_vip = |vip: &VipRing| VirtualAddressStatus {
            address: vip.settings.to_string(),
            members: vip.settings.members.iter().map(|one| self.member_status(vip, one)).collect(),
            last_known: vip.last_known,
        };
        self.vips.iter().map(of_vip).collect()
    }

    fn member_status(&self, vip: &VipRing, member: &WeightedMember) -> MemberStatus {
        let (number, state) = self.state(member.address);
        let slots = vip.slots.iter().filter(|slot| **slot == number).count() as u32;
        let way = self.members.iter().find(|one| one.address == member.address).map(|one| &one.way);
        MemberStatus {
            address: member.address,
            weight: member.weight,
            state,
            share: (slots * 1000 + RING_SLOTS / 2) / RING_SLOTS,
            unreachable: way.and_then(|way| way.as_ref().err().cloned()),
        }
    }

    /// Where the figures of each virtual address stand.
    pub fn counted(&self) -> Vec<Counted> {
        let counted = |vip: &VipRing| Counted {
            listener: vip.number,
            address: vip.settings.to_string(),
            members: vip
                .settings
                .members
                .iter()
                .map(|one| (self.state(one.address).0, one.address))
                .collect(),
        };
        self.vips.iter().map(counted).collect()
    }

    /// Remembers the flows of the gateway that ran before, as far as its members are ours.
    pub fn adopt(&self, handed: &HandedFlows, maps: &Maps) -> io::Result<usize> {
        let numbers = self.members.iter().map(|one| (one.address, self.state(one.address).0)).collect();
        handed.copy_to(&maps.flows, &numbers)
    }
}

fn entry(member: &Known, keeps: bool) -> Member {
    let mut entry = Member {
        address: member.address.into(),
        flags: if keeps { Member::KEEPS } else { 0 },
        ..Member::default()
    };
    match &member.way {
        Ok(Way::Here) => entry.flags |= Member::HERE,
        Ok(Way::By(hop)) => {
            entry.source = hop.source.into();
            entry.next = words(hop.next);
            entry.from = words(hop.from);
            entry.interface = hop.interface;
            entry.room = hop.mtu;
        }
        Err(_) => {}
    }
    entry
}

fn words(mac: [u8; 6]) -> [u16; 3] {
    [0, 2, 4].map(|at| u16::from_ne_bytes([mac[at], mac[at + 1]]))
}
