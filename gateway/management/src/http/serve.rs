//! The server.

use std::borrow::Cow;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HOST, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, PRAGMA, RETRY_AFTER, STRICT_TRANSPORT_SECURITY, WWW_AUTHENTICATE,
};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use super::management::{BODY_TIMEOUT, Management};
use super::perform::{Asked, forbidden, method_not_allowed};
use super::{arm, definition, deployment, federation, login};
use crate::arm_error::ArmError;
use crate::auth::Principal;
use crate::auth::signing::TENANT;
use crate::contract::{API_VERSIONS, Method, is_known};
use crate::etag;
use crate::query::Query;
use crate::service::Answer;

/// Largest body of a request: Azure's limit of inline documents is 4 MiB.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024 + 64 * 1024;
/// Connections served at a time; more wait in the backlog.
const CONNECTIONS_MAX: usize = 4_096;
/// Calls at a time on one HTTP/2 connection.
const STREAMS_MAX: u32 = 100;
const HEADER_BYTES_MAX: u32 = 64 * 1024;
/// Pings on HTTP/2: a client that is gone does not keep its place.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// From the accepted connection to the end of its TLS handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// From the end of an answer to the end of the next request's head: gateways that poll each ten seconds keep their connection.
const HEADER_TIMEOUT: Duration = Duration::from_secs(75);

/// Serves until the runtime ends; over TLS, by HTTP/1.1 or HTTP/2, where there is an acceptor.
pub async fn serve(management: Arc<Management>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "the management listener cannot be served"),
    };
    tokio::spawn(Arc::clone(&management.plane).look_after_instances());
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let (management, tls) = (Arc::clone(&management), tls.clone());
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            match tls {
                None => management.serve_connection(stream, false).await,
                Some(tls) => {
                    let shaking = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream));
                    if let Ok(Ok(stream)) = shaking.await {
                        let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                        management.serve_connection(stream, is_http2).await;
                    }
                }
            }
            drop(place);
        });
    }
}

impl Management {
    /// One connection to its end. A broken client concerns nobody else.
    async fn serve_connection<S>(self: Arc<Self>, stream: S, is_http2: bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = service_fn(move |request| {
            let management = Arc::clone(&self);
            async move { Ok::<_, Infallible>(management.answer(request).await) }
        });
        let stream = TokioIo::new(stream);
        let _ = if is_http2 {
            http2::Builder::new(TokioExecutor::new())
                .timer(TokioTimer::new())
                .max_concurrent_streams(STREAMS_MAX)
                .max_header_list_size(HEADER_BYTES_MAX)
                .keep_alive_interval(KEEP_ALIVE)
                .serve_connection(stream, service)
                .await
        } else {
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(stream, service)
                .await
        };
    }
}

type Page = Response<Full<Bytes>>;

impl Management {
    async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Page {
        if federation::is_ours(request.uri().path()) {
            return self.gateway(request).await;
        }
        // In a place of its own: the future of each gateway's call would be as large.
        Box::pin(self.arm(request)).await
    }

    async fn arm(self: &Arc<Self>, request: Request<Incoming>) -> Page {
        let ids = ["x-ms-client-request-id", "x-ms-correlation-request-id"].map(|name| {
            request.headers().get(name).cloned().map(|value| (HeaderName::from_static(name), value))
        });
        let is_head = request.method() == hyper::Method::HEAD;
        let login = format!("{}/{TENANT}", self.base(request.uri(), request.headers()));
        let definition = definition::answer(&self.plane, request.method(), request.uri().path());
        let answered = match definition {
            Some(answered) => answered,
            None => self.call(request).await.map(|answer| page(answer, is_head)),
        };
        let mut page = answered.unwrap_or_else(|error| refusal(&error, is_head, &login));
        decorate(&mut page, ids);
        if self.is_tls {
            let year = HeaderValue::from_static("max-age=31536000; includeSubDomains");
            page.headers_mut().insert(STRICT_TRANSPORT_SECURITY, year);
        }
        page
    }

    /// A call of a gateway. It asks often: nothing is spent on fields that it does not read.
    async fn gateway(&self, request: Request<Incoming>) -> Page {
        let (head, body) = request.into_parts();
        let answered = match segments(head.uri.path()) {
            Ok(segments) => {
                let path: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
                federation::answer(self, &head, body, &path).await
            }
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| {
            let base = self.base(&head.uri, &head.headers);
            refusal(&error, false, &format!("{base}/{TENANT}"))
        })
    }

    async fn call(self: &Arc<Self>, request: Request<Incoming>) -> Result<Answer, ArmError> {
        let segments: Vec<String> =
            segments(request.uri().path())?.into_iter().map(Cow::into_owned).collect();
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let base = self.base(request.uri(), request.headers());
        if let Some(answer) = login::document(self, request.method(), &segments, &query, &base) {
            return Ok(answer);
        }
        if login::is_token(request.method(), &segments) {
            return Ok(login::token(self, request, &base).await);
        }
        check_version_given(&query)?;
        let principal = self.principal(&request).await?;
        check_version(&query)?;
        let method = Method::of(request.method()).ok_or_else(method_not_allowed)?;
        if let Some(outcome) = arm::closed(self, method, &segments) {
            let right = format!("Microsoft.Resources/{}/read", segments.first().map_or("", String::as_str));
            return if principal.role.sees() {
                outcome
            } else {
                Err(forbidden(&principal, &right, request.uri().path()))
            };
        }
        let asked = Asked {
            segments,
            query,
            base,
            if_match: field(&request, &IF_MATCH),
            if_none_match: field(&request, &IF_NONE_MATCH),
        };
        let operation = self.operation(&principal, method, &asked)?;
        tracing::debug!(
            event_type = "ManagementCall",
            operation = operation.id,
            principal = principal.id,
            "an operation is called"
        );
        // The place is kept until the answer is there.
        let (_place, sent) = match method {
            Method::Get | Method::Head => (None, Bytes::new()),
            _ => (Some(self.writers.try_acquire().map_err(|_| throttled())?), bytes(request).await?),
        };
        if deployment::is_ours(operation) {
            return deployment::answer(self, &principal, operation, asked, text(sent)?).await;
        }
        let body = body(&sent)?;
        self.perform(&principal, operation, asked, body).await
    }

    /// `https://plane.example:8082`, as the client calls it.
    fn base(&self, uri: &Uri, headers: &HeaderMap) -> String {
        let scheme = if self.is_tls { "https" } else { "http" };
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let authority = uri.authority().map(hyper::http::uri::Authority::as_str);
        format!("{scheme}://{}", authority.or(host).unwrap_or("localhost"))
    }

    async fn principal<B>(&self, request: &Request<B>) -> Result<Principal, ArmError> {
        self.principal_of(request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok())).await
    }
}

fn field<B>(request: &Request<B>, name: &HeaderName) -> Option<String> {
    request.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// Decoded segments. A slash inside a segment would make another path of it.
fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, ArmError> {
    let bad = || ArmError::field("path", "The path of the request cannot be read.");
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| bad())?;
            if decoded.contains(['/', '\0']) { Err(bad()) } else { Ok(decoded) }
        })
        .collect()
}

fn check_version_given(query: &Query) -> Result<(), ArmError> {
    match query.get("api-version") {
        None | Some("") => Err(ArmError::new(
            StatusCode::BAD_REQUEST,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )),
        Some(_) => Ok(()),
    }
}

fn check_version(query: &Query) -> Result<(), ArmError> {
    let version = query.get("api-version").unwrap_or_default();
    if is_known(version) || arm::is_arm_version(version) {
        return Ok(());
    }
    let message = format!(
        "The api-version '{version}' is invalid. The supported versions are '{}'.",
        API_VERSIONS.join(",")
    );
    Err(ArmError::new(StatusCode::BAD_REQUEST, "InvalidApiVersionParameter", message))
}

/// As ARM says it where a client writes too much.
fn throttled() -> ArmError {
    let message = "The request is being throttled as the limit has been reached for operation type - Write. Try again after \
                   a second.";
    ArmError::new(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message)
}

async fn bytes(request: Request<Incoming>) -> Result<Bytes, ArmError> {
    let reading = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    let too_long = |_| {
        let message = format!("The body is longer than {BODY_BYTES_MAX} bytes, or was cut.");
        ArmError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestContentTooLarge", message)
    };
    if let Ok(read) = tokio::time::timeout(BODY_TIMEOUT, reading).await {
        Ok(read.map_err(too_long)?.to_bytes())
    } else {
        let message = "The body of the request did not arrive in time.";
        Err(ArmError::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message))
    }
}

fn text(bytes: Bytes) -> Result<String, ArmError> {
    String::from_utf8(bytes.into()).map_err(|_| {
        let message = "The request content was invalid and could not be deserialized: it is not UTF-8.";
        ArmError::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message)
    })
}

fn body(bytes: &[u8]) -> Result<Value, ArmError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let message = format!("The request content was invalid and could not be deserialized: {error}.");
        ArmError::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message)
    })
}

fn page(answer: Answer, is_head: bool) -> Page {
    let text = match answer.body {
        Some(body) if !is_head => body.to_string(),
        _ => String::new(),
    };
    let is_json = !text.is_empty();
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = answer.status;
    let headers = response.headers_mut();
    if is_json {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    }
    if let Some(etag) = answer.etag.and_then(|version| HeaderValue::from_str(&etag::of(version)).ok()) {
        headers.insert(ETAG, etag);
    }
    if let Some(polled) = answer.polled.and_then(|url| HeaderValue::from_str(&url).ok()) {
        headers.insert("azure-asyncoperation", polled);
    }
    response
}

fn refusal(error: &ArmError, is_head: bool, login: &str) -> Page {
    let mut page = page(Answer::new(error.status, None, Some(error.body())), is_head);
    if error.status == StatusCode::UNAUTHORIZED {
        let challenge = format!(
            "Bearer authorization_uri=\"{login}\", error=\"invalid_token\", error_description=\"{}\"",
            error.message
        );
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            page.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
    }
    if error.status == StatusCode::TOO_MANY_REQUESTS {
        page.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    page
}

/// The fields that every answer of ARM carries.
fn decorate(page: &mut Page, ids: [Option<(HeaderName, HeaderValue)>; 2]) {
    let headers = page.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(EXPIRES, HeaderValue::from_static("-1"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    let id = uuid::Uuid::new_v4().to_string();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("x-ms-request-id", id.clone());
        headers.insert("x-ms-correlation-request-id", id);
    }
    for (name, value) in ids.into_iter().flatten() {
        headers.insert(name, value);
    }
}
