//! One request on its way through the pipeline: everything policies read and change.

mod cache;
pub mod calls;
pub mod capture;
pub mod contract;
pub mod correlation;
mod host;
pub mod metric;
pub mod payload;
pub mod stored_response;
pub mod trace;
pub mod tracer;

use std::any::Any;
use std::cell::{Cell, OnceCell, RefCell};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use gateway_expression::host::{Api, Deployment, LastError, Operation, Product, Subscription, User};
use gateway_expression::{Cycles, Value};
use smallvec::SmallVec;
use uuid::Uuid;

use crate::backend::{Backend, FabricCall, ForwardProxy};
use crate::certificates::ClientIdentity;
use crate::fault::{Fault, Section};
use crate::graphql::{FieldContext, GraphQlApi};
use crate::llm::TokenMeter;
use crate::message::{Body, BodyError, Headers, Method, Request, Response, Url};
use crate::ports::{Counters, LocalFuture, Ports, Quotas};
use contract::OperationContract;
use trace::Trace;

pub use cache::{CachePlan, CacheState, Downstream, DownstreamKind, SemanticPlan};

/// The client's connection, shared by its requests.
#[derive(Clone, Debug)]
pub struct Connection {
    pub peer: IpAddr,
    /// Peer address, without port, as `context.Request.IpAddress` shows it.
    pub ip: Box<str>,
    pub protocol: Protocol,
    /// `1.2` or `1.3`; `None` on clear text.
    pub tls_version: Option<&'static str>,
    /// Server name of the TLS handshake (RFC 6066 §3), lower case.
    pub server_name: Option<Box<str>>,
    /// What the client showed in the TLS handshake; nothing of it has been checked but that it holds the key.
    pub certificate: Option<Arc<ClientCertificate>>,
}

/// A client's certificate.
#[derive(Debug)]
pub struct ClientCertificate {
    pub leaf: gateway_expression::host::Certificate,
    /// What the client sent with it, DER.
    pub intermediates: Vec<Vec<u8>>,
}

/// HTTP version spoken by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Http10,
    Http11,
    Http2,
}

/// What routing and the key check found out. Parts are `None` while unknown, as in `on-error` of a 404.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub api: Option<Arc<Api>>,
    pub operation: Option<Arc<Operation>>,
    /// What the description promises of the operation, for `mock-response`; `None` while there is none.
    pub operation_contract: Option<Arc<OperationContract>>,
    /// The schema and resolvers of a GraphQL API.
    pub graphql: Option<Arc<GraphQlApi>>,
    pub product: Option<Arc<Product>>,
    pub subscription: Option<Arc<Subscription>>,
    pub user: Option<Arc<User>>,
    /// The subscription allows the old way to ask for a trace.
    pub may_trace: bool,
}

/// Times and sizes for the closed event.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measures {
    /// Time in the backend, all attempts.
    pub backend: Duration,
    /// From receipt to the first attempt.
    pub backend_began: Duration,
    /// Status of the backend's last answer; 0 = none.
    pub backend_status: u16,
    pub cache: CacheUse,
}

/// Whether a cache policy found its value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    #[default]
    None,
    Hit,
    Miss,
}

/// Work put off until the response is complete (`rate-limit-by-key` with `increment-condition`).
pub type Deferred = Box<dyn FnOnce(&mut Exchange, &dyn Ports)>;

/// Work for when the last byte of the answer is out, or the client has left.
pub type AtEnd = Box<dyn FnOnce(&Ending<'_>, &mut metric::Metrics)>;

/// Work for when the backend has answered, before outbound.
pub trait AfterBackend {
    fn run<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<(), Fault>>;
}

/// A request that has come to its end.
#[derive(Clone, Copy)]
pub struct Ending<'a> {
    pub counters: &'a dyn Counters,
    pub quotas: &'a dyn Quotas,
    /// Head and content of the request and of the answer, as far as they were sent.
    pub bytes: u64,
}

/// A request in flight. Lives on one worker; finishes on the snapshot it began with.
pub struct Exchange {
    pub id: Uuid,
    pub connection: Rc<Connection>,
    pub received: Instant,
    pub timestamp: SystemTime,
    pub caller: Caller,
    pub deployment: Arc<Deployment>,
    pub request: Request,
    /// As received: scheme, host, port, full path and query.
    pub original_url: Url,
    /// As received, whatever `set-method` did.
    pub original_method: Method,
    /// Template parameters of the operation, URL-decoded, in template order.
    pub matched_parameters: SmallVec<[(Arc<str>, String); 4]>,
    pub response: Option<Response>,
    /// Where `forward-request` sends; `None` when the API has no backend.
    pub backend: Option<Arc<Backend>>,
    /// The member of a pool that was called last.
    pub member: Option<Arc<Backend>>,
    /// Members called so far, for `retry` to take another.
    pub members_tried: SmallVec<[Arc<str>; 2]>,
    /// Which part of a Service Fabric service is called.
    pub fabric: Option<Box<FabricCall>>,
    /// `Set-Cookie` of session affinity, until there is an answer to put it on.
    pub affinity: Option<String>,
    /// Proxy on the way to the backend, instead of the backend entity's (`proxy`).
    pub proxy: Option<Arc<ForwardProxy>>,
    /// `Authorization` for the backend entity that asks for a token of the gateway's identity.
    pub backend_authorization: Option<String>,
    /// The certificate shown to the backend, instead of the backend entity's (`authentication-certificate`).
    pub client_identity: Option<Arc<ClientIdentity>>,
    pub section: Section,
    pub last_error: Option<LastError>,
    /// A rate limit has refused the call, whose key is the caller's address.
    pub limited_by_address: bool,
    /// From receipt to `last_error`, milliseconds.
    pub error_elapsed_ms: u64,
    pub measures: Measures,
    /// Version spoken with the backend; a cell, as the exchange is only read while it is being sent.
    pub backend_protocol: Cell<Option<Protocol>>,
    pub deferred: Vec<Deferred>,
    /// Its place in a distributed trace, where the gateway takes part in it.
    pub correlation: Option<correlation::Correlation>,
    /// When each section began, where traces are sent.
    pub sections: Option<Vec<calls::SectionBegin>>,
    /// Application ids that go with it, where the older protocol is spoken.
    pub applications: Option<Box<correlation::Applications>>,
    /// Calls of `send-request` that have ended, and those of `send-one-way-request`.
    pub sent_calls: Vec<calls::SentCall>,
    /// What diagnostics ask for of the messages.
    pub capture: Option<Box<capture::Capture>>,
    /// Values of `emit-metric`, for the closed event.
    pub metrics: metric::Metrics,
    /// What each statement does, for a request that is traced.
    pub tracer: Option<Box<tracer::Tracer>>,
    /// Bodies stream past the policies: what depends on their bytes waits here.
    pub at_end: Vec<AtEnd>,
    /// What a cache lookup found out, for the store that follows it.
    pub cache: CacheState,
    /// What looks at the backend's answer before outbound does.
    pub after_backend: Vec<Arc<dyn AfterBackend>>,
    /// Tokens of a language model's answer, where a policy counts them.
    pub tokens: Option<Rc<TokenMeter>>,
    /// Notes of `trace` and `context.Trace`.
    pub trace: Trace,
    /// Fields that go onto the answer whatever makes it: a backend, a policy or an error.
    pub answer_headers: Option<Box<Headers>>,
    /// The request asks a WebSocket API to upgrade; set by routing.
    pub upgrade: bool,
    /// The backend must be spoken to in HTTP/2 (gRPC), whatever `forward-request` says; set by routing.
    pub backend_http2: bool,
    /// Field errors of a GraphQL request that are known before it is executed.
    pub graphql_errors: Vec<serde_json::Value>,
    /// The field that this exchange answers, in a resolver.
    pub graphql_field: Option<Box<FieldContext>>,
    /// The backend's side of an accepted upgrade (WebSocket), for the listener to relay; opaque to policies.
    pub tunnel: Option<Box<dyn Any>>,
    /// Quotas that this request has been counted in.
    quotas_counted: Vec<Box<str>>,
    variables: Vec<(Arc<str>, Value)>,
    /// Containers in variables that may hold themselves; fields of a GraphQL request share them with it.
    kept: OnceCell<Rc<RefCell<Vec<Cycles>>>>,
    id_text: OnceCell<Box<str>>,
    /// What ports had to fetch.
    fetches: OnceCell<calls::Fetches>,
    request_consumed: Cell<bool>,
    response_consumed: Cell<bool>,
    calls: u32,
    retries: u32,
}

/// Calls that one request may make: `forward-request`, `send-request` and `send-one-way-request` together.
pub const CALLS_MAX: u32 = 64;

/// Rounds of all `retry` statements of one request together.
pub const RETRIES_MAX: u32 = 256;

/// What a new exchange begins with.
#[derive(Debug)]
pub struct Arrival {
    pub connection: Rc<Connection>,
    pub received: Instant,
    pub request: Request,
    pub deployment: Arc<Deployment>,
}

impl Exchange {
    pub fn new(mut arrival: Arrival) -> Self {
        arrival.request.headers.mark_received();
        Self {
            id: Uuid::new_v4(),
            connection: arrival.connection,
            received: arrival.received,
            timestamp: SystemTime::now(),
            caller: Caller::default(),
            deployment: arrival.deployment,
            original_url: arrival.request.url.clone(),
            original_method: arrival.request.method.clone(),
            request: arrival.request,
            matched_parameters: SmallVec::new(),
            response: None,
            backend: None,
            member: None,
            members_tried: SmallVec::new(),
            fabric: None,
            affinity: None,
            proxy: None,
            backend_authorization: None,
            client_identity: None,
            section: Section::Inbound,
            last_error: None,
            limited_by_address: false,
            error_elapsed_ms: 0,
            measures: Measures::default(),
            backend_protocol: Cell::new(None),
            deferred: Vec::new(),
            correlation: None,
            sections: None,
            applications: None,
            sent_calls: Vec::new(),
            fetches: OnceCell::new(),
            capture: None,
            metrics: metric::Metrics::default(),
            tracer: None,
            at_end: Vec::new(),
            cache: CacheState::default(),
            after_backend: Vec::new(),
            tokens: None,
            trace: Trace::default(),
            answer_headers: None,
            upgrade: false,
            backend_http2: false,
            graphql_errors: Vec::new(),
            graphql_field: None,
            tunnel: None,
            quotas_counted: Vec::new(),
            variables: Vec::new(),
            kept: OnceCell::new(),
            id_text: OnceCell::new(),
            request_consumed: Cell::new(false),
            response_consumed: Cell::new(false),
            calls: 0,
            retries: 0,
        }
    }

    /// An exchange for the resolver of one field: the same caller and variables, the field's arguments as the
    /// request's body (`policies.md` C 5.1). What it changes stays with it.
    #[must_use]
    pub fn for_field(&self, context: FieldContext) -> Self {
        let mut headers = self.request.headers.clone();
        headers.remove("Content-Length");
        // The name and the value are our own tokens.
        let _ = headers.set("Content-Type", b"application/json");
        let request = Request {
            method: self.request.method.clone(),
            url: self.request.url.clone(),
            headers,
            body: Body::from(format!("{{\"arguments\":{}}}", context.arguments)),
        };
        let mut own = Self::new(Arrival {
            connection: Rc::clone(&self.connection),
            received: self.received,
            request,
            deployment: Arc::clone(&self.deployment),
        });
        own.id = self.id;
        own.timestamp = self.timestamp;
        own.caller = self.caller.clone();
        own.original_url = self.original_url.clone();
        own.matched_parameters = self.matched_parameters.clone();
        own.variables.clone_from(&self.variables);
        own.kept = OnceCell::from(Rc::clone(self.kept.get_or_init(Rc::default)));
        own.graphql_field = Some(Box::new(context));
        own
    }

    /// Counts a call that is about to be made; the fault of one too many.
    pub fn count_call(&mut self) -> Result<(), Fault> {
        if self.calls >= CALLS_MAX {
            let text = format!("The request has made {CALLS_MAX} calls, more are not allowed.");
            return Err(Fault::internal("", "CallLimitExceeded", text));
        }
        self.calls += 1;
        Ok(())
    }

    /// Counts a round of `retry`; the fault of one too many.
    pub fn count_retry(&mut self) -> Result<(), Fault> {
        if self.retries >= RETRIES_MAX {
            let text = format!("The request has been retried {RETRIES_MAX} times, more are not allowed.");
            return Err(Fault::internal("", "RetryLimitExceeded", text));
        }
        self.retries += 1;
        Ok(())
    }

    /// Notes that the request counts in a quota; false when it has been noted before.
    pub fn count_in_quota(&mut self, key: &str) -> bool {
        let is_new = !self.quotas_counted.iter().any(|known| **known == *key);
        if is_new {
            self.quotas_counted.push(key.into());
        }
        is_new
    }

    /// Seconds since 1970-01-01 UTC at receipt.
    pub fn unix_seconds(&self) -> i64 {
        let since = self.timestamp.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    }

    /// Milliseconds since 1970-01-01 UTC by now.
    pub fn unix_ms(&self, ports: &dyn Ports) -> u64 {
        let received = self.timestamp.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (received + self.elapsed(ports)).as_millis() as u64
    }

    /// Does what had to wait for the end.
    pub fn end(&mut self, ending: &Ending<'_>) {
        for work in std::mem::take(&mut self.at_end) {
            work(ending, &mut self.metrics);
        }
    }

    /// The request id as hyphenated lower-case text.
    pub fn id_text(&self) -> &str {
        self.id_text.get_or_init(|| self.id.hyphenated().to_string().into())
    }

    pub fn variable(&self, name: &str) -> Option<&Value> {
        self.variables.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    pub fn set_variable(&mut self, name: &Arc<str>, value: Value) {
        match self.variables.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.variables.push((Arc::clone(name), value)),
        }
    }

    /// Sets where the request goes.
    pub fn set_backend(&mut self, backend: Arc<Backend>) {
        self.backend = Some(backend);
        self.member = None;
        self.fabric = None;
        self.members_tried.clear();
    }

    /// The backend that is called: of a pool the member, once it is settled.
    pub fn destination(&self) -> Option<&Arc<Backend>> {
        self.member.as_ref().or_else(|| self.backend.as_ref().filter(|backend| backend.is_single()))
    }

    pub fn remove_variable(&mut self, name: &str) {
        self.variables.retain(|(known, _)| &**known != name);
    }

    /// Replaces the response; what the old one's body was does not matter any more.
    pub fn respond(&mut self, response: Response) {
        self.response_consumed.set(false);
        self.response = Some(response);
    }

    /// Replaces the request's body; its length is told anew where it is sent.
    pub fn set_request_body(&mut self, body: Body) {
        self.request_consumed.set(false);
        self.request.body = body;
        self.request.headers.remove("Content-Length");
    }

    /// Replaces the response's body; makes an empty 200 where there is no response yet.
    pub fn set_response_body(&mut self, body: Body) {
        self.response_consumed.set(false);
        let response = self.response.get_or_insert_with(|| Response::new(200));
        response.body = body;
        response.headers.remove("Content-Length");
    }

    /// Carries out what expressions marked: a body read without `preserveContent` is gone.
    pub fn settle_bodies(&mut self) {
        if self.request_consumed.take() {
            self.request.body = Body::Consumed;
        }
        if let (true, Some(response)) = (self.response_consumed.take(), self.response.as_mut()) {
            response.body = Body::Consumed;
        }
    }

    /// Reads the request body into memory, for a policy that needs it. Too large: 413 (S-03).
    pub async fn buffer_request(&mut self, ports: &dyn Ports) -> Result<(), Fault> {
        self.request.body.buffer(ports.buffer_budget()).await.map_err(|error| request_body_fault(&error))
    }

    /// Reads the response body into memory. Too large or cut short: 502.
    pub async fn buffer_response(&mut self, ports: &dyn Ports) -> Result<(), Fault> {
        let Some(response) = self.response.as_mut() else { return Ok(()) };
        response.body.buffer(ports.buffer_budget()).await.map_err(|error| {
            Fault::new(502, "Bad gateway", "transport", "BackendConnectionFailure", error.to_string())
        })
    }

    /// Takes the answer out at the end: postponed work is done, and `answer_headers` stand on it. `Vary` is added
    /// to what the answer says already, the other fields replace it.
    pub fn take_answer(&mut self, ports: &dyn Ports) -> Response {
        for deferred in std::mem::take(&mut self.deferred) {
            deferred(self, ports);
        }
        self.cache.close();
        let mut response = self.response.take().unwrap_or_else(|| Response::new(200));
        if let Some(fields) = self.answer_headers.take() {
            for (name, value) in fields.iter() {
                let headers = &mut response.headers;
                // Valid once, valid again; only the size bound could refuse it.
                let _ = if name.eq_ignore_ascii_case("Vary") {
                    headers.append(name, value)
                } else {
                    headers.set(name, value)
                };
            }
        }
        response
    }

    /// Time since receipt.
    pub fn elapsed(&self, ports: &dyn Ports) -> Duration {
        ports.now().saturating_duration_since(self.received)
    }
}

/// How a broken request body is answered (`reliability-security.md` §4.1).
pub fn request_body_fault(error: &BodyError) -> Fault {
    let (status, public, reason) = match error {
        BodyError::NoRoom => (503, "Too many bodies are held in memory at the moment.", "RequestBodyNoRoom"),
        BodyError::TooLarge { .. } => (413, "Request body is too large.", "RequestBodyTooLarge"),
        BodyError::TooSlow => (408, "Request body arrived too slowly.", "RequestTimeout"),
        BodyError::Malformed(_) => (400, "Request body is malformed.", "MalformedRequest"),
        BodyError::Lost => (400, "Request body is incomplete.", "ClientConnectionFailure"),
    };
    Fault::new(status, public, "transport", reason, error.to_string())
}
