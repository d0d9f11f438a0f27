//! sk_reuseport: which worker of a listener gets a new connection.

use aya_ebpf::bindings::sk_action;
use aya_ebpf::helpers::generated::{
    bpf_get_smp_processor_id, bpf_sk_select_reuseport, bpf_skb_load_bytes_relative,
};
use aya_ebpf::macros::sk_reuseport;
use aya_ebpf::programs::SkReuseportContext;
use gateway_common::map::{Config, NO_LISTENER, group_index, worker_index};
use gateway_common::numbers::{ETHER_TYPE_IPV6, PROTOCOL_TCP};
use gateway_common::packet::Address;

use crate::listener;
use crate::maps::{self, ACTIVE, CHOSEN, WORKER_OF_CPU, WORKERS};

/// `BPF_HDR_START_NET`.
const FROM_NETWORK_HEADER: u32 = 1;
const DESTINATION_V4: u32 = 16;
const DESTINATION_V6: u32 = 24;

/// On each listener's `SO_REUSEPORT` group. A pass without a choice leaves it to the kernel's hash; so it is for connections
/// in the queue of a socket that closes, which move to another one of the group (Linux 5.14).
#[sk_reuseport(migrate)]
pub fn gw_reuseport(ctx: SkReuseportContext) -> u32 {
    if let Some(config) = maps::enabled() {
        choose(&ctx, config);
    }
    sk_action::SK_PASS
}

#[inline(always)]
fn choose(ctx: &SkReuseportContext, config: &Config) {
    if ctx.ip_protocol() != u32::from(PROTOCOL_TCP) {
        return;
    }
    // The data starts with the TCP header: ports first.
    let start = ctx.data();
    if start + 4 > ctx.data_end() {
        return;
    }
    // SAFETY: within the data by the comparison above.
    let port = u16::from_be(unsafe { *((start + 2) as *const u16) });
    let v6 = ctx.eth_protocol() as u16 == ETHER_TYPE_IPV6.to_be();
    let entry = listener::find(port, || local_address(ctx, v6));
    if entry.listener == NO_LISTENER {
        return;
    }
    let worker = worker(ctx, config);
    if select(ctx, worker_index(group_index(entry.listener, v6), worker))
        && let Some(chosen) = CHOSEN.get_ptr_mut(worker)
    {
        // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
        unsafe { *chosen += 1 };
    }
}

/// False if the slot is empty or its socket is not of this group. aya offers the helper for its own map type
/// only, which cannot hold a socket that a SOCKMAP holds.
#[inline(always)]
fn select(ctx: &SkReuseportContext, mut slot: u32) -> bool {
    // SAFETY: the program's own context, a map of a type that the helper takes, and a key on the stack.
    let result = unsafe {
        bpf_sk_select_reuseport(ctx.md, (&raw const WORKERS).cast_mut().cast(), (&raw mut slot).cast(), 0)
    };
    result == 0
}

/// The worker of this CPU, else the flow's hash spread over all that take new connections.
#[inline(always)]
fn worker(ctx: &SkReuseportContext, config: &Config) -> u32 {
    if config.has(Config::STEER_BY_CPU) {
        // SAFETY: a helper without arguments.
        let cpu = unsafe { bpf_get_smp_processor_id() };
        if let Some(&worker) = WORKER_OF_CPU.get(cpu)
            && worker != 0
        {
            return worker - 1;
        }
    }
    let place = ((u64::from(ctx.hash()) * u64::from(config.workers)) >> 32) as u32;
    ACTIVE.get(place).copied().unwrap_or(0)
}

#[inline(always)]
fn local_address(ctx: &SkReuseportContext, v6: bool) -> Option<Address> {
    let mut words = [0u32; 4];
    let (offset, bytes) = if v6 { (DESTINATION_V6, 16) } else { (DESTINATION_V4, 4) };
    // SAFETY: the buffer has room for the longer of the two.
    let result = unsafe {
        bpf_skb_load_bytes_relative(
            ctx.md.cast_const().cast(),
            offset,
            words.as_mut_ptr().cast(),
            bytes,
            FROM_NETWORK_HEADER,
        )
    };
    (result == 0).then(|| if v6 { Address(words) } else { Address::v4(words[0]) })
}
