//! Reads a packet's headers, in functions that C could call: the verifier walks each of them once, and knows nothing behind it
//! of the hundreds of ways through the headers. Walked in place, they are too many for Linux 6.1: more than a million
//! instructions.

use aya_ebpf::bindings::{__sk_buff, xdp_md};
use aya_ebpf::helpers::generated::bpf_skb_pull_data;
use aya_ebpf::programs::{TcContext, XdpContext};
use gateway_common::parse::{Packed, parse};
use gateway_common::{Parsed, Verdict};

use crate::account::Frame;

/// What is pulled together when the headers reach beyond the linear part.
const HEADERS_MAX: u32 = 256;

/// The packet, with its headers where they can be read.
#[inline(always)]
pub fn xdp(ctx: &XdpContext) -> (Frame, Parsed) {
    let parsed = Packed(gw_read_xdp(ctx.ctx)).parsed();
    // SAFETY: the context's own bounds; nothing reads it once it has moved.
    (unsafe { Frame::new(ctx.data(), ctx.data_end()) }, parsed)
}

/// The same.
#[inline(always)]
pub fn tc(ctx: &TcContext) -> (Frame, Parsed) {
    let parsed = Packed(gw_read_tc(ctx.skb.skb)).parsed();
    // SAFETY: as above, read behind the pull, which moves the packet.
    (unsafe { Frame::new(ctx.data(), ctx.data_end()) }, parsed)
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn gw_read_xdp(ctx: *mut xdp_md) -> u64 {
    // SAFETY: the context's own bounds.
    let frame = unsafe { Frame::new((*ctx).data as usize, (*ctx).data_end as usize) };
    Packed::of(&parse(&frame)).0
}

#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn gw_read_tc(skb: *mut __sk_buff) -> u64 {
    // SAFETY: the program's own context.
    let whole = unsafe { (*skb).len };
    // SAFETY: the context's own bounds, read anew after the pull, which moves the packet.
    let frame = || unsafe { Frame::new((*skb).data as usize, (*skb).data_end as usize) };
    let first = frame();
    let parsed = parse(&first);
    // Only then: a pull copies the headers of every packet that TCP keeps a clone of.
    if parsed.verdict != Verdict::Unparsed || !first.shorter_than(whole) {
        return Packed::of(&parsed).0;
    }
    // SAFETY: as above. Failure leaves what there is, and the packet counts as not understood.
    let _ = unsafe { bpf_skb_pull_data(skb, if whole < HEADERS_MAX { whole } else { HEADERS_MAX }) };
    Packed::of(&parse(&frame())).0
}
