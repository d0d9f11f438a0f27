//! The maps behind `gateway_common::balance`: which member a packet goes to. XDP and TC each send it there in their own
//! way, and unpack what a balancer has sent.

mod tc;
mod xdp;

use core::cell::Cell;

use gateway_common::Parsed;
use gateway_common::balance::{How, Piece, Tables, member, read};
use gateway_common::map::{BalanceCounters, Config, FlowKey, Member, Pieces, PortEntry, Vip, member_index};
use gateway_common::packet::Address;

use crate::account::{Frame, Weight};
use crate::listener;
use crate::maps::{BALANCE_COUNTS, BALANCERS, FLOWS, FRAGMENTS, MEMBER_COUNTS, MEMBERS, RING, VIPS};
use crate::shed::now;

pub use tc::{send as send_tc, unpack as unpack_tc};
pub use xdp::{send as send_xdp, unpack as unpack_xdp};

/// Where the IP header of a frame without tags is: with tags it is left to the stack.
const NETWORK: usize = 14;

/// Set when the programs are loaded. With 0 the verifier cuts the balancer out, for those who have none.
#[unsafe(no_mangle)]
static BALANCE_BUILT: u8 = 0;

#[inline(always)]
pub fn wanted(config: &Config) -> bool {
    built() && config.has(Config::BALANCE)
}

/// Packets in packets are looked for.
#[inline(always)]
pub fn unpacks(config: &Config) -> bool {
    built() && config.has(Config::UNPACK)
}

#[inline(always)]
fn built() -> bool {
    // SAFETY: a static, which the loader has set.
    unsafe { (&raw const BALANCE_BUILT).read_volatile() != 0 }
}

/// What becomes of a packet.
pub enum Way {
    /// It is for no virtual address, or its member is this host.
    Stack,
    /// There is no way to its member.
    Nowhere,
    To(&'static Member),
}

/// Finds the member that a packet goes to, and counts it. `entry` is whose its destination is; `segmented`: it is cut
/// down to what fits on its way.
#[inline(always)]
pub fn way(frame: &Frame, parsed: &Parsed, entry: PortEntry, segmented: bool, weight: &Weight) -> Way {
    if parsed.network != NETWORK || !is_of_interest(parsed, entry) {
        return Way::Stack;
    }
    match chosen(frame, parsed, entry) {
        Some(chosen) => chosen.way(if segmented { 0 } else { weight.bytes }, weight),
        None => Way::Stack,
    }
}

/// Most packets are for no virtual address, and are not looked at again.
#[inline(always)]
fn is_of_interest(parsed: &Parsed, entry: PortEntry) -> bool {
    use gateway_common::{Protocol, Verdict};
    match (parsed.verdict, parsed.protocol) {
        (Verdict::Pass, Protocol::Tcp | Protocol::Udp) => entry.has(PortEntry::BALANCED),
        (Verdict::Pass, Protocol::Other) | (Verdict::Fragment, _) => true,
        _ => false,
    }
}

/// A member, and the virtual address whose packet it gets.
struct Chosen {
    vip: u32,
    member: u32,
    counters: &'static mut BalanceCounters,
}

#[inline(always)]
fn chosen(frame: &Frame, parsed: &Parsed, entry: PortEntry) -> Option<Chosen> {
    let (flow, opens, fragment, lasting) = match read(frame, parsed)? {
        Piece::Whole { flow, opens } => (flow, opens, None, true),
        Piece::First { flow, opens, fragment } => (flow, opens, Some(fragment), true),
        Piece::Error(flow) => (flow, false, None, false),
        Piece::Later(fragment) => {
            // SAFETY: what the entry holds never changes while it is in the map.
            let pieces = unsafe { FRAGMENTS.get(&fragment) }?;
            let counters = counters(pieces.vip)?;
            counters.fragments += 1;
            return Some(Chosen { vip: pieces.vip, member: pieces.member, counters });
        }
    };
    let entry = if lasting && fragment.is_none() { entry } else { owner(&flow) };
    if !entry.has(PortEntry::BALANCED) {
        return None;
    }
    let vip = u32::from(entry.listener);
    let settings = VIPS.get(vip).filter(|vip| vip.protocol == flow.protocol)?;
    let counters = counters(vip)?;
    let memory = Memory { settings, counters: Cell::new(counters) };
    let (member, how) = member(&flow, settings.ring, opens, lasting, &memory)?;
    let counters = memory.counters.into_inner();
    if !lasting {
        counters.errors += 1;
    } else {
        match how {
            How::Known => counters.known += 1,
            How::New => counters.new += 1,
            How::Unremembered => counters.unremembered += 1,
        }
    }
    if let Some(fragment) = fragment {
        // A failure costs the rest of the datagram, which the sender repeats.
        let _ = FRAGMENTS.insert(&fragment, &Pieces { vip, member }, 0);
    }
    Some(Chosen { vip, member, counters })
}

/// Whose the flow's destination is.
#[inline(always)]
fn owner(flow: &FlowKey) -> PortEntry {
    listener::find(u16::from_be(flow.destination_port), || Some(Address(flow.destination)))
}

#[inline(always)]
fn counters(vip: u32) -> Option<&'static mut BalanceCounters> {
    // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
    BALANCE_COUNTS.get_ptr_mut(vip).map(|counters| unsafe { &mut *counters })
}

impl Chosen {
    /// `bytes` is the frame's length where it has to fit.
    #[inline(always)]
    fn way(self, bytes: u64, weight: &Weight) -> Way {
        let Some(member) = MEMBERS.get(self.member) else { return Way::Stack };
        if member.has(Member::HERE) {
            self.count(weight);
            return Way::Stack;
        }
        if member.interface == 0 {
            self.counters.unreachable += 1;
            return Way::Nowhere;
        }
        // The frame's own header is as long as what IPv4 adds, less six; IPv6 adds twice as much.
        let outer = if member.address.is_v4() { 20 } else { 40 };
        if bytes + outer > u64::from(member.room) + NETWORK as u64 {
            self.counters.too_long += 1;
            return Way::Nowhere;
        }
        self.count(weight);
        Way::To(member)
    }

    #[inline(always)]
    fn count(&self, weight: &Weight) {
        if let Some(counters) = MEMBER_COUNTS.get_ptr_mut(member_index(self.vip, self.member)) {
            // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
            unsafe {
                (*counters).packets += weight.packets;
                (*counters).bytes += weight.bytes;
            }
        }
    }
}

struct Memory {
    settings: &'static Vip,
    counters: Cell<&'static mut BalanceCounters>,
}

impl Tables for Memory {
    #[inline(always)]
    fn remembered(&self, flow: &FlowKey) -> Option<u32> {
        // SAFETY: a word, which is read at once.
        unsafe { FLOWS.get(flow) }.copied()
    }

    #[inline(always)]
    fn keeps(&self, member: u32) -> bool {
        MEMBERS.get(member).is_some_and(|member| member.has(Member::KEEPS))
    }

    #[inline(always)]
    fn in_ring(&self, slot: u32) -> u32 {
        RING.get(slot).copied().unwrap_or(0)
    }

    #[inline(always)]
    fn remember(&self, flow: &FlowKey, member: u32) -> bool {
        // SAFETY: this CPU's own counters, which nobody else looks at meanwhile.
        let counters = unsafe { &mut **self.counters.as_ptr() };
        counters.may_remember(now(), self.settings.flows_a_second) && FLOWS.insert(flow, &member, 0).is_ok()
    }
}

/// That is one of the balancers whose packets are unpacked.
#[inline(always)]
fn trusts(source: Address) -> bool {
    // SAFETY: the value is not looked at.
    unsafe { BALANCERS.get(&source) }.is_some()
}
