//! Counters of one worker. All adds are relaxed atomics on memory no other worker writes.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::histogram::{Buckets, Histogram};
use super::labels::{
    Anomaly, BackendId, ConnectionProtocol, EventHubOutcome, PassageEnd, REASONS, Shed, TlsOutcome,
    TunnelDirection, TunnelWay, UpstreamError, reason_number,
};
use super::series::{SeriesKey, SeriesTable};
use crate::event::{Listener, RequestEvent};

/// Categories of status codes; the first stands for no response.
pub(super) const CATEGORIES: [&str; 6] = ["None", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// Index of a code's category.
pub(super) fn category(code: u16) -> usize {
    if (100..600).contains(&code) { usize::from(code / 100) } else { 0 }
}

/// A code's category as label.
pub(crate) fn category_text(code: u16) -> &'static str {
    CATEGORIES.get(category(code)).copied().unwrap_or_default()
}

/// A row of counters.
pub(super) struct Counters<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self([const { AtomicU64::new(0) }; N])
    }
}

impl<const N: usize> Counters<N> {
    fn add(&self, index: usize, amount: u64) {
        if let Some(counter) = self.0.get(index) {
            counter.fetch_add(amount, Relaxed);
        }
    }

    pub fn get(&self, index: usize) -> u64 {
        self.0.get(index).map_or(0, |counter| counter.load(Relaxed))
    }
}

/// Boxes made when first used, by interned number; beyond the end is number 0, "other".
pub(super) struct Lazy<T>(Box<[OnceLock<Box<T>>]>);

impl<T: Default> Lazy<T> {
    fn new(cap: u16) -> Self {
        Self((0..cap.max(1)).map(|_| OnceLock::new()).collect())
    }

    fn get(&self, number: u16) -> &T {
        self.0.get(usize::from(number)).unwrap_or(&self.0[0]).get_or_init(Box::default)
    }

    /// Those used so far.
    pub fn used(&self, number: usize) -> Option<&T> {
        self.0.get(number)?.get().map(Box::as_ref)
    }
}

#[derive(Default)]
#[repr(align(128))]
pub(super) struct ApiTotals {
    /// Total, backend, client, gateway.
    pub durations: [Histogram; 4],
    /// Request, response.
    pub bytes: Counters<2>,
}

#[derive(Default)]
#[repr(align(128))]
pub(super) struct BackendTotals {
    pub requests: Counters<{ CATEGORIES.len() }>,
    pub errors: Counters<{ UpstreamError::ALL.len() }>,
    /// Opened, closed.
    pub connections: Counters<2>,
}

const TUNNEL_KINDS: usize = TunnelDirection::ALL.len() * TunnelWay::ALL.len();
const CONNECTION_KINDS: usize = Listener::ALL.len() * ConnectionProtocol::ALL.len();

/// The counters of one worker; on cache lines of their own.
#[repr(align(128))]
pub struct Shard {
    buckets: Buckets,
    pub(super) series: SeriesTable,
    pub(super) apis: Lazy<ApiTotals>,
    pub(super) backends: Lazy<BackendTotals>,
    pub(super) errors: Counters<{ REASONS.len() }>,
    pub(super) accepts: AtomicU64,
    /// Began and ended as (listener, protocol); the difference is open.
    pub(super) began: Counters<CONNECTION_KINDS>,
    pub(super) ended: Counters<CONNECTION_KINDS>,
    /// Ended before their protocol was known, by listener.
    pub(super) never_known: Counters<{ Listener::ALL.len() }>,
    pub(super) passages: Counters<{ PassageEnd::ALL.len() }>,
    /// By (direction, way).
    pub(super) tunnels: Counters<TUNNEL_KINDS>,
    pub(super) tls: Counters<{ TlsOutcome::ALL.len() }>,
    pub(super) anomalies: Counters<{ Anomaly::ALL.len() }>,
    pub(super) shed: Counters<{ Shed::ALL.len() }>,
    pub(super) event_hub: Counters<{ EventHubOutcome::ALL.len() }>,
    pub(super) panics: AtomicU64,
}

/// Place of a kind of connection in its row.
pub(super) fn connection_kind(listener: Listener, protocol: ConnectionProtocol) -> usize {
    listener as usize * ConnectionProtocol::ALL.len() + protocol as usize
}

/// Place of a kind of tunnel bytes in its row.
pub(super) fn tunnel_kind(direction: TunnelDirection, way: TunnelWay) -> usize {
    direction as usize * TunnelWay::ALL.len() + way as usize
}

impl Shard {
    pub(super) fn new(buckets: Buckets, apis: u16, backends: u16) -> Self {
        Self {
            buckets,
            series: SeriesTable::default(),
            apis: Lazy::new(apis),
            backends: Lazy::new(backends),
            errors: Counters::default(),
            accepts: AtomicU64::new(0),
            began: Counters::default(),
            ended: Counters::default(),
            never_known: Counters::default(),
            passages: Counters::default(),
            tunnels: Counters::default(),
            tls: Counters::default(),
            anomalies: Counters::default(),
            shed: Counters::default(),
            event_hub: Counters::default(),
            panics: AtomicU64::new(0),
        }
    }

    /// Counts a finished request; [`crate::Telemetry::emit`] calls it.
    pub fn record(&self, event: &RequestEvent<'_>) {
        self.series.add(SeriesKey::of(event));
        let api = self.apis.get(event.labels.api);
        let backend = event.backend_time.unwrap_or_default();
        let own = event.total_time.saturating_sub(backend).saturating_sub(event.client_time);
        let durations = [Some(event.total_time), event.backend_time, Some(event.client_time), Some(own)];
        for (histogram, time) in api.durations.iter().zip(durations) {
            if let Some(time) = time {
                histogram.observe(&self.buckets, time);
            }
        }
        api.bytes.add(0, event.request_size);
        api.bytes.add(1, event.response_size);
        if let Some(error) = &event.last_error {
            self.errors.add(reason_number(error.reason).into(), 1);
        }
        for call in event.calls {
            self.backends.get(call.label.0).requests.add(category(call.response_code), 1);
        }
    }

    /// A connection was accepted; its protocol is `Unknown` until [`Self::connection_moved`].
    pub fn connection_opened(&self, listener: Listener) {
        self.accepts.fetch_add(1, Relaxed);
        self.began.add(connection_kind(listener, ConnectionProtocol::Unknown), 1);
    }

    /// Its protocol became known, or changed by an upgrade.
    pub fn connection_moved(&self, listener: Listener, from: ConnectionProtocol, to: ConnectionProtocol) {
        self.ended.add(connection_kind(listener, from), 1);
        self.began.add(connection_kind(listener, to), 1);
    }

    /// It ended; `protocol`: the last one.
    pub fn connection_closed(&self, listener: Listener, protocol: ConnectionProtocol) {
        self.ended.add(connection_kind(listener, protocol), 1);
        if protocol == ConnectionProtocol::Unknown {
            self.never_known.add(listener as usize, 1);
        }
    }

    /// A connection of an L4 route ended.
    pub fn passage_ended(&self, end: PassageEnd) {
        self.passages.add(end as usize, 1);
    }

    /// Bytes that went through a tunnel.
    pub fn tunnel_bytes(&self, direction: TunnelDirection, way: TunnelWay, bytes: u64) {
        self.tunnels.add(tunnel_kind(direction, way), bytes);
    }

    /// A TLS hand-shake with a client ended.
    pub fn tls_handshake(&self, outcome: TlsOutcome) {
        self.tls.add(outcome as usize, 1);
    }

    /// A message was refused.
    pub fn protocol_anomaly(&self, anomaly: Anomaly) {
        self.anomalies.add(anomaly as usize, 1);
    }

    /// A request was refused to keep the process alive.
    pub fn request_shed(&self, reason: Shed) {
        self.shed.add(reason as usize, 1);
    }

    /// What became of events for an event hub.
    pub fn event_hub_events(&self, outcome: EventHubOutcome, events: u64) {
        self.event_hub.add(outcome as usize, events);
    }

    /// A panic was caught.
    pub fn panic_caught(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// A connection to a backend was opened.
    pub fn upstream_connected(&self, backend: BackendId) {
        self.backends.get(backend.0).connections.add(0, 1);
    }

    /// A connection to a backend was closed.
    pub fn upstream_disconnected(&self, backend: BackendId) {
        self.backends.get(backend.0).connections.add(1, 1);
    }

    /// A call to a backend brought no response.
    pub fn upstream_failed(&self, backend: BackendId, error: UpstreamError) {
        self.backends.get(backend.0).errors.add(error as usize, 1);
    }
}
