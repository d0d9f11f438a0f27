//! What a response cache lookup leaves for the rest of its request.

use std::sync::Arc;
use std::time::Duration;

use crate::message::{Headers, InvalidField};
use crate::ports::{CachingType, Fill, Filled};

/// The response cache's part of an exchange.
#[derive(Debug, Default)]
pub struct CacheState {
    /// The lookup missed: what the store behind it needs.
    pub plan: Option<Box<CachePlan>>,
    /// The semantic lookup missed.
    pub semantic: Option<Box<SemanticPlan>>,
    /// The lookup hit: the elements of the store that would have stored it. Outbound goes on behind that one.
    pub resume_after: &'static [&'static str],
}

/// A miss of the semantic cache that waits for its response.
#[derive(Debug)]
pub struct SemanticPlan {
    pub partition: String,
    pub vector: Arc<[f32]>,
}

/// A miss that waits for its response.
#[derive(Debug)]
pub struct CachePlan {
    pub caching: CachingType,
    pub key: String,
    /// Fields whose values are part of the key, lower case.
    pub varies_by: Vec<Box<str>>,
    pub downstream: Downstream,
    pub allow_private: bool,
    /// Others may wait for the entry.
    pub fill: Option<Fill>,
}

/// What caches between this gateway and the client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Downstream {
    pub kind: DownstreamKind,
    pub must_revalidate: bool,
}

/// `downstream-caching-type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DownstreamKind {
    None,
    Private,
    Public,
}

impl Downstream {
    /// Says so in `Cache-Control` (RFC 9111 §5.2.2).
    pub fn set(self, fresh: Duration, headers: &mut Headers) -> Result<(), InvalidField> {
        let mut text = match self.kind {
            DownstreamKind::None => "no-store".to_owned(),
            DownstreamKind::Private => format!("private, max-age={}", fresh.as_secs()),
            DownstreamKind::Public => format!("public, max-age={}", fresh.as_secs()),
        };
        if self.must_revalidate {
            text.push_str(", must-revalidate");
        }
        headers.remove("Expires");
        headers.remove("Pragma");
        headers.set("Cache-Control", text.as_bytes())
    }
}

impl CacheState {
    /// The answer goes out. A plan that no store took up: nobody needs to wait for such an answer.
    pub fn close(&mut self) {
        if let Some(fill) = self.plan.take().and_then(|plan| plan.fill) {
            fill.end(Filled::NotStorable);
        }
    }
}
