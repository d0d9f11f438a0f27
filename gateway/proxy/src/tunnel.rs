//! Bytes both ways, between a client and a backend.

use std::fmt;
use std::os::fd::BorrowedFd;
use std::task::Waker;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio::net::TcpStream;

/// One end of a tunnel.
pub trait Duplex: AsyncRead + AsyncWrite + Unpin {
    /// The socket, if what it brings next is what this end reads next: no TLS between, and nothing read ahead.
    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

impl Duplex for TcpStream {
    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

impl Duplex for DuplexStream {}

impl Duplex for Box<dyn Duplex> {
    fn socket(&self) -> Option<&TcpStream> {
        (**self).socket()
    }
}

/// The backend's side of a WebSocket: bytes already received come out first. Dropping it closes the connection.
/// This is what [`gateway_policy::exchange::Exchange::tunnel`] holds after a 101.
pub struct Tunnel(pub Box<dyn Duplex>);

/// Bytes that went one way through a tunnel, by how they were moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Read and written.
    pub copied: u64,
    /// By `splice(2)`, through a pipe.
    pub spliced: u64,
    /// By the kernel alone, from socket to socket.
    pub redirected: u64,
}

impl Moved {
    pub fn total(&self) -> u64 {
        self.copied + self.spliced + self.redirected
    }
}

/// An end of a tunnel that the kernel has taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Backend,
}

/// The kernel's way from socket to socket, where there is one.
pub trait Shortcut: Send + Sync + fmt::Debug {
    /// Ties two sockets of which nothing has been read; bytes keep coming to user space until [`Tied::forwarded`] agrees.
    /// `None`: it cannot be done, and the sockets are as before. After an error they are of no more use.
    fn tie(&self, client: BorrowedFd<'_>, backend: BorrowedFd<'_>) -> std::io::Result<Option<Box<dyn Tied>>>;
}

/// Two sockets that are tied, until it is dropped.
pub trait Tied: Send {
    /// Who is to be woken when the kernel wants something of these sockets.
    fn wake(&self, waker: &Waker);
    /// User space has read `bytes` from `source`, the socket at `side`, and written all of them to `sink`, the other. True
    /// when the kernel had seen no more than these: what comes now goes to the other socket by itself.
    fn forwarded(
        &self,
        side: Side,
        source: BorrowedFd<'_>,
        sink: BorrowedFd<'_>,
        bytes: u64,
    ) -> std::io::Result<bool>;
    /// Lets the kernel go on by as much as `sink` has taken. False when bytes came to user space all the same, as the sink
    /// takes too few: they are to be forwarded once the others have arrived.
    fn renew(&self, side: Side, sink: BorrowedFd<'_>) -> std::io::Result<bool>;
    /// Bytes from `side` that came to user space so far, whether it has read them or not.
    fn passed(&self, side: Side) -> std::io::Result<u64>;
    /// Bytes from `side` that the kernel has given to the other socket, or is about to.
    fn redirected(&self, side: Side) -> std::io::Result<u64>;
    /// Whether all bytes from `side` have come into the send queue of `sink`, the other socket.
    fn has_arrived(&self, side: Side, sink: BorrowedFd<'_>) -> std::io::Result<bool>;
}
