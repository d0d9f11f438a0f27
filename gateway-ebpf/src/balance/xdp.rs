//! In XDP the frame grows and shrinks at its head.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::{bpf_redirect, bpf_xdp_adjust_head};
use aya_ebpf::programs::XdpContext;
use gateway_common::balance::{outer_v4, outer_v6, packed_v4, packed_v6};
use gateway_common::map::Member;
use gateway_common::numbers::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6};
use gateway_common::packet::{Address, Ethernet, Ipv4, Ipv6, Packet as _};

use super::{NETWORK, trusts};
use crate::account::Frame;

const V4: usize = size_of::<Ipv4>();
const V6: usize = size_of::<Ipv6>();

/// Puts the packet into one for the member, and sends it.
#[inline(always)]
pub fn send(ctx: &XdpContext, frame: &Frame, member: &Member) -> u32 {
    let sent = if member.address.is_v4() {
        frame.header::<Ipv4>(NETWORK).is_some_and(|inner| {
            wrap(ctx, &head::<17>(member, ETHER_TYPE_IPV4, &outer_v4(&inner, member)), V4)
        })
    } else {
        frame.header::<Ipv6>(NETWORK).is_some_and(|inner| {
            wrap(ctx, &head::<27>(member, ETHER_TYPE_IPV6, &outer_v6(&inner, member)), V6)
        })
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

/// The Ethernet header and the IP header behind it.
#[inline(always)]
fn head<const N: usize>(member: &Member, ether_type: u16, outer: &[u16]) -> [u16; N] {
    let mut head = [0; N];
    head[0] = member.next[0];
    head[1] = member.next[1];
    head[2] = member.next[2];
    head[3] = member.from[0];
    head[4] = member.from[1];
    head[5] = member.from[2];
    head[6] = ether_type.to_be();
    for (word, outer) in head[7..].iter_mut().zip(outer) {
        *word = *outer;
    }
    head
}

/// Makes room for `bytes` before the packet, and writes the new beginning.
#[inline(always)]
fn wrap<const N: usize>(ctx: &XdpContext, head: &[u16; N], bytes: usize) -> bool {
    // SAFETY: the program's own context; pointers from before are not used again.
    if unsafe { bpf_xdp_adjust_head(ctx.ctx, -(bytes as i32)) } != 0 {
        return false;
    }
    let start = ctx.data();
    if start + N * 2 > ctx.data_end() {
        return false;
    }
    // SAFETY: within the packet by the comparison above; IP headers lie at even places.
    unsafe { (start as *mut [u16; N]).write(*head) };
    true
}

/// Takes a packet out of the one that a balancer has put it into; whether it was such.
#[inline(always)]
pub fn unpack(ctx: &XdpContext) -> bool {
    // SAFETY: the context's own bounds; nothing is read by it once the packet has moved.
    let frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let Some(ethernet) = frame.header::<Ethernet>(0) else { return false };
    match u16::from_be(ethernet.ether_type) {
        ETHER_TYPE_IPV4 => packed_v4(&frame, NETWORK)
            .is_some_and(|outer| trusts(Address::v4(outer.source)) && unwrap(ctx, &ethernet, V4)),
        ETHER_TYPE_IPV6 => packed_v6(&frame, NETWORK)
            .is_some_and(|outer| trusts(Address(outer.source)) && unwrap(ctx, &ethernet, V6)),
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
