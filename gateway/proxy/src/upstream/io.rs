//! A connection to a backend.

use std::pin::Pin;
use std::task::{Context, Waker};

use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::maybe_tls::MaybeTls;

/// Bytes to and from a backend.
pub type Io = MaybeTls<TlsStream<TcpStream>>;

impl Io {
    /// Whether a connection that nothing is expected from is still open and silent. No system call unless the
    /// reactor has seen something: the backend closed, sent bytes nobody asked for, or a TLS session ticket.
    pub fn is_quiet(&mut self) -> bool {
        let mut byte = [0_u8; 1];
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(self).poll_read(&mut cx, &mut ReadBuf::new(&mut byte)).is_pending()
    }

    /// Whether ALPN chose HTTP/2.
    pub fn chose_http2(&self) -> bool {
        match self {
            Self::Clear(_) => false,
            Self::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(b"h2"),
        }
    }
}
