//! The request on its way out: head and body in as few writes as there can be.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use gateway_policy::message::{Body, BodyError, BodyStream, Frame};
use tokio::io::AsyncWrite;

use super::super::failure::UpstreamError;
use super::super::io::Io;
use crate::wire::Framing;
use crate::wire::chunked::{write_chunk, write_end, write_size};

/// Pieces up to this are copied behind what waits to be written; larger ones are written from where they are.
const COPY_BYTES_MAX: usize = 16 << 10;

/// Bytes that wait, and where more come from.
pub struct Upload {
    /// Head and small pieces.
    out: Vec<u8>,
    written: usize,
    /// A large piece behind `out`.
    piece: Bytes,
    source: Source,
    held: Option<Source>,
    has_written: bool,
    flushed: bool,
    failure: Option<io::Error>,
}

enum Source {
    /// All that there is stands in `out` and `piece`.
    Ended,
    Chunked(Box<dyn BodyStream>),
    /// So many bytes are still to come.
    Length(Box<dyn BodyStream>, u64),
    /// The connection failed, or the body did: nothing more is sent, and the connection is not used again.
    Broken,
}

impl Upload {
    /// How a body will be framed (RFC 9112 §6): by its length where that is known.
    pub fn framing(body: &Body) -> Framing {
        match body {
            Body::Empty | Body::Consumed => Framing::None,
            Body::Bytes(bytes) => Framing::Length(bytes.len() as u64),
            Body::Stream(stream) => match stream.remaining() {
                Some(length) => Framing::Length(length),
                None => Framing::Chunked,
            },
        }
    }

    /// `head` is a complete head that announces [`Upload::framing`] of `body`.
    pub fn new(mut head: Vec<u8>, body: Body) -> Self {
        let mut piece = Bytes::new();
        let source = match body {
            Body::Empty | Body::Consumed => Source::Ended,
            Body::Bytes(bytes) => {
                if bytes.len() <= COPY_BYTES_MAX {
                    head.extend_from_slice(&bytes);
                } else {
                    piece = bytes;
                }
                Source::Ended
            }
            Body::Stream(stream) => match stream.remaining() {
                Some(length) => Source::Length(stream, length),
                None => Source::Chunked(stream),
            },
        };
        Self {
            out: head,
            written: 0,
            piece,
            source,
            held: None,
            has_written: false,
            flushed: true,
            failure: None,
        }
    }

    /// Keeps a streamed body back until [`Upload::release`].
    pub fn hold(&mut self) {
        self.held = Some(std::mem::replace(&mut self.source, Source::Ended));
    }

    pub fn release(&mut self) {
        if let Some(source) = self.held.take() {
            self.source = source;
        }
    }

    /// Whether everything has been sent.
    pub fn is_done(&self) -> bool {
        matches!(self.source, Source::Ended) && self.held.is_none() && self.is_drained() && self.flushed
    }

    /// Whether the connection took anything.
    pub fn has_written(&self) -> bool {
        self.has_written
    }

    /// Why writing failed; the response, if one came all the same, is worth more.
    pub fn take_failure(&mut self) -> Option<UpstreamError> {
        self.failure.take().map(UpstreamError::Io)
    }

    /// The memory of a finished upload.
    pub fn take_memory(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Sends what can be sent now. A failed write is kept for later, since the backend may have answered before
    /// it stopped reading; only a body that cannot be read fails at once.
    pub fn poll(&mut self, io: &mut Io, cx: &mut Context<'_>) -> Result<(), UpstreamError> {
        match self.poll_send(io, cx) {
            Poll::Pending | Poll::Ready(Ok(())) => Ok(()),
            Poll::Ready(Err(Stop::Io(error))) => {
                self.failure = Some(error);
                self.break_off();
                Ok(())
            }
            Poll::Ready(Err(Stop::Body(error))) => {
                self.break_off();
                Err(UpstreamError::RequestBody(error))
            }
        }
    }

    fn break_off(&mut self) {
        self.source = Source::Broken;
        self.out.clear();
        self.written = 0;
        self.piece = Bytes::new();
    }

    fn is_drained(&self) -> bool {
        self.written >= self.out.len() && self.piece.is_empty()
    }

    fn poll_send(&mut self, io: &mut Io, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        loop {
            let waits = self.fill(cx).map_err(Stop::Body)?;
            if !self.is_drained() {
                ready!(self.poll_write(io, cx)).map_err(Stop::Io)?;
                continue;
            }
            if !self.flushed {
                ready!(Pin::new(&mut *io).poll_flush(cx)).map_err(Stop::Io)?;
                self.flushed = true;
            }
            return if waits { Poll::Pending } else { Poll::Ready(Ok(())) };
        }
    }

    /// Takes from the body what is there, as long as it is worth joining to one write. Whether the body makes
    /// us wait.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<bool, BodyError> {
        if self.written > 0 && self.is_drained() {
            self.out.clear();
            self.written = 0;
        }
        while self.piece.is_empty() && self.out.len() < COPY_BYTES_MAX {
            let stream = match &mut self.source {
                Source::Ended | Source::Broken => return Ok(false),
                Source::Chunked(stream) | Source::Length(stream, _) => stream,
            };
            match stream.poll_frame(cx) {
                Poll::Pending => return Ok(true),
                Poll::Ready(Some(frame)) => match frame? {
                    Frame::Data(data) => self.push(data)?,
                    // Trailers go to gRPC and HTTP/2 backends only (H2-12).
                    Frame::Trailers(_) => {}
                },
                Poll::Ready(None) => self.end()?,
            }
        }
        Ok(false)
    }

    fn push(&mut self, data: Bytes) -> Result<(), BodyError> {
        let small = data.len() <= COPY_BYTES_MAX;
        match &mut self.source {
            Source::Ended | Source::Broken => {}
            Source::Length(_, left) => {
                // Never more than announced: the rest would be taken for a request (H2-11).
                *left = left
                    .checked_sub(data.len() as u64)
                    .ok_or(BodyError::Malformed("body is longer than announced"))?;
                if small {
                    self.out.extend_from_slice(&data);
                } else {
                    self.piece = data;
                }
            }
            Source::Chunked(_) if data.is_empty() => {}
            Source::Chunked(_) if small => write_chunk(&mut self.out, &data),
            Source::Chunked(_) => {
                write_size(&mut self.out, data.len() as u64);
                self.piece = data;
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), BodyError> {
        match std::mem::replace(&mut self.source, Source::Ended) {
            Source::Chunked(_) => write_end(&mut self.out, None),
            Source::Length(_, 0) | Source::Ended | Source::Broken => {}
            // Short of what was announced: the request must not come to look complete.
            Source::Length(_, _) => return Err(BodyError::Lost),
        }
        Ok(())
    }

    fn poll_write(&mut self, io: &mut Io, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let head = self.out.get(self.written..).unwrap_or_default();
        let io = Pin::new(io);
        let count = if self.piece.is_empty() {
            ready!(io.poll_write(cx, head))?
        } else if head.is_empty() {
            ready!(io.poll_write(cx, &self.piece))?
        } else {
            ready!(io.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(&self.piece)]))?
        };
        if count == 0 {
            return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
        }
        self.has_written = true;
        self.flushed = false;
        let of_head = count.min(head.len());
        self.written += of_head;
        if count > of_head || (of_head == 0 && !self.piece.is_empty()) {
            self.piece.advance(count - of_head);
            if self.piece.is_empty() {
                self.end_piece();
            }
        }
        Poll::Ready(Ok(()))
    }

    /// A large chunk has gone out; its line end follows with the next bytes.
    fn end_piece(&mut self) {
        if let Source::Chunked(_) = self.source {
            self.out.clear();
            self.written = 0;
            self.out.extend_from_slice(b"\r\n");
        }
    }
}

enum Stop {
    Io(io::Error),
    Body(BodyError),
}
