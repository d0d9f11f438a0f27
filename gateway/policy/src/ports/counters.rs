//! Rate counters.

use std::time::Duration;

/// Rate counters, exact over the workers of the process.
pub trait Counters {
    /// Looks at the sliding window of `key` and, when there is room, adds `increment`.
    fn hit(&self, key: &str, limit: RateLimit, increment: u64) -> RateDecision;

    /// Looks at the window without adding.
    fn peek(&self, key: &str, limit: RateLimit) -> RateDecision;

    /// Adds without looking (increments postponed to the end of the request).
    fn add(&self, key: &str, limit: RateLimit, increment: u64);

    /// One call on several windows: when all have room it counts in each of them, else in none. The decision has
    /// the least `remaining` and the longest `retry_after`.
    ///
    /// As written here it is exact for counters of one thread; those of several workers do it under their locks.
    fn hit_all(&self, hits: &[Hit]) -> RateDecision {
        let mut joint = RateDecision::FREE;
        for hit in hits {
            joint = joint.and(self.peek(&hit.key, hit.limit));
        }
        if !joint.allowed {
            return joint;
        }
        let mut counted = RateDecision::FREE;
        for hit in hits {
            counted = counted.and(self.hit(&hit.key, hit.limit, 1));
        }
        counted
    }
}

/// A window that a call counts in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    pub key: String,
    pub limit: RateLimit,
}

/// `calls` in any window of `period`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    pub calls: u64,
    pub period: Duration,
}

/// What a counter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateDecision {
    pub allowed: bool,
    /// Calls left in the window, after this one when it was counted.
    pub remaining: u64,
    /// Until there is room again; zero when allowed.
    pub retry_after: Duration,
}

impl RateDecision {
    /// What no counter objects to.
    pub const FREE: Self = Self { allowed: true, remaining: u64::MAX, retry_after: Duration::ZERO };

    /// Both together: allowed when both are.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            allowed: self.allowed && other.allowed,
            remaining: self.remaining.min(other.remaining),
            retry_after: self.retry_after.max(other.retry_after),
        }
    }
}
