//! A connection after a 101: raw bytes, those received with the response first.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::pool::Connection;
use crate::tunnel::Duplex;

/// Owns the connection; dropping it closes the connection and frees its place in the pool.
pub struct UpgradedConnection(Box<Connection>);

impl UpgradedConnection {
    pub fn new(connection: Box<Connection>) -> Self {
        Self(connection)
    }
}

impl Duplex for UpgradedConnection {
    fn socket(&self) -> Option<&TcpStream> {
        if self.0.buffer.is_empty() { self.0.io.socket() } else { None }
    }
}

impl AsyncRead for UpgradedConnection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let early = &mut self.0.buffer;
        if early.is_empty() {
            return Pin::new(&mut self.0.io).poll_read(cx, buf);
        }
        let piece = early.take(buf.remaining());
        buf.put_slice(&piece);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for UpgradedConnection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.io).poll_shutdown(cx)
    }
}
