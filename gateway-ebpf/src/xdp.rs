//! XDP: counts what arrives. In every path the packet is passed.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::bpf_xdp_get_buff_len;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use gateway_common::map::Direction;
use gateway_common::{Verdict, parse};

use crate::account::{Frame, Weight, account};
use crate::maps;

/// On interfaces in native or generic mode.
#[xdp(frags)]
pub fn gw_ingress(ctx: XdpContext) -> u32 {
    if maps::enabled().is_some() {
        // SAFETY: the context's own bounds; nothing below moves the packet.
        let frame = unsafe { Frame::new(ctx.data(), ctx.data_end()) };
        let parsed = parse(&frame);
        let bytes = length(&ctx);
        if parsed.verdict == Verdict::Unparsed {
            aya_log_ebpf::debug!(&ctx, "packet not understood: {} bytes", bytes);
        }
        account(&frame, &parsed, Direction::In, Weight { packets: 1, bytes });
    }
    xdp_action::XDP_PASS
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
