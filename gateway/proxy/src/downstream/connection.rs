//! An HTTP/1.1 connection: requests in, responses out, in order, on one task.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use gateway_policy::exchange::{Connection, Protocol};
use gateway_policy::fault::envelope;
use gateway_policy::message::{Body, Method, Request, Response, Scheme, standard_reason};
use gateway_policy::ports::boxed;

use super::Server;
use super::closing::{linger, settle};
use super::io::Rewound;
use super::link::{Ends, Interim, Link, RequestBody};
use super::relay::relay;
use super::reply::{Asked, Reply};
use super::timers::{Pace, Timer};
use crate::service::{Call, Client, Handled, Sent, Service};
use crate::wire::write::Persistence;
use crate::wire::{BodyReader, Framing, HeadScan, RequestContext, RequestHead, Version, WireError};

/// Requests read ahead while one is being answered.
const PIPELINE_BYTES: usize = 64 << 10;
/// For the next request of a connection that is idle when draining begins. It may be on its way: closing would fail it, and so
/// its answer is what tells the client to go.
const IDLE_WHILE_DRAINING: Duration = Duration::from_secs(1);
/// A client that closes its sending side may still read (U-03) or be gone (U-07), and only a write would tell. One
/// that has sent a request gets its answer if it is there within this time, plus what the timer is late.
const HALF_CLOSE_GRACE: Duration = Duration::from_millis(250);
/// How often to look for a reset behind a half-closed client that has been written to.
const RESET_CHECK: Duration = Duration::from_secs(1);
/// Start of an HTTP/2 connection preface (RFC 9113 §3.4), as far as it is one line.
const HTTP2_PREFACE_LINE: &[u8] = b"PRI * HTTP/2.0\r\n";

/// How serving ended.
pub enum End {
    /// Nothing is left to do but to drop the connection.
    Closed,
    /// The client speaks HTTP/2 by prior knowledge.
    Http2(Rewound),
}

/// One connection, as its task sees it.
pub struct Http1<'a, S: Service> {
    pub server: &'a Server<S>,
    pub link: Rc<Link>,
    pub client: &'a Rc<Client>,
    pub connection: &'a Rc<Connection>,
    pub timer: &'a Timer,
    /// Host and port of requests that name none.
    pub default_host: &'a str,
}

/// What came next.
enum Next {
    Request(Box<RequestHead>),
    Http2,
    Refuse(WireError),
    Close,
}

/// What happens behind a response.
#[derive(PartialEq, Eq)]
enum After {
    NextRequest,
    /// Close such that the response is not lost.
    Linger,
    Drop,
}

impl<S: Service> Http1<'_, S> {
    /// Serves requests until the connection ends. Clear-text connections may turn out to be HTTP/2.
    pub async fn serve(self) -> End {
        let mut served = 0;
        loop {
            match self.next(served == 0).await {
                Next::Close => return End::Closed,
                Next::Http2 => break,
                Next::Refuse(error) => {
                    Box::pin(self.refuse(error)).await;
                    return End::Closed;
                }
                Next::Request(head) => {
                    served += 1;
                    let last = served >= self.server.settings.requests_per_connection;
                    // Boxed, as idle connections are many and exchanges are few.
                    match boxed(|| self.exchange(head, last)).await {
                        After::NextRequest => {}
                        After::Drop => return End::Closed,
                        After::Linger => {
                            linger(&self.link, self.timer).await;
                            return End::Closed;
                        }
                    }
                }
            }
        }
        match self.link.into_ends() {
            Some(ends) => End::Http2(Rewound { read: ends.input, io: ends.io }),
            None => End::Closed,
        }
    }

    /// Waits for a request head. The header timer runs from the first byte, the idle timer before.
    async fn next(&self, first: bool) -> Next {
        let settings = &self.server.settings;
        // On TLS, ALPN has decided.
        let takes_http2 = first && settings.http2 && self.client.scheme == Scheme::Http;
        let mut scan = HeadScan::default();
        let mut begun = false;
        let mut hurried = false;
        self.timer.set(settings.idle_timeout);
        poll_fn(|cx| {
            self.link.with(|ends| {
                loop {
                    if !ends.input.is_empty() {
                        if takes_http2 && ends.input.data().starts_with(HTTP2_PREFACE_LINE) {
                            return Poll::Ready(Next::Http2);
                        }
                        if let Some(next) = self.take(ends, &mut scan) {
                            return Poll::Ready(next);
                        }
                        if !begun {
                            begun = true;
                            self.timer.set(settings.head_timeout);
                        }
                    }
                    match ends.input.poll_fill(&mut ends.io, cx) {
                        Poll::Ready(Ok(1..)) => {}
                        Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::Close),
                        Poll::Pending => break,
                    }
                }
                if ends.input.is_empty() && self.timer.timers().is_draining() && !hurried {
                    hurried = true;
                    self.timer.set(settings.idle_timeout.min(IDLE_WHILE_DRAINING));
                }
                if ends.input.is_empty() {
                    ends.input.release();
                    ends.outbox.release();
                }
                match self.timer.poll_passed(cx) {
                    false => Poll::Pending,
                    true if begun => Poll::Ready(Next::Refuse(WireError::HeadTimeout)),
                    true => Poll::Ready(Next::Close),
                }
            })
        })
        .await
    }

    /// Takes a whole head out of the input, if there is one.
    fn take(&self, ends: &mut Ends, scan: &mut HeadScan) -> Option<Next> {
        let context = RequestContext {
            scheme: self.client.scheme,
            default_host: self.default_host,
            default_port: self.client.local.port(),
        };
        let before = ends.input.len();
        match ends.input.take_request(scan, &self.server.settings.head, &context) {
            Ok(None) => None,
            Ok(Some(head)) => {
                ends.request_bytes = (before - ends.input.len()) as u64;
                Some(Next::Request(Box::new(head)))
            }
            Err(error) => Some(Next::Refuse(error)),
        }
    }

    /// One request and its response.
    async fn exchange(&self, head: Box<RequestHead>, last: bool) -> After {
        let asked = Asked {
            version: head.version,
            is_head: head.method == Method::Head,
            accepts_trailers: head.accepts_trailers,
        };
        let (keep_alive, upgrade) = (head.keep_alive && !last, head.upgrade);
        let call = self.call_of(head);
        let Some(handled) = self.answer(call).await else { return After::Drop };
        let Handled { response, close, tunnel, token } = match handled {
            Ok(handled) => handled,
            Err(Panicked) => return self.answer_panic(asked).await,
        };
        let (response, tunnel) = match (response.status, tunnel) {
            (101, Some(tunnel)) if upgrade => (response, Some(tunnel)),
            // Not ours to promise: without a tunnel there is nothing to switch to.
            (100..=199, _) => (Response::new(502), None),
            _ => (response, None),
        };
        let persistence = match tunnel {
            Some(_) => Persistence::Upgrade,
            None if self.must_close(keep_alive && !close) => Persistence::Close,
            None => Persistence::KeepAlive,
        };
        let (mut sent, mut after) = self.reply(asked, response, persistence).await;
        if let (Some(tunnel), true) = (tunnel, sent.complete) {
            let idle = self.server.settings.pace.idle;
            let (up, down) = relay(&self.link, self.timer, tunnel, idle, &self.server.pipes).await;
            self.service().tunnelled(up, down);
            sent.request_bytes += up.total();
            sent.body_bytes += down.total();
            after = After::Drop;
        }
        if after == After::NextRequest && !settle(&self.link, self.timer).await {
            after = After::Linger;
        }
        sent.request_bytes += self.link.with(|ends| {
            ends.request += 1;
            ends.request_bytes
        });
        self.service().finish(token, sent);
        if let Some(error) = self.link.with(|ends| ends.broken.take()) {
            self.service().anomaly(Some(self.client), error.reason());
            after = After::Linger;
        }
        after
    }

    fn service(&self) -> &Rc<S> {
        &self.server.service
    }

    /// Whether this response must be the last one, as known before it is sent.
    fn must_close(&self, keep_alive: bool) -> bool {
        // A client that still waits for `100 Continue` may send the body or not: what comes next is unknown.
        let unclear = self.link.with(|ends| {
            let is_last = ends.input_ended && ends.input.is_empty();
            ends.interim == Interim::Due || ends.broken.is_some() || is_last
        });
        !keep_alive || unclear || self.timer.timers().is_draining()
    }

    /// Hands a request over, with its body: whole when it came along with the head, else as a stream.
    fn call_of(&self, head: Box<RequestHead>) -> Call {
        let head = *head;
        let body = self.link.with(|ends| {
            ends.body = BodyReader::new(head.framing);
            ends.interim = Interim::None;
            match head.framing {
                Framing::None => Some(Body::Empty),
                Framing::Length(length) if length <= ends.input.len() as u64 => {
                    ends.body = BodyReader::Done;
                    ends.request_bytes += length;
                    Some(Body::Bytes(ends.input.take(length as usize)))
                }
                _ => {
                    if head.expect_continue && ends.input.is_empty() {
                        ends.interim = Interim::Due;
                    }
                    None
                }
            }
        });
        let body = body.unwrap_or_else(|| {
            let pace = Pace::new(self.server.settings.pace);
            Body::Stream(Box::new(RequestBody::new(&self.link, pace, self.timer.timers().timer())))
        });
        let connection = match head.version {
            Version::Http11 => Rc::clone(self.connection),
            Version::Http10 => {
                Rc::new(Connection { protocol: Protocol::Http10, ..(**self.connection).clone() })
            }
        };
        Call {
            client: Rc::clone(self.client),
            connection,
            received: Instant::now(),
            request: Request { method: head.method, url: head.url, headers: head.headers, body },
            upgrade: head.upgrade,
        }
    }

    /// Lets the service answer. `None` when the client is gone: the call has been dropped (U-07).
    async fn answer(&self, call: Call) -> Option<Result<Handled<S::Token>, Panicked>> {
        let mut future = pin!(self.service().call(call));
        let mut watch = Watch::default();
        self.timer.clear();
        poll_fn(|cx| match poll_caught(future.as_mut(), cx) {
            Poll::Ready(handled) => Poll::Ready(Some(handled)),
            Poll::Pending if self.poll_gone(&mut watch, cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Looks whether the client is gone while its response is being made, reading ahead what it pipelines. Costs no
    /// system call as long as nothing arrives.
    fn poll_gone(&self, watch: &mut Watch, cx: &mut Context<'_>) -> bool {
        self.link.with(|ends| {
            if !ends.body.is_done() || ends.input.len() >= PIPELINE_BYTES {
                // The reading side is the body's, or full.
                let _ = self.timer.poll_passed(cx);
                return false;
            }
            loop {
                match ends.input.poll_fill(&mut ends.io, cx) {
                    Poll::Pending => break,
                    Poll::Ready(Err(_)) => return true,
                    Poll::Ready(Ok(0)) => {
                        ends.input_ended = true;
                        break;
                    }
                    Poll::Ready(Ok(_)) if ends.input.len() >= PIPELINE_BYTES => break,
                    Poll::Ready(Ok(_)) => {}
                }
            }
            if ends.input_ended && !watch.armed {
                watch.armed = true;
                self.timer.set(HALF_CLOSE_GRACE);
            }
            if !self.timer.poll_passed(cx) {
                return false;
            }
            if watch.probed {
                self.timer.set(RESET_CHECK);
                return self.timer.poll_passed(cx);
            }
            ends.input_ended
        })
    }

    async fn reply(&self, asked: Asked, response: Response, persistence: Persistence) -> (Sent, After) {
        let pace = self.server.settings.pace;
        let mut reply = Reply::begin(&self.link, asked, response, persistence, pace);
        let mut watch = Watch::default();
        self.timer.clear();
        let complete = poll_fn(|cx| {
            let before = reply.written;
            if let Poll::Ready(complete) = reply.poll(&self.link, self.timer, cx) {
                return Poll::Ready(complete);
            }
            let (starved, ended) = self.link.with(|ends| (ends.outbox.is_empty(), ends.input_ended));
            if reply.written > before {
                watch = Watch { armed: false, probed: ended };
            }
            if starved && self.poll_gone(&mut watch, cx) { Poll::Ready(false) } else { Poll::Pending }
        })
        .await;
        let after = match complete {
            true if reply.persists => After::NextRequest,
            true => After::Linger,
            false => {
                self.link.with(|ends| ends.io.reset_on_close());
                After::Drop
            }
        };
        let sent =
            Sent { head_bytes: reply.head_bytes, body_bytes: reply.body_bytes, request_bytes: 0, complete };
        (sent, after)
    }

    /// Answers what cannot be understood, and closes. The body echoes nothing of the input.
    async fn refuse(&self, error: WireError) {
        self.service().anomaly(Some(self.client), error.reason());
        let status = error.status();
        let mut response = Response::new(status);
        response.body = Body::from(envelope(status, standard_reason(status), None));
        let mut fields = vec![("Content-Type", "application/json")];
        if error == WireError::MethodNotAllowed {
            fields.push(("Allow", "GET, HEAD, POST, PUT, DELETE, OPTIONS, PATCH"));
        }
        for (name, value) in fields {
            // Constants, valid by construction.
            let _ = response.headers.append(name, value.as_bytes());
        }
        let asked = Asked { version: Version::Http11, is_head: false, accepts_trailers: false };
        if self.reply(asked, response, Persistence::Close).await.1 == After::Linger {
            linger(&self.link, self.timer).await;
        }
    }

    /// a bug in one request costs that request and its connection, nothing else.
    async fn answer_panic(&self, asked: Asked) -> After {
        self.service().anomaly(Some(self.client), "panic");
        let mut response = Response::new(500);
        response.body = Body::from(envelope(500, standard_reason(500), None));
        let _ = response.headers.append("Content-Type", b"application/json");
        self.reply(asked, response, Persistence::Close).await.1
    }
}

/// What is known of a client that has closed its sending side.
#[derive(Debug, Default)]
struct Watch {
    /// The timer runs.
    armed: bool,
    /// Something was written since, which a client that is gone altogether answers with a reset.
    probed: bool,
}

/// The service panicked.
pub struct Panicked;

/// Polls, and turns a panic into an error.
pub fn poll_caught<F: Future>(
    future: Pin<&mut F>,
    cx: &mut Context<'_>,
) -> Poll<Result<F::Output, Panicked>> {
    // The future is not polled again after a panic, and what it shared with others are cells and channels that have
    // no broken intermediate states.
    match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Err(_) => Poll::Ready(Err(Panicked)),
    }
}
