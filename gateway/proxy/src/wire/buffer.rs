//! The read side of a connection: bytes received and not yet understood.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

/// Read at most this much at a time while nothing is buffered; lives on the stack for the length of the call.
const SCRATCH_BYTES: usize = 16 << 10;
/// An emptied buffer of up to this size is kept for the next message, a larger one is given back.
const KEEP_BYTES: usize = 2 << 10;
/// Pieces of a body shorter than this are copied out, so that they do not pin a large buffer.
const COPY_BYTES: usize = 2 << 10;

/// Received bytes. Costs no memory while empty beyond 2 KiB: reads into an empty buffer go through the stack.
#[derive(Debug, Default)]
pub struct ReadBuffer {
    bytes: BytesMut,
    /// Whether the last read filled all the room it had: a bulk transfer.
    bulk: bool,
}

impl ReadBuffer {
    pub fn new() -> Self {
        Self::default()
    }

    /// What is buffered.
    pub fn data(&self) -> &[u8] {
        &self.bytes
    }

    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Drops the first `count` bytes, at most all.
    pub fn consume(&mut self, count: usize) {
        self.bytes.advance(count.min(self.bytes.len()));
    }

    /// Takes the first `count` bytes, at most all, out as a piece of a body; without a copy when it is large.
    pub fn take(&mut self, count: usize) -> Bytes {
        let count = count.min(self.bytes.len());
        if count >= COPY_BYTES {
            return self.bytes.split_to(count).freeze();
        }
        let piece = Bytes::copy_from_slice(self.bytes.get(..count).unwrap_or_default());
        self.bytes.advance(count);
        piece
    }

    /// Adds bytes behind the others, as if they had been read.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Gives memory back when nothing is buffered; to be called when the connection falls idle.
    pub fn release(&mut self) {
        // What has been consumed no longer counts as capacity, yet is held; asking for it back shows it.
        if self.bytes.is_empty() && self.bytes.try_reclaim(KEEP_BYTES + 1) {
            self.bytes = BytesMut::new();
        }
        self.bulk = false;
    }

    /// One read. `Ready(Ok(0))` is the end of the stream.
    pub fn poll_fill<R: AsyncRead + Unpin>(
        &mut self,
        io: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if self.bytes.is_empty() && !self.bulk {
            return self.poll_fill_empty(io, cx);
        }
        self.bytes.reserve(SCRATCH_BYTES);
        // The future holds nothing between polls (`read_buf` is cancel safe), so it can be made anew each time.
        let read = ready!(pin!(io.read_buf(&mut self.bytes)).poll(cx))?;
        self.bulk = read >= SCRATCH_BYTES;
        Poll::Ready(Ok(read))
    }

    /// Reads through the stack, so that a connection that waits owns no buffer.
    fn poll_fill_empty<R: AsyncRead + Unpin>(
        &mut self,
        io: &mut R,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let mut scratch = [const { MaybeUninit::<u8>::uninit() }; SCRATCH_BYTES];
        let mut scratch = ReadBuf::uninit(&mut scratch);
        ready!(pin!(io).poll_read(cx, &mut scratch))?;
        let filled = scratch.filled();
        self.bytes.extend_from_slice(filled);
        self.bulk = filled.len() == SCRATCH_BYTES;
        Poll::Ready(Ok(filled.len()))
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test]
    async fn poll_fill_small_then_bulk_keeps_every_byte() {
        let sent: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
        let mut source = &sent[..];
        let mut buffer = ReadBuffer::new();
        let mut received = Vec::new();
        loop {
            let read = poll_fn(|cx| buffer.poll_fill(&mut source, cx)).await.unwrap();
            if read == 0 {
                break;
            }
            if received.len() % 3 == 0 {
                let half = buffer.len() / 2;
                received.extend_from_slice(&buffer.take(half));
            } else {
                let all = buffer.len();
                received.extend_from_slice(&buffer.take(all));
            }
        }
        received.extend_from_slice(buffer.data());
        assert_eq!(received, sent);
    }

    #[tokio::test]
    async fn release_after_a_large_message_gives_the_memory_back() {
        let sent = vec![7; 100_000];
        let mut buffer = ReadBuffer::new();
        let mut source = &sent[..];
        while poll_fn(|cx| buffer.poll_fill(&mut source, cx)).await.unwrap() > 0 {}
        buffer.consume(usize::MAX);
        buffer.release();
        assert!(!buffer.bytes.try_reclaim(KEEP_BYTES + 1));
    }

    #[test]
    fn take_more_than_there_is_gives_all() {
        let mut buffer = ReadBuffer::new();
        buffer.extend(b"abc");
        assert_eq!(&buffer.take(9)[..], b"abc");
        assert!(buffer.is_empty());
    }
}
