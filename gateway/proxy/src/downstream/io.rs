//! A client's connection, and how it is closed.

use std::io::{self, IoSlice};
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::maybe_tls::MaybeTls;
use crate::tunnel::Duplex;
use crate::wire::ReadBuffer;

/// Bytes to and from a client.
pub type ClientIo = MaybeTls<TlsStream<TcpStream>>;

impl ClientIo {
    /// Makes the coming close a reset: the client must not take a response that was cut short for a whole one.
    pub fn reset_on_close(&self) {
        let stream = match self {
            Self::Clear(stream) => stream,
            Self::Tls(stream) => stream.get_ref().0,
        };
        reset_on_close(stream);
    }
}

/// Makes the coming close a reset.
pub fn reset_on_close(socket: &impl AsFd) {
    // If the socket is dead already, there is nobody left to be told.
    let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
}

/// Takes it back.
pub fn close_in_order(socket: &impl AsFd) {
    let _ = SockRef::from(socket).set_linger(None);
}

impl Duplex for ClientIo {
    fn socket(&self) -> Option<&TcpStream> {
        Self::socket(self)
    }
}

/// A connection of which some bytes have been read already; they come out first.
#[derive(Debug)]
pub struct Rewound {
    pub read: ReadBuffer,
    pub io: ClientIo,
}

impl AsyncRead for Rewound {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.io).poll_read(cx, buf);
        }
        let count = self.read.len().min(buf.remaining());
        buf.put_slice(self.read.data().get(..count).unwrap_or_default());
        self.read.consume(count);
        self.read.release();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Rewound {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
