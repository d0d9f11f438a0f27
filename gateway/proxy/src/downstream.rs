//! The client's side: listeners, connections, TLS, HTTP/1.1 and HTTP/2.
//!
//! Everything here belongs to one worker thread and its `LocalSet`: one task a connection, nothing is `Send`. What a
//! request is answered with is the [`Service`]'s business.

mod client_certificate;
mod closing;
mod connection;
mod guard;
mod http2;
mod io;
pub mod l4;
mod link;
pub mod listener;
mod outbox;
mod pipe;
mod relay;
mod reply;
mod timers;
pub mod tls;

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

pub use listener::{BindError, Bound, ConnectionCap, ListenerSettings, bind};
pub use timers::PaceLimits;
pub use tls::TlsServer;

use crate::service::Service;
use crate::wire::HeadLimits;
use pipe::Pipes;
use timers::Timers;

/// Limits on clients (`reliability-security.md` §4.1, §4.2); the defaults are the page's.
#[derive(Clone, Debug)]
pub struct Settings {
    pub head: HeadLimits,
    /// From the first byte of a head to its last; default 10 s.
    pub head_timeout: Duration,
    /// Between requests; default 60 s.
    pub idle_timeout: Duration,
    /// In the middle of a body, either way.
    pub pace: PaceLimits,
    /// Default 10 000.
    pub requests_per_connection: u32,
    /// Default 10 s.
    pub handshake_timeout: Duration,
    /// Offer HTTP/2, by ALPN and by prior knowledge; default on.
    pub http2: bool,
    pub http2_limits: Http2Limits,
    /// Bytes that nobody here looks at go through `splice(2)` where that pays; default on.
    pub splice: bool,
    /// Shared by the workers of the process.
    pub connections: Arc<ConnectionCap>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            head: HeadLimits::default(),
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_mins(1),
            pace: PaceLimits::default(),
            requests_per_connection: 10_000,
            handshake_timeout: Duration::from_secs(10),
            http2: true,
            http2_limits: Http2Limits::default(),
            splice: true,
            connections: Arc::default(),
        }
    }
}

/// Limits of HTTP/2 connections (`reliability-security.md` §4.2).
#[derive(Clone, Copy, Debug)]
pub struct Http2Limits {
    /// Default 100.
    pub concurrent_streams: u32,
    /// Bytes a client may send on a stream before we take them; default 64 KiB.
    pub stream_window: u32,
    /// The same on the connection; default 1 MiB.
    pub connection_window: u32,
    /// Streams that the client reset and we have not seen yet; default 20.
    pub pending_resets: usize,
    /// Streams that we had to reset; default 256.
    pub local_resets: usize,
    /// A stream whose response the client does not take; default 30 s.
    pub stalled_stream: Duration,
    /// Response bytes that wait on one stream for the client's window; default 64 KiB.
    pub send_buffer: usize,
}

impl Default for Http2Limits {
    fn default() -> Self {
        Self {
            concurrent_streams: 100,
            stream_window: 64 << 10,
            connection_window: 1 << 20,
            pending_resets: 20,
            local_resets: 256,
            stalled_stream: Duration::from_secs(30),
            send_buffer: 64 << 10,
        }
    }
}

/// The client's side of one worker.
pub struct Server<S: Service> {
    service: Rc<S>,
    settings: Settings,
    timers: Rc<Timers>,
    pipes: Pipes,
    open: Cell<usize>,
    /// Told when the last connection has closed, when a listener closes, and when draining begins.
    changed: Notify,
}

impl<S: Service> Server<S> {
    /// Must be made on the worker's runtime; `listen` and the connections need its `LocalSet`.
    pub fn new(service: Rc<S>, settings: Settings) -> Rc<Self> {
        Rc::new(Self {
            service,
            timers: Timers::new(),
            pipes: Pipes::new(settings.splice),
            settings,
            open: Cell::new(0),
            changed: Notify::new(),
        })
    }

    /// Connections now open on this worker.
    pub fn connections(&self) -> usize {
        self.open.get()
    }

    /// Stops accepting, lets idle connections go after a second and the others finish what they are at; after `grace` they
    /// end where they are. Returns when none is left; how many had to be ended.
    pub async fn drain(&self, grace: Duration) -> usize {
        self.timers.drain();
        self.changed.notify_waiters();
        if tokio::time::timeout(grace, self.closed()).await.is_ok() {
            return 0;
        }
        let cut = self.open.get();
        self.timers.abort();
        self.closed().await;
        cut
    }

    async fn closed(&self) {
        loop {
            let changed = self.changed.notified();
            if self.open.get() == 0 {
                return;
            }
            changed.await;
        }
    }
}
