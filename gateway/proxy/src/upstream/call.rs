//! Calls that policies make themselves: `send-request` and `send-one-way-request` (`policies.md` C 3.1–3.2).

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use gateway_policy::exchange::calls::OneWayEnd;
use gateway_policy::message::{Body, BodyError, Frame, Response};
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
        let timeout = call.timeout;
        self.in_time(timeout, pin!(self.call_now(call))).await
    }

    /// The same in HTTP/2, for gRPC: trailer fields follow the header fields of the response.
    pub async fn call_http2(&self, call: OutboundCall) -> Result<Response, SendError> {
        let timeout = call.timeout;
        let answer = async {
            let mut response = self.start_call(call, HttpVersion::Http2).await?;
            self.read_with_trailers(&mut response).await?;
            Ok(response)
        };
        self.in_time(timeout, pin!(answer)).await
    }

    async fn in_time(
        &self,
        timeout: Duration,
        answer: Pin<&mut impl Future<Output = Result<Response, UpstreamError>>>,
    ) -> Result<Response, SendError> {
        let mut deadline = self.deadlines.after(timeout);
        let outcome = deadline.bound(answer).await;
        outcome.unwrap_or(Err(UpstreamError::Timeout(timeout))).map_err(|error| {
            error.count(&self.counters);
            error.into()
        })
    }

    async fn call_now(&self, call: OutboundCall) -> Result<Response, UpstreamError> {
        let mut response = self.start_call(call, HttpVersion::Http1).await?;
        let bytes_max = self.settings.budget.message_bytes_max;
        response.body.buffer(&self.settings.budget).await.map_err(failed)?;
        // A response that came in one read has been buffered before.
        if response.body.len().is_some_and(|length| length > bytes_max) {
            return Err(UpstreamError::ResponseTooLarge { bytes_max });
        }
        Ok(response)
    }

    async fn read_with_trailers(&self, response: &mut Response) -> Result<(), UpstreamError> {
        let bytes_max = self.settings.budget.message_bytes_max;
        let Body::Stream(mut stream) = std::mem::take(&mut response.body) else { return Ok(()) };
        let mut collected = Vec::new();
        while let Some(frame) = poll_fn(|cx| stream.poll_frame(cx)).await {
            match frame.map_err(failed)? {
                Frame::Data(data) if (collected.len() + data.len()) as u64 > bytes_max => {
                    return Err(UpstreamError::ResponseTooLarge { bytes_max });
                }
                Frame::Data(data) => collected.extend_from_slice(&data),
                Frame::Trailers(trailers) => {
                    for (name, value) in trailers.iter() {
                        // They were fields before.
                        let _ = response.headers.append(name, value);
                    }
                }
            }
        }
        response.body = Body::from(Bytes::from(collected));
        Ok(())
    }

    async fn start_call(
        &self,
        mut call: OutboundCall,
        version: HttpVersion,
    ) -> Result<Response, UpstreamError> {
        let mut body = call.request.body.take_or_share();
        let mut outgoing = Outgoing::call(&call.request, call.proxy.as_ref())?;
        outgoing.trailers = version == HttpVersion::Http2;
        let spoken = Cell::new(None);
        let manner = Manner {
            tls: &call.tls,
            proxy: outgoing.proxy,
            version,
            guarded: !call.is_trusted,
            gather: false,
            continue_timeout: None,
            spoken: &spoken,
        };
        match self.transmit(&outgoing, &mut body, manner).await? {
            Outcome::Response(response) => Ok(response),
            Outcome::Upgraded(..) => Err(UpstreamError::UnaskedUpgrade),
        }
    }

    /// A call nobody waits for. Past the limit of such calls it is dropped and counted; its errors do not surface.
    pub fn send_one_way(self: &Rc<Self>, call: OutboundCall) {
        if self.one_way.get() >= self.settings.one_way_max {
            self.counters.one_way_dropped.increment();
            end(call.end.as_ref(), 0);
            return;
        }
        self.one_way.set(self.one_way.get() + 1);
        let upstream = Rc::clone(self);
        tokio::task::spawn_local(async move {
            let place = OneWay(upstream);
            let told = call.end.clone();
            match place.0.call(call).await {
                Ok(response) => end(told.as_ref(), response.status),
                Err(error) => {
                    end(told.as_ref(), 0);
                    tracing::debug!(reason = error.reason, %error, "one-way call failed");
                }
            }
        });
    }
}

/// Tells the request that began a one-way call, if its event is not out yet, what became of the call.
fn end(told: Option<&Rc<OneWayEnd>>, status: u16) {
    if let Some(told) = told {
        told.set(status);
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of `map_err`")]
fn failed(error: BodyError) -> UpstreamError {
    match error {
        BodyError::TooLarge { bytes_max } => UpstreamError::ResponseTooLarge { bytes_max },
        _ => UpstreamError::Closed,
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
