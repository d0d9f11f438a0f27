//! A response on its way out over HTTP/1.1.

use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_policy::message::{Body, BodyStream, Frame, Headers, Response};

use super::link::{Ends, Interim, Link};
use super::timers::{Pace, PaceLimits, Timer};
use crate::wire::write::{self, Announce, Persistence, StatusLine};
use crate::wire::{Framing, Version, chunked};

/// What the request says about its response.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub version: Version,
    pub is_head: bool,
    pub accepts_trailers: bool,
}

/// A response being sent.
pub struct Reply {
    source: Option<Source>,
    pace: Pace,
    pub head_bytes: u64,
    /// Content handed over so far.
    pub body_bytes: u64,
    /// Whether the connection may serve another request.
    pub persists: bool,
    /// Bytes handed to the kernel so far, framing included.
    pub written: u64,
}

/// A body that is still coming.
struct Source {
    stream: Box<dyn BodyStream>,
    /// Bytes that must still come; `None` when the framing does not say.
    left: Option<u64>,
    chunked: bool,
    accepts_trailers: bool,
}

/// How a poll of the source ended.
enum Step {
    Took,
    Pending,
    Ended,
    Failed,
}

impl Reply {
    /// Puts the head, and what is there of the body, into the outbox. The link must be free: the body may be that of
    /// the request on the same connection.
    pub fn begin(
        link: &Link,
        asked: Asked,
        response: Response,
        persistence: Persistence,
        pace: PaceLimits,
    ) -> Self {
        let plan = Plan::new(asked, &response);
        let persistence = match plan.announce {
            Announce::Framing(Framing::UntilClose) => Persistence::Close,
            _ => persistence,
        };
        let head_bytes = link.with(|ends| {
            ends.interim = Interim::None;
            let before = ends.outbox.small().len();
            let line =
                StatusLine { version: asked.version, status: response.status, reason: &response.reason };
            write::response_head(ends.outbox.small(), line, &response.headers, plan.announce, persistence);
            ends.outbox.small().len() - before
        });
        let mut reply = Self {
            source: None,
            pace: Pace::new(pace),
            head_bytes: head_bytes as u64,
            body_bytes: 0,
            persists: persistence == Persistence::KeepAlive,
            written: 0,
        };
        match response.body {
            _ if !plan.sends_body => {}
            Body::Bytes(data) => link.with(|ends| reply.push(ends, data, false)),
            Body::Stream(stream) => {
                let (left, chunked) = match plan.announce {
                    Announce::Framing(Framing::Length(length)) => (Some(length), false),
                    Announce::Framing(Framing::Chunked) => (None, true),
                    _ => (None, false),
                };
                reply.source =
                    Some(Source { stream, left, chunked, accepts_trailers: asked.accepts_trailers });
            }
            Body::Empty | Body::Consumed => {}
        }
        reply
    }

    fn push(&mut self, ends: &mut Ends, data: Bytes, as_chunk: bool) {
        self.body_bytes += data.len() as u64;
        if as_chunk {
            ends.outbox.push_chunk(data);
        } else {
            ends.outbox.push(data);
        }
    }

    /// Moves body to client as far as both allow. `Ready` says whether the response is complete; `Pending` with an
    /// empty outbox means that the body is being waited for.
    pub fn poll(&mut self, link: &Rc<Link>, timer: &Timer, cx: &mut Context<'_>) -> Poll<bool> {
        loop {
            let mut starved = false;
            while self.source.is_some() && link.with(|ends| ends.outbox.has_room()) {
                match self.poll_source(link, cx) {
                    Step::Took => {}
                    Step::Ended => self.source = None,
                    Step::Failed => return Poll::Ready(false),
                    Step::Pending => {
                        starved = true;
                        break;
                    }
                }
            }
            match link.with(|ends| self.poll_outbox(ends, timer, cx)) {
                Poll::Ready(true) if self.source.is_none() => return Poll::Ready(true),
                Poll::Ready(true) if starved => return Poll::Pending,
                Poll::Ready(true) => {}
                Poll::Ready(false) => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Takes one piece from the source. The link is not borrowed while the source runs: it may be the body of the
    /// request on the same connection.
    fn poll_source(&mut self, link: &Rc<Link>, cx: &mut Context<'_>) -> Step {
        let Some(source) = self.source.as_mut() else { return Step::Ended };
        let frame = match source.stream.poll_frame(cx) {
            Poll::Pending => return Step::Pending,
            Poll::Ready(frame) => frame,
        };
        let chunked = source.chunked;
        match frame {
            Some(Ok(Frame::Data(data))) => {
                let mut step = Step::Took;
                if let Some(left) = source.left.as_mut() {
                    match left.checked_sub(data.len() as u64) {
                        None => return Step::Failed,
                        Some(0) => step = Step::Ended,
                        Some(_) => {}
                    }
                    *left -= data.len() as u64;
                }
                link.with(|ends| self.push(ends, data, chunked));
                step
            }
            // A body shorter than announced must not look whole.
            None | Some(Ok(Frame::Trailers(_))) if source.left.is_some_and(|left| left > 0) => Step::Failed,
            Some(Ok(Frame::Trailers(trailers))) => {
                let trailers = source.accepts_trailers.then_some(&trailers);
                end(link, chunked, trailers)
            }
            None => end(link, chunked, None),
            Some(Err(_)) => Step::Failed,
        }
    }

    /// Writes until nothing is left (`true`), the client is too slow or gone (`false`), or it has to be waited for.
    fn poll_outbox(&mut self, ends: &mut Ends, timer: &Timer, cx: &mut Context<'_>) -> Poll<bool> {
        while !ends.outbox.is_empty() {
            match ends.outbox.poll_write(&mut ends.io, cx) {
                Poll::Ready(Ok(count)) => {
                    self.written += count as u64;
                    self.pace.progress(count, timer);
                }
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Pending if self.pace.poll_too_slow(timer, cx) => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(true)
    }
}

fn end(link: &Rc<Link>, chunked: bool, trailers: Option<&Headers>) -> Step {
    if chunked {
        link.with(|ends| chunked::write_end(ends.outbox.small(), trailers));
    }
    Step::Ended
}

/// How the body of a response is announced and whether it is sent (RFC 9110 §6.4.1, RFC 9112 §6.3).
struct Plan {
    announce: Announce,
    sends_body: bool,
}

impl Plan {
    fn new(asked: Asked, response: &Response) -> Self {
        let length = response.body.len();
        let announce = match (response.status, length) {
            (100..=199 | 204, _) => Announce::Nothing,
            (304, _) => Announce::AsHeaders,
            (205, _) => Announce::Framing(Framing::None),
            (_, Some(0)) if asked.is_head => Announce::AsHeaders,
            (_, Some(0)) => Announce::Framing(Framing::None),
            (_, Some(length)) => Announce::Framing(Framing::Length(length)),
            (_, None) if asked.version == Version::Http11 => Announce::Framing(Framing::Chunked),
            (_, None) => Announce::Framing(Framing::UntilClose),
        };
        let framed = matches!(announce, Announce::Framing(framing) if framing != Framing::None);
        Self { announce, sends_body: framed && !asked.is_head }
    }
}
