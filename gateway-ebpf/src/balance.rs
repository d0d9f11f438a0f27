//! The maps behind `gateway_common::balance`: which member a packet goes to. XDP and TC each send it there in their own
//! way, and unpack what a balancer has sent.

mod tc;
mod xdp;

use core::cell::Cell;

use gateway_common::Parsed;
use gateway_common::balance::flows::{is_stale, member_of, name, tick};
use gateway_common::balance::{How, Piece, Tables, member, read};
use gateway_common::map::{
    BalanceCounters, Config, FlowKey, Member, Pieces, PortEntry, TOO_LONG_TOLD_MAX, TooLong, Vip,
    member_index,
};
use gateway_common::packet::Address;

use crate::account::{Frame, Weight};
use crate::listener;
use crate::maps::{
    ALIVE, BALANCE_COUNTS, BALANCERS, FIRST_PIECE, FLOWS, FRAGMENTS, MEMBER_COUNTS, MEMBERS, RING, TOO_LONG,
    VIPS,
};
use crate::shed::now;

pub use tc::{send as send_tc, too_long as too_long_tc, unpack as unpack_tc};
pub use xdp::{send as send_xdp, too_long as too_long_xdp, unpack as unpack_xdp};

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
    /// It does not fit on that way, and its sender is to be told; to be counted.
    TooLong(&'static mut BalanceCounters),
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
    /// The packet's sender may be told what becomes of it (RFC 1812 §4.3.2.7, RFC 4443 §2.4 e).
    answerable: bool,
    counters: &'static mut BalanceCounters,
}

#[inline(always)]
fn chosen(frame: &Frame, parsed: &Parsed, entry: PortEntry) -> Option<Chosen> {
    let (flow, opens, first, lasting) = match read(frame, parsed)? {
        Piece::Whole { flow, opens } => (flow, opens, false, true),
        Piece::First { flow, opens, fragment } => {
            // Not on the stack, which has no room for it.
            // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
            unsafe { FIRST_PIECE.get_ptr_mut(0)?.write(fragment) };
            (flow, opens, true, true)
        }
        Piece::Error(flow) => (flow, false, false, false),
        Piece::Later(fragment) => {
            // SAFETY: what the entry holds never changes while it is in the map.
            let pieces = unsafe { FRAGMENTS.get(&fragment) }?;
            let counters = counters(pieces.vip)?;
            counters.fragments += 1;
            return Some(Chosen { vip: pieces.vip, member: pieces.member, answerable: false, counters });
        }
    };
    let entry = if lasting && !first { entry } else { owner(&flow) };
    if !entry.has(PortEntry::BALANCED) {
        return None;
    }
    let vip = u32::from(entry.listener);
    let settings = VIPS.get(vip).filter(|vip| vip.protocol == flow.protocol)?;
    let counters = counters(vip)?;
    let memory = Memory { settings, name: name(&flow, settings), counters: Cell::new(counters) };
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
    if first && let Some(fragment) = FIRST_PIECE.get(0) {
        // A failure costs the rest of the datagram, which the sender repeats.
        let _ = FRAGMENTS.insert(fragment, &Pieces { vip, member }, 0);
    }
    Some(Chosen { vip, member, answerable: lasting, counters })
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
            return self.too_long(member.room.saturating_sub(outer as u32));
        }
        self.count(weight);
        Way::To(member)
    }

    #[inline(always)]
    fn too_long(self, fits: u32) -> Way {
        if self.answerable
            && self.counters.telling.allows(now(), TOO_LONG_TOLD_MAX)
            && let Some(packet) = TOO_LONG.get_ptr_mut(0)
        {
            // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
            unsafe { packet.write(TooLong { vip: self.vip, fits }) };
            return Way::TooLong(self.counters);
        }
        self.counters.too_long += 1;
        Way::Nowhere
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
    /// The flow's.
    name: u64,
    counters: Cell<&'static mut BalanceCounters>,
}

impl Memory {
    #[inline(always)]
    fn bucket(&self) -> u32 {
        self.name as u32 & self.settings.mask
    }
}

impl Tables for Memory {
    #[inline(always)]
    fn remembered(&self, _: &FlowKey) -> Option<u32> {
        let bucket = self.bucket();
        let entry = find(self.name, bucket);
        if entry == 0 {
            return None;
        }
        let (member, tick) = (member_of(entry), this_tick());
        if is_stale(entry, tick) {
            gw_put(self.name, bucket, member, u32::from(tick));
        }
        Some(member)
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
    fn remember(&self, _: &FlowKey, member: u32) -> bool {
        // SAFETY: this CPU's own counters, which nobody else looks at meanwhile.
        let counters = unsafe { &mut **self.counters.as_ptr() };
        counters.remembering.allows(now(), self.settings.flows_a_second)
            && gw_put(self.name, self.bucket(), member, u32::from(this_tick())) == 1
    }
}

/// Read off user space's sign of life: a call for the time would cost as much as the look into the table.
#[inline(always)]
fn this_tick() -> u8 {
    ALIVE.get(0).map_or(0, |until| tick(*until))
}

/// The entry of a flow; 0 if it is not known.
#[inline(always)]
fn find(name: u64, bucket: u32) -> u64 {
    FLOWS.get(bucket).map_or(0, |bucket| bucket.find(name))
}

/// Remembers a flow's member; 1 if it could. The verifier walks it once, as `read` says.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn gw_put(name: u64, bucket: u32, member: u32, tick: u32) -> u32 {
    let Some(bucket) = FLOWS.get_ptr_mut(bucket) else { return 0 };
    // SAFETY: the map gave the pointer. Another CPU may write in between, a whole entry at a time: one of two new flows is
    // forgotten then.
    unsafe { (*bucket).put(name, member, tick as u8) };
    1
}

/// That is one of the balancers whose packets are unpacked.
#[inline(always)]
fn trusts(source: Address) -> bool {
    // SAFETY: the value is not looked at.
    unsafe { BALANCERS.get(&source) }.is_some()
}
