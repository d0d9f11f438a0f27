//! What happened: one closed event a request, and the events of the gateway's own life.
//!
//! Both borrow what they name, so building one allocates nothing; a sink that keeps a part copies it.

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::diagnostic::{Mask, Message, MessageRules, Messages, Rules};
use crate::metrics::labels::{BackendId, HostId, LabelId};
use crate::redact::{self, Redacted};

/// Declares a closed set of label values: an enum, its texts and its members.
macro_rules! closed {
    ($(#[$doc:meta])* $name:ident { $($(#[$member_doc:meta])* $member:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$member_doc])* #[doc = concat!("`", $text, "`")] $member,)+ }
        impl $name {
            /// Every member, in the order of its index.
            pub const ALL: &'static [Self] = &[$(Self::$member,)+];
            /// The text of every member.
            pub const TEXTS: &'static [&'static str] = &[$($text,)+];
            /// The text in logs and labels.
            pub const fn as_str(self) -> &'static str { match self { $(Self::$member => $text,)+ } }
        }
    };
}
pub(crate) use closed;

closed! {
    /// How much a record matters; setting `telemetry.logs.std.level` hides what is below it.
    Severity { Verbose = "Verbose", Info = "Info", Warning = "Warning", Error = "Error", Fatal = "Fatal", }
}
closed! {
    /// Listener names of design.md §6.
    Listener { Http = "http", Https = "https", Admin = "admin", Management = "management", Portal = "portal", }
}
closed! {
    /// HTTP version of one exchange.
    Protocol { Http10 = "HTTP/1.0", Http11 = "HTTP/1.1", Http2 = "HTTP/2", }
}
closed! {
    /// Negotiated TLS version.
    TlsVersion { Tls12 = "1.2", Tls13 = "1.3", }
}
closed! {
    /// What the response cache did for a request.
    Cache { None = "none", Hit = "hit", Miss = "miss", }
}
closed! {
    /// Why the gateway called out.
    CallKind { Forward = "forward-request", Send = "send-request", }
}

/// One value of a record.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Bool(bool),
    Integer(i64),
    Unsigned(u64),
    Number(f64),
    Text(&'a str),
    Id(Uuid),
    /// Shown in hexadecimal.
    Hex(&'a [u8]),
    Address(IpAddr),
    /// Shown with seven digits of the second.
    Time(SystemTime),
    /// Shown without its secrets.
    Url(&'a Redacted<'a>),
    Display(&'a dyn Display),
    Object(&'a dyn Fields),
    Errors(&'a [LastError<'a>]),
    /// Notes of a severity at least.
    Traces(Severity, &'a [TraceRecord<'a>]),
}

/// A record whose members can be walked in order; absent members are not visited.
pub trait Fields {
    /// Calls `visit` once a member, names in camelCase.
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>));
}

/// A URL in the parts the proxy holds; shown only with secrets masked.
#[derive(Clone, Copy, Debug, Default)]
pub struct Url<'a> {
    /// `http`, `https`, `ws`, `wss`.
    pub scheme: &'a str,
    /// Host and port as the client named them.
    pub authority: &'a str,
    /// Path and query, beginning with `/`.
    pub target: &'a str,
}

/// What `context.LastError` holds (policies.md §5.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct LastError<'a> {
    /// Since the request arrived.
    pub elapsed: Duration,
    /// Policy or built-in step.
    pub source: &'a str,
    /// Place in the policy document, parts joined by `\`.
    pub path: &'a str,
    /// Machine code, such as `SubscriptionKeyNotFound`; a label of the request metrics.
    pub reason: &'a str,
    pub message: &'a str,
    /// `inbound`, `backend`, `outbound` or `on-error`.
    pub section: &'a str,
    /// `global`, `product`, `api` or `operation`; empty when no policy failed.
    pub scope: &'a str,
}

/// Where a request stands among the spans of a distributed trace (W3C Trace Context §3.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TraceContext {
    pub trace_id: [u8; 16],
    /// The span of this request.
    pub span: [u8; 8],
    /// The caller's span, when it named one.
    pub parent: Option<[u8; 8]>,
    /// The caller's flags; bit 0: sampled.
    pub flags: u8,
}

impl TraceContext {
    /// The context of a request whose caller named none: the correlation id is the trace's.
    pub fn of(correlation_id: Uuid) -> Self {
        let trace_id = correlation_id.into_bytes();
        let [_, _, _, _, _, _, _, _, span @ ..] = trace_id;
        Self { trace_id, span, parent: None, flags: 1 }
    }
}

/// Bytes as lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // One text at a time: every exporter shows ids of every request.
        let digit = |value: u8| if value < 10 { b'0' + value } else { b'a' + value - 10 };
        for bytes in self.0.chunks(16) {
            let mut text = [0; 32];
            for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
                pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
            }
            f.write_str(str::from_utf8(text.get(..2 * bytes.len()).unwrap_or_default()).unwrap_or_default())?;
        }
        Ok(())
    }
}

/// One call the gateway made while it served a request.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    pub kind: CallKind,
    /// Label of the upstream metrics.
    pub label: BackendId,
    /// Name of the backend resource, if one was used.
    pub backend_id: Option<&'a str>,
    pub method: &'a str,
    pub url: &'a str,
    /// 0 when no response came.
    pub response_code: u16,
    pub protocol: Option<Protocol>,
    /// Its span in the trace.
    pub span: [u8; 8],
    /// Since the request arrived.
    pub started: Duration,
    pub elapsed: Duration,
}

/// One record of a `trace` policy.
#[derive(Clone, Copy, Debug)]
pub struct TraceRecord<'a> {
    pub elapsed: Duration,
    pub source: &'a str,
    pub severity: Severity,
    pub message: &'a str,
    pub metadata: &'a [(&'a str, &'a str)],
}

/// One value of a metric that a policy emitted.
#[derive(Clone, Copy, Debug)]
pub struct MetricRecord<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub value: f64,
    pub dimensions: &'a [(&'a str, &'a str)],
}

/// Everything known of one finished request: emitted exactly once, after the last byte or when the client left.
#[derive(Clone, Copy, Debug)]
pub struct RequestEvent<'a> {
    /// Labels of (API, operation, product), interned when the snapshot was compiled.
    pub labels: LabelId,
    /// Label of the configured host name that matched.
    pub host: HostId,
    /// When processing began.
    pub time_generated: SystemTime,
    /// Arrival until the response is fully sent.
    pub total_time: Duration,
    /// All client IO.
    pub client_time: Duration,
    /// All backend IO; absent when no backend was called.
    pub backend_time: Option<Duration>,
    /// All cache IO; absent when no cache was asked.
    pub cache_time: Option<Duration>,
    pub caller_ip: IpAddr,
    /// `context.RequestId`.
    pub correlation_id: Uuid,
    pub trace: TraceContext,
    pub method: &'a str,
    pub url: Url<'a>,
    /// Query parameter that carries the subscription key of this API; masked whatever its name.
    pub key_parameter: &'a str,
    /// 0 when the client left before it had one.
    pub response_code: u16,
    /// Bytes of the body received from the client.
    pub request_size: u64,
    /// Bytes of the body sent to the client.
    pub response_size: u64,
    pub cache: Cache,
    pub api_id: Option<&'a str>,
    pub api_name: Option<&'a str>,
    pub api_revision: Option<&'a str>,
    pub operation_id: Option<&'a str>,
    pub operation_name: Option<&'a str>,
    /// `/items/{id}`.
    pub operation_template: Option<&'a str>,
    pub product_id: Option<&'a str>,
    pub user_id: Option<&'a str>,
    pub subscription_id: Option<&'a str>,
    pub client_protocol: Protocol,
    pub client_tls: Option<TlsVersion>,
    /// Calls in the order they were made; the last `Forward` is "the backend".
    pub calls: &'a [Call<'a>],
    pub last_error: Option<LastError<'a>>,
    pub errors: &'a [LastError<'a>],
    pub traces: &'a [TraceRecord<'a>],
    pub metrics: &'a [MetricRecord<'a>],
    /// Sections of the effective policy that had statements, where traces are sent.
    pub sections: &'a [SectionTime],
    /// Of the configuration, those that hold for the request.
    pub diagnostics: &'a [Arc<Rules>],
    /// What they ask for of its messages.
    pub messages: Option<&'a Arc<Messages>>,
}

/// When a section of the effective policy ran.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionTime {
    /// `inbound`, `backend`, `outbound` or `on-error`.
    pub name: &'static str,
    /// Its span in the trace.
    pub span: [u8; 8],
    /// Since the request arrived.
    pub started: Duration,
    pub elapsed: Duration,
}

impl<'a> RequestEvent<'a> {
    /// A request that nothing is known of yet but who asked, when, and what for.
    pub fn new(caller_ip: IpAddr, time_generated: SystemTime, method: &'a str, url: Url<'a>) -> Self {
        Self {
            labels: LabelId::UNMATCHED,
            host: HostId::OTHER,
            time_generated,
            total_time: Duration::ZERO,
            client_time: Duration::ZERO,
            backend_time: None,
            cache_time: None,
            caller_ip,
            correlation_id: Uuid::nil(),
            trace: TraceContext::default(),
            method,
            url,
            key_parameter: "subscription-key",
            response_code: 0,
            request_size: 0,
            response_size: 0,
            cache: Cache::None,
            api_id: None,
            api_name: None,
            api_revision: None,
            operation_id: None,
            operation_name: None,
            operation_template: None,
            product_id: None,
            user_id: None,
            subscription_id: None,
            client_protocol: Protocol::Http11,
            client_tls: None,
            calls: &[],
            last_error: None,
            errors: &[],
            traces: &[],
            metrics: &[],
            sections: &[],
            diagnostics: &[],
            messages: None,
        }
    }

    /// Since 2021 every status below 400 is a success; a client that left is not.
    pub fn is_success(&self) -> bool {
        (100..400).contains(&self.response_code)
    }

    /// The last call of `forward-request`.
    pub fn backend(&self) -> Option<&Call<'a>> {
        self.calls.iter().rev().find(|call| call.kind == CallKind::Forward)
    }
}

/// Members and order of self-hosted-gateway.md §3.3; `region` is added by the sink, which knows the instance.
pub(crate) struct GatewayLogs<'a> {
    pub event: &'a RequestEvent<'a>,
    pub region: &'a str,
    /// Of a diagnostic; what is there without one, else.
    pub rules: Option<&'a Rules>,
}

/// Fields of one message that a diagnostic shows, as an object.
pub(crate) struct ShownHeaders<'a>(pub &'a MessageRules, pub &'a Message);

impl Fields for ShownHeaders<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        for (name, value) in self.0.headers(self.1) {
            visit(name, Value::Text(value));
        }
    }
}

impl GatewayLogs<'_> {
    /// The four messages: their names, what the diagnostic shows of them, and what was seen.
    fn visit_messages(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        let (Some(rules), Some(messages)) = (self.rules, self.event.messages) else { return };
        for (headers, body, rules, message) in [
            ("requestHeaders", "requestBody", &rules.frontend.request, &messages.frontend_request),
            ("responseHeaders", "responseBody", &rules.frontend.response, &messages.frontend_response),
            (
                "backendRequestHeaders",
                "backendRequestBody",
                &rules.backend.request,
                &messages.backend_request,
            ),
            (
                "backendResponseHeaders",
                "backendResponseBody",
                &rules.backend.response,
                &messages.backend_response,
            ),
        ] {
            if rules.headers(message).next().is_some() {
                visit(headers, Value::Object(&ShownHeaders(rules, message)));
            }
            text(visit, body, rules.body(message));
        }
    }

    fn query_masks(&self) -> [&[Mask]; 2] {
        self.rules.map_or([&[]; 2], |rules| {
            [&*rules.frontend.request.query_masks, &*rules.backend.request.query_masks]
        })
    }
}

impl Fields for GatewayLogs<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        let event = self.event;
        let [frontend_masks, backend_masks] = self.query_masks();
        visit("isRequestSuccess", Value::Bool(event.is_success()));
        visit("totalTime", millis(event.total_time));
        visit("category", Value::Text("GatewayLogs"));
        if self.rules.is_none_or(|rules| rules.log_client_ip) {
            visit("callerIpAddress", Value::Address(event.caller_ip));
        }
        visit("timeGenerated", Value::Time(event.time_generated));
        text(visit, "region", Some(self.region).filter(|region| !region.is_empty()));
        visit("correlationId", Value::Id(event.correlation_id));
        visit("method", Value::Text(event.method));
        visit("url", Value::Url(&Redacted::url(&event.url, event.key_parameter).masking(frontend_masks)));
        visit("responseCode", Value::Unsigned(event.response_code.into()));
        visit("responseSize", Value::Unsigned(event.response_size));
        visit("cache", Value::Text(event.cache.as_str()));
        time(visit, "backendTime", event.backend_time);
        text(visit, "apiId", event.api_id);
        text(visit, "operationId", event.operation_id);
        text(visit, "productId", event.product_id);
        text(visit, "userId", event.user_id);
        text(visit, "apimSubscriptionId", event.subscription_id);
        visit("clientProtocol", Value::Text(event.client_protocol.as_str()));
        let backend = event.backend();
        text(visit, "backendId", backend.and_then(|call| call.backend_id));
        time(visit, "cacheTime", event.cache_time);
        text(visit, "apiRevision", event.api_revision);
        text(visit, "clientTlsVersion", event.client_tls.map(TlsVersion::as_str));
        if let Some(call) = backend {
            visit("backendMethod", Value::Text(call.method));
            let url = Redacted::text(call.url, event.key_parameter).masking(backend_masks);
            visit("backendUrl", Value::Url(&url));
            visit("backendResponseCode", Value::Unsigned(call.response_code.into()));
            text(visit, "backendProtocol", call.protocol.map(Protocol::as_str));
        }
        visit("requestSize", Value::Unsigned(event.request_size));
        visit("clientTime", millis(event.client_time));
        if let Some(error) = &event.last_error {
            visit("lastError", Value::Object(error));
        }
        if !event.errors.is_empty() {
            visit("errors", Value::Errors(event.errors));
        }
        if !event.traces.is_empty() {
            let least = self.rules.map_or(Severity::Verbose, |rules| rules.verbosity);
            visit("traceRecords", Value::Traces(least, event.traces));
        }
        self.visit_messages(visit);
    }
}

impl Fields for LastError<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        visit("elapsed", millis(self.elapsed));
        let members = [
            ("source", self.source),
            ("path", self.path),
            ("reason", self.reason),
            ("message", self.message),
            ("section", self.section),
            ("scope", self.scope),
        ];
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_empty()) {
            visit(name, Value::Text(value));
        }
    }
}

impl Fields for TraceRecord<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        visit("elapsed", millis(self.elapsed));
        visit("source", Value::Text(self.source));
        visit("severity", Value::Text(self.severity.as_str()));
        visit("message", Value::Text(self.message));
        for (name, value) in self.metadata {
            let value = if redact::is_secret_name(name) { redact::MASK } else { value };
            visit(&format!("metadata.{name}"), Value::Text(value));
        }
    }
}

fn millis(time: Duration) -> Value<'static> {
    Value::Unsigned(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn time(visit: &mut dyn FnMut(&str, Value<'_>), name: &str, time: Option<Duration>) {
    if let Some(time) = time {
        visit(name, millis(time));
    }
}

fn text(visit: &mut dyn FnMut(&str, Value<'_>), name: &str, text: Option<&str>) {
    if let Some(text) = text {
        visit(name, Value::Text(text));
    }
}

/// `correlation_id` is `correlationId` in the records of the original.
pub(crate) fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut upper = false;
    for character in name.chars() {
        match character {
            '_' => upper = !out.is_empty(),
            _ if std::mem::take(&mut upper) => out.extend(character.to_uppercase()),
            _ => out.push(character),
        }
    }
    out
}
