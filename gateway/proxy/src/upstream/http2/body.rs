//! Bodies between our form and hyper's.

use std::cell::Cell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use gateway_policy::message::{Body, BodyError, BodyStream, Frame};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body as HttpBody, SizeHint};
use hyper::body::Incoming;

use super::{InUse, into_headers};

/// A request body for hyper. Trailers of the client go along (gRPC).
pub struct RequestBody {
    body: Body,
    cause: Rc<Cell<Option<BodyError>>>,
}

/// Where a [`RequestBody`] leaves the error that ended it.
pub type Cause = Rc<Cell<Option<BodyError>>>;

impl RequestBody {
    pub fn new(body: Body) -> (Self, Cause) {
        let cause = Cause::default();
        (Self { body, cause: Rc::clone(&cause) }, cause)
    }

    pub fn into_inner(self) -> Body {
        self.body
    }
}

/// The request body could not be read; the stream is reset.
#[derive(Debug)]
pub struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("request body could not be read")
    }
}

impl std::error::Error for Aborted {}

impl HttpBody for RequestBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, Aborted>>> {
        match &mut self.body {
            Body::Empty | Body::Consumed => Poll::Ready(None),
            Body::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                self.body = Body::Consumed;
                Poll::Ready(Some(Ok(http_body::Frame::data(bytes))))
            }
            Body::Stream(stream) => stream.poll_frame(cx).map(|frame| {
                Some(match frame? {
                    Ok(Frame::Data(data)) => Ok(http_body::Frame::data(data)),
                    Ok(Frame::Trailers(trailers)) => Ok(http_body::Frame::trailers(trailer_map(&trailers))),
                    Err(error) => {
                        self.cause.set(Some(error));
                        Err(Aborted)
                    }
                })
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.body {
            Body::Empty | Body::Consumed => true,
            Body::Bytes(bytes) => bytes.is_empty(),
            // Trailers may follow the last byte.
            Body::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        self.body.len().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

fn trailer_map(trailers: &gateway_policy::message::Headers) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(trailers.len());
    for (name, value) in trailers.iter() {
        if crate::wire::fields::is_forbidden_trailer(name) {
            continue;
        }
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            map.append(name, value);
        }
    }
    map
}

/// A response body off a stream. Dropping it resets the stream; the connection goes on.
pub struct ResponseStream {
    incoming: Incoming,
    /// Until the end of the body.
    in_use: Option<InUse>,
    /// Bytes of `Content-Length` still to come.
    remaining: Option<u64>,
}

impl ResponseStream {
    pub fn new(incoming: Incoming, in_use: InUse) -> Self {
        let remaining = HttpBody::size_hint(&incoming).exact();
        Self { incoming, in_use: Some(in_use), remaining }
    }
}

impl BodyStream for ResponseStream {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        loop {
            let frame = match Pin::new(&mut self.incoming).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    self.in_use = None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(BodyError::Lost))),
                Poll::Ready(Some(Ok(frame))) => frame,
            };
            match frame.into_data() {
                Ok(data) if data.is_empty() => {}
                Ok(data) => {
                    self.remaining = self.remaining.map(|left| left.saturating_sub(data.len() as u64));
                    return Poll::Ready(Some(Ok(Frame::Data(data))));
                }
                Err(frame) => {
                    let Ok(map) = frame.into_trailers() else { continue };
                    let Some(trailers) = into_headers(&map) else {
                        return Poll::Ready(Some(Err(BodyError::Malformed("trailers"))));
                    };
                    return Poll::Ready(Some(Ok(Frame::Trailers(trailers))));
                }
            }
        }
    }

    fn remaining(&self) -> Option<u64> {
        self.remaining
    }
}
