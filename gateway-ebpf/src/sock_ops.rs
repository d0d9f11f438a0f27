//! sock_ops: connections that listeners accepted, their round trips and what was sent twice.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::{
    BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, BPF_SOCK_OPS_RETRANS_CB, BPF_SOCK_OPS_RETRANS_CB_FLAG,
    BPF_SOCK_OPS_RTT_CB, BPF_SOCK_OPS_RTT_CB_FLAG, BPF_SOCK_OPS_STATE_CB, BPF_SOCK_OPS_STATE_CB_FLAG,
    BPF_TCP_CLOSE,
};
use aya_ebpf::helpers::generated::bpf_get_netns_cookie;
use aya_ebpf::macros::sock_ops;
use aya_ebpf::programs::SockOpsContext;
use gateway_common::map::{Config, ConnectionCounters, NO_LISTENER, rtt_class};
use gateway_common::packet::Address;

use crate::listener;
use crate::maps::{self, CONNECTIONS, RTT};

const AF_INET: u32 = 2;
const WATCHED: u32 = BPF_SOCK_OPS_RTT_CB_FLAG | BPF_SOCK_OPS_RETRANS_CB_FLAG | BPF_SOCK_OPS_STATE_CB_FLAG;

/// On the gateway's control group. Only connections to our listeners ask for callbacks, so that no other
/// socket of the group costs anything.
#[sock_ops]
pub fn gw_sockops(ctx: SockOpsContext) -> u32 {
    if let Some(config) = maps::enabled() {
        observe(&ctx, config);
    }
    0
}

#[inline(always)]
fn observe(ctx: &SockOpsContext, config: &Config) {
    let op = ctx.op();
    if !matches!(
        op,
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB
            | BPF_SOCK_OPS_RTT_CB
            | BPF_SOCK_OPS_RETRANS_CB
            | BPF_SOCK_OPS_STATE_CB
    ) {
        return;
    }
    // The group may hold sockets of other network namespaces, with the same ports and callbacks of their own.
    // SAFETY: the context is the program's own.
    let cookie = unsafe { bpf_get_netns_cookie(ctx.as_ptr()) };
    if config.netns_cookie != 0 && config.netns_cookie != cookie {
        return;
    }
    let listener = listener(ctx);
    if listener == NO_LISTENER {
        return;
    }
    match op {
        BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB => {
            if ctx.set_cb_flags(WATCHED.cast_signed()).is_ok() {
                count(listener, |counters| counters.established += 1);
            }
        }
        BPF_SOCK_OPS_RTT_CB => round_trip(ctx, listener),
        BPF_SOCK_OPS_RETRANS_CB => {
            // Arguments: sequence number, segments, error.
            let segments = ctx.arg(1);
            count(listener, |counters| counters.retransmits += u64::from(segments));
        }
        // Arguments: old state, new state.
        _ if ctx.arg(1) == BPF_TCP_CLOSE => count(listener, |counters| counters.closed += 1),
        _ => {}
    }
}

#[inline(always)]
fn round_trip(ctx: &SockOpsContext, listener: u16) {
    // SAFETY: a field of the program's own context; the kernel keeps it in eighths of a microsecond.
    let microseconds = unsafe { (*ctx.ops).srtt_us } >> 3;
    let Some(histogram) = RTT.get_ptr_mut(u32::from(listener)) else { return };
    let class = rtt_class(microseconds) as usize;
    // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
    unsafe {
        if let Some(slot) = (*histogram).classes.get_mut(class) {
            *slot += 1;
        }
        (*histogram).sum += u64::from(microseconds);
    }
}

#[inline(always)]
fn listener(ctx: &SockOpsContext) -> u16 {
    listener::find(ctx.local_port() as u16, || Some(local_address(ctx))).listener
}

#[inline(always)]
fn count(listener: u16, change: impl FnOnce(&mut ConnectionCounters)) {
    if let Some(counters) = CONNECTIONS.get_ptr_mut(u32::from(listener)) {
        // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
        change(unsafe { &mut *counters });
    }
}

/// Both families are read before one is chosen, as in `sk_lookup`.
#[inline(always)]
fn local_address(ctx: &SockOpsContext) -> Address {
    let ops = ctx.ops;
    // SAFETY: fields of the program's own context.
    let (four, six) = unsafe {
        let word = |i: usize| (&raw const (*ops).local_ip6).cast::<u32>().add(i).read_volatile();
        ((&raw const (*ops).local_ip4).read_volatile(), [word(0), word(1), word(2), word(3)])
    };
    if ctx.family() == AF_INET { Address::v4(four) } else { Address(six) }
}
