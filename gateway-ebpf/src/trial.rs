//! For measuring only: a test run repeats a program over what it has left of the packet, so that a program that changes
//! its packet needs it back, and each time of another flow.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::{bpf_get_prandom_u32, bpf_xdp_adjust_head};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use gateway_common::flood::FLOWS;
use gateway_common::numbers::PROTOCOL_IPV4;
use gateway_common::packet::{Ethernet, Ipv4, Packet as _};

use crate::account::Frame;
use crate::xdp::ingress;

const NETWORK: usize = size_of::<Ethernet>();
const HEADER: usize = size_of::<Ipv4>();

/// `gw_ingress` over an IPv4 packet without options, from one of many addresses.
#[xdp(frags)]
pub fn gw_trial(ctx: XdpContext) -> u32 {
    if renew(&ctx).is_some() { ingress::<false>(&ctx) } else { xdp_action::XDP_ABORTED }
}

/// The same without `gw_ingress`.
#[xdp(frags)]
pub fn gw_trial_floor(ctx: XdpContext) -> u32 {
    if renew(&ctx).is_some() { xdp_action::XDP_PASS } else { xdp_action::XDP_ABORTED }
}

#[inline(always)]
fn renew(ctx: &XdpContext) -> Option<()> {
    // SAFETY: the context's own bounds; nothing is read by it once the packet has moved.
    let frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let ethernet: Ethernet = frame.header(0)?;
    let packed = frame.header::<Ipv4>(NETWORK)?.protocol == PROTOCOL_IPV4;
    // SAFETY: the program's own context.
    if packed && unsafe { bpf_xdp_adjust_head(ctx.ctx, HEADER as i32) } != 0 {
        return None;
    }
    let start = ctx.data();
    if start + NETWORK + HEADER > ctx.data_end() {
        return None;
    }
    // SAFETY: within the packet by the comparison above, and a helper without arguments.
    unsafe {
        (start as *mut Ethernet).write(ethernet);
        let source = bpf_get_prandom_u32() % FLOWS;
        ((start + NETWORK + 12) as *mut [u16; 2]).write([source as u16, 0x0a]);
    }
    Some(())
}
