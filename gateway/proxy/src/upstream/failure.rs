//! Why a backend gave no response, and how that is told to the client and to policies (`policies.md` §5.1).

use std::io;
use std::time::Duration;

use gateway_policy::exchange::request_body_fault;
use gateway_policy::fault::Fault;
use gateway_policy::message::{BodyError, UrlError};
use gateway_policy::ports::SendError;
use thiserror::Error;

use super::counters::UpstreamCounters;
use crate::wire::WireError;

/// A failed call. The texts are `LastError.Message` and stay stable; clients do not see them.
#[derive(Debug, Error)]
pub enum UpstreamError {
    #[error("the name of the backend could not be resolved: {host} ({cause})")]
    Resolve { host: String, cause: String },
    #[error("could not connect to the backend {authority}: {cause}")]
    Connect { authority: String, cause: io::Error },
    #[error("no connection to the backend {authority} within {} ms", .after.as_millis())]
    ConnectTimeout { authority: String, after: Duration },
    #[error("the TLS handshake with the backend {authority} failed: {cause}")]
    Tls { authority: String, cause: io::Error },
    #[error("the backend closed the connection before its response was complete")]
    Closed,
    #[error("the connection to the backend failed: {0}")]
    Io(#[source] io::Error),
    #[error("the backend reset the stream: {0}")]
    Http2(String),
    #[error("the backend's response is malformed: {0}")]
    Malformed(WireError),
    #[error("the backend switched protocols without being asked to")]
    UnaskedUpgrade,
    #[error("the backend sent too many interim responses")]
    TooManyInterim,
    #[error("the backend did not agree on HTTP/2")]
    NoHttp2,
    #[error("the backend's response exceeds {bytes_max} bytes")]
    ResponseTooLarge { bytes_max: u64 },
    #[error("the backend did not send response headers within {} ms", .0.as_millis())]
    Timeout(Duration),
    #[error("the address of {host} must not be called by policies")]
    Refused { host: String },
    #[error("the request body could not be read: {0}")]
    RequestBody(BodyError),
    #[error("the request path leaves the base path of the backend")]
    PathEscapesBase,
    #[error("the request cannot be written: {0}")]
    InvalidRequest(&'static str),
    #[error("the redirect location is unusable: {0}")]
    Redirect(UrlError),
    #[error("the API has no backend")]
    NoBackend,
}

impl UpstreamError {
    /// `LastError.Reason` (`policies.md` §5.1).
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Timeout(_) => "Timeout",
            Self::RequestBody(_) => "ClientConnectionFailure",
            Self::PathEscapesBase | Self::InvalidRequest(_) => "BadRequest",
            _ => "BackendConnectionFailure",
        }
    }

    /// The error as `forward-request` raises it. No response, whatever the cause: 500 as the service answers;
    /// a response that breaks the rules: 502 (U-04); a path outside the base: 400 (P-02).
    pub fn into_fault(self) -> Fault {
        const SOURCE: &str = "forward-request";
        let reason = self.reason();
        match &self {
            Self::RequestBody(error) => request_body_fault(error),
            Self::PathEscapesBase => Fault::new(400, "Bad request", SOURCE, reason, self.to_string()),
            Self::Malformed(_)
            | Self::UnaskedUpgrade
            | Self::TooManyInterim
            | Self::ResponseTooLarge { .. } => {
                Fault::new(502, "Bad gateway", SOURCE, reason, self.to_string())
            }
            _ => Fault::internal(SOURCE, reason, self.to_string()),
        }
    }

    /// Whether the same request may be tried on a fresh connection when it may be repeated at all: the reused
    /// connection had been closed by the backend.
    pub(super) fn is_stale_connection(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Io(error) => matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset
                    | io::ErrorKind::ConnectionAborted
                    | io::ErrorKind::BrokenPipe
                    | io::ErrorKind::NotConnected
                    | io::ErrorKind::UnexpectedEof
            ),
            _ => false,
        }
    }

    /// Adds the failure to its counter.
    pub(super) fn count(&self, counters: &UpstreamCounters) {
        match self {
            Self::Resolve { .. } => counters.failed_resolve.increment(),
            Self::Connect { .. } | Self::ConnectTimeout { .. } => counters.failed_connect.increment(),
            Self::Tls { .. } | Self::NoHttp2 => counters.failed_tls.increment(),
            Self::Timeout(_) => counters.failed_timeout.increment(),
            Self::Closed | Self::Io(_) | Self::Http2(_) => counters.failed_lost.increment(),
            Self::Malformed(_)
            | Self::UnaskedUpgrade
            | Self::TooManyInterim
            | Self::ResponseTooLarge { .. } => counters.failed_malformed.increment(),
            Self::Refused { .. } => counters.failed_refused.increment(),
            Self::RequestBody(_)
            | Self::PathEscapesBase
            | Self::InvalidRequest(_)
            | Self::Redirect(_)
            | Self::NoBackend => {}
        }
    }
}

impl From<UpstreamError> for SendError {
    fn from(error: UpstreamError) -> Self {
        Self { reason: error.reason(), message: error.to_string() }
    }
}
