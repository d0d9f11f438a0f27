//! TC: counts what leaves, and what arrives where no XDP program does; there it drops what a rule says, and
//! balances. Everything else is left to later programs.

use aya_ebpf::bindings::__sk_buff;
use aya_ebpf::macros::classifier;
use aya_ebpf::programs::TcContext;
use gateway_common::map::Direction;
use gateway_common::{Parsed, Verdict};

use crate::account::{Weight, account, owner};
use crate::balance::Way;
use crate::{balance, maps, read, shed};

/// `TCX_NEXT`: no opinion.
const NEXT: i32 = -1;
/// `TCX_DROP`.
const DROP: i32 = 2;
/// The tag that the stack has taken out of the frame.
const VLAN_TAG: u64 = 4;

/// On interfaces in TCX mode.
#[classifier]
pub fn gw_ingress_tc(ctx: TcContext) -> i32 {
    let Some(config) = maps::enabled() else { return NEXT };
    let unpacked = balance::unpacks(config) && balance::unpack_tc(&ctx);
    let (frame, parsed) = read::tc(&ctx);
    let weight = weight(&ctx, &parsed);
    let entry = owner(&frame, &parsed, Direction::In);
    let Some(dropped) = shed::rule(&frame, &parsed, entry, config) else {
        account(entry, &parsed, Direction::In, parsed.verdict, &weight);
        // What a balancer has sent is for us.
        if !unpacked && balance::wanted(config) && !is_tagged(&ctx) {
            return match balance::way(&frame, &parsed, entry, weight.packets > 1, &weight) {
                Way::Stack => NEXT,
                Way::Nowhere => DROP,
                Way::TooLong(counters) => balance::too_long_tc(&ctx, counters),
                Way::To(member) => balance::send_tc(&ctx, &frame, member),
            };
        }
        return NEXT;
    };
    account(entry, &parsed, Direction::In, Verdict::Dropped, &weight);
    // SAFETY: a field of the program's own context.
    let interface = unsafe { (*ctx.skb.skb).ingress_ifindex };
    shed::report(&frame, &parsed, &dropped, &weight, interface);
    DROP
}

/// On every interface.
#[classifier]
pub fn gw_egress_tc(ctx: TcContext) -> i32 {
    if maps::enabled().is_some() {
        let (frame, parsed) = read::tc(&ctx);
        let entry = owner(&frame, &parsed, Direction::Out);
        account(entry, &parsed, Direction::Out, parsed.verdict, &weight(&ctx, &parsed));
    }
    NEXT
}

/// The stack has taken a tag out of the frame.
#[inline(always)]
fn is_tagged(ctx: &TcContext) -> bool {
    // SAFETY: a field of the program's own context.
    unsafe { (*ctx.skb.skb).vlan_present != 0 }
}

/// A merged or not yet segmented packet counts as the frames it is on the wire.
#[inline(always)]
fn weight(ctx: &TcContext, parsed: &Parsed) -> Weight {
    let skb: *mut __sk_buff = ctx.skb.skb;
    // SAFETY: fields of the program's own context.
    let (length, segments) = unsafe { (u64::from((*skb).len), u64::from((*skb).gso_segs)) };
    let packets = if segments > 1 { segments } else { 1 };
    let tag = if is_tagged(ctx) { VLAN_TAG } else { 0 };
    let header = parsed.payload as u64 + tag;
    Weight { packets, bytes: length + tag + (packets - 1) * header }
}
