//! Parts of a request's messages that diagnostics ask for: fields and the first bytes of bodies, copied as they go by.
//!
//! Bodies stream on: a copy of their beginning is taken from the pieces.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;

use super::payload;
use crate::message::{Body, BodyError, BodyStream, Frame, Headers, coding};

/// Bytes that are copied of a body in content codings, to be decoded when the request has ended.
const CODED_BYTES_MAX: usize = 8192;

/// One of the four messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    FrontendRequest,
    FrontendResponse,
    BackendRequest,
    BackendResponse,
}

/// What is wanted of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Names of fields.
    pub headers: Vec<Box<str>>,
    pub body_bytes: usize,
}

/// What is wanted of each message, by [`Place`].
pub type AllWanted = [Wanted; 4];

/// What was seen of a message.
#[derive(Debug, Default)]
pub struct Seen {
    /// Fields by the names under which they were wanted; several of one name joined by a comma.
    pub headers: Vec<(Box<str>, String)>,
    content_type: String,
    content_encoding: String,
    /// Bytes of the text that are wanted.
    body_bytes: usize,
    body: Rc<RefCell<Vec<u8>>>,
}

impl Seen {
    /// The body's beginning, as far as it went by: out of its content codings and its charset. What is in a coding that
    /// is not known is not shown.
    pub fn text(&self) -> String {
        let body = self.body.borrow();
        if coding::is_plain(&self.content_encoding) {
            return payload::decode(&body, &self.content_type);
        }
        let decoded = coding::decode_beginning(&body, &self.content_encoding, self.body_bytes);
        payload::decode(&decoded, &self.content_type)
    }

    pub fn content_type(&self) -> &str {
        &self.content_type
    }
}

/// What is wanted, and what was seen so far.
#[derive(Debug)]
pub struct Capture {
    wanted: Arc<AllWanted>,
    seen: [Seen; 4],
}

impl Capture {
    pub fn new(wanted: Arc<AllWanted>) -> Self {
        Self { wanted, seen: <[Seen; 4]>::default() }
    }

    /// Copies what is wanted of a message; a later one at the same place (`retry`) takes its place.
    pub fn take(&mut self, place: Place, headers: &Headers, body: &mut Body) {
        let at = place as usize;
        let (Some(wanted), Some(seen)) = (self.wanted.get(at), self.seen.get_mut(at)) else { return };
        let shown = |name: &str| headers.joined(name).map(Cow::into_owned);
        *seen = Seen {
            headers: wanted.headers.iter().filter_map(|name| Some((name.clone(), shown(name)?))).collect(),
            ..Seen::default()
        };
        if wanted.body_bytes == 0 {
            return;
        }
        seen.content_type = shown("Content-Type").unwrap_or_default();
        seen.content_encoding = shown("Content-Encoding").unwrap_or_default();
        seen.body_bytes = wanted.body_bytes;
        // The first bytes of what is coded may say less than as many bytes of text.
        let is_plain = coding::is_plain(&seen.content_encoding);
        let bytes_max = if is_plain { wanted.body_bytes } else { wanted.body_bytes.max(CODED_BYTES_MAX) };
        match body {
            Body::Empty | Body::Consumed => {}
            Body::Bytes(bytes) => copy(&seen.body, bytes, bytes_max),
            Body::Stream(_) => {
                if let Body::Stream(stream) = std::mem::take(body) {
                    let copied = Rc::clone(&seen.body);
                    *body = Body::Stream(Box::new(Watched { stream, copied, bytes_max }));
                }
            }
        }
    }

    pub fn seen(&self, place: Place) -> Option<&Seen> {
        self.seen.get(place as usize)
    }
}

/// A body whose first bytes are copied as they are read.
struct Watched {
    stream: Box<dyn BodyStream>,
    copied: Rc<RefCell<Vec<u8>>>,
    bytes_max: usize,
}

impl BodyStream for Watched {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        let polled = self.stream.poll_frame(cx);
        if let Poll::Ready(Some(Ok(Frame::Data(data)))) = &polled {
            copy(&self.copied, data, self.bytes_max);
        }
        polled
    }

    fn remaining(&self) -> Option<u64> {
        self.stream.remaining()
    }
}

fn copy(to: &RefCell<Vec<u8>>, from: &Bytes, bytes_max: usize) {
    let mut to = to.borrow_mut();
    let room = bytes_max.saturating_sub(to.len()).min(from.len());
    to.extend_from_slice(from.get(..room).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::poll_fn;

    use super::*;

    struct Pieces(VecDeque<&'static [u8]>);

    impl BodyStream for Pieces {
        fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::Data(Bytes::from_static(piece)))))
        }
        fn remaining(&self) -> Option<u64> {
            Some(self.0.iter().map(|piece| piece.len() as u64).sum())
        }
    }

    #[tokio::test]
    async fn body_streams_on_while_its_beginning_is_copied() {
        let mut wanted = AllWanted::default();
        wanted[Place::BackendResponse as usize] = Wanted { headers: vec!["x-a".into()], body_bytes: 3 };
        let mut capture = Capture::new(Arc::new(wanted));
        let mut headers = Headers::new();
        headers.append("X-A", b"1").unwrap();
        headers.append("X-A", b"2").unwrap();
        headers.append("X-B", b"3").unwrap();
        let mut body = Body::Stream(Box::new(Pieces(VecDeque::from([&b"ab"[..], &b"cd"[..]]))));
        capture.take(Place::BackendResponse, &headers, &mut body);
        capture.take(Place::FrontendResponse, &headers, &mut body);
        assert_eq!(body.len(), Some(4));
        let Body::Stream(mut stream) = body else { panic!("it does not stream") };
        let first = poll_fn(|cx| stream.poll_frame(cx)).await;
        assert!(matches!(first, Some(Ok(Frame::Data(data))) if &*data == b"ab"));
        let seen = capture.seen(Place::BackendResponse).unwrap();
        assert_eq!(seen.text(), "ab");
        poll_fn(|cx| stream.poll_frame(cx)).await;
        assert_eq!(seen.text(), "abc");
        assert_eq!(seen.headers.len(), 1);
        assert_eq!(&*seen.headers[0].0, "x-a");
        assert!(capture.seen(Place::FrontendResponse).unwrap().headers.is_empty());
        capture.take(Place::BackendResponse, &headers, &mut Body::from("xyz!".to_owned()));
        assert_eq!(capture.seen(Place::BackendResponse).unwrap().text(), "xyz");
    }
    #[test]
    fn body_is_shown_out_of_its_coding_and_charset() {
        use std::io::Write;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(b"caf\xe9 and more").unwrap();
        let coded = encoder.finish().unwrap();
        let shown = |encoding: &str, body: &[u8]| {
            let mut wanted = AllWanted::default();
            wanted[Place::FrontendRequest as usize] = Wanted { headers: Vec::new(), body_bytes: 4 };
            let mut capture = Capture::new(Arc::new(wanted));
            let mut headers = Headers::new();
            headers.append("Content-Type", b"text/plain; charset=iso-8859-1").unwrap();
            headers.append("Content-Encoding", encoding.as_bytes()).unwrap();
            capture.take(Place::FrontendRequest, &headers, &mut Body::from(Bytes::copy_from_slice(body)));
            capture.seen(Place::FrontendRequest).unwrap().text()
        };
        assert_eq!(shown("gzip", &coded), "café");
        assert_eq!(shown("identity", b"caf\xe9 and more"), "café");
        assert_eq!((shown("zstd", &coded), shown("gzip", b"no gzip")), (String::new(), String::new()));
    }
}
