//! HTTP/2 connections (RFC 9113; `reliability-security.md` §4.2, §5.3).
//!
//! Framing, flow control and the flood counters are h2's. Requests become the same canonical form as those of
//! HTTP/1.1, each served by a task of its own; the connection's task only accepts and keeps the connection's timers.

mod gather;
mod request;
mod response;
mod stream;

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use gateway_policy::exchange::Connection;
use h2::Reason;
use h2::server::{Builder, Connection as H2Connection};

use super::io::Rewound;
use super::timers::Timer;
use super::{Http2Limits, Server, Settings};
use crate::service::{Client, Service};
use gather::Gathered;

/// Streams after which resets by the client are weighed, as Envoy does.
const RESETS_WEIGHED_AFTER: u32 = 500;
/// Time for the last streams to come in once an idle connection was told to go away.
const GO_AWAY_TIME: Duration = Duration::from_secs(2);

/// What the streams of a connection tell its task.
#[derive(Default)]
pub struct Streams {
    open: Cell<u32>,
    /// Reset by the client before they had a response.
    premature: Cell<u32>,
    waker: RefCell<Option<Waker>>,
}

/// One stream; counted as open as long as it lives.
pub struct StreamGuard(Rc<Streams>);

impl StreamGuard {
    fn new(streams: &Rc<Streams>) -> Self {
        streams.open.set(streams.open.get() + 1);
        Self(Rc::clone(streams))
    }

    /// The client reset the stream before it had a response (H2-01).
    pub fn premature_reset(&self) {
        self.0.premature.set(self.0.premature.get() + 1);
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        let open = self.0.open.get() - 1;
        self.0.open.set(open);
        if open == 0 {
            // The idle time begins.
            let waker = self.0.waker.take();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

fn builder(settings: &Settings) -> Builder {
    let Http2Limits {
        concurrent_streams,
        stream_window,
        connection_window,
        pending_resets,
        local_resets,
        stalled_stream: _,
        send_buffer,
    } = settings.http2_limits;
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(concurrent_streams)
        .initial_window_size(stream_window)
        .initial_connection_window_size(connection_window)
        .max_header_list_size(u32::try_from(settings.head.fields_bytes).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(pending_resets)
        .max_local_error_reset_streams(Some(local_resets))
        .max_send_buffer_size(send_buffer);
    builder
}

/// Serves a connection until it ends.
pub async fn serve<S: Service>(
    server: &Rc<Server<S>>,
    io: Rewound,
    client: &Rc<Client>,
    connection: &Rc<Connection>,
    timer: &Timer,
) {
    timer.set(server.settings.head_timeout);
    let io = Gathered::new(io);
    let mut handshake = pin!(builder(&server.settings).handshake::<_, Bytes>(io.clone()));
    let accepted = poll_fn(|cx| match handshake.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(done.ok()),
        Poll::Pending if matches!(io.poll_send(cx), Poll::Ready(Err(_))) => Poll::Ready(None),
        Poll::Pending if timer.poll_passed(cx) => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await;
    let Some(h2) = accepted else {
        return server.service.anomaly(Some(client), "h2-preface");
    };
    // The hand-shake is over: a request that came with it may take as long as any other.
    timer.clear();
    let session = Session {
        server,
        client,
        connection,
        timer,
        h2,
        io,
        streams: Rc::default(),
        accepted: 0,
        idle: false,
        going_away: false,
    };
    session.run().await;
}

struct Session<'a, S: Service> {
    server: &'a Rc<Server<S>>,
    client: &'a Rc<Client>,
    connection: &'a Rc<Connection>,
    timer: &'a Timer,
    h2: H2Connection<Gathered, Bytes>,
    io: Gathered,
    streams: Rc<Streams>,
    accepted: u32,
    /// The idle timer runs.
    idle: bool,
    going_away: bool,
}

impl<S: Service> Session<'_, S> {
    async fn run(mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.timer.timers().is_draining() {
            self.go_away();
        }
        loop {
            match self.h2.poll_accept(cx) {
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Ready(Some(Err(error))) => {
                    if error.is_library() {
                        let flood = error.reason() == Some(Reason::ENHANCE_YOUR_CALM);
                        self.anomaly(if flood { "h2-flood" } else { "h2-protocol" });
                    }
                    tracing::debug!(listener = &*self.client.listener, %error, "HTTP/2 connection failed");
                    return Poll::Ready(());
                }
                Poll::Ready(Some(Ok((request, respond)))) => {
                    self.accepted += 1;
                    let serving = stream::Serving {
                        server: Rc::clone(self.server),
                        client: Rc::clone(self.client),
                        connection: Rc::clone(self.connection),
                        guard: StreamGuard::new(&self.streams),
                    };
                    // Boxed where it is made: the runtime would move all of it several times.
                    tokio::task::spawn_local(Box::pin(serving.run(request, respond)));
                    if self.accepted >= self.server.settings.requests_per_connection {
                        self.go_away();
                    }
                }
                Poll::Pending => break,
            }
        }
        if let Poll::Ready(Err(_)) = self.io.poll_send(cx) {
            return Poll::Ready(());
        }
        self.poll_timers(cx)
    }

    fn poll_timers(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let premature = self.streams.premature.get();
        if self.accepted >= RESETS_WEIGHED_AFTER && premature > self.accepted / 2 {
            self.streams.premature.set(0);
            self.anomaly("h2-flood");
            self.h2.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
            self.going_away = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let is_idle = self.streams.open.get() == 0;
        if is_idle != self.idle {
            self.idle = is_idle;
            if is_idle {
                self.io.release();
                self.timer.set(if self.going_away {
                    GO_AWAY_TIME
                } else {
                    self.server.settings.idle_timeout
                });
            } else {
                self.timer.clear();
            }
        }
        self.streams.waker.replace(Some(cx.waker().clone()));
        if !self.timer.poll_passed(cx) {
            return Poll::Pending;
        }
        if self.going_away {
            return Poll::Ready(());
        }
        self.go_away();
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// No new streams; those that are open go on. A client that keeps an idle connection is not waited for.
    fn go_away(&mut self) {
        if !self.going_away {
            self.going_away = true;
            self.h2.graceful_shutdown();
            if self.idle {
                self.timer.set(GO_AWAY_TIME);
            }
        }
    }

    fn anomaly(&self, reason: &'static str) {
        self.server.service.anomaly(Some(self.client), reason);
    }
}
