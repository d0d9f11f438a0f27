//! Message bodies: streaming until a policy reads them.

use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use thiserror::Error;

use super::{BufferBudget, Headers};

/// A body in one of its states (`policies.md` §4): streaming, buffered, or consumed.
#[derive(Default)]
pub enum Body {
    /// The message has no body.
    #[default]
    Empty,
    /// The whole body is in memory and can be read again.
    Bytes(Bytes),
    /// The body arrives as it is read, once.
    Stream(Box<dyn BodyStream>),
    /// Read without `preserveContent`, or sent on: nothing is left.
    Consumed,
}

/// One piece of a streamed body.
#[derive(Debug)]
pub enum Frame {
    Data(Bytes),
    /// Trailer fields; the last frame when present.
    Trailers(Headers),
}

/// A body that arrives in pieces. Lives on one worker thread.
pub trait BodyStream {
    /// The next piece; `None` at the end. After an error nothing more may be asked.
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>>;

    /// Bytes still to come, when the framing tells.
    fn remaining(&self) -> Option<u64>;
}

/// Why a body ended before its end.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// The peer broke the framing rules.
    #[error("malformed body framing: {0}")]
    Malformed(&'static str),
    /// The peer went away, or the connection failed.
    #[error("connection lost while reading the body")]
    Lost,
    /// A limit was passed: `bytes_max`.
    #[error("body exceeds {bytes_max} bytes")]
    TooLarge { bytes_max: u64 },
    /// All messages together hold as much as they may.
    #[error("too many bodies are held in memory at the moment")]
    NoRoom,
    /// Nothing came for too long, or too little.
    #[error("body arrived too slowly")]
    TooSlow,
}

impl Body {
    /// Bytes of the whole body when known.
    pub fn len(&self) -> Option<u64> {
        match self {
            Self::Empty | Self::Consumed => Some(0),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Stream(stream) => stream.remaining(),
        }
    }

    /// Whether nothing can be read: no body, or none left.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Empty | Self::Consumed => true,
            Self::Bytes(bytes) => bytes.is_empty(),
            Self::Stream(_) => false,
        }
    }

    /// Takes the body out and leaves it consumed. A buffered body stays and is shared.
    #[must_use]
    pub fn take_or_share(&mut self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Consumed => Self::Consumed,
            Self::Bytes(bytes) => Self::Bytes(bytes.clone()),
            Self::Stream(_) => std::mem::replace(self, Self::Consumed),
        }
    }

    /// Reads a streaming body to its end, so that it can be read again; trailers are dropped, as they are
    /// never merged into headers. A body longer than the budget of a message, or for which all messages together leave no
    /// room, fails and is consumed.
    pub async fn buffer(&mut self, budget: &BufferBudget) -> Result<(), BodyError> {
        let bytes_max = budget.message_bytes_max;
        let Self::Stream(_) = self else { return Ok(()) };
        let Self::Stream(mut stream) = std::mem::replace(self, Self::Consumed) else { return Ok(()) };
        let known = stream.remaining();
        if known.is_some_and(|length| length > bytes_max) {
            return Err(BodyError::TooLarge { bytes_max });
        }
        let mut held = budget.hold();
        held.grow(known.unwrap_or(0))?;
        let mut paid = known.unwrap_or(0);
        let mut collected = BytesMut::with_capacity(known.unwrap_or(0) as usize);
        while let Some(frame) = poll_fn(|cx| stream.poll_frame(cx)).await {
            let Frame::Data(data) = frame? else { continue };
            if (collected.len() + data.len()) as u64 > bytes_max {
                return Err(BodyError::TooLarge { bytes_max });
            }
            collected.extend_from_slice(&data);
            let unpaid = (collected.len() as u64).saturating_sub(paid);
            held.grow(unpaid)?;
            paid += unpaid;
        }
        *self = if collected.is_empty() { Self::Empty } else { Self::Bytes(held.freeze(collected.freeze())) };
        Ok(())
    }

    /// Reads a streaming body to its end like [`Self::buffer`], but no further than `bytes_max`: a longer one streams on
    /// with all its bytes. Whether the whole body is in memory.
    pub async fn gather(&mut self, bytes_max: u64) -> Result<bool, BodyError> {
        let Self::Stream(_) = self else { return Ok(true) };
        let Self::Stream(mut stream) = std::mem::replace(self, Self::Consumed) else { return Ok(true) };
        if stream.remaining().is_some_and(|length| length > bytes_max) {
            *self = Self::Stream(stream);
            return Ok(false);
        }
        let mut collected = BytesMut::new();
        while let Some(frame) = poll_fn(|cx| stream.poll_frame(cx)).await {
            let Frame::Data(data) = frame? else { continue };
            collected.extend_from_slice(&data);
            if collected.len() as u64 > bytes_max {
                *self = Self::Stream(Box::new(Begun { begin: Some(collected.freeze()), rest: stream }));
                return Ok(false);
            }
        }
        *self = Self::from(collected.freeze());
        Ok(true)
    }

    /// The buffered content; empty when there is none or it is still streaming.
    pub fn buffered(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Empty | Self::Consumed | Self::Stream(_) => &[],
        }
    }
}

/// A stream whose first bytes have been read.
struct Begun {
    begin: Option<Bytes>,
    rest: Box<dyn BodyStream>,
}

impl BodyStream for Begun {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        match self.begin.take() {
            Some(begin) => Poll::Ready(Some(Ok(Frame::Data(begin)))),
            None => self.rest.poll_frame(cx),
        }
    }

    fn remaining(&self) -> Option<u64> {
        let begin = self.begin.as_ref().map_or(0, |begin| begin.len() as u64);
        self.rest.remaining().map(|rest| begin + rest)
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Bytes(bytes) }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Consumed => f.write_str("Consumed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    struct Pieces(VecDeque<&'static [u8]>);

    impl BodyStream for Pieces {
        fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::Data(Bytes::from_static(piece)))))
        }
        fn remaining(&self) -> Option<u64> {
            None
        }
    }

    fn streamed() -> Body {
        Body::Stream(Box::new(Pieces(VecDeque::from([&b"ab"[..], &b"cd"[..]]))))
    }

    #[tokio::test]
    async fn buffer_stream_can_be_read_twice() {
        let mut body = streamed();
        body.buffer(&BufferBudget::of_one(4)).await.unwrap();
        assert_eq!(body.take_or_share().buffered(), b"abcd");
        assert_eq!(body.buffered(), b"abcd");
    }

    #[tokio::test]
    async fn buffer_longer_than_the_limit_fails_and_consumes() {
        let mut body = streamed();
        assert_eq!(body.buffer(&BufferBudget::of_one(3)).await, Err(BodyError::TooLarge { bytes_max: 3 }));
        assert!(matches!(body, Body::Consumed));
    }

    #[tokio::test]
    async fn gather_longer_than_the_limit_streams_on_whole() {
        for (max, whole) in [(4, true), (3, false), (1, false)] {
            let mut body = streamed();
            assert_eq!(body.gather(max).await, Ok(whole));
            body.buffer(&BufferBudget::of_one(4)).await.unwrap();
            assert_eq!(body.buffered(), b"abcd");
        }
    }

    #[test]
    fn take_stream_leaves_it_consumed() {
        let mut body = streamed();
        assert!(matches!(body.take_or_share(), Body::Stream(_)));
        assert!(matches!(body, Body::Consumed));
    }
}
