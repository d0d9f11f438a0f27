//! Calls that policies make themselves: `send-request` and `send-one-way-request` (`policies.md` C 3.1–3.2).

use std::cell::Cell;
use std::rc::Rc;

use gateway_policy::message::{BodyError, Response};
use gateway_policy::ports::{HttpVersion, LocalFuture, OutboundCall, SendError, Sender};

use super::Upstream;
use super::failure::UpstreamError;
use super::http1::Outcome;
use super::request::Outgoing;
use super::transmit::Manner;

impl Upstream {
    /// One call; the response body is read into memory within the same time-out. Redirects are the policy's to
    /// follow. The address is checked against the rules of X-09, unless the operator has set it.
    pub async fn call(&self, call: OutboundCall) -> Result<Response, SendError> {
        let mut deadline = self.deadlines.after(call.timeout);
        let timeout = call.timeout;
        let outcome = deadline.bound(self.call_now(call)).await;
        outcome.unwrap_or(Err(UpstreamError::Timeout(timeout))).map_err(|error| {
            error.count(&self.counters);
            error.into()
        })
    }

    async fn call_now(&self, mut call: OutboundCall) -> Result<Response, UpstreamError> {
        let mut body = call.request.body.take_or_share();
        let outgoing = Outgoing::call(&call.request, call.proxy.as_ref())?;
        let spoken = Cell::new(None);
        let manner = Manner {
            tls: &call.tls,
            proxy: outgoing.proxy,
            version: HttpVersion::Http1,
            guarded: !call.is_trusted,
            gather: false,
            continue_timeout: None,
            spoken: &spoken,
        };
        let mut response = match self.transmit(&outgoing, &mut body, manner).await? {
            Outcome::Response(response) => response,
            Outcome::Upgraded(..) => return Err(UpstreamError::UnaskedUpgrade),
        };
        let bytes_max = self.settings.buffer_bytes_max;
        response.body.buffer(bytes_max).await.map_err(|error| match error {
            BodyError::TooLarge { bytes_max } => UpstreamError::ResponseTooLarge { bytes_max },
            _ => UpstreamError::Closed,
        })?;
        // A response that came in one read has been buffered before.
        if response.body.len().is_some_and(|length| length > bytes_max) {
            return Err(UpstreamError::ResponseTooLarge { bytes_max });
        }
        Ok(response)
    }

    /// A call nobody waits for. Past the limit of such calls it is dropped and counted; its errors do not surface.
    pub fn send_one_way(self: &Rc<Self>, call: OutboundCall) {
        if self.one_way.get() >= self.settings.one_way_max {
            self.counters.one_way_dropped.increment();
            return;
        }
        self.one_way.set(self.one_way.get() + 1);
        let upstream = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let place = OneWay(upstream);
            if let Err(error) = place.0.call(call).await {
                tracing::debug!(reason = error.reason, %error, "one-way call failed");
            }
        });
    }
}

/// Calls for as long as somebody holds it.
pub struct Calls(pub Rc<Upstream>);

impl Sender for Calls {
    fn send(&self, call: OutboundCall) -> LocalFuture<'static, Result<Response, SendError>> {
        let upstream = Rc::clone(&self.0);
        Box::pin(async move { upstream.call(call).await })
    }
}

/// A place among the one-way calls under way.
struct OneWay(Rc<Upstream>);

impl Drop for OneWay {
    fn drop(&mut self) {
        self.0.one_way.set(self.0.one_way.get().saturating_sub(1));
    }
}
