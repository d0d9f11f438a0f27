//! The closed event of a request: made once, when its answer has been sent or the client has left.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use gateway_policy::exchange::correlation::Correlation;
use gateway_policy::exchange::metric::Metric;
use gateway_policy::exchange::trace::{Severity as NoteSeverity, TraceEntry};
use gateway_policy::exchange::{self, CacheUse, Ending, Exchange};
use gateway_policy::message::Url as RequestUrl;
use gateway_telemetry::{
    BackendId, Cache, Call, CallKind, HostId, LabelId, LastError, MetricRecord, Protocol, RequestEvent,
    Severity, TlsVersion, TraceContext, TraceRecord, Url,
};

use super::Shared;
use crate::service::Sent;

/// A request and the event it will leave. The event is emitted when this is dropped: behind the answer, or when the
/// client has left before it.
pub struct Record(Box<Inner>);

struct Inner {
    shared: Arc<Shared>,
    worker: usize,
    exchange: Exchange,
    labels: Labels,
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
    pub fn begin(shared: Arc<Shared>, worker: usize, exchange: Exchange) -> Self {
        shared.count_in_flight(worker, |count| {
            count.fetch_add(1, Relaxed);
        });
        let labels = Labels::default();
        let sent = Sent::default();
        Self(Box::new(Inner { shared, worker, exchange, labels, status: 0, answered: None, sent }))
    }

    pub fn exchange(&mut self) -> &mut Exchange {
        &mut self.0.exchange
    }

    pub fn labels(&mut self) -> &mut Labels {
        &mut self.0.labels
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
        let last_error = exchange.last_error.as_ref().map(|error| LastError {
            elapsed: Duration::from_millis(exchange.error_elapsed_ms),
            source: &error.source,
            path: &error.path,
            reason: &error.reason,
            message: &error.message,
            section: &error.section,
            scope: &error.scope,
        });
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
            product_id: caller.product.as_ref().map(|product| &*product.id),
            user_id: caller.user.as_ref().map(|user| &*user.id),
            subscription_id: caller.subscription.as_ref().map(|subscription| &*subscription.id),
            client_protocol: protocol(exchange.connection.protocol),
            client_tls: exchange.connection.tls_version.and_then(tls_version),
            calls: backend.as_slice(),
            last_error,
            errors: last_error.as_slice(),
            traces: &traces,
            metrics: &metrics,
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
        self.exchange.correlation.unwrap_or_else(|| Correlation::of(self.exchange.id, None))
    }

    fn trace_context(&self) -> TraceContext {
        let Correlation { trace_id, span, parent, flags } = self.correlation();
        TraceContext { trace_id, span, parent, flags }
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
            response_code: measures.backend_status,
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
            let own = &exchange.request.url;
            let path = format!("{}{}", backend.base.path, own.path);
            RequestUrl { path, query: own.query.clone(), ..backend.base.clone() }.to_string()
        });
        Self {
            authority: exchange.original_url.authority(),
            target: if query.is_empty() { path.clone() } else { format!("{path}?{query}") },
            backend: backend.unwrap_or_default(),
        }
    }
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
