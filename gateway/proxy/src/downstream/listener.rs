//! Listening sockets, one a worker on the same address (`SO_REUSEPORT`), and the loop that accepts.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::os::fd::{AsRawFd, RawFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use super::guard::serve;
use super::l4::Passing;
use super::tls::TlsServer;
use super::{Server, Settings};
use crate::service::Service;

/// A listener to be opened.
#[derive(Clone, Debug)]
pub struct ListenerSettings {
    /// As in logs and metrics, such as `http`.
    pub name: String,
    /// Port 0 takes a free one, the same for all workers.
    pub address: SocketAddr,
    /// Connections waiting to be accepted, for each worker; default 4096, bounded by `net.core.somaxconn`.
    pub backlog: i32,
}

impl ListenerSettings {
    pub fn new(name: impl Into<String>, address: SocketAddr) -> Self {
        Self { name: name.into(), address, backlog: 4096 }
    }
}

/// A listener that is open: the kernel completes connections, and keeps them until a worker accepts.
#[derive(Debug)]
pub struct Bound {
    pub name: String,
    /// With the port that was taken.
    pub address: SocketAddr,
    /// One a worker, in order.
    pub sockets: Vec<StdListener>,
}

impl Bound {
    /// The same sockets, open twice: they accept until both are closed.
    pub fn try_clone(&self) -> io::Result<Self> {
        let sockets = self.sockets.iter().map(StdListener::try_clone).collect::<io::Result<_>>()?;
        Ok(Self { name: self.name.clone(), address: self.address, sockets })
    }

    /// Descriptors of the sockets, for the kernel path to steer to; valid as long as the workers listen.
    pub fn descriptors(&self) -> Vec<RawFd> {
        self.sockets.iter().map(AsRawFd::as_raw_fd).collect()
    }
}

/// Why a listener cannot be opened.
#[derive(Debug, Error)]
#[error("cannot listen on {address} ({name})")]
pub struct BindError {
    pub name: String,
    pub address: SocketAddr,
    #[source]
    pub source: io::Error,
}

/// Opens a listener: the first socket takes the address, the other workers' join it. `cpus` gives the processor whose
/// connections each worker's socket asks the kernel for (`SO_INCOMING_CPU`), if any.
pub fn bind(settings: &ListenerSettings, cpus: &[Option<usize>]) -> Result<Bound, BindError> {
    let fail = |source| BindError { name: settings.name.clone(), address: settings.address, source };
    // Sockets that share a port may belong to any process of the same user: make sure nobody has it.
    let probe = open(settings.address, false, None).map_err(fail)?;
    let address = probe.local_addr().map_err(fail)?.as_socket().unwrap_or(settings.address);
    drop(probe);
    let mut sockets = Vec::with_capacity(cpus.len());
    for cpu in cpus {
        let socket = open(address, true, *cpu).and_then(|socket| {
            socket.listen(settings.backlog)?;
            Ok(socket)
        });
        sockets.push(socket.map_err(fail)?.into());
    }
    Ok(Bound { name: settings.name.clone(), address, sockets })
}

fn open(address: SocketAddr, shared: bool, cpu: Option<usize>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM.nonblocking(), Some(Protocol::TCP))?;
    if address.is_ipv6() {
        // `[::]` takes IPv4 too.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    // Inherited by every accepted connection.
    socket.set_tcp_nodelay(true)?;
    if let Some(cpu) = cpu {
        socket.set_cpu_affinity(cpu)?;
    }
    socket.bind(&address.into())?;
    Ok(socket)
}

/// Bound on the client connections of the process: the smaller of what is configured and half of the descriptors.
#[derive(Debug)]
pub struct ConnectionCap {
    max: usize,
    open: AtomicUsize,
}

impl ConnectionCap {
    pub fn new(configured: usize) -> Self {
        let descriptors = getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| soft);
        let half = usize::try_from(descriptors / 2).unwrap_or(usize::MAX);
        Self { max: configured.min(half), open: AtomicUsize::new(0) }
    }

    pub fn max(&self) -> usize {
        self.max
    }

    /// Counts a connection until the permit is dropped; `None` when there are too many.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Permit> {
        let before = self.open.fetch_add(1, Ordering::Relaxed);
        let permit = Permit(Arc::clone(self));
        (before < self.max).then_some(permit)
    }
}

impl Default for ConnectionCap {
    fn default() -> Self {
        Self::new(usize::MAX)
    }
}

/// One connection under the cap.
#[derive(Debug)]
pub struct Permit(Arc<ConnectionCap>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What the connections of one listener share.
pub struct Door {
    pub name: Rc<str>,
    /// Host and port of requests that name none.
    pub host: Box<str>,
    pub tls: Option<Arc<TlsServer>>,
    pub passing: Option<Passing>,
    closed: Cell<bool>,
}

impl<S: Service> Server<S> {
    /// Accepts on one of the sockets of a [`Bound`]; until drained, on a task of its own. With `tls`, HTTPS. With
    /// `passing`, connections that its routes have go through; without `tls` there are no others. The door is for
    /// [`Server::close`].
    pub fn listen(
        self: &Rc<Self>,
        name: &str,
        socket: StdListener,
        tls: Option<Arc<TlsServer>>,
        passing: Option<Passing>,
    ) -> io::Result<Rc<Door>> {
        socket.set_nonblocking(true)?;
        let host = socket.local_addr()?.ip().to_string();
        let host = if host.contains(':') { format!("[{host}]") } else { host };
        let listener = TcpListener::from_std(socket)?;
        let door =
            Rc::new(Door { name: name.into(), host: host.into(), tls, passing, closed: Cell::new(false) });
        tokio::task::spawn_local(accept(Rc::clone(self), listener, Rc::clone(&door)));
        Ok(door)
    }

    /// Accepts who has come already, and then nobody any more there; open connections stay.
    pub fn close(&self, door: &Door) {
        door.closed.set(true);
        self.changed.notify_waiters();
    }

    fn is_closing(&self, door: &Door) -> bool {
        door.closed.get() || self.timers.is_draining()
    }
}

/// First pause when no descriptor is left; doubles up to the longest.
const BACK_OFF: Duration = Duration::from_millis(10);
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

async fn accept<S: Service>(server: Rc<Server<S>>, listener: TcpListener, door: Rc<Door>) {
    let mut spare = spare_descriptor();
    let mut pause = BACK_OFF;
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = listener.accept() => accepted,
            () = server.changed.notified(), if !server.is_closing(&door) => continue,
            () = std::future::ready(()), if server.is_closing(&door) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = BACK_OFF;
                admit(&server, stream, peer, &door);
            }
            Err(error) if is_exhaustion(&error) => {
                // The spare descriptor sheds one waiting client with a close instead of leaving it to wonder.
                drop(spare.take());
                let _shed = poll_fn(|cx| Poll::Ready(listener.poll_accept(cx))).await;
                spare = spare_descriptor();
                server.service.anomaly(None, "descriptors");
                tracing::warn!(listener = &*door.name, %error, "accepting connections pauses");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(BACK_OFF_MAX);
            }
            // The client gave up before we came to it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(listener = &*door.name, %error, "accepting a connection failed");
                tokio::time::sleep(BACK_OFF).await;
            }
        }
    }
}

fn admit<S: Service>(server: &Rc<Server<S>>, stream: TcpStream, peer: SocketAddr, door: &Rc<Door>) {
    let Settings { connections, .. } = &server.settings;
    match connections.admit() {
        Some(permit) => serve(server, stream, peer, Rc::clone(door), permit),
        None => server.service.anomaly(None, "connections"),
    }
}

fn spare_descriptor() -> Option<std::fs::File> {
    std::fs::File::open("/dev/null").ok()
}

/// EMFILE or ENFILE, or memory for a socket.
fn is_exhaustion(error: &io::Error) -> bool {
    use nix::libc::{EMFILE, ENFILE, ENOBUFS, ENOMEM};
    matches!(error.raw_os_error(), Some(EMFILE | ENFILE | ENOBUFS | ENOMEM))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: &str) -> ListenerSettings {
        ListenerSettings::new("http", address.parse().unwrap())
    }

    #[test]
    fn bind_port_0_gives_all_workers_the_same_port() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let bound = bind(&settings(address), &[None, None, None]).unwrap();
            assert_ne!(bound.address.port(), 0);
            assert_eq!(bound.descriptors().len(), 3);
            for socket in &bound.sockets {
                assert_eq!(socket.local_addr().unwrap(), bound.address);
            }
        }
    }

    #[test]
    fn bind_port_in_use_is_an_error_that_names_it() {
        let bound = bind(&settings("127.0.0.1:0"), &[None]).unwrap();
        let again = bind(&settings(&bound.address.to_string()), &[None]).unwrap_err();
        assert_eq!(again.source.kind(), io::ErrorKind::AddrInUse);
        assert_eq!(again.to_string(), format!("cannot listen on {} (http)", bound.address));
    }

    #[test]
    fn bind_any_ipv6_address_takes_ipv4_too() {
        let bound = bind(&settings("[::]:0"), &[Some(0)]).unwrap();
        std::net::TcpStream::connect(("127.0.0.1", bound.address.port())).unwrap();
    }

    #[test]
    fn cap_admits_as_many_as_configured_and_again_when_one_leaves() {
        let cap = Arc::new(ConnectionCap::new(2));
        let first = cap.admit().unwrap();
        let _second = cap.admit().unwrap();
        assert!(cap.admit().is_none());
        drop(first);
        assert!(cap.admit().is_some());
    }

    #[test]
    fn cap_is_at_most_half_of_the_descriptors() {
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(ConnectionCap::default().max() as u64, soft / 2);
    }
}
