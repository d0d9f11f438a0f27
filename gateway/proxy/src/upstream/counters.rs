//! What happened on the way to backends, for telemetry to read. Plain cells: one worker writes, the same reads.

use std::cell::Cell;

/// A count that only grows.
#[derive(Debug, Default)]
pub struct Count(Cell<u64>);

impl Count {
    pub fn get(&self) -> u64 {
        self.0.get()
    }

    pub(crate) fn increment(&self) {
        self.0.set(self.0.get() + 1);
    }
}

/// Counters of one worker.
#[derive(Debug, Default)]
pub struct UpstreamCounters {
    /// Connections established, TLS included.
    pub opened: Count,
    /// Requests sent over a connection that was there already.
    pub reused: Count,
    /// Idle connections closed: too old, or closed by the backend.
    pub expired: Count,
    /// Requests repeated on a fresh connection because the idle one had gone (U-05).
    pub retried: Count,
    /// Names that did not resolve.
    pub failed_resolve: Count,
    /// TCP connections refused, unreachable or timed out.
    pub failed_connect: Count,
    /// TLS handshakes that failed.
    pub failed_tls: Count,
    /// Response heads that did not come in time.
    pub failed_timeout: Count,
    /// Connections lost before the response head was complete.
    pub failed_lost: Count,
    /// Responses that break the rules (U-04).
    pub failed_malformed: Count,
    /// Calls refused by the rules against request forgery.
    pub failed_refused: Count,
    /// Response bodies cut short.
    pub failed_body: Count,
    /// Requests given up by the caller before the response head.
    pub abandoned: Count,
    /// Redirects followed.
    pub redirected: Count,
    /// `send-one-way-request` calls dropped because too many were under way.
    pub one_way_dropped: Count,
    /// Names answered with old addresses because the resolver failed.
    pub stale_addresses: Count,
}
