//! One direction of a tunnel: what one end sends goes to the other, by copy or by `splice(2)`.

mod kernel;

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{Interest, ReadBuf};

pub use kernel::Pipes;

use kernel::KernelPipe;

use crate::tunnel::{Duplex, Moved};

/// Read at a time; on the stack, so that a silent tunnel owns no buffer.
pub const SCRATCH_BYTES: usize = 16 << 10;
/// Moved before the worker's other tasks have a turn.
pub const TURN_BYTES: u64 = 1 << 20;

/// One direction. Holds at most one read's bytes: while the sink takes none, the source is not read.
#[derive(Debug, Default)]
pub struct Pipe {
    /// Read and not yet written.
    waiting: BytesMut,
    /// The same in the kernel.
    spliced: Option<KernelPipe>,
    /// The last read brought as much as a read takes: there is more where it came from.
    is_bulk: bool,
    ended: bool,
    closed: bool,
    /// Bytes written.
    pub moved: Moved,
}

impl Pipe {
    /// A direction of which `first` has been read already.
    pub fn starting_with(first: &[u8]) -> Self {
        Self { waiting: BytesMut::from(first), ..Self::default() }
    }

    /// Moves what can be moved. Ready once the source has ended and the sink has been told.
    pub fn poll<R: Duplex, W: Duplex>(
        &mut self,
        source: &mut R,
        sink: &mut W,
        pipes: &Pipes,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let before = self.moved.total();
        loop {
            ready!(self.poll_drain(sink, pipes, cx))?;
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                ready!(Pin::new(&mut *sink).poll_shutdown(cx))?;
                self.closed = true;
                return Poll::Ready(Ok(()));
            }
            if self.moved.total() - before > TURN_BYTES {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.waiting = BytesMut::new();
            if self.poll_fill(source, sink, pipes, cx)?.is_pending() {
                // The sink may buffer (TLS).
                let _ = Pin::new(&mut *sink).poll_flush(cx)?;
                return Poll::Pending;
            }
        }
    }

    /// Writes what has been read.
    fn poll_drain<W: Duplex>(
        &mut self,
        sink: &mut W,
        pipes: &Pipes,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let count = ready!(Pin::new(&mut *sink).poll_write(cx, &self.waiting))?;
            self.moved.copied += wrote(count)?;
            self.waiting.advance(count);
        }
        if let (Some(pipe), Some(socket)) = (&mut self.spliced, sink.socket()) {
            while !pipe.is_empty() {
                ready!(socket.poll_write_ready(cx))?;
                match socket.try_io(Interest::WRITABLE, || pipe.drain(socket)) {
                    Ok(count) => self.moved.spliced += wrote(count)?,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }
        if let Some(pipe) = self.spliced.take() {
            pipes.give_back(pipe);
        }
        Poll::Ready(Ok(()))
    }

    /// Reads once, by the way that suits the last read.
    fn poll_fill<R: Duplex, W: Duplex>(
        &mut self,
        source: &mut R,
        sink: &mut W,
        pipes: &Pipes,
        cx: &mut Context<'_>,
    ) -> io::Result<Poll<()>> {
        if self.is_bulk && source.socket().is_some() && sink.socket().is_some() {
            self.poll_splice(source, pipes, cx)
        } else {
            self.poll_copy(source, sink, pipes, cx)
        }
    }

    /// One read into a pipe of the kernel.
    fn poll_splice<R: Duplex>(
        &mut self,
        source: &R,
        pipes: &Pipes,
        cx: &mut Context<'_>,
    ) -> io::Result<Poll<()>> {
        let Some(socket) = source.socket() else { return Ok(Poll::Ready(())) };
        loop {
            match socket.poll_read_ready(cx) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(result) => result?,
            }
            let Some(mut pipe) = pipes.take() else {
                // All are in use: this piece is copied.
                self.is_bulk = false;
                return Ok(Poll::Ready(()));
            };
            match socket.try_io(Interest::READABLE, || pipe.fill(socket)) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    self.is_bulk = count >= SCRATCH_BYTES;
                    self.spliced = Some(pipe);
                }
                // The pipe is empty, so it is the socket that has nothing.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    pipes.give_back(pipe);
                    continue;
                }
                Err(error) => return Err(error),
            }
            return Ok(Poll::Ready(()));
        }
    }

    /// One read, and a write of the same bytes; only what the sink does not take is kept.
    fn poll_copy<R: Duplex, W: Duplex>(
        &mut self,
        source: &mut R,
        sink: &mut W,
        pipes: &Pipes,
        cx: &mut Context<'_>,
    ) -> io::Result<Poll<()>> {
        let mut scratch = [const { MaybeUninit::<u8>::uninit() }; SCRATCH_BYTES];
        let mut scratch = ReadBuf::uninit(&mut scratch);
        match Pin::new(source).poll_read(cx, &mut scratch) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(result) => result?,
        }
        let read = scratch.filled();
        self.ended = read.is_empty();
        if !self.ended {
            self.is_bulk = pipes.are_used() && read.len() == SCRATCH_BYTES;
            let count = match Pin::new(sink).poll_write(cx, read) {
                Poll::Ready(count) => count?,
                Poll::Pending => 0,
            };
            self.moved.copied += count as u64;
            self.waiting.extend_from_slice(read.get(count..).unwrap_or_default());
        }
        Ok(Poll::Ready(()))
    }
}

fn wrote(count: usize) -> io::Result<u64> {
    if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(count as u64) }
}

#[cfg(test)]
mod tests;
