//! Connections that pass through: raw TCP, or TLS by the name that the client asks for, which is not terminated here.
//!
//! ```text
//! accepted ─► ClientHello (looked at, left in the socket) ─► route ─► target ─► bytes both ways ─► event
//! ```

mod hello;
mod passage;
mod proxy_protocol;
mod route;
mod self_test;
mod sockmap;
mod tunnel;

use std::io;
use std::os::fd::AsRawFd;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gateway_telemetry::metrics::labels::PassageEnd;
use nix::sys::socket::{MsgFlags, recv};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::TcpStream;

pub use passage::Passed;
pub use route::{Entrance, Route, RouteError, RouteTable, Routes};
pub use self_test::self_test;

use super::listener::{ConnectionCap, Door};
use super::timers::Timer;
use super::{Server, io::reset_on_close};
use crate::service::{Client, Service};
use crate::tunnel::Shortcut;
use crate::upstream::Upstream;
use hello::{HELLO_BYTES_MAX, Hello};
use passage::Passage;
use route::Target;

/// A first look at a `ClientHello`; most are shorter.
const FIRST_LOOK_BYTES: usize = 2 << 10;
/// A fatal alert `unrecognized_name` in a record of its own (RFC 8446 §6, RFC 6066 §3).
const UNRECOGNIZED_NAME: [u8; 7] = [21, 3, 3, 0, 2, 2, 112];
/// For the client to take it, and what he may still send.
const FAREWELL: Duration = Duration::from_secs(1);
const FAREWELL_BYTES_MAX: usize = 64 << 10;

/// What the routes of all listeners have in common.
#[derive(Clone, Debug)]
pub struct PassSettings {
    /// For each target; default 5 s.
    pub connect_timeout: Duration,
    /// Without a byte either way; default 10 min.
    pub idle_timeout: Duration,
    /// Of all routes together, within the cap on all connections.
    pub connections: Arc<ConnectionCap>,
    /// The kernel's way from socket to socket.
    pub shortcut: Option<Arc<dyn Shortcut>>,
}

/// The routes of a listener, as one worker has them.
pub struct Passing {
    /// Exchanged when settings change; a connection keeps those that it began with.
    pub routes: Arc<ArcSwap<Routes>>,
    pub upstream: Rc<Upstream>,
    pub settings: PassSettings,
}

/// Takes a connection through if a route has it; otherwise gives it back, nothing read, for TLS to be terminated here.
pub async fn pass<S: Service>(
    server: &Rc<Server<S>>,
    stream: TcpStream,
    client: &Client,
    door: &Door,
    passing: &Passing,
    timer: &Timer,
) -> Option<TcpStream> {
    let routes = passing.routes.load_full();
    if routes.is_empty() && door.tls.is_some() {
        return Some(stream);
    }
    let refuse = |name, end| drop(Passage::refused(server, client, name, end));
    let (name, route) = match routes.raw() {
        Some(route) => (None, route),
        None => {
            timer.set(server.settings.handshake_timeout);
            let name = match timer.limit(look(&stream)).await {
                Some(Ok(Hello::Name(name))) => Some(name),
                Some(Ok(Hello::Nameless)) => None,
                // Who terminates TLS knows how to answer.
                Some(Ok(_)) if door.tls.is_some() => return Some(stream),
                _ => {
                    refuse(None, PassageEnd::ClientHello);
                    return None;
                }
            };
            match routes.find(name.as_deref()) {
                Some(route) => (name, route),
                None if door.tls.is_some() => return Some(stream),
                None => {
                    refuse(name, PassageEnd::NoRoute);
                    timer.set(FAREWELL);
                    let _ = timer.limit(say_unrecognized(stream)).await;
                    return None;
                }
            }
        }
    };
    let Some(_permit) = passing.settings.connections.admit() else {
        reset_on_close(&stream);
        refuse(name, PassageEnd::Limit);
        return None;
    };
    let mut passage = Passage::begin(server, client, name);
    timer.clear();
    let Some((backend, target)) = timer.limit(connect(passing, route, client)).await.flatten() else {
        reset_on_close(&stream);
        passage.end = PassageEnd::NoTarget;
        return None;
    };
    passage.target = target.to_string();
    tunnel::run(&mut passage, stream, backend, passing, timer, &server.pipes).await;
    None
}

/// Looks at the `ClientHello`, and leaves it in the socket.
async fn look(stream: &TcpStream) -> io::Result<Hello> {
    let mut bytes = vec![0; FIRST_LOOK_BYTES];
    let mut seen = 0;
    loop {
        let ready = stream.ready(Interest::READABLE).await?;
        let peeked = stream.try_io(Interest::READABLE, || {
            match recv(stream.as_raw_fd(), &mut bytes, MsgFlags::MSG_PEEK)? {
                // Nothing new: the socket is not ready until more comes.
                count if count <= seen => Err(io::ErrorKind::WouldBlock.into()),
                count => Ok(count),
            }
        });
        match peeked {
            Ok(count) => seen = count,
            // No more will come.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && ready.is_read_closed() => {
                return Ok(Hello::Malformed);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        match hello::read(bytes.get(..seen).unwrap_or_default()) {
            Hello::More if seen == bytes.len() => bytes.resize((2 * seen).min(HELLO_BYTES_MAX), 0),
            Hello::More => {}
            known => return Ok(known),
        }
    }
}

/// Refuses a name such that the client learns why: what it has sent is read first, as the kernel answers bytes that
/// nobody reads with a reset.
async fn say_unrecognized(mut stream: TcpStream) -> io::Result<()> {
    let mut bytes = [0; 4 << 10];
    while let Ok(1..) = stream.try_read(&mut bytes) {}
    stream.write_all(&UNRECOGNIZED_NAME).await?;
    stream.shutdown().await?;
    let mut read = 0;
    while read < FAREWELL_BYTES_MAX {
        match stream.read(&mut bytes).await? {
            0 => break,
            count => read += count,
        }
    }
    Ok(())
}

/// The first target that can be reached, told of the client where it wants to be.
async fn connect<'a>(
    passing: &Passing,
    route: &'a Route,
    client: &Client,
) -> Option<(TcpStream, &'a Target)> {
    for target in route.in_order(Instant::now()) {
        let dialled =
            passing.upstream.dial(&target.host, target.port, passing.settings.connect_timeout).await;
        target.reached(dialled.is_ok(), Instant::now());
        let mut stream = match dialled {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(listener = &*client.listener, %target, %error, "a target of an L4 route cannot be reached");
                continue;
            }
        };
        if route.proxy_protocol {
            // The first bytes of a connection, fewer than any send queue takes.
            let header = proxy_protocol::header(client.peer, client.local);
            if stream.write_all(&header).await.is_err() {
                continue;
            }
        }
        return Some((stream, target));
    }
    None
}
