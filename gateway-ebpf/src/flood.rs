//! For measuring only: makes each frame one of a flood, with a source that is chosen anew each time; and ends that take
//! nothing, or send all of it back.

use aya_ebpf::bindings::xdp_action;
use aya_ebpf::helpers::generated::bpf_get_prandom_u32;
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use gateway_common::flood::{FloodFrame, NETWORKS, network};
use gateway_common::numbers::PROTOCOL_TCP;

use crate::maps::FLOOD_FRAME;

const ETHERNET: usize = 14;
/// Words of 16 bits of an IPv4 header without options.
const WORDS: usize = 10;
const CHECKSUM: usize = 5;
const SOURCE: usize = 6;
/// Of a TCP header behind it, in the same words.
const TCP_CHECKSUM: usize = WORDS + 8;

/// Run over live frames it sends them all, each written anew: the kernel uses a frame again that its receiver has
/// dropped or sent back, with what has become of it. A type of service other than 0 asks for one address in each network.
#[xdp]
pub fn gw_flood(ctx: XdpContext) -> u32 {
    let Some(template) = FLOOD_FRAME.get(0) else { return xdp_action::XDP_DROP };
    let start = ctx.data();
    if start + size_of::<FloodFrame>() > ctx.data_end() {
        return xdp_action::XDP_DROP;
    }
    for (at, word) in template.iter().enumerate() {
        // SAFETY: within the packet by the comparison above.
        unsafe { (start as *mut u32).add(at).write(*word) };
    }
    let header = (start + ETHERNET) as *mut u16;
    // SAFETY: a helper without arguments; and within the packet by the comparison above, as all that follows.
    let (random, service) = unsafe { (bpf_get_prandom_u32(), header.cast::<u8>().add(1).read()) };
    let host = if service == 0 { random >> 24 } else { 1 };
    let source = (network(random % NETWORKS) + host).to_be();
    // SAFETY: as above.
    unsafe {
        let old = [header.add(SOURCE).read(), header.add(SOURCE + 1).read()];
        header.add(SOURCE).write(source as u16);
        header.add(SOURCE + 1).write((source >> 16) as u16);
        header.add(CHECKSUM).write(0);
        let mut sum = 0_u32;
        for word in 0..WORDS {
            sum += u32::from(header.add(word).read());
        }
        sum = (sum & 0xffff) + (sum >> 16);
        header.add(CHECKSUM).write(!((sum & 0xffff) + (sum >> 16)) as u16);
        if header.cast::<u8>().add(9).read() == PROTOCOL_TCP {
            // RFC 1624: what was right stays right.
            let mut sum = u32::from(!header.add(TCP_CHECKSUM).read());
            sum += u32::from(!old[0]) + u32::from(!old[1]);
            sum += u32::from(source as u16) + u32::from((source >> 16) as u16);
            sum = (sum & 0xffff) + (sum >> 16);
            header.add(TCP_CHECKSUM).write(!((sum & 0xffff) + (sum >> 16)) as u16);
        }
    }
    xdp_action::XDP_TX
}

/// For measuring only: drops everything.
#[xdp(frags)]
pub fn gw_drop(_: XdpContext) -> u32 {
    xdp_action::XDP_DROP
}

/// For measuring only: sends everything back to whom it comes from.
#[xdp(frags)]
pub fn gw_return(ctx: XdpContext) -> u32 {
    let start = ctx.data();
    if start + ETHERNET > ctx.data_end() {
        return xdp_action::XDP_DROP;
    }
    let hardware = start as *mut [u16; 3];
    // SAFETY: within the packet by the comparison above, and aligned: a frame begins at an even address.
    unsafe { core::ptr::swap(hardware, hardware.add(1)) };
    xdp_action::XDP_TX
}
