//! XDP: counts what arrives, drops what a rule says, answers SYNs of a flood, balances.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use gateway_common::Verdict;
use gateway_common::map::Direction;

use crate::account::{Weight, account, owner};
use crate::balance::Way;
use crate::{balance, cookies, maps, read, shed};

/// On interfaces in native or generic mode.
#[xdp(frags)]
pub fn gw_ingress(ctx: XdpContext) -> u32 {
    ingress::<true>(&ctx)
}

/// `LOGS`: it may say what it has not understood.
#[inline(always)]
pub fn ingress<const LOGS: bool>(ctx: &XdpContext) -> u32 {
    let Some(config) = maps::enabled() else { return xdp_action::XDP_PASS };
    let unpacked = balance::unpacks(config) && balance::unpack_xdp(ctx);
    let (frame, parsed) = read::xdp(ctx);
    let weight = Weight { packets: 1, bytes: length(ctx) };
    if LOGS && parsed.verdict == Verdict::Unparsed {
        aya_log_ebpf::debug!(ctx, "packet not understood: {} bytes", weight.bytes);
    }
    let entry = owner(&frame, &parsed, Direction::In);
    let Some(dropped) = shed::rule(&frame, &parsed, entry, config) else {
        account(entry, &parsed, Direction::In, parsed.verdict, &weight);
        // What a balancer has sent is for us.
        if !unpacked && balance::wanted(config) {
            match balance::way(&frame, &parsed, entry, false, &weight) {
                Way::Stack => {}
                Way::Nowhere => return xdp_action::XDP_DROP,
                Way::TooLong(counters) => return balance::too_long_xdp(ctx, counters),
                Way::To(member) => return balance::send_xdp(ctx, &frame, member),
            }
        }
        if cookies::wanted(config) {
            return cookies::offer(ctx, &parsed, entry, weight.bytes);
        }
        return xdp_action::XDP_PASS;
    };
    account(entry, &parsed, Direction::In, Verdict::Dropped, &weight);
    // SAFETY: a field of the program's own context.
    let interface = unsafe { (*ctx.ctx).ingress_ifindex };
    shed::report(&frame, &parsed, &dropped, &weight, interface);
    xdp_action::XDP_DROP
}

/// The floor for `cargo xtask bench datapath`.
#[xdp(frags)]
pub fn gw_empty(_: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

/// Of the whole frame, later buffers included.
#[inline(always)]
fn length(ctx: &XdpContext) -> u64 {
    // SAFETY: the context is the program's own.
    unsafe { bpf_xdp_get_buff_len(ctx.ctx) }
}
