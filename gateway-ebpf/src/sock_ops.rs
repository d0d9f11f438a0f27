//! sock_ops: connections that listeners accepted, how long they lasted, their round trips and what was sent twice.

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::{
    BPF_SK_STORAGE_GET_F_CREATE, BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB, BPF_SOCK_OPS_RETRANS_CB,
    BPF_SOCK_OPS_RETRANS_CB_FLAG, BPF_SOCK_OPS_RTT_CB, BPF_SOCK_OPS_RTT_CB_FLAG, BPF_SOCK_OPS_STATE_CB,
    BPF_SOCK_OPS_STATE_CB_FLAG, BPF_TCP_CLOSE, BPF_TCP_CLOSING, BPF_TCP_FIN_WAIT2, BPF_TCP_LAST_ACK,
    BPF_TCP_TIME_WAIT,
};
use aya_ebpf::helpers::generated::{bpf_get_netns_cookie, bpf_ktime_get_ns, bpf_sk_storage_get};
use aya_ebpf::macros::sock_ops;
use aya_ebpf::maps::PerCpuArray;
use aya_ebpf::programs::SockOpsContext;
use gateway_common::map::{Config, ConnectionCounters, NO_LISTENER, TimeHistogram, time_class};
use gateway_common::packet::Address;

use crate::listener;
use crate::maps::{self, BEGUN, CONNECTIONS, DURATIONS, RTT};

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
                if let Some(begun) = begun(ctx, BPF_SK_STORAGE_GET_F_CREATE) {
                    // SAFETY: the storage is the socket's, which is ours while the program runs.
                    unsafe { *begun = bpf_ktime_get_ns() };
                }
            }
        }
        BPF_SOCK_OPS_RTT_CB => round_trip(ctx, listener),
        BPF_SOCK_OPS_RETRANS_CB => {
            // Arguments: sequence number, segments, error.
            let segments = ctx.arg(1);
            count(listener, |counters| counters.retransmits += u64::from(segments));
        }
        // Arguments: old state, new state.
        _ if ctx.arg(1) == BPF_TCP_CLOSE => ended(ctx, listener),
        _ => {}
    }
}

#[inline(always)]
fn ended(ctx: &SockOpsContext, listener: u16) {
    // The states that lead to the end in order: both sides have said that they are done.
    let in_order =
        matches!(ctx.arg(0), BPF_TCP_FIN_WAIT2 | BPF_TCP_CLOSING | BPF_TCP_LAST_ACK | BPF_TCP_TIME_WAIT);
    count(listener, |counters| {
        counters.closed += 1;
        counters.aborted += u64::from(!in_order);
    });
    let Some(begun) = begun(ctx, 0) else { return };
    // SAFETY: as above.
    let nanoseconds = unsafe { bpf_ktime_get_ns() - *begun };
    sample(&DURATIONS, listener, (nanoseconds / 1_000_000) as u32);
}

/// Where the begin of the connection stands.
#[inline(always)]
fn begun(ctx: &SockOpsContext, flags: u32) -> Option<*mut u64> {
    // SAFETY: a field of the program's own context.
    let socket = unsafe { (*ctx.ops).__bindgen_anon_2.sk };
    if socket.is_null() {
        return None;
    }
    // SAFETY: the map, a socket that is there, no first value. aya offers the helper for another context only.
    let begun = unsafe {
        bpf_sk_storage_get(
            (&raw const BEGUN).cast_mut().cast(),
            socket.cast(),
            core::ptr::null_mut(),
            u64::from(flags),
        )
    };
    (!begun.is_null()).then_some(begun.cast())
}

#[inline(always)]
fn round_trip(ctx: &SockOpsContext, listener: u16) {
    // SAFETY: a field of the program's own context; the kernel keeps it in eighths of a microsecond.
    let microseconds = unsafe { (*ctx.ops).srtt_us } >> 3;
    sample(&RTT, listener, microseconds);
}

#[inline(always)]
fn sample(histograms: &PerCpuArray<TimeHistogram>, listener: u16, time: u32) {
    let Some(histogram) = histograms.get_ptr_mut(u32::from(listener)) else { return };
    let class = time_class(time) as usize;
    // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
    unsafe {
        if let Some(slot) = (*histogram).classes.get_mut(class) {
            *slot += 1;
        }
        (*histogram).sum += u64::from(time);
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
