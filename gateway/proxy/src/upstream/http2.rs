//! HTTP/2 towards backends (RFC 9113): hyper's client, one connection a worker and target, shared by its
//! requests. `http://` targets are spoken to with prior knowledge, `https://` ones by ALPN.

mod body;

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use gateway_policy::message::{Body, Headers, Response};
use http::{HeaderName, HeaderValue, Request, Uri, Version};
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use body::{RequestBody, ResponseStream};

use super::failure::UpstreamError;
use super::io::Io;
use super::request::Outgoing;

/// Streams at once until the backend's settings say otherwise.
const STREAMS_INITIAL: usize = 100;
/// Header list of a response (`reliability-security.md` §4.2, doubled for backends).
const HEADER_LIST_BYTES_MAX: u32 = 64 << 10;
/// A silent connection with requests on it is asked for a sign of life after this (U-09).
const PING_INTERVAL: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// The connection of one worker to one target.
#[derive(Default)]
pub struct SharedConnection {
    sender: RefCell<Option<SendRequest<RequestBody>>>,
    connecting: Mutex<()>,
    use_count: Rc<UseCount>,
}

#[derive(Default)]
struct UseCount {
    in_flight: Cell<usize>,
    last_used: Cell<Option<Instant>>,
}

/// A request or response on the connection.
pub struct InUse(Rc<UseCount>);

impl InUse {
    fn new(count: &Rc<UseCount>) -> Self {
        count.in_flight.set(count.in_flight.get() + 1);
        Self(Rc::clone(count))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.in_flight.set(self.0.in_flight.get() - 1);
        self.0.last_used.set(Some(Instant::now()));
    }
}

/// A sender, and the mark that keeps its connection from being taken for idle.
pub struct Sender {
    request: SendRequest<RequestBody>,
    in_use: InUse,
}

impl SharedConnection {
    /// The connection if there is one that takes requests.
    pub fn sender(&self) -> Option<Sender> {
        let mut slot = self.sender.borrow_mut();
        let open = slot.as_ref().filter(|sender| !sender.is_closed())?.clone();
        if open.is_closed() {
            *slot = None;
            return None;
        }
        Some(Sender { request: open, in_use: InUse::new(&self.use_count) })
    }

    /// Held while a connection is being opened, so that there is one only.
    pub async fn connecting(&self) -> MutexGuard<'_, ()> {
        self.connecting.lock().await
    }

    /// Speaks HTTP/2 on a new connection.
    pub async fn adopt(&self, io: Io) -> Result<Sender, UpstreamError> {
        let (sender, connection) = Builder::new(OnThisWorker)
            .timer(TokioTimer::new())
            .initial_max_send_streams(STREAMS_INITIAL)
            .max_header_list_size(HEADER_LIST_BYTES_MAX)
            .adaptive_window(true)
            .keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .handshake(TokioIo::new(io))
            .await
            .map_err(|error| failure(&error))?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "HTTP/2 connection to a backend ended");
            }
        });
        *self.sender.borrow_mut() = Some(sender.clone());
        Ok(Sender { request: sender, in_use: InUse::new(&self.use_count) })
    }

    /// Forgets a connection that takes no requests any more (GOAWAY).
    pub fn forget(&self) {
        *self.sender.borrow_mut() = None;
    }

    /// Closes a connection that nobody has used for `idle_timeout`.
    pub fn sweep(&self, now: Instant, idle_timeout: Duration) {
        let unused = self.use_count.in_flight.get() == 0
            && self
                .use_count
                .last_used
                .get()
                .is_some_and(|last| now.saturating_duration_since(last) >= idle_timeout);
        let closed = self.sender.borrow().as_ref().is_some_and(SendRequest::is_closed);
        if unused || closed {
            self.forget();
        }
    }

    pub fn is_open(&self) -> bool {
        self.sender.borrow().is_some()
    }
}

/// A failed request.
pub struct Failure {
    pub error: UpstreamError,
    /// The body, if the request never reached the connection or the backend said that it has not looked at it.
    pub unsent: Option<Body>,
    /// The backend has not processed the request (RFC 9113 §8.7); a body that can be sent again may be.
    pub refused: bool,
}

/// Sends a request and waits for the response head.
pub async fn exchange(sender: Sender, outgoing: &Outgoing<'_>, body: Body) -> Result<Response, Failure> {
    let Sender { mut request, in_use } = sender;
    let (body, cause) = RequestBody::new(body);
    let message = build(outgoing, body).map_err(|error| Failure { error, unsent: None, refused: false })?;
    match request.try_send_request(message).await {
        Ok(response) => {
            read_head(response, in_use).map_err(|error| Failure { error, unsent: None, refused: false })
        }
        Err(mut failed) => {
            let unsent = failed.take_message().map(|message| message.into_body().into_inner());
            let error = match cause.take() {
                Some(error) => UpstreamError::RequestBody(error),
                None => failure(failed.error()),
            };
            let refused = unsent.is_some() || is_refusal(failed.error());
            Err(Failure { error, unsent, refused })
        }
    }
}

fn build(outgoing: &Outgoing<'_>, body: RequestBody) -> Result<Request<RequestBody>, UpstreamError> {
    let invalid = |what| UpstreamError::InvalidRequest(what);
    let mut target = [outgoing.base, &outgoing.path].concat();
    if !outgoing.query.is_empty() {
        target.push('?');
        target.push_str(&outgoing.query);
    }
    let uri = Uri::builder()
        .scheme(outgoing.to.scheme.as_str())
        .authority(outgoing.host.map_or_else(|| outgoing.to.authority(), str::to_owned))
        .path_and_query(target)
        .build()
        .map_err(|_| invalid("the URL is malformed"))?;
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::from_bytes(outgoing.method.as_str().as_bytes())
        .map_err(|_| invalid("the method is malformed"))?;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    let headers = request.headers_mut();
    outgoing.each_field(|name, value| {
        // `Headers` holds tokens and values without line breaks; what `http` is stricter about is left out.
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value))
        {
            headers.append(name, value);
        }
    });
    if outgoing.trailers {
        headers.insert(http::header::TE, HeaderValue::from_static("trailers"));
    }
    Ok(request)
}

fn read_head(response: http::Response<Incoming>, in_use: InUse) -> Result<Response, UpstreamError> {
    let (parts, incoming) = response.into_parts();
    let mut made = Response::new(parts.status.as_u16());
    made.headers =
        into_headers(&parts.headers).ok_or(UpstreamError::Malformed(crate::wire::WireError::Field))?;
    if !hyper::body::Body::is_end_stream(&incoming) {
        made.body = Body::Stream(Box::new(ResponseStream::new(incoming, in_use)));
    }
    Ok(made)
}

fn into_headers(map: &http::HeaderMap) -> Option<Headers> {
    let mut headers = Headers::with_capacity(map.len() * 32);
    for (name, value) in map {
        headers.append(name.as_str(), value.as_bytes()).ok()?;
    }
    Some(headers)
}

fn h2_cause(error: &hyper::Error) -> Option<&h2::Error> {
    error.source().and_then(<dyn Error>::downcast_ref)
}

fn is_refusal(error: &hyper::Error) -> bool {
    h2_cause(error).is_some_and(|cause| match cause.reason() {
        Some(h2::Reason::REFUSED_STREAM) => true,
        // The streams behind the last one that a graceful GOAWAY names.
        Some(h2::Reason::NO_ERROR) => cause.is_go_away() && cause.is_remote(),
        _ => false,
    })
}

fn failure(error: &hyper::Error) -> UpstreamError {
    match h2_cause(error) {
        Some(cause) => match cause.reason() {
            Some(reason) => UpstreamError::Http2(reason.description().to_owned()),
            None => UpstreamError::Closed,
        },
        None => UpstreamError::Closed,
    }
}

/// Runs hyper's tasks on this worker's thread.
#[derive(Clone, Copy)]
struct OnThisWorker;

impl<F: Future + 'static> hyper::rt::Executor<F> for OnThisWorker {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move {
            task.await;
        });
    }
}
