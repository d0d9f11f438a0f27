//! The same as `tell` in TC.

use aya_ebpf::helpers::generated::{
    bpf_redirect, bpf_skb_adjust_room, bpf_skb_change_tail, bpf_skb_store_bytes,
};
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use gateway_common::balance::{QUOTED_V4, QUOTED_V6};
use gateway_common::packet::Ethernet;

use crate::account::Frame;
use crate::maps::TOO_LONG;
use crate::tell::{NETWORK, count, with_headers};

/// `BPF_ADJ_ROOM_MAC`: behind the Ethernet header.
const BEHIND_ETHERNET: u32 = 1;
/// `TCX_DROP`.
const DROP: i32 = 2;
/// Bytes of both hardware addresses.
const ADDRESSES: u32 = 12;

/// Called by `gw_ingress_tc`.
#[classifier]
pub fn gw_tell_tc(ctx: TcContext) -> i32 {
    let Some(packet) = TOO_LONG.get(0) else { return DROP };
    let told = tell(&ctx, packet.fits).is_some();
    count(packet.vip, told);
    if !told {
        return DROP;
    }
    // SAFETY: a field of the program's own context, and a helper that takes numbers.
    unsafe { bpf_redirect((*ctx.skb.skb).ingress_ifindex, 0) as i32 }
}

#[inline(always)]
fn tell(ctx: &TcContext, fits: u32) -> Option<()> {
    // Only a part of it lies where it can be read; failure leaves what there is.
    let _ = ctx.pull_data(ctx.len().min((NETWORK + QUOTED_V6) as u32));
    // SAFETY: the context's own bounds; nothing is read by it once the packet has moved.
    let frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let four = |ethernet: &_, head: &_| answer(ctx, ethernet, head, QUOTED_V4);
    with_headers(&frame, fits, four, |ethernet, head| answer(ctx, ethernet, head, QUOTED_V6))
}

/// Cuts the packet off behind what is quoted, and puts the headers before it. Where the stack has left a checksum to the
/// interface, the interface may still complete that of the quoted packet; who gets the answer has left it to its own, and
/// asks for none.
#[inline(always)]
fn answer<const N: usize>(
    ctx: &TcContext,
    ethernet: &Ethernet,
    head: &[u16; N],
    quoted: usize,
) -> Option<()> {
    let (skb, bytes) = (ctx.skb.skb, (N * 2) as u32);
    let [to, from]: [[u16; 3]; 2] = [ethernet.source, ethernet.destination];
    let addresses = [to[0], to[1], to[2], from[0], from[1], from[2]];
    // SAFETY: the program's own context; pointers from before are not used again, and what is stored is as long as stated.
    let answered = unsafe {
        bpf_skb_change_tail(skb, (NETWORK + quoted) as u32, 0) == 0
            && bpf_skb_adjust_room(skb, bytes as i32, BEHIND_ETHERNET, 0) == 0
            && bpf_skb_store_bytes(skb, NETWORK as u32, head.as_ptr().cast(), bytes, 0) == 0
            && bpf_skb_store_bytes(skb, 0, addresses.as_ptr().cast(), ADDRESSES, 0) == 0
    };
    answered.then_some(())
}
