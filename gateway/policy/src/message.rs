//! HTTP messages as policies see and change them: one validated, canonical form for every protocol version.
//!
//! Nothing here knows how bytes travel; `proxy` reads messages off the wire into these types and writes them
//! back, so that raw bytes of a peer are never forwarded.

mod body;
mod budget;
pub mod coding;
mod headers;
mod json_field;
mod method;
pub mod query;
mod url;

pub use body::{Body, BodyError, BodyStream, Frame};
pub use budget::{BufferBudget, Held};
pub use headers::{Headers, InvalidField};
pub use json_field::ascii_json;
pub use method::Method;
pub use url::{Scheme, Url, UrlError};

/// A request: what the client sent, as edited so far.
#[derive(Debug)]
pub struct Request {
    pub method: Method,
    pub url: Url,
    pub headers: Headers,
    pub body: Body,
}

/// A response: of the backend, of `send-request`, or made by a policy.
#[derive(Debug)]
pub struct Response {
    /// Status code, 100–999.
    pub status: u16,
    /// Reason phrase; empty = the standard one of the status code.
    pub reason: String,
    pub headers: Headers,
    pub body: Body,
}

impl Response {
    /// An empty response with the given status and the standard reason phrase.
    pub fn new(status: u16) -> Self {
        Self { status, reason: String::new(), headers: Headers::new(), body: Body::Empty }
    }

    /// The reason phrase to show: the one set, else the standard one of RFC 9110 §15, else empty.
    pub fn reason_text(&self) -> &str {
        if self.reason.is_empty() { standard_reason(self.status) } else { &self.reason }
    }
}

/// Standard reason phrases (RFC 9110 §15, RFC 6585, RFC 4918).
// One row a code; a table, not logic.
pub fn standard_reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        507 => "Insufficient Storage",
        511 => "Network Authentication Required",
        _ => "",
    }
}
