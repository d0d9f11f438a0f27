//! One HTTP/2 stream: a request and its response.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Instant;

use bytes::Bytes;
use gateway_policy::exchange::Connection;
use gateway_policy::fault::envelope;
use gateway_policy::message::{Body, Headers, Response, standard_reason};
use h2::server::SendResponse;
use h2::{Reason, RecvStream};

use super::request::{Interim, Refusal, RequestBody, read_head};
use super::{StreamGuard, response};
use crate::downstream::Server;
use crate::downstream::connection::{Panicked, poll_caught};
use crate::downstream::timers::Pace;
use crate::service::{Call, Client, Handled, Sent, Service};

/// What a stream needs of its connection.
pub struct Serving<S: Service> {
    pub server: Rc<Server<S>>,
    pub client: Rc<Client>,
    pub connection: Rc<Connection>,
    pub guard: StreamGuard,
}

impl<S: Service> Serving<S> {
    pub async fn run(self, request: http::Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        let received = Instant::now();
        let (parts, stream) = request.into_parts();
        let is_head = parts.method == http::Method::HEAD;
        let read = read_head(&parts, self.client.scheme, self.server.settings.head.fields);
        // A client must not have us hold its fields twice, nor while it lets a refusal wait (H2-04).
        drop(parts);
        let head = match read {
            Ok(head) => head,
            Err(Refusal::Reset(reason)) => {
                self.anomaly(reason);
                return respond.send_reset(Reason::PROTOCOL_ERROR);
            }
            Err(Refusal::Answer(error)) => {
                self.anomaly(error.reason());
                return self.answer_plain(&mut respond, error.status(), is_head).await;
            }
        };
        let content = Rc::new(Cell::new(0));
        let head_bytes = head.bytes;
        let interim = Rc::new(Interim::default());
        let body = self.body_of(&head.headers, stream, &content, &interim);
        let call = Call {
            client: Rc::clone(&self.client),
            connection: Rc::clone(&self.connection),
            received,
            request: head.with_body(body),
            upgrade: false,
        };
        let handled = match self.answer(call, &mut respond, &interim).await {
            None => return self.guard.premature_reset(),
            Some(Ok(handled)) => handled,
            Some(Err(_)) => {
                self.anomaly("panic");
                return self.answer_plain(&mut respond, 500, is_head).await;
            }
        };
        let Handled { response, token, .. } = handled;
        // There are no upgrades here.
        let response = if response.status < 200 { Response::new(502) } else { response };
        let mut sent = self.send(&mut respond, response, is_head).await;
        sent.request_bytes = head_bytes + content.get();
        self.server.service.finish(token, sent);
    }

    fn body_of(
        &self,
        headers: &Headers,
        stream: RecvStream,
        received: &Rc<Cell<u64>>,
        interim: &Rc<Interim>,
    ) -> Body {
        if stream.is_end_stream() {
            return Body::Empty;
        }
        // h2 has checked that it is a number and holds the content to it.
        let length = headers.get_str("content-length").and_then(|length| length.parse().ok());
        let pace = Pace::new(self.server.settings.pace);
        let timer = self.server.timers.timer();
        // No other expectation has got this far.
        let interim = headers.contains("expect").then(|| Rc::clone(interim));
        let received = Rc::clone(received);
        Body::Stream(Box::new(RequestBody::new(stream, length, pace, timer, received, interim)))
    }

    /// Lets the service answer. `None` when the client reset the stream: the call has been dropped.
    async fn answer(
        &self,
        call: Call,
        respond: &mut SendResponse<Bytes>,
        interim: &Interim,
    ) -> Option<Result<Handled<S::Token>, Panicked>> {
        let mut future = pin!(self.server.service.call(call));
        poll_fn(|cx| match poll_caught(future.as_mut(), cx) {
            Poll::Ready(handled) => Poll::Ready(Some(handled)),
            Poll::Pending => {
                if interim.poll_asked(cx) {
                    let mut head = http::Response::new(());
                    *head.status_mut() = http::StatusCode::CONTINUE;
                    // If the stream is gone, `poll_reset` says so.
                    let _ = respond.send_informational(head);
                }
                respond.poll_reset(cx).map(|_| None)
            }
        })
        .await
    }

    async fn send(&self, respond: &mut SendResponse<Bytes>, response: Response, is_head: bool) -> Sent {
        let stalled = self.server.settings.http2_limits.stalled_stream;
        let timer = self.server.timers.timer();
        response::send(respond, response, is_head, stalled, &timer).await
    }

    /// An error answer that the service has no part in; it echoes nothing of the input.
    async fn answer_plain(&self, respond: &mut SendResponse<Bytes>, status: u16, is_head: bool) {
        let mut response = Response::new(status);
        response.body = Body::from(envelope(status, standard_reason(status), None));
        // A constant, valid by construction.
        let _ = response.headers.append("Content-Type", b"application/json");
        self.send(respond, response, is_head).await;
    }

    fn anomaly(&self, reason: &'static str) {
        self.server.service.anomaly(Some(&self.client), reason);
    }
}
