//! Calls to backends and to what policies name.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::ForwardProxy;
use crate::certificates::ClientIdentity;
use crate::message::Request;

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
    /// The certificate to show when asked for one.
    pub identity: Option<Arc<ClientIdentity>>,
    pub timeout: Duration,
    /// Proxy on the way.
    pub proxy: Option<Arc<ForwardProxy>>,
}

/// Why a policy's call got no response. `reason` is a `LastError.Reason`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    pub reason: &'static str,
    pub message: String,
}
