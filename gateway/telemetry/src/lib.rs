//! Telemetry: one closed event a request, the process log, the metrics, and the sinks they go to.
//!
//! A worker builds a [`RequestEvent`] and gives it to [`Telemetry::emit`]; that adds to the worker's own
//! [`Shard`] of counters and hands the event to every [`Sink`]. Nothing here waits for an output, and recording
//! allocates nothing while the log is off. [`prometheus`] sums the shards when asked.
//!
//! Collectors elsewhere are reached by [`export`]: one pipeline, one file an exporter.
//!
//! Invariants: an exporter is a [`Sink`] and changes no event; every metric stands in [`metrics::table`]; what is
//! written was masked by [`redact`].

pub mod diagnostic;
pub mod event;
pub mod export;
mod json;
pub mod lifecycle;
pub mod log;
pub mod metrics;
pub mod prometheus;
pub mod redact;
pub mod rfc3339;
pub mod sink;
pub mod usage;

pub use event::{
    Cache, Call, CallKind, LastError, Listener, MetricRecord, Protocol, RequestEvent, Severity, TlsVersion,
    TraceContext, TraceRecord, Url,
};
pub use lifecycle::Event;
pub use log::{Local, LocalForm, Log, LogSettings, Std};
pub use metrics::labels::{BackendId, HostId, LabelId};
pub use metrics::{Buckets, Registry, Shard};
pub use sink::{Instance, Sink, Telemetry};
pub use usage::UsageMeter;
