//! Bytes both ways between two connections, for an accepted upgrade.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::link::Link;
use super::timers::Timer;
use crate::tunnel::Tunnel;
use crate::wire::ReadBuffer;

/// Read at a time; on the stack, so that a silent WebSocket owns no buffer.
const SCRATCH_BYTES: usize = 16 << 10;

/// Relays between a client and its tunnel until both directions have ended or one has failed; the bytes up and
/// down. Silence is fine while both are open; once one has ended, the other has `idle` to follow.
pub async fn relay(link: &Link, timer: &Timer, tunnel: Tunnel, idle: Duration) -> (u64, u64) {
    let Tunnel(mut backend) = tunnel;
    let mut up = link.with(|ends| {
        let pipe = Pipe::starting_with(ends.input.data());
        ends.input = ReadBuffer::new();
        ends.outbox.release();
        pipe
    });
    let (mut down, mut is_ending) = (Pipe::default(), false);
    timer.clear();
    poll_fn(|cx| {
        let (up_done, down_done) = link.with(|ends| {
            (up.poll(&mut ends.io, &mut backend, cx), down.poll(&mut backend, &mut ends.io, cx))
        });
        match (up_done, down_done) {
            (Poll::Ready(Err(_)), _)
            | (_, Poll::Ready(Err(_)))
            | (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => return Poll::Ready(()),
            (Poll::Pending, Poll::Pending) => {}
            _ if !is_ending => {
                is_ending = true;
                timer.set(idle);
            }
            _ => {}
        }
        // Also shows the task to the timer, which wakes it when the worker's time is up.
        if timer.poll_passed(cx) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    (up.bytes, down.bytes)
}

/// One direction.
#[derive(Debug, Default)]
struct Pipe {
    /// Read and not yet written.
    waiting: BytesMut,
    ended: bool,
    closed: bool,
    /// Bytes written.
    bytes: u64,
}

impl Pipe {
    /// A direction of which `first` has been read already.
    fn starting_with(first: &[u8]) -> Self {
        Self { waiting: BytesMut::from(first), ..Self::default() }
    }

    /// Moves what can be moved. Ready once the source has ended and the sink has been told.
    fn poll<R, W>(&mut self, source: &mut R, sink: &mut W, cx: &mut Context<'_>) -> Poll<io::Result<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        loop {
            while !self.waiting.is_empty() {
                let count = ready!(Pin::new(&mut *sink).poll_write(cx, &self.waiting))?;
                self.wrote(count)?;
                self.waiting.advance(count);
            }
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                ready!(Pin::new(&mut *sink).poll_shutdown(cx))?;
                self.closed = true;
                return Poll::Ready(Ok(()));
            }
            self.waiting = BytesMut::new();
            if self.poll_direct(source, sink, cx)?.is_pending() {
                // The sink may buffer (TLS).
                let _ = Pin::new(&mut *sink).poll_flush(cx)?;
                return Poll::Pending;
            }
        }
    }

    /// One read, and a write of the same bytes; only what the sink does not take is kept.
    fn poll_direct<R, W>(
        &mut self,
        source: &mut R,
        sink: &mut W,
        cx: &mut Context<'_>,
    ) -> io::Result<Poll<()>>
    where
        R: AsyncRead + Unpin,
        W: AsyncWrite + Unpin,
    {
        let mut scratch = [const { MaybeUninit::<u8>::uninit() }; SCRATCH_BYTES];
        let mut scratch = ReadBuf::uninit(&mut scratch);
        match Pin::new(source).poll_read(cx, &mut scratch) {
            Poll::Pending => return Ok(Poll::Pending),
            Poll::Ready(result) => result?,
        }
        let read = scratch.filled();
        self.ended = read.is_empty();
        if !self.ended {
            let count = match Pin::new(sink).poll_write(cx, read) {
                Poll::Ready(count) => count?,
                Poll::Pending => 0,
            };
            self.bytes += count as u64;
            self.waiting.extend_from_slice(read.get(count..).unwrap_or_default());
        }
        Ok(Poll::Ready(()))
    }

    fn wrote(&mut self, count: usize) -> io::Result<()> {
        self.bytes += count as u64;
        if count == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn pipe_through_a_narrow_sink_keeps_every_byte_and_the_end() {
        let sent: Vec<u8> = (0..300_000_u32).map(|n| (n / 7) as u8).collect();
        let (mut source, mut sink_far) = (&sent[..], Vec::new());
        let (mut sink, mut far) = duplex(1_000);
        let mut pipe = Pipe::starting_with(b"first");
        let relay = async {
            poll_fn(|cx| pipe.poll(&mut source, &mut sink, cx)).await.unwrap();
        };
        tokio::join!(relay, async { far.read_to_end(&mut sink_far).await.unwrap() });
        assert_eq!(&sink_far[..5], b"first");
        assert!(sink_far[5..] == sent);
        assert_eq!(pipe.bytes, 300_005);
        far.shutdown().await.unwrap();
    }
}
