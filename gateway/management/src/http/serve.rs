//! The server.

use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{
    AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, HOST, HeaderName, HeaderValue, IF_MATCH,
    IF_NONE_MATCH, PRAGMA, WWW_AUTHENTICATE,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::sync::Semaphore;

use super::query::Query;
use super::route::{Found, Router};
use super::{arm, etag, federation};
use crate::arm_error::ArmError;
use crate::auth::{Authenticator, Principal, Refusal};
use crate::contract::{API_VERSIONS, Method, Operation, is_known};
use crate::plane::{Plane, ServiceName};
use crate::service::{self, Answer, Call};

/// Largest body of a request: Azure's limit of inline documents is 4 MiB.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024 + 64 * 1024;
/// Connections served at a time; more wait in the backlog.
const CONNECTIONS_MAX: usize = 4_096;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// What the listener serves.
pub struct Management {
    pub plane: Arc<Plane>,
    pub authenticator: Authenticator,
    /// Whether what is served is a mirror, and no place to write.
    pub is_mirror: bool,
    router: Router,
}

impl Management {
    pub fn new(plane: Arc<Plane>, authenticator: Authenticator) -> Self {
        Self { plane, authenticator, is_mirror: false, router: Router::new() }
    }
}

/// Serves until the runtime ends.
pub async fn serve(management: Arc<Management>, listener: TcpListener) {
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
        let management = Arc::clone(&management);
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let service = service_fn(move |request| {
                let management = Arc::clone(&management);
                async move { Ok::<_, Infallible>(management.answer(request).await) }
            });
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADER_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // A broken client concerns nobody else.
            let _ = connection.await;
            drop(place);
        });
    }
}

type Page = Response<Full<Bytes>>;

impl Management {
    async fn answer(&self, request: Request<Incoming>) -> Page {
        let ids = ["x-ms-client-request-id", "x-ms-correlation-request-id"].map(|name| {
            request.headers().get(name).cloned().map(|value| (HeaderName::from_static(name), value))
        });
        if federation::is_ours(request.uri().path()) {
            return self.gateway(request).await;
        }
        let is_head = request.method() == hyper::Method::HEAD;
        let mut page = match self.call(request).await {
            Ok(answer) => page(answer, is_head),
            Err(error) => refusal(&error, is_head),
        };
        decorate(&mut page, ids);
        page
    }

    /// A call of a gateway. It asks often: nothing is spent on fields that it does not read.
    async fn gateway(&self, request: Request<Incoming>) -> Page {
        let answered = match segments(request.uri().path()) {
            Ok(segments) => federation::answer(self, request, &segments).await,
            Err(error) => Err(error),
        };
        answered.unwrap_or_else(|error| refusal(&error, false))
    }

    async fn call(&self, request: Request<Incoming>) -> Result<Answer, ArmError> {
        let segments = segments(request.uri().path())?;
        let query = Query::parse(request.uri().query().unwrap_or_default());
        if let Some(answer) = arm::open(&segments, request.headers().get(HOST)) {
            return Ok(answer);
        }
        check_version(&query)?;
        let principal = self.principal(&request)?;
        let method = Method::of(request.method()).ok_or_else(method_not_allowed)?;
        if let Some(outcome) = arm::closed(self, method, &segments) {
            return outcome;
        }
        let operation = match self.router.find(method, &segments) {
            Found::Operation(operation) => operation,
            Found::OtherMethods => return Err(method_not_allowed()),
            Found::Nothing => return Err(ArmError::not_found("Resource")),
        };
        if !principal.role.allows(operation) {
            return Err(forbidden(&principal, operation.id, request.uri().path()));
        }
        if self.is_mirror && is_change(operation) {
            let message = "This service mirrors another one: change it there.";
            return Err(ArmError::conflict(message));
        }
        if operation.below_service().is_none() {
            return arm::provider(self, operation, &segments);
        }
        let [_, subscription, _, group, _, _, _, name, below @ ..] = segments.as_slice() else {
            return Err(ArmError::not_found("Resource"));
        };
        let name = ServiceName {
            subscription: subscription.clone(),
            resource_group: group.clone(),
            name: name.clone(),
        };
        let service = arm::service(self, &name)?;
        let (if_match, if_none_match) = (field(&request, &IF_MATCH), field(&request, &IF_NONE_MATCH));
        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let call = Call {
            plane: &self.plane,
            service,
            operation,
            principal: &principal,
            path: below.join("/"),
            query,
            base: format!("http://{host}"),
            service_id: name.arm_id(),
            if_match,
            if_none_match,
            body: body(request).await?,
        };
        service::run(call).await
    }

    fn principal<B>(&self, request: &Request<B>) -> Result<Principal, ArmError> {
        let authorization = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        self.authenticator.principal(authorization).map_err(|refusal| {
            let (code, message) = match refusal {
                Refusal::Missing => {
                    ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
                }
                Refusal::Malformed => (
                    "AuthenticationFailedInvalidHeader",
                    "Authentication failed. The 'Authorization' header is provided in an invalid format.",
                ),
                Refusal::Invalid => ("InvalidAuthenticationToken", "The access token is invalid."),
            };
            ArmError::new(StatusCode::UNAUTHORIZED, code, message)
        })
    }
}

/// Whether an operation changes what is mirrored. Keys and tokens of gateways are the mirror's own.
fn is_change(operation: &Operation) -> bool {
    let is_own = operation.id.starts_with("Gateway_") && operation.method == Method::Post;
    let is_reading = operation.method == Method::Post && operation.id.contains("_List");
    operation.is_write() && !is_own && !is_reading
}

fn field<B>(request: &Request<B>, name: &HeaderName) -> Option<String> {
    request.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// Decoded segments. A slash inside a segment would make another path of it.
fn segments(path: &str) -> Result<Vec<String>, ArmError> {
    let bad = || ArmError::field("path", "The path of the request cannot be read.");
    path.split('/')
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| bad())?.into_owned();
            if decoded.contains(['/', '\0']) { Err(bad()) } else { Ok(decoded) }
        })
        .collect()
}

fn check_version(query: &Query) -> Result<(), ArmError> {
    let refuse = |code, message| Err(ArmError::new(StatusCode::BAD_REQUEST, code, message));
    match query.get("api-version") {
        None | Some("") => refuse(
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.".to_owned(),
        ),
        Some(version) if is_known(version) || arm::is_arm_version(version) => Ok(()),
        Some(version) => refuse(
            "InvalidApiVersionParameter",
            format!(
                "The api-version '{version}' is invalid. The supported versions are '{}'.",
                API_VERSIONS.join(",")
            ),
        ),
    }
}

fn method_not_allowed() -> ArmError {
    ArmError::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "The requested resource does not support this http method.",
    )
}

fn forbidden(principal: &Principal, operation: &str, scope: &str) -> ArmError {
    let message = format!(
        "The client '{0}' with object id '{0}' does not have authorization to perform action '{operation}' over scope '{scope}'.",
        principal.id
    );
    ArmError::new(StatusCode::FORBIDDEN, "AuthorizationFailed", message)
}

async fn body(request: Request<Incoming>) -> Result<Value, ArmError> {
    let reading = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
    let too_long = |_| {
        let message = format!("The body is longer than {BODY_BYTES_MAX} bytes, or was cut.");
        ArmError::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestContentTooLarge", message)
    };
    let bytes = match tokio::time::timeout(BODY_TIMEOUT, reading).await {
        Ok(read) => read.map_err(too_long)?.to_bytes(),
        Err(_) => {
            let message = "The body of the request did not arrive in time.";
            return Err(ArmError::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message));
        }
    };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
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
    response
}

fn refusal(error: &ArmError, is_head: bool) -> Page {
    let mut page = page(Answer { status: error.status, etag: None, body: Some(error.body()) }, is_head);
    if error.status == StatusCode::UNAUTHORIZED {
        let challenge = format!(
            "Bearer authorization_uri=\"https://localhost/common\", error=\"invalid_token\", error_description=\"{}\"",
            error.message
        );
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            page.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
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
