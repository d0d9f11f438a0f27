//! TC: counts what leaves, and what arrives where no XDP program does. Both let later programs run.

use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use gateway_common::map::Direction;
use gateway_common::{Parsed, Verdict, parse};

use crate::account::{Frame, Weight, account};
use crate::maps;

/// `TCX_NEXT`: no opinion.
const NEXT: i32 = -1;
/// What is pulled together when the headers reach beyond the linear part.
const HEADERS_MAX: u32 = 256;
/// The tag that the stack has taken out of the frame.
const VLAN_TAG: u64 = 4;

/// On interfaces in TCX mode.
#[classifier]
pub fn gw_ingress_tc(ctx: TcContext) -> i32 {
    count(&ctx, Direction::In)
}

/// On every interface.
#[classifier]
pub fn gw_egress_tc(ctx: TcContext) -> i32 {
    count(&ctx, Direction::Out)
}

#[inline(always)]
fn count(ctx: &TcContext, direction: Direction) -> i32 {
    if maps::enabled().is_none() {
        return NEXT;
    }
    // SAFETY: the context's own bounds, read anew after the pull, which moves the packet.
    let mut frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let mut parsed = parse(&frame);
    let whole = ctx.len();
    // Only then: a pull copies the headers of every packet that TCP keeps a clone of.
    if parsed.verdict == Verdict::Unparsed && frame.shorter_than(whole) {
        // Failure leaves what there is, and the packet counts as not understood.
        let _ = ctx.pull_data(whole.min(HEADERS_MAX));
        // SAFETY: as above.
        frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
        parsed = parse(&frame);
    }
    account(&frame, &parsed, direction, weight(ctx, &parsed));
    NEXT
}

/// A merged or not yet segmented packet counts as the frames it is on the wire.
#[inline(always)]
fn weight(ctx: &TcContext, parsed: &Parsed) -> Weight {
    let skb: *mut __sk_buff = ctx.skb.skb;
    // SAFETY: fields of the program's own context.
    let (length, segments, tagged) =
        unsafe { (u64::from((*skb).len), u64::from((*skb).gso_segs), (*skb).vlan_present) };
    let packets = if segments > 1 { segments } else { 1 };
    let header = parsed.payload as u64 + if tagged == 0 { 0 } else { VLAN_TAG };
    let tag = if tagged == 0 { 0 } else { VLAN_TAG };
    Weight { packets, bytes: length + tag + (packets - 1) * header }
}
