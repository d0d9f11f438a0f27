//! An HTTP/2 request in canonical form.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use gateway_policy::message::{Body, BodyError, BodyStream, Frame, Headers, Method, Request, Scheme, Url};
use h2::RecvStream;
use http::HeaderMap;
use http::request::Parts;

use crate::downstream::timers::{Pace, Timer};
use crate::wire::fields::{self, Known};
use crate::wire::{WireError, target};

/// Why a request is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Malformed in a way that resets the stream with `PROTOCOL_ERROR`.
    Reset(&'static str),
    /// Answered with the status of the error.
    Answer(WireError),
}

impl From<WireError> for Refusal {
    fn from(error: WireError) -> Self {
        Self::Answer(error)
    }
}

/// A request without its body.
#[derive(Debug)]
pub struct Head {
    pub method: Method,
    pub url: Url,
    pub headers: Headers,
    /// Names and values before compression.
    pub bytes: u64,
}

impl Head {
    pub fn with_body(self, body: Body) -> Request {
        Request { method: self.method, url: self.url, headers: self.headers, body }
    }
}

/// Validates what h2 leaves to us and joins what HTTP/2 splits.
pub fn read_head(parts: &Parts, scheme: Scheme, fields_max: usize) -> Result<Head, Refusal> {
    let method = match Method::parse(parts.method.as_str().as_bytes()).ok_or(WireError::Method)? {
        Method::Connect | Method::Trace => return Err(WireError::MethodNotAllowed.into()),
        method => method,
    };
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let asterisk = path == "*" && method == Method::Options;
    if !path.starts_with('/') && !asterisk {
        return Err(Refusal::Reset("h2-path"));
    }
    let target = target::parse(path.as_bytes(), scheme)?;
    // Cookie crumbs are separate values here and count one by one (H2-04).
    if parts.headers.len() > fields_max {
        return Err(WireError::TooManyFields.into());
    }
    let (headers, bytes) = read_fields(&parts.headers)?;
    let authority = match (parts.uri.authority(), headers.get("host")) {
        (Some(authority), Some(host)) => {
            let authority = target::parse_authority(authority.as_str().as_bytes())?;
            if authority != target::parse_authority(host)? {
                return Err(Refusal::Reset("h2-authority"));
            }
            authority
        }
        (Some(authority), None) => target::parse_authority(authority.as_str().as_bytes())?,
        (None, Some(host)) => target::parse_authority(host)?,
        (None, None) => return Err(WireError::Host.into()),
    };
    let port = authority.port.unwrap_or(scheme.default_port());
    let url = Url { scheme, host: authority.host, port, path: target.path, query: target.query };
    let headers = with_host(headers, &url)?;
    Ok(Head { method, url, headers, bytes: bytes + path.len() as u64 })
}

fn read_fields(map: &HeaderMap) -> Result<(Headers, u64), Refusal> {
    let bytes: usize = map.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let mut headers = Headers::with_capacity(bytes + 32);
    let mut hosts = 0;
    for (name, value) in map {
        let (name, value) = (name.as_str(), value.as_bytes());
        if value.trim_ascii().len() != value.len() {
            return Err(Refusal::Reset("h2-field"));
        }
        match fields::known(name) {
            Known::Host => hosts += 1,
            Known::Expect if !value.eq_ignore_ascii_case(b"100-continue") => {
                return Err(WireError::Expectation.into());
            }
            Known::Other if fields::is_underscore_alias(name) || name == "cookie" => continue,
            _ => {}
        }
        headers.append(name, value).map_err(|_| Refusal::Reset("h2-field"))?;
    }
    if hosts > 1 {
        return Err(WireError::Host.into());
    }
    join_cookies(map, &mut headers)?;
    Ok((headers, bytes as u64))
}

/// One `Cookie` field out of the crumbs (RFC 9113 §8.2.3).
fn join_cookies(map: &HeaderMap, headers: &mut Headers) -> Result<(), Refusal> {
    let mut crumbs = map.get_all("cookie").iter().map(http::HeaderValue::as_bytes);
    let Some(first) = crumbs.next() else { return Ok(()) };
    let mut joined = first.to_vec();
    for crumb in crumbs {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(crumb);
    }
    headers.append("cookie", &joined).map_err(|_| Refusal::Reset("h2-field"))
}

/// Policies find the host where HTTP/1.1 has it.
fn with_host(mut headers: Headers, url: &Url) -> Result<Headers, Refusal> {
    if !headers.contains("host") {
        headers.append("host", url.authority().as_bytes()).map_err(|_| WireError::Host)?;
    }
    Ok(headers)
}

/// Trailers, without those that may not come behind a body.
fn read_trailers(map: &HeaderMap) -> Option<Headers> {
    let mut trailers = Headers::new();
    for (name, value) in map {
        if !fields::is_forbidden_trailer(name.as_str()) {
            trailers.append(name.as_str(), value.as_bytes()).ok()?;
        }
    }
    (!trailers.is_empty()).then_some(trailers)
}

/// Asks the stream's task for `100 Continue` (RFC 9110 §10.1.1): the body may be read by another.
#[derive(Debug, Default)]
pub struct Interim {
    asked: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Interim {
    fn ask(&self) {
        self.asked.set(true);
        let waker = self.waker.take();
        waker.into_iter().for_each(Waker::wake);
    }

    /// Whether it is to be sent now; if not, the task is woken when it is.
    pub fn poll_asked(&self, cx: &mut Context<'_>) -> bool {
        let asked = self.asked.take();
        if !asked {
            self.waker.replace(Some(cx.waker().clone()));
        }
        asked
    }
}

/// The body of a request, as the service reads it. What it has taken, the client may send anew.
pub struct RequestBody {
    stream: RecvStream,
    left: Option<u64>,
    /// Handed out, and to be granted anew at the next call, when it has been dealt with.
    owed: usize,
    data_done: bool,
    done: bool,
    pace: Pace,
    timer: Timer,
    received: Rc<Cell<u64>>,
    /// The client waits for `100 Continue`.
    interim: Option<Rc<Interim>>,
}

impl RequestBody {
    /// `received` counts the content as it comes.
    pub fn new(
        stream: RecvStream,
        length: Option<u64>,
        pace: Pace,
        timer: Timer,
        received: Rc<Cell<u64>>,
        interim: Option<Rc<Interim>>,
    ) -> Self {
        Self { stream, left: length, owed: 0, data_done: false, done: false, pace, timer, received, interim }
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, h2::Error>>> {
        if !self.data_done {
            match self.stream.poll_data(cx) {
                Poll::Pending => {
                    self.interim.take().inspect(|interim| interim.ask());
                    return Poll::Pending;
                }
                Poll::Ready(Some(data)) => return Poll::Ready(Some(data.map(Frame::Data))),
                Poll::Ready(None) => self.data_done = true,
            }
        }
        match self.stream.poll_trailers(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Ok(trailers)) => Poll::Ready(
                trailers.as_ref().and_then(read_trailers).map(|trailers| Ok(Frame::Trailers(trailers))),
            ),
            Poll::Ready(Err(error)) => Poll::Ready(Some(Err(error))),
        }
    }
}

impl BodyStream for RequestBody {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let owed = std::mem::take(&mut self.owed);
        if owed > 0 && self.stream.flow_control().release_capacity(owed).is_err() {
            self.done = true;
            return Poll::Ready(Some(Err(BodyError::Lost)));
        }
        let frame = match self.poll_part(cx) {
            Poll::Ready(Some(Ok(Frame::Data(data)))) => {
                self.owed = data.len();
                self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
                self.received.set(self.received.get() + data.len() as u64);
                self.pace.progress(data.len(), &self.timer);
                return Poll::Ready(Some(Ok(Frame::Data(data))));
            }
            Poll::Ready(Some(Err(error))) if error.is_io() || error.is_reset() => Some(Err(BodyError::Lost)),
            Poll::Ready(Some(Err(_))) => Some(Err(BodyError::Malformed("h2-body"))),
            Poll::Ready(frame) => frame.map(|frame| frame.map_err(|_| BodyError::Lost)),
            Poll::Pending if self.pace.poll_too_slow(&self.timer, cx) => Some(Err(BodyError::TooSlow)),
            Poll::Pending => return Poll::Pending,
        };
        self.done = true;
        Poll::Ready(frame)
    }

    fn remaining(&self) -> Option<u64> {
        if self.done { Some(0) } else { self.left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(request: http::request::Builder) -> Result<Head, Refusal> {
        let (parts, ()) = request.body(()).unwrap().into_parts();
        read_head(&parts, Scheme::Https, 100)
    }

    fn get(uri: &str) -> http::request::Builder {
        http::Request::builder().uri(uri)
    }

    #[test]
    fn read_head_joins_cookies_and_names_the_host() {
        let request = get("https://A.example:8443/a/../b?x")
            .header("cookie", "a=1")
            .header("x", "1")
            .header("cookie", "b=2");
        let head = head(request).unwrap();
        assert_eq!(head.url.to_string(), "https://a.example:8443/b?x");
        assert_eq!(head.headers.get_str("cookie"), Some("a=1; b=2"));
        assert_eq!(head.headers.get_str("host"), Some("a.example:8443"));
    }

    #[test]
    fn read_head_refusals() {
        use Refusal::{Answer, Reset};
        let crumbs =
            (0..101).fold(get("https://a/"), |request, n| request.header("cookie", format!("c={n}")));
        for (request, refusal) in [
            (get("https://a/").method("TRACE"), Answer(WireError::MethodNotAllowed)),
            (get("https://a/").method("get"), Answer(WireError::Method)),
            (get("/"), Answer(WireError::Host)),
            (get("https://u@a/"), Answer(WireError::Host)),
            (get("https://a/").header("host", "b"), Reset("h2-authority")),
            (get("https://a/").header("x", " v"), Reset("h2-field")),
            (get("https://a/%2e%2e/x"), Answer(WireError::TargetAboveRoot)),
            (get("https://a/").header("expect", "magic"), Answer(WireError::Expectation)),
            (get("*"), Reset("h2-path")),
            (crumbs, Answer(WireError::TooManyFields)),
        ] {
            assert_eq!(head(request).err(), Some(refusal));
        }
        assert!(head(get("https://a/").header("host", "A")).is_ok());
    }
}
