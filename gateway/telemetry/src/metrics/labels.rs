//! Labels: closed sets, and names interned once a snapshot under a cap. No client can add a label.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::event::closed;

/// Label value of everything beyond a cap.
pub const OTHER: &str = "other";

/// Labels of one (API, operation, product); `Registry::intern` gives it, at snapshot compile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelId {
    pub(super) route: u16,
    pub(super) api: u16,
}

impl LabelId {
    /// No API or operation matched: empty labels.
    pub const UNMATCHED: Self = Self { route: 1, api: 1 };
}

/// Label of a configured host name; `Registry::intern_host` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostId(pub(super) u16);

impl HostId {
    /// A host name that no configuration names.
    pub const OTHER: Self = Self(0);
}

/// Label of a backend (resource name, or host of a service URL); `Registry::intern_backend` gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackendId(pub(super) u16);

impl BackendId {
    /// A backend known only at run time, such as an address that a policy computed.
    pub const OTHER: Self = Self(0);
}

/// Names and their numbers, at most `cap`; number 0 is "other", number 1 the empty name.
pub(super) struct Interner<K> {
    names: Mutex<Names<K>>,
    cap: u16,
    overflows: AtomicU64,
}

struct Names<K> {
    numbers: HashMap<K, u16>,
    list: Vec<K>,
}

impl<K: Eq + Hash + Clone> Interner<K> {
    pub fn new(cap: u16, other: K, empty: K) -> Self {
        let numbers = HashMap::from([(empty.clone(), 1)]);
        let names = Mutex::new(Names { numbers, list: vec![other, empty] });
        Self { names, cap, overflows: AtomicU64::new(0) }
    }

    pub fn intern(&self, name: K) -> u16 {
        let mut names = self.lock();
        if let Some(number) = names.numbers.get(&name) {
            return *number;
        }
        let number = names.list.len() as u16;
        if number >= self.cap {
            self.overflows.fetch_add(1, Relaxed);
            return 0;
        }
        names.list.push(name.clone());
        names.numbers.insert(name, number);
        number
    }

    pub fn list(&self) -> Vec<K> {
        self.lock().list.clone()
    }

    pub fn overflows(&self) -> u64 {
        self.overflows.load(Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Names<K>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

closed! {
    /// What a connection speaks; `Unknown` until its first bytes told.
    ConnectionProtocol {
        Unknown = "unknown", Http1 = "http/1.1", Http2 = "h2", WebSocket = "websocket", Tcp = "tcp",
    }
}
closed! {
    /// How a TLS hand-shake with a client ended.
    TlsOutcome { Tls12 = "1.2", Tls13 = "1.3", Failed = "failed", TimedOut = "timed-out", }
}
closed! {
    /// Why a call to a backend brought no response.
    UpstreamError {
        Dns = "dns", Connect = "connect", Tls = "tls", Timeout = "timeout", Reset = "reset",
        Protocol = "protocol", PoolFull = "pool-full",
    }
}
closed! {
    /// What was wrong with a refused message (reliability-security.md §5.1–5.4).
    Anomaly {
        RequestLine = "request-line", Method = "method", Version = "version", Target = "target", Host = "host",
        Header = "header", Framing = "framing", Chunk = "chunk", Trailer = "trailer", Expectation = "expectation",
        UriTooLong = "uri-too-long", HeadersTooLarge = "headers-too-large", BodyTooLarge = "body-too-large",
        HeaderTimeout = "header-timeout", BodyTimeout = "body-timeout", Misdirected = "misdirected",
        Http2Protocol = "http2-protocol", Http2Flood = "http2-flood", WebSocket = "websocket",
    }
}
closed! {
    /// What became of an event for an event hub.
    EventHubOutcome {
        Sent = "sent", Dropped = "dropped", Rejected = "rejected", Throttled = "throttled", TimedOut = "timed-out",
        Failed = "failed",
    }
}
closed! {
    /// Why a request was refused to keep the process alive (reliability-security.md §4.4).
    Shed { Memory = "memory", Connections = "connections", Draining = "draining", }
}

closed! {
    /// Where bytes of a tunnel go.
    TunnelDirection { Up = "up", Down = "down", }
}
closed! {
    /// How bytes of a tunnel are moved.
    TunnelWay { Copy = "copy", Splice = "splice", Sockmap = "sockmap", }
}
closed! {
    /// How a connection of an L4 route ended.
    PassageEnd {
        /// Both sides closed.
        Closed = "closed",
        /// One side reset it, or vanished.
        Reset = "reset",
        Idle = "idle",
        /// It was still open when the gateway stopped.
        Cut = "cut",
        NoRoute = "no-route",
        /// No target could be reached.
        NoTarget = "no-target",
        /// The client sent no `ClientHello` that can be read, or not in time.
        ClientHello = "client-hello",
        Limit = "limit",
    }
}

/// Values of `last_error_reason` (policies.md §5.1 and its policies' pages); others are counted as "other".
#[rustfmt::skip]
pub(super) const REASONS: &[&str] = &[
    OTHER, "", "Bad request", "BackendConnectionFailure", "BackendPoolUnavailable", "CallbackParameterInvalid",
    "CallerIpBlocked", "CallerIpNotAllowed", "CircuitBreakerOpen", "ClientConnectionFailure",
    "ConfigurationInvalid", "ConcurrencyLimitExceeded", "ExpressionValueEvaluationFailure",
    "ExpressionBudgetExceeded", "FailedToParseCallerIP", "HeaderNotFound", "HeaderValueNotAllowed",
    "InternalError", "JwtInvalid", "OperationNotFound", "PayloadTooLarge", "QuotaExceeded", "RateLimitExceeded",
    "Response not allowed", "SubscriptionKeyInvalid", "SubscriptionKeyNotFound", "Timeout",
    "TokenAudienceNotAllowed", "TokenClaimNotFound", "TokenClaimValueNotAllowed", "TokenExpired",
    "TokenIssuerNotAllowed", "TokenLimitExceeded", "TokenNotPresent", "TokenSignatureInvalid",
    "TokenSignatureKeyNotFound", "TransformationFailure", "ValidationError",
];

/// Number of a reason; `None` in the list's place is "other".
pub(super) fn reason_number(reason: &str) -> u8 {
    REASONS.iter().position(|known| *known == reason).unwrap_or(0) as u8
}
