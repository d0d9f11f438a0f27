//! The only doors from policies to the world. `proxy` implements them for a worker; tests implement them with
//! fakes of their own clock and counters.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_expression::Portable;

use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::{Request, Response};

/// A future that stays on its worker thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What a worker offers to policies.
pub trait Ports {
    /// Monotonic time.
    fn now(&self) -> Instant;

    /// Sends the exchange's request to its backend and sets `exchange.response`. The body is streamed unless it
    /// has been buffered; a buffered body stays and can be sent again.
    fn forward<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        options: ForwardOptions,
    ) -> LocalFuture<'a, Result<(), Fault>>;

    /// One HTTP call of a policy (`send-request`). The response body is buffered.
    fn send(&self, call: OutboundCall) -> LocalFuture<'_, Result<Response, SendError>>;

    /// The same without waiting for the answer; a bounded number at a time, more are dropped and counted.
    fn send_one_way(&self, call: OutboundCall);

    fn sleep(&self, duration: Duration) -> LocalFuture<'_, ()>;

    fn counters(&self) -> &dyn Counters;

    fn cache(&self) -> &dyn ValueCache;

    /// Bytes that a policy may buffer of one message, and of all messages of the process together.
    fn buffer_budget(&self) -> &BufferBudget;
}

/// Options of `forward-request` (`policies.md` C 1.1).
#[derive(Clone, Copy, Debug)]
pub struct ForwardOptions {
    /// Until the response head; default 300 s.
    pub timeout: Duration,
    /// Until `100 Continue`, when the client expects one.
    pub continue_timeout: Option<Duration>,
    pub http_version: HttpVersion,
    pub follow_redirects: bool,
    /// Keep the body so that `retry` can send it again.
    pub buffer_request_body: bool,
    /// Gather response chunks up to 8 KiB; off = pass each on at once.
    pub buffer_response: bool,
    /// 400–599 of the backend are an error.
    pub fail_on_error_status_code: bool,
}

impl Default for ForwardOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(300),
            continue_timeout: None,
            http_version: HttpVersion::Http1,
            follow_redirects: false,
            buffer_request_body: false,
            buffer_response: true,
            fail_on_error_status_code: false,
        }
    }
}

/// Version towards the backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpVersion {
    Http1,
    /// HTTP/2 when ALPN offers it (TLS), else HTTP/1.1.
    Http2OrHttp1,
    Http2,
}

/// A call made by a policy.
#[derive(Debug)]
pub struct OutboundCall {
    pub request: Request,
    pub timeout: Duration,
}

/// Why a policy's call got no response. `reason` is a `LastError.Reason`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    pub reason: &'static str,
    pub message: String,
}

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

/// The value cache of `cache-*-value`. Entries are shared by the workers and bounded in bytes.
pub trait ValueCache {
    fn get(&self, key: &str) -> Option<Arc<Portable>>;
    fn set(&self, key: &str, value: Portable, lifetime: Duration);
    fn remove(&self, key: &str);
}

/// Limits on what policies may hold in memory (`reliability-security.md` §4.1).
#[derive(Debug)]
pub struct BufferBudget {
    /// Of one message; default 4 MiB.
    pub message_bytes_max: u64,
}

impl Default for BufferBudget {
    fn default() -> Self {
        Self { message_bytes_max: 4 << 20 }
    }
}
