//! A management plane as the source of configuration.
//!
//! [`Client`] makes one round: ask, fetch what is missing, check. [`follow`] makes rounds for as long as the gateway runs, and
//! [`tell`] says what was used. All reach the plane through [`Transport`], and know nothing of HTTP libraries, sockets or files.

mod client;
mod follow;
mod tell;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

pub use client::{Client, Round, RoundError};
pub use follow::{Follower, Pace, follow};
pub use tell::{Telling, Trace, tell};

use crate::protocol::{Documents, Tag};

/// What a gateway is to serve.
#[derive(Clone, Debug)]
pub struct View {
    pub tag: Tag,
    pub documents: Arc<Documents>,
}

/// The way to the plane. It adds the token.
pub trait Transport {
    /// Sends a request and reads the whole answer. The error is a text for the log.
    fn send(&self, request: Request<'_>) -> impl Future<Output = Result<Response, String>>;
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub method: &'a str,
    /// Path and query below the endpoint.
    pub target: &'a str,
    pub if_none_match: Option<&'a str>,
    /// JSON.
    pub body: Option<&'a str>,
    /// How long the plane may take before it begins to answer, beyond what any request may take.
    pub patience: Duration,
}

/// An answer.
#[derive(Clone, Debug, Default)]
pub struct Response {
    pub status: u16,
    /// Without parameters.
    pub content_type: String,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}
