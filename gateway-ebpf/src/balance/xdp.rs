//! In XDP the frame grows and shrinks at its head.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_xdp_adjust_head};
use aya_ebpf::programs::XdpContext;
use gateway_common::balance::{outer_v4, outer_v6, packed_v4, packed_v6};
use gateway_common::map::{BalanceCounters, Member};
use gateway_common::numbers::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6};
use gateway_common::packet::{Address, Ethernet, Ipv4, Ipv6, Packet as _};

use super::{NETWORK, trusts};
use crate::account::Frame;
use crate::maps::TELL;

/// Puts the packet into one for the member, and sends it.
#[inline(always)]
pub fn send(ctx: &XdpContext, frame: &Frame, member: &Member) -> u32 {
    let sent = if member.address.is_v4() {
        match frame.header::<Ipv4>(NETWORK) {
            Some(inner) => wrap(ctx, member, ETHER_TYPE_IPV4, &outer_v4(&inner, member)),
            None => false,
        }
    } else {
        match frame.header::<Ipv6>(NETWORK) {
            Some(inner) => wrap(ctx, member, ETHER_TYPE_IPV6, &outer_v6(&inner, member)),
            None => false,
        }
    };
    if !sent {
        return xdp_action::XDP_DROP;
    }
    // SAFETY: a field of the program's own context, and a helper that takes numbers.
    unsafe {
        if (*ctx.ctx).ingress_ifindex == member.interface {
            return xdp_action::XDP_TX;
        }
        bpf_redirect(member.interface, 0) as u32
    }
}

/// Makes room for the outer IP header, and writes it behind a new Ethernet header.
#[inline(always)]
fn wrap<const N: usize>(ctx: &XdpContext, member: &Member, ether_type: u16, outer: &[u16; N]) -> bool {
    // SAFETY: the program's own context; pointers from before are not used again.
    if unsafe { bpf_xdp_adjust_head(ctx.ctx, -((N * 2) as i32)) } != 0 {
        return false;
    }
    let start = ctx.data();
    if start + NETWORK + N * 2 > ctx.data_end() {
        return false;
    }
    let ethernet = Ethernet { destination: member.next, source: member.from, ether_type: ether_type.to_be() };
    // SAFETY: within the packet by the comparison above; IP headers lie at even places. Word by word, as a copy of it
    // all would be a call.
    unsafe {
        (start as *mut Ethernet).write(ethernet);
        let packet = (start + NETWORK) as *mut u16;
        for (place, word) in outer.iter().enumerate() {
            packet.add(place).write(*word);
        }
    }
    true
}

/// Lets another program tell the packet's sender, and drops it.
#[inline(always)]
pub fn too_long(ctx: &XdpContext, counters: &mut BalanceCounters) -> u32 {
    // SAFETY: the map has programs of this kind only. It comes back if there is none.
    unsafe { TELL.tail_call(ctx, 0) };
    counters.too_long += 1;
    xdp_action::XDP_DROP
}

/// Takes a packet out of the one that a balancer has put it into; whether it was such.
#[inline(always)]
pub fn unpack(ctx: &XdpContext) -> bool {
    // SAFETY: the context's own bounds; nothing is read by it once the packet has moved.
    let frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let Some(ethernet) = frame.header::<Ethernet>(0) else { return false };
    match u16::from_be(ethernet.ether_type) {
        ETHER_TYPE_IPV4 => match packed_v4(&frame, NETWORK) {
            Some(outer) => trusts(Address::v4(outer.source)) && unwrap(ctx, &ethernet, size_of::<Ipv4>()),
            None => false,
        },
        ETHER_TYPE_IPV6 => match packed_v6(&frame, NETWORK) {
            Some(outer) => trusts(Address(outer.source)) && unwrap(ctx, &ethernet, size_of::<Ipv6>()),
            None => false,
        },
        _ => false,
    }
}

#[inline(always)]
fn unwrap(ctx: &XdpContext, ethernet: &Ethernet, bytes: usize) -> bool {
    // SAFETY: the program's own context; pointers from before are not used again.
    if unsafe { bpf_xdp_adjust_head(ctx.ctx, bytes as i32) } != 0 {
        return false;
    }
    let start = ctx.data();
    if start + NETWORK > ctx.data_end() {
        return false;
    }
    // SAFETY: within the packet by the comparison above.
    unsafe { (start as *mut Ethernet).write(*ethernet) };
    true
}
