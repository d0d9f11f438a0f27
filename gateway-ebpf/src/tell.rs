//! Tells the sender of a packet that it is too long for the way to its member: the packet becomes its own answer. A program
//! of its own, which `balance` calls, as the one that balances has no stack left.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::{bpf_xdp_adjust_head, bpf_xdp_adjust_tail, bpf_xdp_get_buff_len};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use gateway_common::balance::{QUOTED_V4, QUOTED_V6, WORDS_V4, WORDS_V6, too_long_v4, too_long_v6};
use gateway_common::numbers::{ETHER_TYPE_IPV4, ETHER_TYPE_IPV6};
use gateway_common::packet::{Ethernet, Packet as _};

use crate::account::Frame;
use crate::maps::{BALANCE_COUNTS, TOO_LONG};

pub const NETWORK: usize = size_of::<Ethernet>();

/// Called by `gw_ingress`.
#[xdp(frags)]
pub fn gw_tell(ctx: XdpContext) -> u32 {
    let Some(packet) = TOO_LONG.get(0) else { return xdp_action::XDP_DROP };
    let told = tell(&ctx, packet.fits).is_some();
    count(packet.vip, told);
    if told { xdp_action::XDP_TX } else { xdp_action::XDP_DROP }
}

/// Counts a packet that is dropped.
#[inline(always)]
pub fn count(vip: u32, told: bool) {
    if let Some(counters) = BALANCE_COUNTS.get_ptr_mut(vip) {
        // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
        let counters = unsafe { &mut *counters };
        if told {
            counters.told += 1;
        } else {
            counters.too_long += 1;
        }
    }
}

#[inline(always)]
fn tell(ctx: &XdpContext, fits: u32) -> Option<()> {
    // SAFETY: the context's own bounds; nothing is read by it once the packet has moved.
    let frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let four = |ethernet: &_, head: &_| answer(ctx, ethernet, head, QUOTED_V4);
    with_headers(&frame, fits, four, |ethernet, head| answer(ctx, ethernet, head, QUOTED_V6))
}

/// Makes what comes before the packet in its answer, and gives it on with the packet's own Ethernet header.
#[inline(always)]
pub fn with_headers(
    frame: &Frame,
    fits: u32,
    four: impl FnOnce(&Ethernet, &[u16; WORDS_V4]) -> Option<()>,
    six: impl FnOnce(&Ethernet, &[u16; WORDS_V6]) -> Option<()>,
) -> Option<()> {
    let ethernet: Ethernet = frame.header(0)?;
    match u16::from_be(ethernet.ether_type) {
        ETHER_TYPE_IPV4 => four(&ethernet, &too_long_v4(frame, NETWORK, fits)?),
        ETHER_TYPE_IPV6 => six(&ethernet, &too_long_v6(frame, NETWORK, fits)?),
        _ => None,
    }
}

/// Cuts the packet off behind what is quoted, and puts the headers before it.
#[inline(always)]
fn answer<const N: usize>(
    ctx: &XdpContext,
    ethernet: &Ethernet,
    head: &[u16; N],
    quoted: usize,
) -> Option<()> {
    // SAFETY: the program's own context; pointers from before are not used again.
    let moved = unsafe {
        let length = bpf_xdp_get_buff_len(ctx.ctx) as i32;
        bpf_xdp_adjust_tail(ctx.ctx, (NETWORK + quoted) as i32 - length) == 0
            && bpf_xdp_adjust_head(ctx.ctx, -((N * 2) as i32)) == 0
    };
    let start = ctx.data();
    if !moved || start + NETWORK + N * 2 > ctx.data_end() {
        return None;
    }
    let back = Ethernet {
        destination: ethernet.source,
        source: ethernet.destination,
        ether_type: ethernet.ether_type,
    };
    // SAFETY: within the packet by the comparison above; IP headers lie at even places. Word by word, as a copy of it
    // all would be a call.
    unsafe {
        (start as *mut Ethernet).write(back);
        let packet = (start + NETWORK) as *mut u16;
        for (place, word) in head.iter().enumerate() {
            packet.add(place).write(*word);
        }
    }
    Some(())
}
