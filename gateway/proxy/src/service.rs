//! The seam between the listeners and whoever answers: a worker in production, a few lines in tests.

use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use gateway_policy::exchange::{Connection, Protocol};
use gateway_policy::message::{Request, Response, Scheme};

use crate::downstream::l4::Passed;
use crate::tunnel::{Moved, Tunnel};

/// What is known of a client for as long as its connection lives.
#[derive(Debug)]
pub struct Client {
    /// Name of the listener it came to.
    pub listener: Rc<str>,
    pub scheme: Scheme,
    pub peer: SocketAddr,
    /// The address it connected to.
    pub local: SocketAddr,
    /// Name in the TLS hand-shake, lower-case. A request for a host of other TLS rules is to be answered 421.
    pub server_name: Option<Box<str>>,
}

/// A validated request on its way in. Headers still hold the client's `X-Forwarded-*` and the like.
#[derive(Debug)]
pub struct Call {
    pub client: Rc<Client>,
    /// The same facts as policies see them.
    pub connection: Rc<Connection>,
    /// When the head was complete.
    pub received: Instant,
    pub request: Request,
    /// The client asks for a WebSocket, and the answer may be 101 with a tunnel.
    pub upgrade: bool,
}

/// The answer to a call.
pub struct Handled<T> {
    /// Connection and framing fields are ignored; a body of unknown length is sent chunked.
    pub response: Response,
    /// Close the connection behind the response.
    pub close: bool,
    /// The backend's side of an accepted upgrade; only with status 101.
    pub tunnel: Option<Tunnel>,
    /// Handed back once the response is out.
    pub token: T,
}

/// What became of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Start line and header fields as sent. HTTP/2: before compression.
    pub head_bytes: u64,
    /// Content without transfer coding; through a tunnel, bytes to the client.
    pub body_bytes: u64,
    /// Head and content of the request as received.
    pub request_bytes: u64,
    /// Whether all of it was handed to the kernel. Otherwise the client went away, was too slow, or the body failed.
    pub complete: bool,
}

/// Answers requests. One per worker thread; nothing of it leaves that thread.
pub trait Service: 'static {
    /// What the service keeps of a call until its response is out, such as its closed event.
    type Token: 'static;

    /// Answers one request. The future is dropped when the client goes away first (U-07); what must be recorded
    /// of such a call is for a guard inside to record. A panic is answered with 500 and the connection closes.
    fn call(self: &Rc<Self>, call: Call) -> impl Future<Output = Handled<Self::Token>>;

    /// The response of a call is out, or has failed.
    fn finish(&self, token: Self::Token, sent: Sent);

    /// A client, where it is known already, broke a rule of the protocol or ran into a limit; `reason` is one of a
    /// fixed set.
    fn anomaly(&self, client: Option<&Client>, reason: &'static str);

    /// A client connected: on TLS, when the hand-shake is done.
    fn connection_opened(&self, client: &Client, protocol: Protocol);

    /// Called once for each `connection_opened`, with the protocol it had last.
    fn connection_closed(&self, client: &Client, protocol: Protocol);

    /// The tunnel of a call has ended; what went up and down.
    fn tunnelled(&self, up: Moved, down: Moved);

    /// A connection of an L4 route begins. Of one on the HTTPS listener the service is told nothing else.
    fn passage_opened(&self, client: &Client);

    /// Called once for each `passage_opened`.
    fn passage_closed(&self, passed: &Passed<'_>);

    /// A connection turned out to speak another protocol than it was opened with: HTTP/2 by prior knowledge.
    fn connection_changed(&self, client: &Client, from: Protocol, to: Protocol) {
        self.connection_closed(client, from);
        self.connection_opened(client, to);
    }
}
