//! In TC the kernel makes the room, as it may hold a packet that is cut into segments later.

use aya_ebpf::helpers::generated::{bpf_redirect, bpf_skb_adjust_room, bpf_skb_store_bytes};
use aya_ebpf::programs::TcContext;
use gateway_common::balance::{outer_v4, outer_v6, packed_v4, packed_v6};
use gateway_common::map::{BalanceCounters, Member};
use gateway_common::numbers::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6};
use gateway_common::packet::{Address, Ethernet, Ipv4, Ipv6, Packet as _};

use super::{NETWORK, trusts};
use crate::account::Frame;
use crate::maps::TELL_TC;

/// `BPF_ADJ_ROOM_MAC`: behind the Ethernet header.
const BEHIND_ETHERNET: u32 = 1;
/// `BPF_F_ADJ_ROOM_ENCAP_L3_IPV4`, `…_IPV6`.
const AROUND_V4: u64 = 1 << 1;
const AROUND_V6: u64 = 1 << 2;
/// `TCX_DROP`.
const DROP: i32 = 2;
/// Bytes of both hardware addresses.
const ADDRESSES: u32 = 12;

/// Puts the packet into one for the member, and sends it.
#[inline(always)]
pub fn send(ctx: &TcContext, frame: &Frame, member: &Member) -> i32 {
    let sent = if member.address.is_v4() {
        frame.header::<Ipv4>(NETWORK).is_some_and(|inner| {
            let outer = outer_v4(&inner, member);
            make_room(ctx, size_of::<Ipv4>() as i32, AROUND_V4) && store(ctx, NETWORK as u32, &outer)
        })
    } else {
        frame.header::<Ipv6>(NETWORK).is_some_and(|inner| {
            let outer = outer_v6(&inner, member);
            make_room(ctx, size_of::<Ipv6>() as i32, AROUND_V6) && store(ctx, NETWORK as u32, &outer)
        })
    };
    let [next, from] = [member.next, member.from];
    let addresses = [next[0], next[1], next[2], from[0], from[1], from[2]];
    const { assert!(size_of::<[u16; 6]>() == ADDRESSES as usize) };
    if !sent || !store(ctx, 0, &addresses) {
        return DROP;
    }
    // SAFETY: a helper that takes numbers.
    unsafe { bpf_redirect(member.interface, 0) as i32 }
}

#[inline(always)]
fn make_room(ctx: &TcContext, bytes: i32, flags: u64) -> bool {
    // SAFETY: the program's own context; pointers from before are not used again.
    unsafe { bpf_skb_adjust_room(ctx.skb.skb, bytes, BEHIND_ETHERNET, flags) == 0 }
}

#[inline(always)]
fn store<const N: usize>(ctx: &TcContext, at: u32, words: &[u16; N]) -> bool {
    // SAFETY: as above, and the words are as long as stated.
    unsafe { bpf_skb_store_bytes(ctx.skb.skb, at, words.as_ptr().cast(), (N * 2) as u32, 0) == 0 }
}

/// Lets another program tell the packet's sender, and drops it.
#[inline(always)]
pub fn too_long(ctx: &TcContext, counters: &mut BalanceCounters) -> i32 {
    // SAFETY: the map has programs of this kind only. It comes back if there is none.
    unsafe { TELL_TC.tail_call(ctx, 0) };
    counters.too_long += 1;
    DROP
}

/// Takes a packet out of the one that a balancer has put it into; whether it was such. Its Ethernet header stays.
#[inline(always)]
pub fn unpack(ctx: &TcContext) -> bool {
    // SAFETY: the context's own bounds; nothing is read by it once the packet has moved.
    let frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let Some(ethernet) = frame.header::<Ethernet>(0) else { return false };
    match u16::from_be(ethernet.ether_type) {
        ETHER_TYPE_IPV4 => packed_v4(&frame, NETWORK).is_some_and(|outer| {
            trusts(Address::v4(outer.source)) && make_room(ctx, -(size_of::<Ipv4>() as i32), 0)
        }),
        ETHER_TYPE_IPV6 => packed_v6(&frame, NETWORK).is_some_and(|outer| {
            trusts(Address(outer.source)) && make_room(ctx, -(size_of::<Ipv6>() as i32), 0)
        }),
        _ => false,
    }
}
