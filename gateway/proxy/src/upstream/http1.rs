//! One exchange over an HTTP/1.1 connection (RFC 9112). The connection belongs to the exchange: no task, no
//! channel; a small response costs one write and one read, and the connection is back in its pool before the
//! caller goes on.

mod body;
mod upload;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use gateway_policy::message::{Body, Headers, Method, Response};
use smallvec::SmallVec;

use body::Arrived;
pub use body::ResponseBody;
pub use upload::Upload;

use super::failure::UpstreamError;
use super::pool::Connection;
use crate::wire::fields::list;
use crate::wire::{BodyReader, HeadLimits, HeadScan, Part, ResponseHead, WireError};

/// Interim responses skipped before the final one (U-04).
const INTERIM_MAX: usize = 8;

/// What the exchange needs to know besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub method: &'a Method,
    pub limits: &'a HeadLimits,
    /// The request asks for this protocol; a 101 must name it.
    pub upgrade: Option<&'a [u8]>,
    /// Gather response chunks up to 8 KiB.
    pub gather: bool,
    /// How long the body waits for `100 Continue`.
    pub continue_timeout: Option<Duration>,
}

/// A failed exchange.
pub struct Failure {
    pub error: UpstreamError,
    /// Whether the backend had sent anything.
    pub answered: bool,
    /// Whether anything had been handed to the connection.
    pub written: bool,
}

/// What came back.
pub enum Outcome {
    Response(Response),
    /// 101: the connection is a tunnel now.
    Upgraded(Response, Box<Connection>),
}

/// Sends what `upload` holds and returns the response, its body complete or as a stream that owns the
/// connection. `used` is the memory of the upload when it has ended, to be used again.
pub async fn exchange(
    mut connection: Connection,
    mut upload: Upload,
    rules: Rules<'_>,
    used: impl FnOnce(Vec<u8>),
) -> Result<Outcome, Failure> {
    let mut reading = Reading::default();
    if let Some(wait) = rules.continue_timeout {
        upload.hold();
        let waiting = poll_fn(|cx| reading.poll_head(&mut connection, &mut upload, &rules, true, cx));
        match tokio::time::timeout(wait, waiting).await {
            Ok(Ok(Some(head))) => return finish(connection, upload, head, &rules, used),
            Ok(Err(error)) => return Err(reading.failure(error, &upload)),
            // Told to go on, or not told anything.
            Ok(Ok(None)) | Err(_) => upload.release(),
        }
    }
    match poll_fn(|cx| reading.poll_head(&mut connection, &mut upload, &rules, false, cx)).await {
        Ok(Some(head)) => finish(connection, upload, head, &rules, used),
        Ok(None) => Err(reading.failure(UpstreamError::Closed, &upload)),
        Err(error) => Err(reading.failure(error, &upload)),
    }
}

/// The way to the final response head.
#[derive(Default)]
struct Reading {
    scan: HeadScan,
    interim: usize,
    answered: bool,
}

impl Reading {
    fn failure(&self, error: UpstreamError, upload: &Upload) -> Failure {
        Failure { error, answered: self.answered, written: upload.has_written() }
    }

    /// Writes and reads side by side: a backend may answer before it has read the request. `Ready(None)` is a
    /// `100 Continue` that was waited for.
    fn poll_head(
        &mut self,
        connection: &mut Connection,
        upload: &mut Upload,
        rules: &Rules<'_>,
        until_continue: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<ResponseHead>, UpstreamError>> {
        upload.poll(&mut connection.io, cx)?;
        loop {
            while let Some(head) = connection
                .buffer
                .take_response(&mut self.scan, rules.limits, rules.method)
                .map_err(UpstreamError::Malformed)?
            {
                match self.judge(&head, rules)? {
                    Step::Final => return Poll::Ready(Ok(Some(head))),
                    Step::Interim if head.status == 100 && until_continue => return Poll::Ready(Ok(None)),
                    Step::Interim => {}
                }
            }
            if !begins_like_a_response(connection.buffer.data()) {
                return Poll::Ready(Err(UpstreamError::Malformed(WireError::StartLine)));
            }
            match ready!(connection.buffer.poll_fill(&mut connection.io, cx)) {
                Ok(0) => return Poll::Ready(Err(self.ended(connection, upload))),
                Ok(_) => self.answered = true,
                Err(error) => {
                    return Poll::Ready(Err(upload.take_failure().unwrap_or(UpstreamError::Io(error))));
                }
            }
        }
    }

    fn ended(&self, connection: &Connection, upload: &mut Upload) -> UpstreamError {
        if connection.buffer.is_empty() && !self.answered {
            upload.take_failure().unwrap_or(UpstreamError::Closed)
        } else {
            UpstreamError::Closed
        }
    }

    fn judge(&mut self, head: &ResponseHead, rules: &Rules<'_>) -> Result<Step, UpstreamError> {
        match head.status {
            101 if names_protocol(&head.headers, rules.upgrade) => Ok(Step::Final),
            101 => Err(UpstreamError::UnaskedUpgrade),
            100..=199 => {
                self.interim += 1;
                if self.interim > INTERIM_MAX {
                    Err(UpstreamError::TooManyInterim)
                } else {
                    Ok(Step::Interim)
                }
            }
            _ => Ok(Step::Final),
        }
    }
}

enum Step {
    Interim,
    Final,
}

/// Whether an unfinished head can become one: what speaks another protocol is not waited for (U-04).
fn begins_like_a_response(bytes: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/1.";
    bytes.iter().zip(START).all(|(byte, expected)| byte == expected)
}

/// Whether a 101 switches to what was asked for (RFC 9110 §7.8).
fn names_protocol(headers: &Headers, asked: Option<&[u8]>) -> bool {
    let Some(asked) = asked else { return false };
    headers.get_all("upgrade").flat_map(list).any(|named| named.eq_ignore_ascii_case(asked))
}

/// Turns a response head into a response: the body at once when the buffer has all of it, else a stream.
fn finish(
    mut connection: Connection,
    mut upload: Upload,
    head: ResponseHead,
    rules: &Rules<'_>,
    used: impl FnOnce(Vec<u8>),
) -> Result<Outcome, Failure> {
    let ResponseHead { status, reason, headers, framing, keep_alive, .. } = head;
    let mut response = Response { status, reason, headers, body: Body::Empty };
    if status == 101 {
        return Ok(Outcome::Upgraded(response, Box::new(connection)));
    }
    if let Some(value) = response.headers.get("keep-alive") {
        connection.note_keep_alive(value);
    }
    let failure = |error| Failure { error, answered: true, written: true };
    let mut reader = BodyReader::new(framing);
    let (pieces, end) = buffered(&mut reader, &mut connection).map_err(failure)?;
    let ended = end.is_some();
    if ended && !connection.buffer.is_empty() {
        // More bytes than the response has: a wrong length, or a second response nobody asked for.
        return Err(failure(UpstreamError::Malformed(WireError::UnexpectedBody)));
    }
    let sent = upload.is_done();
    if sent {
        used(upload.take_memory());
    }
    let body = joined(pieces);
    if ended {
        // A backend that answered before it read the whole request gets no more of it, nor another one.
        if keep_alive && sent {
            connection.recycle();
        }
        response.body = match end.flatten() {
            Some(trailers) => Body::Stream(Box::new(Arrived::new(body, trailers))),
            None => Body::from(body),
        };
        return Ok(Outcome::Response(response));
    }
    let gather = rules.gather && !is_event_stream(&response.headers);
    let upload = (!sent).then_some(upload);
    let stream = ResponseBody::new(connection, reader, upload, body, gather, keep_alive);
    response.body = Body::Stream(Box::new(stream));
    Ok(Outcome::Response(response))
}

type Pieces = SmallVec<[Bytes; 2]>;

/// What follows the last piece.
type Trailers = Option<Box<Headers>>;

/// The part of the body that has arrived, and its end when it is all of it.
fn buffered(
    reader: &mut BodyReader,
    connection: &mut Connection,
) -> Result<(Pieces, Option<Trailers>), UpstreamError> {
    let mut pieces = Pieces::new();
    loop {
        match reader.next(&mut connection.buffer).map_err(UpstreamError::Malformed)? {
            Part::Data(piece) => pieces.push(piece),
            Part::End(trailers) => return Ok((pieces, Some(trailers))),
            Part::More => return Ok((pieces, None)),
        }
    }
}

fn joined(mut pieces: Pieces) -> Bytes {
    if pieces.len() <= 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut all = BytesMut::with_capacity(pieces.iter().map(Bytes::len).sum());
    for piece in &pieces {
        all.extend_from_slice(piece);
    }
    all.freeze()
}

/// Server-sent events are never held back: whoever sends them wants them seen.
fn is_event_stream(headers: &Headers) -> bool {
    headers.get("content-type").is_some_and(|value| {
        value.get(..17).is_some_and(|start| start.eq_ignore_ascii_case(b"text/event-stream"))
    })
}
