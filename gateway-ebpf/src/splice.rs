//! sk_skb: segments of a tunnel go from socket to socket, once user space has had all that came before.

use aya_ebpf::bindings::{BPF_F_NO_PREALLOC, sk_action};
use aya_ebpf::helpers::bpf_get_socket_cookie;
use aya_ebpf::macros::{map, stream_verdict};
use aya_ebpf::maps::{HashMap, RingBuf, SockHash};
use aya_ebpf::programs::SkBuffContext;
use gateway_common::splice::{SPLICE_EVENTS_BYTES, SPLICE_MAX, Segment, SpliceCounts, SplicePlan, decide};

/// Cookie → the socket.
#[map]
static SPLICE_SOCKETS: SockHash<u64> = SockHash::with_max_entries(SPLICE_MAX, 0);

/// Cookie → what user space says.
#[map]
static SPLICE_PLANS: HashMap<u64, SplicePlan> = HashMap::with_max_entries(SPLICE_MAX, BPF_F_NO_PREALLOC);

/// Cookie → what came.
#[map]
static SPLICE_COUNTS: HashMap<u64, SpliceCounts> = HashMap::with_max_entries(SPLICE_MAX, BPF_F_NO_PREALLOC);

/// Cookies of sockets that want something of user space.
#[map]
static SPLICE_EVENTS: RingBuf = RingBuf::with_byte_size(SPLICE_EVENTS_BYTES, 0);

/// On `SPLICE_SOCKETS`. A pass without a redirection leaves the bytes to user space.
#[stream_verdict]
pub fn gw_splice(ctx: SkBuffContext) -> u32 {
    let length = u64::from(ctx.len());
    // A FIN alone. The socket knows of it; as a segment without bytes it would break the queue it waits in.
    if length == 0 {
        return sk_action::SK_DROP;
    }
    forward(&ctx, length);
    sk_action::SK_PASS
}

#[inline(always)]
fn forward(ctx: &SkBuffContext, length: u64) {
    // SAFETY: the program's own context.
    let cookie = unsafe { bpf_get_socket_cookie(ctx.skb.skb.cast()) };
    let Some(counts) = SPLICE_COUNTS.get_ptr_mut(&cookie) else { return };
    // SAFETY: entries are replaced as a whole, and this one stays until the program has run.
    let Some(plan) = (unsafe { SPLICE_PLANS.get(&cookie) }) else { return };
    // SAFETY: the map gave the pointer; segments of one socket come one at a time, under its lock.
    let counts = unsafe { &mut *counts };
    let mut decision = decide(plan, counts, length);
    if matches!(decision, Segment::Redirect { .. })
        && SPLICE_SOCKETS.redirect_skb(ctx, plan.peer, 0) != i64::from(sk_action::SK_PASS)
    {
        // The peer is gone, which user space finds out.
        decision = Segment::Pass { tell: true };
    }
    let tell = match decision {
        Segment::Redirect { tell } => {
            counts.redirected += length;
            tell
        }
        Segment::Pass { tell } => {
            counts.passed += length;
            tell
        }
    };
    if tell {
        counts.told = plan.limit;
        // When the ring is full, user space looks by itself, only later.
        let _ = SPLICE_EVENTS.output::<u64>(cookie, 0);
    }
}
