//! The life of a client connection around its protocol: hand-shake, choice of protocol, counting, the end.

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use gateway_policy::exchange::{ClientCertificate, Connection, Protocol};
use gateway_policy::message::Scheme;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::Server;
use super::client_certificate;
use super::connection::{End, Http1, poll_caught};
use super::http2;
use super::io::{ClientIo, Rewound};
use super::l4;
use super::link::Link;
use super::listener::{Door, Permit};
use super::timers::Timer;
use super::tls::TlsServer;
use crate::service::{Client, Service};
use crate::wire::ReadBuffer;

/// Serves a connection on a task of its own.
pub fn serve<S: Service>(
    server: &Rc<Server<S>>,
    stream: TcpStream,
    peer: SocketAddr,
    door: Rc<Door>,
    permit: Permit,
) {
    let guard = Guard::new(server, permit);
    tokio::task::spawn_local(async move {
        let server = Rc::clone(&guard.server);
        let timer = server.timers.timer();
        // Whatever the connection waits for, it has shown its task to the timer, which wakes it to be dropped here.
        let work = pin!(run(&server, stream, peer, &door, &timer));
        guarded(&server, work).await;
        drop(guard);
    });
}

/// Counts a connection as open.
struct Guard<S: Service> {
    server: Rc<Server<S>>,
    _permit: Permit,
}

impl<S: Service> Guard<S> {
    fn new(server: &Rc<Server<S>>, permit: Permit) -> Self {
        server.open.set(server.open.get() + 1);
        Self { server: Rc::clone(server), _permit: permit }
    }
}

impl<S: Service> Drop for Guard<S> {
    fn drop(&mut self) {
        let open = self.server.open.get() - 1;
        self.server.open.set(open);
        if open == 0 {
            self.server.changed.notify_waiters();
        }
    }
}

/// Ends `work` where it is when the worker's time is up, or when it panics: a bug outside of a call.
async fn guarded<S: Service>(server: &Server<S>, mut work: Pin<&mut impl Future<Output = ()>>) {
    poll_fn(|cx| {
        if server.timers.is_aborting() {
            return Poll::Ready(());
        }
        poll_caught(work.as_mut(), cx).map(|done| {
            if done.is_err() {
                server.service.anomaly(None, "panic");
            }
        })
    })
    .await;
}

/// Boxed is what ends, or is rare: an idle connection keeps no room for it.
async fn run<S: Service>(
    server: &Rc<Server<S>>,
    stream: TcpStream,
    peer: SocketAddr,
    door: &Door,
    timer: &Timer,
) {
    let Ok(local) = stream.local_addr() else { return };
    let mut client =
        Client { listener: Rc::clone(&door.name), scheme: Scheme::Http, peer, local, server_name: None };
    let stream = match &door.passing {
        None => stream,
        Some(passing) => {
            let passed = Box::pin(l4::pass(server, stream, &client, door, passing, timer));
            let Some(stream) = passed.await else { return };
            stream
        }
    };
    match &door.tls {
        None => {
            let io = ClientIo::Clear(stream);
            let mut opened = Opened::new(server, client, Protocol::Http11, None, None);
            if let End::Http2(io) = http1(server, io, &opened, door, timer).await {
                opened.speaks_http2();
                let serving = http2::serve(server, io, &opened.client, &opened.connection, timer);
                Box::pin(serving).await;
            }
        }
        Some(tls) => {
            let shaking = Box::pin(handshake(server, stream, tls, door, timer));
            let Some((io, facts)) = shaking.await else { return };
            client.scheme = Scheme::Https;
            client.server_name = facts.server_name;
            let protocol = if facts.http2 { Protocol::Http2 } else { Protocol::Http11 };
            let opened = Opened::new(server, client, protocol, facts.version, facts.certificate);
            if facts.http2 {
                let io = Rewound { read: ReadBuffer::new(), io };
                let serving = http2::serve(server, io, &opened.client, &opened.connection, timer);
                Box::pin(serving).await;
            } else {
                http1(server, io, &opened, door, timer).await;
            }
        }
    }
}

async fn http1<S: Service>(
    server: &Server<S>,
    io: ClientIo,
    opened: &Opened<'_, S>,
    door: &Door,
    timer: &Timer,
) -> End {
    let http1 = Http1 {
        server,
        link: Link::new(io),
        client: &opened.client,
        connection: &opened.connection,
        timer,
        default_host: &door.host,
    };
    http1.serve().await
}

/// A connection the service has been told of, until it is told of its end.
struct Opened<'a, S: Service> {
    server: &'a Server<S>,
    client: Rc<Client>,
    connection: Rc<Connection>,
}

impl<'a, S: Service> Opened<'a, S> {
    fn new(
        server: &'a Server<S>,
        client: Client,
        protocol: Protocol,
        tls_version: Option<&'static str>,
        certificate: Option<Arc<ClientCertificate>>,
    ) -> Self {
        let peer = client.peer.ip().to_canonical();
        let server_name = client.server_name.clone();
        let ip = peer.to_string().into();
        let connection = Connection { peer, ip, protocol, tls_version, server_name, certificate };
        server.service.connection_opened(&client, protocol);
        Self { server, client: Rc::new(client), connection: Rc::new(connection) }
    }

    /// The same connection, found to speak HTTP/2.
    fn speaks_http2(&mut self) {
        let from = self.connection.protocol;
        self.server.service.connection_changed(&self.client, from, Protocol::Http2);
        let connection = Connection { protocol: Protocol::Http2, ..(*self.connection).clone() };
        self.connection = Rc::new(connection);
    }
}

impl<S: Service> Drop for Opened<'_, S> {
    fn drop(&mut self) {
        self.server.service.connection_closed(&self.client, self.connection.protocol);
    }
}

/// What the TLS hand-shake settled.
struct TlsFacts {
    version: Option<&'static str>,
    http2: bool,
    server_name: Option<Box<str>>,
    certificate: Option<Arc<ClientCertificate>>,
}

async fn handshake<S: Service>(
    server: &Server<S>,
    stream: TcpStream,
    tls: &Arc<TlsServer>,
    door: &Door,
    timer: &Timer,
) -> Option<(ClientIo, TlsFacts)> {
    timer.set(server.settings.handshake_timeout);
    let stream = match timer.limit(TlsAcceptor::from(tls.config()).accept(stream)).await {
        Some(Ok(stream)) => stream,
        Some(Err(error)) => {
            server.service.anomaly(None, "tls-handshake");
            tracing::debug!(listener = &*door.name, %error, "TLS hand-shake failed");
            return None;
        }
        None => {
            server.service.anomaly(None, "tls-handshake-timeout");
            return None;
        }
    };
    let session = stream.get_ref().1;
    let facts = TlsFacts {
        version: session.protocol_version().and_then(super::tls::version_text),
        http2: session.alpn_protocol() == Some(b"h2"),
        server_name: session.server_name().map(|name| name.to_ascii_lowercase().into()),
        certificate: client_certificate::shown(session.peer_certificates()),
    };
    Some((ClientIo::Tls(Box::new(stream)), facts))
}
