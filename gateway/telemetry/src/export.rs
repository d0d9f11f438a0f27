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
mod intake;
mod kept;
mod lines;
mod loggers;
pub mod logs_ingestion;
pub mod monitor_metrics;
mod open;
pub mod otlp;
#[cfg(test)]
mod outages;
mod pace;
mod pipeline;
mod post;
mod route;
mod routes;
mod sampling;
mod spill;
pub mod statsd;
#[cfg(test)]
mod testing;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_model::Secret;

pub use inlet::Gathered;
pub use intake::Intake;
pub use loggers::{Logger, LoggerSettings};
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

/// How the gateway shows a sink who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Not at all.
    Nothing,
    /// A token of the gateway's identity, or of a user-assigned one.
    Token { audience: String, client_id: Option<String> },
    /// A shared access signature for a resource (self-hosted-gateway.md §4.4).
    Key { name: String, key: Secret, resource: String },
}

impl Shown {
    /// The value of `Authorization`.
    async fn authorization(&self, outbound: &dyn Outbound) -> Result<Option<String>, String> {
        match self {
            Self::Nothing => Ok(None),
            Self::Token { audience, client_id } => {
                let token = outbound.token(audience, client_id.as_deref()).await?;
                Ok(Some(format!("Bearer {token}")))
            }
            Self::Key { name, key, resource } => outbound.signature(resource, name, key).map(Some),
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
    /// A shared access signature for a URL, made with a key of that name; the value of `Authorization`.
    fn signature(&self, resource: &str, name: &str, key: &Secret) -> Result<String, String>;
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
    /// The sink takes it plain; it may be compressed while it waits.
    pub compressible: bool,
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
