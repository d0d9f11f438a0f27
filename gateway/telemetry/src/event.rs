//! What happened: one closed event a request, and the events of the gateway's own life.
//!
//! Both borrow what they name, so building one allocates nothing; a sink that keeps a part copies it.

mod record;

use std::fmt::Display;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::diagnostic::{Messages, Rules};
use crate::metrics::labels::{BackendId, HostId, LabelId};
use crate::redact::Redacted;

pub(crate) use record::{GatewayLogs, ShownHeaders};

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
    Listener {
        Http = "http", Https = "https", Admin = "admin", Management = "management", Portal = "portal",
        /// Every listener of an L4 route.
        L4 = "l4",
    }
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
    CallKind { Forward = "forward-request", Send = "send-request",
        OneWay = "send-one-way-request",
        /// To a queue or a topic.
        ServiceBus = "send-service-bus-message",
        /// To the sidecar.
        Dapr = "dapr",
        /// For a field of a synthetic GraphQL API.
        DataSource = "http-data-source",
        /// For content safety or embeddings.
        AiService = "ai-service",
        /// For the place of a partition.
        ServiceFabric = "service-fabric",
        /// For a token of the gateway's identity.
        Token = "token",
        /// For the signing keys of an issuer of tokens.
        Keys = "signing-keys",
    }
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
    /// Nobody waits for the response, and it is not known yet whether one comes.
    pub is_open: bool,
    pub protocol: Option<Protocol>,
    /// Application id of Application Insights that the response told.
    pub application: Option<&'a str>,
    /// Its span in the trace.
    pub span: [u8; 8],
    /// Since the request arrived.
    pub started: Duration,
    pub elapsed: Duration,
}

impl Call<'_> {
    /// Below 400; of a call that is open nothing bad is known.
    pub fn is_success(&self) -> bool {
        self.is_open || (100..400).contains(&self.response_code)
    }
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
    /// Bytes received from the client, head and body.
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
    /// Application id of Application Insights that the caller told.
    pub caller_application: Option<&'a str>,
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
            caller_application: None,
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
