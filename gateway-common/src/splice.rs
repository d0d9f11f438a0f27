//! Keys and values of the maps that take segments from socket to socket. Keys are socket cookies.

use crate::map::Plain;

/// Sockets that can be tied at a time; two a tunnel.
pub const SPLICE_MAX: u32 = 65_536;
/// Bytes that may be on their way between two tied sockets. The kernel bounds them by nothing: what a socket does not
/// take waits in a queue that is charged to nobody.
pub const SPLICE_CREDIT: u64 = 1 << 20;
/// Bytes of the ring in which user space is told of sockets.
pub const SPLICE_EVENTS_BYTES: u32 = 1 << 16;

/// What user space says of a socket. Only user space writes it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct SplicePlan {
    /// Cookie of the socket that gets what comes from this one.
    pub peer: u64,
    /// Bytes of this socket that user space has read and written to the peer; [`SplicePlan::NOT_YET`] before it says so
    /// for the first time. Segments are redirected once it has had all that came.
    pub consumed: u64,
    /// How far [`SpliceCounts::redirected`] may come.
    pub limit: u64,
}

impl SplicePlan {
    pub const NOT_YET: u64 = u64::MAX;
}

/// What came from a socket. Only the program writes it, under the socket's lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[repr(C)]
pub struct SpliceCounts {
    /// Bytes that went to user space.
    pub passed: u64,
    /// Bytes that went to the peer.
    pub redirected: u64,
    /// The limit that user space was told is near.
    pub told: u64,
}

/// What becomes of a segment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Segment {
    /// To the peer; `tell`: the limit is near.
    Redirect { tell: bool },
    /// To user space; `tell`: it does not expect any.
    Pass { tell: bool },
}

/// Decides by what came before.
#[inline(always)]
pub fn decide(plan: &SplicePlan, counts: &SpliceCounts, length: u64) -> Segment {
    let is_agreed = counts.passed == plan.consumed;
    let next = counts.redirected.wrapping_add(length);
    if is_agreed && next <= plan.limit {
        let is_near = plan.limit.wrapping_sub(next) < SPLICE_CREDIT / 2;
        Segment::Redirect { tell: is_near && counts.told != plan.limit }
    } else {
        Segment::Pass { tell: is_agreed }
    }
}

const _: () = assert!(size_of::<SplicePlan>() == 24 && size_of::<SpliceCounts>() == 24);
// SAFETY: `repr(C)` integers only, and the size asserted above leaves no room for padding.
unsafe impl Plain for SplicePlan {}
// SAFETY: as above.
unsafe impl Plain for SpliceCounts {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decide_redirects_once_user_space_has_had_all_and_within_the_limit() {
        const LIMIT: u64 = 5 * SPLICE_CREDIT;
        let plan = |consumed| SplicePlan { peer: 1, consumed, limit: LIMIT };
        let counts = |passed, redirected, told| SpliceCounts { passed, redirected, told };
        for (plan, counts, length, expected) in [
            (plan(SplicePlan::NOT_YET), counts(0, 0, 0), 10, Segment::Pass { tell: false }),
            (plan(10), counts(20, 0, 0), 10, Segment::Pass { tell: false }),
            (plan(20), counts(20, 0, 0), 10, Segment::Redirect { tell: false }),
            (plan(20), counts(20, LIMIT - 11, 0), 10, Segment::Redirect { tell: true }),
            (plan(20), counts(20, LIMIT - 11, LIMIT), 10, Segment::Redirect { tell: false }),
            (plan(20), counts(20, LIMIT - 10, LIMIT), 10, Segment::Redirect { tell: false }),
            (plan(20), counts(20, LIMIT - 9, LIMIT), 10, Segment::Pass { tell: true }),
            (plan(20), counts(30, LIMIT - 9, LIMIT), 1, Segment::Pass { tell: false }),
        ] {
            assert_eq!(decide(&plan, &counts, length), expected, "{plan:?} {counts:?} {length}");
        }
    }
}
