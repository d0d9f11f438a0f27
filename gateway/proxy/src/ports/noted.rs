//! Calls that are noted where they are made, for the telemetry of the request that they are made for.

use std::rc::Rc;
use std::time::Instant;

use gateway_policy::exchange::calls::{Fetches, Purpose};
use gateway_policy::message::Response;
use gateway_policy::ports::{OutboundCall, SendError};

use crate::upstream::Upstream;

/// A way out, and where its calls are noted.
pub struct Noted {
    upstream: Rc<Upstream>,
    fetches: Fetches,
    purpose: Purpose,
}

impl Noted {
    pub fn new(upstream: &Rc<Upstream>, fetches: &Fetches, purpose: Purpose) -> Self {
        Self { upstream: Rc::clone(upstream), fetches: fetches.clone(), purpose }
    }

    pub async fn call(&self, call: OutboundCall) -> Result<Response, SendError> {
        let (method, url, began) = (call.request.method.clone(), call.request.url.clone(), Instant::now());
        let outcome = self.upstream.call(call).await;
        let status = outcome.as_ref().map_or(0, |response| response.status);
        self.fetches.note(self.purpose, &method, &url, began, status);
        outcome
    }
}
