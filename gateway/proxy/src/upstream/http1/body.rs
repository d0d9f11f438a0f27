//! A response body that is still arriving.

use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use gateway_policy::message::{BodyError, BodyStream, Frame, Headers};

use super::super::pool::Connection;
use super::Upload;
use crate::wire::{BodyReader, Part};

/// Chunks are gathered up to this (`policies.md` C 1.1, `buffer-response`).
const GATHER_BYTES: usize = 8 << 10;

/// Owns the connection: gives it back at the end of the body, closes it when dropped before.
pub struct ResponseBody {
    connection: Option<Connection>,
    reader: BodyReader,
    /// The request when it is still being sent.
    upload: Option<Upload>,
    /// Arrived with the head.
    first: Bytes,
    gathered: BytesMut,
    gather: bool,
    keep_alive: bool,
    end: Option<End>,
}

/// A body that has arrived as a whole, with trailers behind it.
pub struct Arrived {
    body: Bytes,
    trailers: Option<Box<Headers>>,
}

impl Arrived {
    pub fn new(body: Bytes, trailers: Box<Headers>) -> Self {
        Self { body, trailers: Some(trailers) }
    }
}

impl BodyStream for Arrived {
    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        if !self.body.is_empty() {
            return Poll::Ready(Some(Ok(Frame::Data(std::mem::take(&mut self.body)))));
        }
        Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::Trailers(*trailers))))
    }

    /// Unknown: only chunks can have trailers.
    fn remaining(&self) -> Option<u64> {
        None
    }
}

/// What follows the pieces already taken.
enum End {
    Complete(Option<Box<Headers>>),
    Failed(BodyError),
}

impl ResponseBody {
    pub fn new(
        connection: Connection,
        reader: BodyReader,
        upload: Option<Upload>,
        first: Bytes,
        gather: bool,
        keep_alive: bool,
    ) -> Self {
        // Only chunks are gathered; a body of known length or until close is passed on as it is read.
        let gather = gather && matches!(reader, BodyReader::Chunked(_));
        Self {
            connection: Some(connection),
            reader,
            upload,
            first,
            gathered: BytesMut::new(),
            gather,
            keep_alive,
            end: None,
        }
    }

    fn finish(&mut self, end: End) {
        let connection = self.connection.take();
        if let (Some(connection), End::Complete(_), true, None) =
            (connection, &end, self.keep_alive, &self.upload)
        {
            // Bytes behind the body are a response nobody asked for (U-04).
            if connection.buffer.is_empty() {
                connection.recycle();
            }
        }
        self.end = Some(end);
    }

    /// The next piece, or `None` when `end` is known.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if self.end.is_some() {
                return Poll::Ready(None);
            }
            let Some(connection) = self.connection.as_mut() else {
                self.end = Some(End::Failed(BodyError::Lost));
                continue;
            };
            match self.reader.next(&mut connection.buffer) {
                Ok(Part::Data(piece)) => {
                    if self.reader.is_done() {
                        self.finish(End::Complete(None));
                    }
                    return Poll::Ready(Some(piece));
                }
                Ok(Part::End(trailers)) => self.finish(End::Complete(trailers)),
                Ok(Part::More) => match connection.buffer.poll_fill(&mut connection.io, cx) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(0)) if self.reader.end_of_input() => {
                        self.keep_alive = false;
                        self.finish(End::Complete(None));
                    }
                    Poll::Ready(Ok(0) | Err(_)) => self.finish(End::Failed(BodyError::Lost)),
                    Poll::Ready(Ok(_)) => {}
                },
                Err(_) => self.finish(End::Failed(BodyError::Malformed("response body"))),
            }
        }
    }

    fn drive_upload(&mut self, cx: &mut Context<'_>) {
        let (Some(upload), Some(connection)) = (&mut self.upload, &mut self.connection) else { return };
        if upload.poll(&mut connection.io, cx).is_err() {
            // The client broke off its own request: there is nobody to finish the response for.
            self.finish(End::Failed(BodyError::Lost));
        } else if upload.is_done() {
            self.upload = None;
        }
    }

    fn poll_end(&mut self) -> Poll<Option<Result<Frame, BodyError>>> {
        Poll::Ready(match self.end.replace(End::Complete(None)) {
            Some(End::Failed(error)) => Some(Err(error)),
            Some(End::Complete(trailers)) => trailers.map(|trailers| Ok(Frame::Trailers(*trailers))),
            None => None,
        })
    }
}

impl BodyStream for ResponseBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        self.drive_upload(cx);
        if !self.gather {
            if !self.first.is_empty() {
                return Poll::Ready(Some(Ok(Frame::Data(std::mem::take(&mut self.first)))));
            }
            return match self.poll_piece(cx) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Some(piece)) => Poll::Ready(Some(Ok(Frame::Data(piece)))),
                Poll::Ready(None) => self.poll_end(),
            };
        }
        if !self.first.is_empty() {
            self.gathered.extend_from_slice(&std::mem::take(&mut self.first));
        }
        while self.gathered.len() < GATHER_BYTES {
            match self.poll_piece(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(piece)) => self.gathered.extend_from_slice(&piece),
                Poll::Ready(None) if self.gathered.is_empty() => return self.poll_end(),
                Poll::Ready(None) => break,
            }
        }
        Poll::Ready(Some(Ok(Frame::Data(self.gathered.split().freeze()))))
    }

    fn remaining(&self) -> Option<u64> {
        self.reader.remaining().map(|left| left + (self.first.len() + self.gathered.len()) as u64)
    }
}
