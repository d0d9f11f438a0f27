//! Calls to backends and to what policies name.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::LocalFuture;
use crate::backend::{BackendTls, ForwardProxy};
use crate::exchange::calls::OneWayEnd;
use crate::message::{Request, Response};

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
            timeout: Duration::from_mins(5),
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
    /// What is checked of the server's certificate, and what it is shown.
    pub tls: BackendTls,
    pub timeout: Duration,
    /// Proxy on the way.
    pub proxy: Option<Arc<ForwardProxy>>,
    /// The address is the operator's word: it may be link-local.
    pub is_trusted: bool,
    /// Told of the end, where nobody waits for it.
    pub end: Option<Rc<OneWayEnd>>,
}

impl OutboundCall {
    /// A call by the default rules.
    pub fn new(request: Request, timeout: Duration) -> Self {
        Self { request, tls: BackendTls::default(), timeout, proxy: None, is_trusted: false, end: None }
    }

    /// The same to an address that the operator has set.
    #[must_use]
    pub fn trusted(self) -> Self {
        Self { is_trusted: true, ..self }
    }
}

/// Makes calls when the exchange and its ports are gone, for a body that streams by.
pub trait Sender {
    fn send(&self, call: OutboundCall) -> LocalFuture<'static, Result<Response, SendError>>;
}

/// Why a policy's call got no response. `reason` is a `LastError.Reason`.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    pub reason: &'static str,
    pub message: String,
}
