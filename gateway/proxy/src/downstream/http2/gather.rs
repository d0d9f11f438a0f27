//! Frames on their way out, gathered over all streams.
//!
//! h2 writes and flushes frame by frame. One system call, and on TLS one record, for each of them is most of what a
//! small response costs; so writes are kept here until the connection's task has nothing more to add.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::downstream::io::Rewound;

/// With this much waiting, h2 has to wait too.
const FULL_BYTES: usize = 32 << 10;
/// An emptied buffer of up to this size is kept while the connection is idle.
const KEEP_BYTES: usize = 1 << 10;

/// A connection that h2 and the connection's task both hold; borrowed for the length of a poll.
#[derive(Clone, Debug)]
pub struct Gathered(Rc<RefCell<Inner>>);

#[derive(Debug)]
struct Inner {
    io: Rewound,
    waiting: Vec<u8>,
    written: usize,
}

impl Gathered {
    pub fn new(io: Rewound) -> Self {
        Self(Rc::new(RefCell::new(Inner { io, waiting: Vec::new(), written: 0 })))
    }

    /// Writes what has been gathered. To be called at the end of every poll of the connection.
    pub fn poll_send(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.borrow_mut().poll_send(cx)
    }

    /// Gives memory back when nothing waits; to be called when the connection is idle.
    pub fn release(&self) {
        let mut inner = self.0.borrow_mut();
        if inner.waiting.is_empty() && inner.waiting.capacity() > KEEP_BYTES {
            inner.waiting = Vec::new();
        }
    }
}

impl Inner {
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.waiting.get(self.written..) {
            match ready!(Pin::new(&mut self.io).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        self.waiting.clear();
        self.written = 0;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Makes room for a write, sending first what is in the way.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.waiting.len() - self.written < FULL_BYTES { Poll::Ready(Ok(())) } else { self.poll_send(cx) }
    }
}

impl AsyncRead for Gathered {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.borrow_mut().io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Gathered {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let mut inner = self.0.borrow_mut();
        ready!(inner.poll_room(cx))?;
        inner.waiting.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut inner = self.0.borrow_mut();
        ready!(inner.poll_room(cx))?;
        for piece in bufs {
            inner.waiting.extend_from_slice(piece);
        }
        Poll::Ready(Ok(bufs.iter().map(|piece| piece.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Says yes: the connection's task sends when h2 is done.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut inner = self.0.borrow_mut();
        ready!(inner.poll_send(cx))?;
        Pin::new(&mut inner.io).poll_shutdown(cx)
    }
}
