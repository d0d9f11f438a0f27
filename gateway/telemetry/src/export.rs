//! The pipeline to collectors: what workers saw leaves by queues, payloads and retries that no request waits for.
//!
//! ```text
//! worker ─► inlet (bounded) ─► encode: payloads within the sink's limits ─► backlog ─► send, again after a pause
//!                                                                             └─► spill: bounded folder, in order
//! ```
//!
//! Everything behind the inlets runs on one thread of its own. An [`Exporter`] knows one sink's format and answers and
//! nothing of queues; HTTP and tokens come from an [`Outbound`] that the process gives. Each item ends in exactly one
//! count: sent, or dropped for one reason.

mod answer;
pub mod application_insights;
mod backlog;
pub mod event_hubs;
mod inlet;
mod kept;
mod lines;
pub mod logs_ingestion;
pub mod monitor_metrics;
pub mod otlp;
mod pace;
mod pipeline;
mod post;
mod route;
mod sampling;
mod spill;
pub mod statsd;
#[cfg(test)]
mod testing;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::event::RequestEvent;

pub use inlet::Gathered;
pub use kept::Kept;
pub use pipeline::{Limits, Pipeline, Spec};
pub use sampling::Sampling;

/// A future of the telemetry thread.
pub type LocalFuture<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// A request to a collector.
#[derive(Clone, Debug, Default)]
pub struct HttpRequest {
    /// Absolute, `http` or `https`; sent with POST.
    pub url: String,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// HTTP/2 without asking (gRPC).
    pub http2: bool,
}

/// Its answer, read to the end.
#[derive(Clone, Debug, Default)]
pub struct HttpResponse {
    pub status: u16,
    /// Trailer fields follow the header fields.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl HttpResponse {
    /// The last value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().rev().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

/// Whose token is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// The one that is set for the gateway, or the system's.
    Own,
    /// A user-assigned one, by its client id.
    Assigned(String),
}

impl Identity {
    /// The user-assigned identity.
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Own => None,
            Self::Assigned(id) => Some(id),
        }
    }
}

/// What exporters need of the world; the process wires it to its HTTP client and its identity.
pub trait Outbound {
    /// One request; bounded in time. The error says why there is no answer.
    fn send(&self, request: HttpRequest) -> LocalFuture<'_, Result<HttpResponse, String>>;
    /// A token of the gateway's identity for an audience; `client_id`: a user-assigned identity.
    fn token<'a>(
        &'a self,
        audience: &'a str,
        client_id: Option<&'a str>,
    ) -> LocalFuture<'a, Result<Arc<str>, String>>;
    /// The time of day.
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// What a sink takes in one piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// Items in it.
    pub items: u64,
    pub body: Vec<u8>,
    /// The sink takes it no later than this.
    pub expires: Option<SystemTime>,
}

/// What became of a payload.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Sent,
    /// Some items were taken; `left` goes out again, `refused` items never.
    Partly {
        left: Vec<Payload>,
        refused: u64,
        pause: Option<Duration>,
    },
    /// Nothing was taken; again after a pause, which the sink may have named.
    Later {
        why: String,
        pause: Option<Duration>,
    },
    /// It will never be taken.
    Refused {
        why: String,
    },
}

/// One sink's format and protocol. Lives on the telemetry thread.
pub trait Exporter {
    /// Makes payloads of what was gathered, in order; called about once a second, also with nothing gathered. `end`:
    /// no later call follows. Returns how many items are in no payload because they exceed the sink's limits.
    fn encode(&self, gathered: &[Gathered], now: SystemTime, end: bool, payloads: &mut Vec<Payload>) -> u64;

    /// One attempt.
    fn send<'a>(&'a self, payload: &'a Payload, outbound: &'a dyn Outbound) -> LocalFuture<'a, Verdict>;
}

/// `operationNameFormat` `Name` (self-hosted-gateway.md §3.5): `shop;rev=1 - get-items`; without an operation, method
/// and path.
pub(crate) fn operation_name(event: &RequestEvent<'_>) -> String {
    match (event.api_id, event.operation_id) {
        (Some(api), Some(operation)) => {
            format!("{api};rev={} - {operation}", event.api_revision.unwrap_or("1"))
        }
        _ => format!("{} {}", event.method, event.url.target.split('?').next().unwrap_or_default()),
    }
}
