//! The closed event of a request: made once, when its answer has been sent or the client has left.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gateway_policy::exchange::calls::{Fetch, Purpose, SectionBegin, SentCall};
use gateway_policy::exchange::correlation::{Correlation, Protocols};
use gateway_policy::exchange::metric::Metric;
use gateway_policy::exchange::trace::{Severity as NoteSeverity, TraceEntry};
use gateway_policy::exchange::{self, Arrival, CacheUse, Ending, Exchange};
use gateway_policy::message::{Headers, Url as RequestUrl};
use gateway_telemetry::event::SectionTime;
use gateway_telemetry::{
    BackendId, Cache, Call, CallKind, HostId, LabelId, LastError, MetricRecord, Protocol, RequestEvent,
    Severity, TlsVersion, TraceContext, TraceRecord, Url,
};

use smallvec::SmallVec;

use super::{Shared, diagnose};
use crate::service::Sent;
use crate::snapshot::Diagnosed;

/// Numbers of spans (`Correlation::child_span`): those of policies' calls are below both.
const FIRST_SECTION: u64 = 1000;
const FIRST_FETCH: u64 = 2000;

/// A request and the event it will leave. The event is emitted when this is dropped: behind the answer, or when the
/// client has left before it.
pub struct Record(Box<Inner>);

struct Inner {
    shared: Arc<Shared>,
    worker: usize,
    exchange: Exchange,
    labels: Labels,
    diagnosed: Option<Arc<Diagnosed>>,
    status: u16,
    answered: Option<Instant>,
    /// Nothing, until the answer is out.
    sent: Sent,
}

/// Metric labels of a request.
#[derive(Clone, Copy, Debug)]
pub struct Labels {
    pub route: LabelId,
    pub host: HostId,
    pub backend: BackendId,
}

impl Default for Labels {
    fn default() -> Self {
        Self { route: LabelId::UNMATCHED, host: HostId::OTHER, backend: BackendId::OTHER }
    }
}

impl Record {
    pub fn begin(shared: Arc<Shared>, worker: usize, arrival: Arrival) -> Self {
        shared.count_in_flight(worker, |count| {
            count.fetch_add(1, Relaxed);
        });
        // Written where it stays, as it is large.
        let place = Box::new_uninit();
        Self(Box::write(
            place,
            Inner {
                shared,
                worker,
                exchange: Exchange::new(arrival),
                labels: Labels::default(),
                diagnosed: None,
                status: 0,
                answered: None,
                sent: Sent::default(),
            },
        ))
    }

    pub fn exchange(&mut self) -> &mut Exchange {
        &mut self.0.exchange
    }

    pub fn labels(&mut self) -> &mut Labels {
        &mut self.0.labels
    }

    pub fn is_diagnosed(&self) -> bool {
        self.0.diagnosed.is_some()
    }

    /// The diagnostics that hold for the request.
    pub fn diagnose(&mut self, diagnosed: Option<Arc<Diagnosed>>) {
        self.0.diagnosed = diagnosed;
    }

    /// The answer is made and goes out now.
    pub fn answered(&mut self, status: u16) {
        (self.0.status, self.0.answered) = (status, Some(Instant::now()));
    }

    /// The answer is out, or has failed.
    pub fn finish(mut self, sent: Sent) {
        self.0.sent = sent;
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let Sent { head_bytes, body_bytes, request_bytes, .. } = self.sent;
        let ending = Ending {
            counters: &*self.shared.counters,
            quotas: &*self.shared.quotas,
            bytes: head_bytes.saturating_add(body_bytes).saturating_add(request_bytes),
        };
        self.exchange.end(&ending);
        self.emit();
        if let Some(abuse) = &self.shared.abuse {
            abuse.judge(&self.exchange, self.status);
        }
        self.shared.count_in_flight(self.worker, |count| {
            count.fetch_sub(1, Relaxed);
        });
    }
}

impl Inner {
    fn emit(&self) {
        let (exchange, sent) = (&self.exchange, &self.sent);
        let now = Instant::now();
        // Texts are put together only for those who read them.
        let texts = self.shared.telemetry.reads_requests().then(|| Texts::of(exchange));
        let url = texts.as_ref().map(|texts| Url {
            scheme: exchange.original_url.scheme.as_str(),
            authority: &texts.authority,
            target: &texts.target,
        });
        let caller = &exchange.caller;
        let backend = self.backend_call(texts.as_ref().map_or("", |texts| &texts.backend));
        let urls: Vec<String> = exchange.sent_calls.iter().map(|call| call.url.to_string()).collect();
        let fetched = exchange.fetched();
        let calls = self.calls(backend, &urls, &fetched);
        let sections = self.sections();
        let messages = diagnose::messages(exchange);
        let error_message = diagnose::error_message(exchange);
        let last_error = last_error(exchange, &error_message);
        let dimensions: Vec<Vec<(&str, &str)>> = exchange.metrics.list().iter().map(dimensions).collect();
        let metrics: Vec<MetricRecord<'_>> =
            exchange.metrics.list().iter().zip(&dimensions).map(metric).collect();
        let notes = if texts.is_some() { exchange.trace.since(0) } else { Vec::new() };
        let metadata: Vec<Vec<(&str, &str)>> = notes.iter().map(metadata).collect();
        let traces: Vec<TraceRecord<'_>> = notes.iter().zip(&metadata).map(note).collect();
        let event = RequestEvent {
            labels: self.labels.route,
            host: self.labels.host,
            total_time: now.saturating_duration_since(exchange.received),
            client_time: now.saturating_duration_since(self.answered.unwrap_or(now)),
            backend_time: backend.map(|call| call.elapsed),
            correlation_id: exchange.id,
            trace: self.trace_context(),
            key_parameter: caller.api.as_ref().map_or("subscription-key", |api| &api.key_query),
            response_code: if sent.complete { self.status } else { 0 },
            request_size: sent.request_bytes,
            response_size: sent.body_bytes,
            cache: cache(exchange.measures.cache),
            api_id: caller.api.as_ref().map(|api| &*api.id),
            api_name: caller.api.as_ref().map(|api| &*api.name),
            api_revision: caller.api.as_ref().map(|api| &*api.revision),
            operation_id: caller.operation.as_ref().map(|operation| &*operation.id),
            operation_name: caller.operation.as_ref().map(|operation| &*operation.name),
            operation_template: caller.operation.as_ref().map(|operation| &*operation.url_template),
            product_id: caller.product.as_ref().map(|product| &*product.id),
            user_id: caller.user.as_ref().map(|user| &*user.id),
            subscription_id: caller.subscription.as_ref().map(|subscription| &*subscription.id),
            caller_application: exchange.applications.as_ref().and_then(|known| known.caller.as_deref()),
            client_protocol: protocol(exchange.connection.protocol),
            client_tls: exchange.connection.tls_version.and_then(tls_version),
            calls: &calls,
            last_error,
            errors: last_error.as_slice(),
            traces: &traces,
            metrics: &metrics,
            sections: &sections,
            diagnostics: self.diagnosed.as_ref().map_or(&[], |diagnosed| &diagnosed.rules),
            messages: messages.as_ref(),
            ..RequestEvent::new(
                exchange.connection.peer,
                exchange.timestamp,
                exchange.request.method.as_str(),
                url.unwrap_or_default(),
            )
        };
        self.shared.telemetry.emit(self.worker, &event);
    }

    fn correlation(&self) -> Correlation {
        let none = || Correlation::of(self.exchange.id, &Headers::new(), Protocols::default());
        self.exchange.correlation.unwrap_or_else(none)
    }

    fn trace_context(&self) -> TraceContext {
        let Correlation { trace_id, span, parent, flags, .. } = self.correlation();
        TraceContext { trace_id, span, parent, flags }
    }

    /// All calls in the order they began.
    fn calls<'a>(
        &'a self,
        backend: Option<Call<'a>>,
        urls: &'a [String],
        fetched: &'a [Fetch],
    ) -> SmallVec<[Call<'a>; 1]> {
        let sent = self.exchange.sent_calls.iter().zip(urls).map(|(call, url)| self.sent_call(call, url));
        let fetched = fetched.iter().enumerate().map(|(number, fetch)| self.fetch_call(number, fetch));
        let mut calls: SmallVec<[Call<'a>; 1]> = backend.into_iter().chain(sent).chain(fetched).collect();
        calls.sort_by_key(|call| call.started);
        calls
    }

    fn sent_call<'a>(&self, call: &'a SentCall, url: &'a str) -> Call<'a> {
        let end = call.one_way.as_ref().map(|end| end.get());
        let (response_code, elapsed) = match end {
            None => (call.status, call.elapsed),
            Some(Some(end)) => end,
            Some(None) => (0, self.exchange.received.elapsed().saturating_sub(call.started)),
        };
        Call {
            kind: kind(call.purpose),
            label: BackendId::OTHER,
            backend_id: None,
            application: call.application.as_deref(),
            method: &call.method,
            url,
            response_code,
            is_open: end == Some(None),
            protocol: None,
            span: call.span,
            started: call.started,
            elapsed,
        }
    }

    /// What a port fetched for the request.
    fn fetch_call<'a>(&self, number: usize, fetch: &'a Fetch) -> Call<'a> {
        Call {
            kind: kind(fetch.purpose),
            label: BackendId::OTHER,
            backend_id: None,
            application: None,
            method: &fetch.method,
            url: &fetch.url,
            response_code: fetch.status,
            is_open: false,
            protocol: None,
            span: self.correlation().child_span(FIRST_FETCH + number as u64),
            started: fetch.began.saturating_duration_since(self.exchange.received),
            elapsed: fetch.elapsed,
        }
    }

    /// The sections that had statements; each ends where the next one begins.
    fn sections(&self) -> SmallVec<[SectionTime; 4]> {
        let Some(begins) = &self.exchange.sections else { return SmallVec::new() };
        let end = self.answered.unwrap_or_else(Instant::now);
        let ends = begins.iter().skip(1).map(|next| next.at).chain([end]);
        let correlation = self.correlation();
        let timed = begins.iter().zip(ends).enumerate().filter(|(_, (begin, _))| begin.has_statements);
        let time = |(number, (begin, end)): (usize, (&SectionBegin, Instant))| SectionTime {
            name: begin.section.as_str(),
            span: correlation.child_span(FIRST_SECTION + number as u64),
            started: begin.at.saturating_duration_since(self.exchange.received),
            elapsed: end.saturating_duration_since(begin.at),
        };
        timed.map(time).collect()
    }

    fn backend_call<'a>(&'a self, url: &'a str) -> Option<Call<'a>> {
        let measures = &self.exchange.measures;
        if measures.backend.is_zero() && measures.backend_status == 0 {
            return None;
        }
        let backend = self.exchange.destination();
        Some(Call {
            kind: CallKind::Forward,
            label: self.labels.backend,
            backend_id: backend.and_then(|backend| backend.id.as_deref()),
            method: self.exchange.request.method.as_str(),
            url,
            application: self.exchange.applications.as_ref().and_then(|known| known.backend.as_deref()),
            response_code: measures.backend_status,
            is_open: false,
            protocol: self.exchange.backend_protocol.get().map(protocol),
            span: self.correlation().backend_span(),
            started: measures.backend_began,
            elapsed: measures.backend,
        })
    }
}

struct Texts {
    authority: String,
    target: String,
    backend: String,
}

impl Texts {
    fn of(exchange: &Exchange) -> Self {
        let RequestUrl { path, query, .. } = &exchange.original_url;
        let backend = exchange.destination().map(|backend| {
            let (own, base) = (&exchange.request.url, &backend.base);
            let authority = base.authority();
            let (mark, query) = if own.query.is_empty() { ("", "") } else { ("?", own.query.as_str()) };
            [base.scheme.as_str(), "://", &authority, &base.path, &own.path, mark, query].concat()
        });
        Self {
            authority: exchange.original_url.authority(),
            target: if query.is_empty() { path.clone() } else { [path, "?", query].concat() },
            backend: backend.unwrap_or_default(),
        }
    }
}

fn last_error<'a>(exchange: &'a Exchange, message: &'a str) -> Option<LastError<'a>> {
    exchange.last_error.as_ref().map(|error| LastError {
        elapsed: Duration::from_millis(exchange.error_elapsed_ms),
        source: &error.source,
        path: &error.path,
        reason: &error.reason,
        message,
        section: &error.section,
        scope: &error.scope,
    })
}

fn metadata(note: &TraceEntry) -> Vec<(&str, &str)> {
    note.metadata.iter().map(|(name, value)| (&**name, value.as_str())).collect()
}

fn note<'a>((own, metadata): (&'a TraceEntry, &'a Vec<(&'a str, &'a str)>)) -> TraceRecord<'a> {
    let severity = match own.severity {
        NoteSeverity::Verbose => Severity::Verbose,
        NoteSeverity::Information => Severity::Info,
        NoteSeverity::Error => Severity::Error,
    };
    TraceRecord { elapsed: own.elapsed, source: &own.source, severity, message: &own.message, metadata }
}

fn dimensions(metric: &Metric) -> Vec<(&str, &str)> {
    metric.dimensions.iter().map(|(name, value)| (&**name, value.as_str())).collect()
}

fn metric<'a>((own, dimensions): (&'a Metric, &'a Vec<(&'a str, &'a str)>)) -> MetricRecord<'a> {
    MetricRecord { namespace: &own.namespace, name: &own.name, value: own.value, dimensions }
}

fn cache(used: CacheUse) -> Cache {
    match used {
        CacheUse::None => Cache::None,
        CacheUse::Hit => Cache::Hit,
        CacheUse::Miss => Cache::Miss,
    }
}

fn protocol(protocol: exchange::Protocol) -> Protocol {
    match protocol {
        exchange::Protocol::Http10 => Protocol::Http10,
        exchange::Protocol::Http11 => Protocol::Http11,
        exchange::Protocol::Http2 => Protocol::Http2,
    }
}

fn tls_version(text: &str) -> Option<TlsVersion> {
    TlsVersion::ALL.iter().copied().find(|version| version.as_str() == text)
}

fn kind(purpose: Purpose) -> CallKind {
    match purpose {
        Purpose::SendRequest => CallKind::Send,
        Purpose::SendOneWayRequest => CallKind::OneWay,
        Purpose::ServiceBus => CallKind::ServiceBus,
        Purpose::Dapr => CallKind::Dapr,
        Purpose::DataSource => CallKind::DataSource,
        Purpose::AiService => CallKind::AiService,
        Purpose::ServiceFabric => CallKind::ServiceFabric,
        Purpose::Token => CallKind::Token,
        Purpose::Keys => CallKind::Keys,
    }
}
