//! Maps of SYN cookies: see `gateway_common::cookies`.

use super::Plain;

/// Value of `COOKIE_STATE`, one for each listener and address family: see `gateway_common::cookies`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct CookieState {
    /// `CLOCK_MONOTONIC` from which on the kernel is asked again.
    pub next_ns: u64,
    /// 1 = its queue overflowed when it was asked last.
    pub flood: u64,
}
plain!(CookieState, 16);

/// Value of `HANDSHAKE`: what the program that answers SYNs has to know of the packet it gets.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct Handshake {
    /// The packet as a `parse::Packed`.
    pub parsed: u64,
    /// `group_index` of its listener.
    pub group: u32,
    /// Of the whole packet.
    pub bytes: u32,
}
plain!(Handshake, 16);

/// Value of `COOKIE_COUNTS`, one for each listener and address family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct CookieCounters {
    /// SYNs answered with a cookie.
    pub sent: u64,
    /// Segments that brought a valid one back during a flood: the last of a handshake, and repetitions of it.
    pub returned: u64,
    /// SYNs that could not be answered, and went to the stack.
    pub failed: u64,
    /// SYNs beyond the limit of cookies, which went to the stack.
    pub over: u64,
    /// The second in which [`Self::in_second`] were sent; of no interest to user space.
    pub second: u64,
    pub in_second: u64,
}
plain!(CookieCounters, 48);

impl CookieCounters {
    /// True if this CPU may send one more at `now`; then it counts.
    #[inline(always)]
    pub const fn admit(&mut self, now: u64, max: u64) -> bool {
        // Two to the thirtieth nanoseconds: a second is as good as another, and a shift is no division.
        let second = now >> 30;
        if self.second != second {
            self.second = second;
            self.in_second = 0;
        }
        let admitted = self.in_second < max;
        if admitted {
            self.in_second += 1;
            self.sent += 1;
        } else {
            self.over += 1;
        }
        admitted
    }
}
