//! What the upstream side counted, brought into the worker's shard.

use std::cell::Cell;

use gateway_telemetry::metrics::labels::UpstreamError;
use gateway_telemetry::{BackendId, Shard};

use crate::upstream::UpstreamCounters;

/// The counts that the shard has already.
#[derive(Debug, Default)]
pub struct UpstreamFigures {
    opened: Cell<u64>,
    open: Cell<u64>,
    failed: [Cell<u64>; FAILURES.len()],
}

type Read = fn(&UpstreamCounters) -> u64;

/// Kinds of failure and where they are counted.
const FAILURES: [(UpstreamError, Read); 6] = [
    (UpstreamError::Dns, |counters| counters.failed_resolve.get()),
    (UpstreamError::Connect, |counters| counters.failed_connect.get()),
    (UpstreamError::Tls, |counters| counters.failed_tls.get()),
    (UpstreamError::Timeout, |counters| counters.failed_timeout.get()),
    (UpstreamError::Reset, |counters| counters.failed_lost.get() + counters.failed_body.get()),
    (UpstreamError::Protocol, |counters| counters.failed_malformed.get()),
];

impl UpstreamFigures {
    /// Adds what has happened since the last call. `open` is the number of connections open now.
    pub fn settle(&self, counters: &UpstreamCounters, open: usize, shard: &Shard) {
        for _ in advance(&self.opened, counters.opened.get()) {
            shard.upstream_connected(BackendId::OTHER);
            self.open.set(self.open.get() + 1);
        }
        for _ in (open as u64)..self.open.get() {
            shard.upstream_disconnected(BackendId::OTHER);
        }
        self.open.set(self.open.get().min(open as u64));
        for (kept, (error, read)) in self.failed.iter().zip(FAILURES) {
            for _ in advance(kept, read(counters)) {
                shard.upstream_failed(BackendId::OTHER, error);
            }
        }
    }
}

/// The steps from the kept count to the new one, which is kept from now on.
fn advance(kept: &Cell<u64>, now: u64) -> std::ops::Range<u64> {
    kept.replace(now)..now
}
