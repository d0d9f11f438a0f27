//! Bytes on their way to a client: heads and small pieces gathered, large pieces passed through without a copy.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;

use crate::wire::chunked;

/// Shorter pieces are copied behind what is already there, so that a small message is one write.
const COPY_BYTES: usize = 8 << 10;
/// With this much waiting, write before taking more.
const FULL_BYTES: usize = 16 << 10;
/// An emptied buffer of up to this size is kept for the next response.
const KEEP_BYTES: usize = 2 << 10;

/// What waits to be written: first `small` from `written` on, then `large`, then `tail`.
#[derive(Debug, Default)]
pub struct Outbox {
    small: Vec<u8>,
    written: usize,
    large: Bytes,
    tail: &'static [u8],
}

impl Outbox {
    pub fn is_empty(&self) -> bool {
        self.written == self.small.len() && self.large.is_empty() && self.tail.is_empty()
    }

    /// Whether another piece can be taken before a write.
    pub fn has_room(&self) -> bool {
        self.large.is_empty() && self.tail.is_empty() && self.small.len() - self.written < FULL_BYTES
    }

    /// For heads and the like. Only while there is room.
    pub fn small(&mut self) -> &mut Vec<u8> {
        debug_assert!(self.has_room(), "small pieces go before large ones");
        &mut self.small
    }

    /// A piece of a body as it is. Only while there is room.
    pub fn push(&mut self, data: Bytes) {
        debug_assert!(self.has_room(), "one large piece at a time");
        if data.len() <= COPY_BYTES {
            self.small.extend_from_slice(&data);
        } else {
            self.large = data;
        }
    }

    /// A piece of a body as one chunk. Only while there is room.
    pub fn push_chunk(&mut self, data: Bytes) {
        if data.len() <= COPY_BYTES {
            chunked::write_chunk(&mut self.small, &data);
        } else {
            chunked::write_size(&mut self.small, data.len() as u64);
            self.large = data;
            self.tail = b"\r\n";
        }
    }

    /// One write; how many bytes went. Only while not empty.
    pub fn poll_write<W: AsyncWrite + Unpin>(
        &mut self,
        io: &mut W,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let small = self.small.get(self.written..).unwrap_or_default();
        let count = if self.large.is_empty() && self.tail.is_empty() {
            ready!(Pin::new(io).poll_write(cx, small))?
        } else {
            let pieces = [IoSlice::new(small), IoSlice::new(&self.large), IoSlice::new(self.tail)];
            ready!(Pin::new(io).poll_write_vectored(cx, &pieces))?
        };
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.advance(count);
        Poll::Ready(Ok(count))
    }

    fn advance(&mut self, count: usize) {
        let from_small = count.min(self.small.len() - self.written);
        self.written += from_small;
        let from_large = (count - from_small).min(self.large.len());
        self.large.advance(from_large);
        self.tail = self.tail.get(count - from_small - from_large..).unwrap_or_default();
        if self.written == self.small.len() {
            self.small.clear();
            self.written = 0;
        }
        if self.large.is_empty() {
            self.large = Bytes::new();
        }
    }

    /// Gives memory back; to be called when the connection falls idle.
    pub fn release(&mut self) {
        if self.is_empty() && self.small.capacity() > KEEP_BYTES {
            self.small = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;

    use super::*;

    /// Takes at most `most` bytes a write, over all slices.
    struct Narrow {
        most: usize,
        taken: Vec<u8>,
    }

    impl AsyncWrite for Narrow {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(buf)])
        }
        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = bufs.iter().flat_map(|piece| piece.iter().copied()).collect();
            let count = all.len().min(self.most);
            self.taken.extend_from_slice(&all[..count]);
            Poll::Ready(Ok(count))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    proptest! {
        #[test]
        fn write_in_any_steps_keeps_order_and_bytes(
            pieces in proptest::collection::vec((any::<u8>(), 0_usize..20_000, any::<bool>()), 0..8),
            most in 1_usize..30_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (mut outbox, mut expected) = (Outbox::default(), Vec::new());
            let mut io = Narrow { most, taken: Vec::new() };
            let mut flush = |outbox: &mut Outbox, until_room: bool| {
                while !(outbox.is_empty() || until_room && outbox.has_room()) {
                    runtime.block_on(poll_fn(|cx| outbox.poll_write(&mut io, cx))).unwrap();
                }
            };
            for (byte, size, chunk) in pieces {
                flush(&mut outbox, true);
                let data = vec![byte; size];
                if chunk {
                    chunked::write_chunk(&mut expected, &data);
                    outbox.push_chunk(Bytes::from(data));
                } else {
                    expected.extend_from_slice(&data);
                    outbox.push(Bytes::from(data));
                }
            }
            flush(&mut outbox, false);
            prop_assert!(io.taken == expected);
        }
    }
}
