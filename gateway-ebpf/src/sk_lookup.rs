//! sk_lookup: new connections to any bound address and port find the listener's socket.

use aya_ebpf::bindings::{bpf_sk_lookup, sk_action};
use aya_ebpf::macros::sk_lookup;
use aya_ebpf::programs::SkLookupContext;
use gateway_common::map::{PortEntry, group_index};
use gateway_common::numbers::PROTOCOL_TCP;
use gateway_common::packet::Address;

use crate::listener;
use crate::maps::{self, CONNECTIONS, LISTENERS};

const AF_INET6: u32 = 10;

/// On the network namespace. A pass without a socket leaves the choice to the kernel.
#[sk_lookup]
pub fn gw_lookup(ctx: SkLookupContext) -> u32 {
    if maps::enabled().is_some() {
        steer(&ctx);
    }
    sk_action::SK_PASS
}

#[inline(always)]
fn steer(ctx: &SkLookupContext) {
    let lookup = ctx.lookup;
    // SAFETY: fields of the program's own context.
    let (family, protocol, port) = unsafe { ((*lookup).family, (*lookup).protocol, (*lookup).local_port) };
    if protocol != u32::from(PROTOCOL_TCP) {
        return;
    }
    let v6 = family == AF_INET6;
    let entry = listener::find(port as u16, || Some(local_address(lookup, v6)));
    if !entry.has(PortEntry::STEER) {
        return;
    }
    let result = LISTENERS.redirect_sk_lookup(ctx, group_index(entry.listener, v6), 0);
    if let Err(error) = result {
        aya_log_ebpf::warn!(ctx, "port {} not steered: error {}", port, error);
    }
    if let Some(counters) = CONNECTIONS.get_ptr_mut(u32::from(entry.listener)) {
        // SAFETY: the map gave the pointer, and this CPU's slot is ours while the program runs.
        unsafe {
            if result.is_ok() {
                (*counters).steered += 1;
            } else {
                (*counters).steer_errors += 1;
            }
        }
    }
}

/// Both families are read before one is chosen: the verifier takes context fields at fixed offsets only, and the
/// compiler would merge two loads in two branches into one at a variable offset. The other family reads as 0.
#[inline(always)]
fn local_address(lookup: *const bpf_sk_lookup, v6: bool) -> Address {
    // SAFETY: fields of the program's own context.
    let (four, six) = unsafe {
        let word = |i: usize| (&raw const (*lookup).local_ip6).cast::<u32>().add(i).read_volatile();
        ((&raw const (*lookup).local_ip4).read_volatile(), [word(0), word(1), word(2), word(3)])
    };
    if v6 { Address(six) } else { Address::v4(four) }
}
