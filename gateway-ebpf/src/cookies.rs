//! SYN cookies with the kernel's own secret: `gateway_common::cookies` decides, the kernel's helpers compute. A program of its
//! own, which `xdp` calls, as it takes most of a stack.
//!
//! The question whether a queue overflows also leaves the mark without which the kernel takes no cookie back.
//! Source: net/ipv4/syncookies.c and `bpf_tcp_gen_syncookie` of bpf-helpers(7).

use core::hint::black_box;

use aya_ebpf::EbpfContext as _;
use aya_ebpf::bindings::{bpf_sock, tcphdr, xdp_action};
use aya_ebpf::helpers::generated::{
    bpf_check_mtu, bpf_sk_release, bpf_skc_lookup_tcp, bpf_tcp_gen_syncookie,
    bpf_tcp_raw_check_syncookie_ipv4, bpf_tcp_raw_check_syncookie_ipv6, bpf_tcp_raw_gen_syncookie_ipv4,
    bpf_tcp_raw_gen_syncookie_ipv6, bpf_xdp_adjust_tail, bpf_xdp_load_bytes,
};
use aya_ebpf::macros::xdp;
use aya_ebpf::programs::XdpContext;
use gateway_common::cookies::{Step, reply_v4, reply_v6};
use gateway_common::map::{
    Config, CookieCounters, CookieState, Handshake, NO_LISTENER, PortEntry, group_index,
};
use gateway_common::numbers::{ACK, FIN, PROTOCOL_TCP, PUSH, RST, SYN, V4_PLAIN};
use gateway_common::packet::{Ethernet, Ipv4, Ipv6, Packet as _, Tcp};
use gateway_common::parse::Packed;
use gateway_common::{Parsed, Protocol, Verdict};

use crate::account::Frame;
use crate::maps::{self, COOKIE_COUNTS, COOKIE_STATE, COOKIES, HANDSHAKE};
use crate::shed::now;

/// `TCP_LISTEN` of include/net/tcp_states.h.
const TCP_LISTEN: u32 = 10;
/// `BPF_F_CURRENT_NETNS`.
const THIS_NETNS: u64 = u64::MAX;
/// RFC 9293 §3.7.1, and what Ethernet allows.
const SEGMENT_MIN: u32 = 536;
const SEGMENT_USUAL: u32 = 1460;
/// `-EINVAL` of `bpf_tcp_gen_syncookie`: the SYN belongs to a connection.
const NO_LISTENING_SOCKET: i64 = -22;

/// Set when the programs are loaded. With 0 the verifier cuts this file out, so that kernels before 6.0, which lack
/// the helpers, load the rest.
#[unsafe(no_mangle)]
static COOKIES_BUILT: u8 = 0;

#[inline(always)]
pub fn wanted(config: &Config) -> bool {
    // SAFETY: a static, which the loader has set.
    let built = unsafe { (&raw const COOKIES_BUILT).read_volatile() };
    built != 0 && config.has(Config::COOKIES)
}

/// Lets `gw_cookies` look at a packet of so many bytes that no rule drops, if it may be for it; else it passes.
#[inline(always)]
pub fn offer(ctx: &XdpContext, parsed: &Parsed, entry: PortEntry, bytes: u64) -> u32 {
    if let Some(handshake) = handshake(parsed, entry, bytes)
        && let Some(place) = HANDSHAKE.get_ptr_mut(0)
    {
        // SAFETY: the map gave the pointer, and this CPU's slot is ours until the program called has ended. The map of
        // programs has none of another kind. It comes back if there is none.
        unsafe {
            place.write(handshake);
            COOKIES.tail_call(ctx, 0);
        }
    }
    xdp_action::XDP_PASS
}

/// `None` for what is neither a SYN nor, in a flood, the last segment of a handshake.
#[inline(always)]
fn handshake(parsed: &Parsed, entry: PortEntry, bytes: u64) -> Option<Handshake> {
    if entry.listener == NO_LISTENER
        || entry.has(PortEntry::BALANCED)
        || !matches!((parsed.verdict, parsed.protocol), (Verdict::Pass, Protocol::Tcp))
    {
        return None;
    }
    let group = group_index(entry.listener, parsed.v6);
    let wanted = match parsed.tcp_flags & (FIN | SYN | RST | PUSH | ACK) {
        SYN => true,
        ACK => COOKIE_STATE.get(group)?.flood != 0,
        _ => false,
    };
    wanted.then_some(Handshake { parsed: Packed::of(parsed).0, group, bytes: bytes as u32 })
}

/// Called by `gw_ingress`: `XDP_TX` if the packet was a SYN and is its answer now.
#[xdp(frags)]
pub fn gw_cookies(ctx: XdpContext) -> u32 {
    answer(&ctx).unwrap_or(xdp_action::XDP_PASS)
}

/// `None` leaves it to the stack, as always below.
#[inline(always)]
fn answer(ctx: &XdpContext) -> Option<u32> {
    let config = maps::enabled().filter(|config| wanted(config))?;
    let Handshake { parsed, group, bytes } = *HANDSHAKE.get(0)?;
    let Parsed { network, tcp_flags, v6, .. } = Packed(parsed).parsed();
    // SAFETY: the maps gave the pointers. Another CPU may change the state in between, which costs a question more;
    // the counters are this CPU's own.
    let (state, counters) =
        unsafe { (&mut *COOKIE_STATE.get_ptr_mut(group)?, &mut *COOKIE_COUNTS.get_ptr_mut(group)?) };
    // SAFETY: the context's own bounds; nothing reads it once it has moved.
    let frame = &unsafe { Frame::new(ctx.data(), ctx.data_end()) };
    let syn = Syn { ctx, frame, network, bytes: bytes.into(), max: config.cookies_max };
    match (tcp_flags & SYN != 0, v6) {
        (true, false) => syn.answer_v4(state, counters),
        (true, true) => syn.answer_v6(state, counters),
        (false, v6) => {
            syn.count_returned(v6, counters);
            None
        }
    }
}

/// A segment that opens a connection, or the last of a handshake.
struct Syn<'a> {
    ctx: &'a XdpContext,
    frame: &'a Frame,
    /// Where the IP header starts.
    network: usize,
    /// Of the whole packet.
    bytes: u64,
    max: u64,
}

/// A TCP header with its options; behind its end there is room.
struct Segment {
    words: [u64; 8],
    bytes: u32,
}

impl Segment {
    /// Its length, bounded where the verifier sees it: hidden from the compiler, which knows that it is below 64, and
    /// would leave the bound out, or compare something else.
    #[inline(always)]
    fn length(&self) -> Option<u32> {
        let bytes = black_box(self.bytes) & 0x3f;
        (bytes >= size_of::<Tcp>() as u32).then_some(bytes)
    }
}

/// `struct bpf_sock_tuple`: a connection as the socket tables have it.
#[repr(C)]
struct Tuple<A> {
    source: A,
    destination: A,
    source_port: u16,
    destination_port: u16,
}

impl Syn<'_> {
    #[inline(always)]
    fn answer_v4(&self, state: &mut CookieState, counters: &mut CookieCounters) -> Option<u32> {
        let ip = self.frame.header::<Ipv4>(self.network).filter(|ip| ip.version_length == V4_PLAIN)?;
        let tcp = self.frame.header::<Tcp>(self.network + size_of::<Ipv4>())?;
        let addresses = [ip.source, ip.destination];
        // SAFETY: as `cookie` asks for.
        let generate = |segment: *mut _, length| unsafe {
            bpf_tcp_raw_gen_syncookie_ipv4((&raw const ip).cast_mut().cast(), segment, length)
        };
        let cookie = self.cookie(&ip, addresses, &tcp, generate, state, counters)?;
        let reply = reply_v4(&ip, &tcp, cookie, self.segment_bytes(size_of::<Ipv4>() as u32));
        self.send(&reply, counters)
    }

    #[inline(always)]
    fn answer_v6(&self, state: &mut CookieState, counters: &mut CookieCounters) -> Option<u32> {
        let ip = self.frame.header::<Ipv6>(self.network).filter(|ip| ip.next_header == PROTOCOL_TCP)?;
        let tcp = self.frame.header::<Tcp>(self.network + size_of::<Ipv6>())?;
        let addresses = [ip.source, ip.destination];
        // SAFETY: as `cookie` asks for.
        let generate = |segment: *mut _, length| unsafe {
            bpf_tcp_raw_gen_syncookie_ipv6((&raw const ip).cast_mut().cast(), segment, length)
        };
        let cookie = self.cookie(&ip, addresses, &tcp, generate, state, counters)?;
        let reply = reply_v6(&ip, &tcp, cookie, self.segment_bytes(size_of::<Ipv6>() as u32));
        self.send(&reply, counters)
    }

    /// The cookie for a SYN, if it is to be answered with one. `generate` is given a whole TCP header and its length.
    #[inline(always)]
    fn cookie<H, A: Copy>(
        &self,
        ip: &H,
        [source, destination]: [A; 2],
        tcp: &Tcp,
        generate: impl Fn(*mut tcphdr, u32) -> i64,
        state: &mut CookieState,
        counters: &mut CookieCounters,
    ) -> Option<u32> {
        let now = now();
        let step = state.step(now);
        if step == Step::Pass {
            return None;
        }
        let segment = self.segment(tcp, self.network + size_of::<H>())?;
        let length = segment.length()?;
        let (source_port, destination_port) = (tcp.source, tcp.destination);
        let tuple = Tuple { source, destination, source_port, destination_port };
        let cookie = if step == Step::Ask {
            let cookie = self.ask(&tuple, ip, &segment, length);
            if cookie == NO_LISTENING_SOCKET {
                state.not_told(now);
                return None;
            }
            state.told(now, cookie >= 0);
            cookie
        } else if self.is_known(&tuple) {
            return None;
        } else {
            generate(segment.words.as_ptr().cast_mut().cast(), length)
        };
        self.admit(cookie, state, counters, now)
    }

    /// The TCP header with its options.
    #[inline(always)]
    fn segment(&self, tcp: &Tcp, at: usize) -> Option<Segment> {
        let mut segment =
            Segment { words: [1, 2, 3, 4, 5, 6, 7, 8], bytes: u32::from(tcp.data_offset >> 4) * 4 };
        let length = segment.length()?;
        // SAFETY: four bits of words, at most 15, have room.
        let result =
            unsafe { bpf_xdp_load_bytes(self.ctx.ctx, at as u32, segment.words.as_mut_ptr().cast(), length) };
        (result == 0).then_some(segment)
    }

    /// Whether a connection of these addresses and ports is there, or has just ended (TIME-WAIT): its socket would take the
    /// segment that comes back for one of its own, so that the stack has to see the SYN (RFC 9293 §3.10.7.4, RFC 6191).
    #[inline(always)]
    fn is_known<A>(&self, tuple: &Tuple<A>) -> bool {
        let socket = self.socket(tuple);
        if socket.is_null() {
            return false;
        }
        // SAFETY: a socket of ours until it is released.
        unsafe {
            let state = (*socket).state;
            bpf_sk_release(socket.cast());
            state != TCP_LISTEN
        }
    }

    /// The socket that a segment is for, to be released; null if there is none.
    #[inline(always)]
    fn socket<A>(&self, tuple: &Tuple<A>) -> *mut bpf_sock {
        // SAFETY: a tuple of one of the two lengths that the helper takes, and the program's own context.
        unsafe {
            bpf_skc_lookup_tcp(
                self.ctx.as_ptr(),
                core::ptr::from_ref(tuple).cast_mut().cast(),
                size_of::<Tuple<A>>() as u32,
                THIS_NETNS,
                0,
            )
        }
    }

    /// The kernel's cookie if the listener's queue overflows; else an error, below 0.
    #[inline(always)]
    fn ask<A, H>(&self, tuple: &Tuple<A>, ip: &H, segment: &Segment, length: u32) -> i64 {
        let socket = self.socket(tuple);
        if socket.is_null() {
            return -1;
        }
        // SAFETY: a socket of ours until it is released; both headers are whole, and of the stated length.
        unsafe {
            let cookie = bpf_tcp_gen_syncookie(
                socket.cast(),
                core::ptr::from_ref(ip).cast_mut().cast(),
                size_of::<H>() as u32,
                segment.words.as_ptr().cast_mut().cast(),
                length,
            );
            bpf_sk_release(socket.cast());
            cookie
        }
    }

    /// The cookie to send; the low 32 bits of what the helpers return.
    #[inline(always)]
    fn admit(
        &self,
        cookie: i64,
        state: &CookieState,
        counters: &mut CookieCounters,
        now: u64,
    ) -> Option<u32> {
        if cookie < 0 {
            // In peace an error is the usual answer to a question.
            counters.failed += state.flood;
            return None;
        }
        counters.admit(now, self.max).then_some(cookie as u32)
    }

    /// What the interface lets a peer send in one segment.
    #[inline(always)]
    fn segment_bytes(&self, header: u32) -> u16 {
        let mut mtu = 0_u32;
        // SAFETY: the program's own context, and a number on the stack.
        let result = unsafe { bpf_check_mtu(self.ctx.as_ptr(), 0, &raw mut mtu, 0, 0) };
        let bytes = mtu.wrapping_sub(header + size_of::<Tcp>() as u32);
        if result < 0 || bytes < SEGMENT_MIN || bytes > u32::from(u16::MAX) {
            SEGMENT_USUAL as u16
        } else {
            bytes as u16
        }
    }

    /// Turns the packet into its answer. The start is hidden from the compiler: it would leave out the bounds of the Ethernet
    /// header, which those of the IP header imply, and the verifier does not see that.
    #[inline(always)]
    fn send<const N: usize>(&self, reply: &[u16; N], counters: &mut CookieCounters) -> Option<u32> {
        let end = self.ctx.data_end();
        // SAFETY: the context's own bounds; nothing reads it once the packet has moved.
        let ethernet = unsafe { Frame::new(black_box(self.ctx.data()), end) }.header::<Ethernet>(0)?;
        let addresses = [ethernet.source, ethernet.destination];
        let wanted = self.network + N * 2;
        // SAFETY: the program's own context; nothing below reads the packet by the pointers from before.
        if unsafe { bpf_xdp_adjust_tail(self.ctx.ctx, wanted as i32 - self.bytes as i32) } != 0 {
            counters.failed += 1;
            return None;
        }
        let (start, end) = (self.ctx.data(), self.ctx.data_end());
        let ip = black_box(start) + self.network;
        if start + size_of::<Ethernet>() > end || ip + N * 2 > end {
            // It is no SYN any more, so that it cannot be passed.
            counters.failed += 1;
            return Some(xdp_action::XDP_DROP);
        }
        // SAFETY: within the packet by the comparison above, and no word less aligned than two bytes.
        unsafe {
            (start as *mut [[u16; 3]; 2]).write(addresses);
            (ip as *mut [u16; N]).write(*reply);
        }
        Some(xdp_action::XDP_TX)
    }

    /// Counts a valid cookie that comes back.
    #[inline(always)]
    fn count_returned(&self, v6: bool, counters: &mut CookieCounters) {
        let valid = if v6 { self.returns_v6() } else { self.returns_v4() };
        if valid == Some(true) {
            counters.returned += 1;
        }
    }

    #[inline(always)]
    fn returns_v4(&self) -> Option<bool> {
        let ip = self.frame.header::<Ipv4>(self.network).filter(|ip| ip.version_length == V4_PLAIN)?;
        let tcp = self.frame.header::<Tcp>(self.network + size_of::<Ipv4>())?;
        // SAFETY: both headers are whole.
        let result = unsafe {
            bpf_tcp_raw_check_syncookie_ipv4(
                (&raw const ip).cast_mut().cast(),
                (&raw const tcp).cast_mut().cast(),
            )
        };
        Some(result == 0)
    }

    #[inline(always)]
    fn returns_v6(&self) -> Option<bool> {
        let ip = self.frame.header::<Ipv6>(self.network).filter(|ip| ip.next_header == PROTOCOL_TCP)?;
        let tcp = self.frame.header::<Tcp>(self.network + size_of::<Ipv6>())?;
        // SAFETY: as above.
        let result = unsafe {
            bpf_tcp_raw_check_syncookie_ipv6(
                (&raw const ip).cast_mut().cast(),
                (&raw const tcp).cast_mut().cast(),
            )
        };
        Some(result == 0)
    }
}
