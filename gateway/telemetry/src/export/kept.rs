//! Requests' events as the pipeline keeps them: batches that all exporters share, their texts and lists in one place each.

use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use smallvec::SmallVec;
use uuid::Uuid;

use crate::diagnostic::{Messages, Rules};
use crate::event::{
    Cache, Call, LastError, MetricRecord, Protocol, RequestEvent, SectionTime, Severity, TlsVersion,
    TraceContext, TraceRecord, Url,
};
use crate::metrics::labels::{HostId, LabelId};

/// A batch is full with so many requests, or with so much text.
const REQUESTS_MAX: usize = 64;
const TEXT_BYTES_MAX: usize = 64 << 10;

/// Requests of one worker, in order.
#[derive(Debug, Default)]
pub struct Batch {
    text: String,
    requests: Vec<Kept>,
    calls: Vec<KeptCall>,
    sections: Vec<SectionTime>,
    /// Memory of what few requests have.
    rare_bytes: usize,
}

/// A place in [`Batch::text`].
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// What a [`RequestEvent`] says, its texts by their places.
#[derive(Debug)]
struct Kept {
    labels: LabelId,
    host: HostId,
    time_generated: SystemTime,
    total_time: Duration,
    client_time: Duration,
    backend_time: Option<Duration>,
    cache_time: Option<Duration>,
    caller_ip: IpAddr,
    correlation_id: Uuid,
    trace: TraceContext,
    response_code: u16,
    request_size: u64,
    response_size: u64,
    cache: Cache,
    client_protocol: Protocol,
    client_tls: Option<TlsVersion>,
    texts: [Span; 5],
    names: [Option<Span>; 10],
    calls: Range<usize>,
    sections: Range<usize>,
    rare: Option<Box<Rare>>,
}

/// What most requests have not.
#[derive(Debug)]
struct Rare {
    last_error: Option<KeptError>,
    traces: Box<[KeptTrace]>,
    metrics: Box<[KeptMetric]>,
    messages: Option<Arc<Messages>>,
    diagnostics: Box<[Arc<Rules>]>,
}

#[derive(Debug)]
struct KeptCall {
    /// With its texts taken out.
    bare: Call<'static>,
    backend_id: Option<Span>,
    application: Option<Span>,
    method: Span,
    url: Span,
}

#[derive(Debug)]
struct KeptError {
    elapsed: Duration,
    texts: [Span; 6],
}

#[derive(Debug)]
struct KeptTrace {
    elapsed: Duration,
    severity: Severity,
    source: Span,
    message: Span,
    metadata: Box<[(Span, Span)]>,
}

#[derive(Debug)]
struct KeptMetric {
    namespace: Span,
    name: Span,
    value: f64,
    dimensions: Box<[(Span, Span)]>,
}

impl Batch {
    /// A batch of one.
    pub fn of(event: &RequestEvent<'_>) -> Self {
        let mut batch = Self::default();
        batch.push(event);
        batch
    }

    /// An empty one with room for as much as is in this one.
    pub fn successor(&self) -> Self {
        Self {
            text: String::with_capacity(self.text.len()),
            requests: Vec::with_capacity(self.requests.len()),
            calls: Vec::with_capacity(self.calls.len()),
            sections: Vec::with_capacity(self.sections.len()),
            rare_bytes: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.requests.len()
    }

    pub fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    pub fn is_full(&self) -> bool {
        self.requests.len() >= REQUESTS_MAX || self.text.len() >= TEXT_BYTES_MAX
    }

    /// Memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.text.capacity()
            + self.requests.capacity() * size_of::<Kept>()
            + self.calls.capacity() * size_of::<KeptCall>()
            + self.sections.capacity() * size_of::<SectionTime>()
            + self.rare_bytes
    }

    /// No more is added: gives back the room for it.
    pub fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.requests.shrink_to_fit();
        self.calls.shrink_to_fit();
        self.sections.shrink_to_fit();
    }

    /// Copies an event.
    pub fn push(&mut self, event: &RequestEvent<'_>) {
        let texts =
            [event.method, event.url.scheme, event.url.authority, event.url.target, event.key_parameter]
                .map(|text| self.put(text));
        let names = names(event).map(|name| name.map(|name| self.put(name)));
        let first = self.calls.len();
        for call in event.calls {
            let kept = self.call(call);
            self.calls.push(kept);
        }
        let calls = first..self.calls.len();
        let first = self.sections.len();
        self.sections.extend_from_slice(event.sections);
        let sections = first..self.sections.len();
        let rare = self.rare(event);
        self.rare_bytes += rare.as_ref().map_or(0, |rare| rare.bytes());
        self.requests.push(Kept {
            labels: event.labels,
            host: event.host,
            time_generated: event.time_generated,
            total_time: event.total_time,
            client_time: event.client_time,
            backend_time: event.backend_time,
            cache_time: event.cache_time,
            caller_ip: event.caller_ip,
            correlation_id: event.correlation_id,
            trace: event.trace,
            response_code: event.response_code,
            request_size: event.request_size,
            response_size: event.response_size,
            cache: event.cache,
            client_protocol: event.client_protocol,
            client_tls: event.client_tls,
            texts,
            names,
            calls,
            sections,
            rare,
        });
    }

    fn call(&mut self, call: &Call<'_>) -> KeptCall {
        KeptCall {
            backend_id: call.backend_id.map(|id| self.put(id)),
            application: call.application.map(|id| self.put(id)),
            method: self.put(call.method),
            url: self.put(call.url),
            bare: Call {
                kind: call.kind,
                label: call.label,
                backend_id: None,
                application: None,
                is_open: call.is_open,
                method: "",
                url: "",
                response_code: call.response_code,
                protocol: call.protocol,
                span: call.span,
                started: call.started,
                elapsed: call.elapsed,
            },
        }
    }

    fn rare(&mut self, event: &RequestEvent<'_>) -> Option<Box<Rare>> {
        let is_plain = event.last_error.is_none()
            && event.traces.is_empty()
            && event.metrics.is_empty()
            && event.messages.is_none()
            && event.diagnostics.is_empty();
        if is_plain {
            return None;
        }
        let last_error = event.last_error.as_ref().map(|error| KeptError {
            elapsed: error.elapsed,
            texts: [error.source, error.path, error.reason, error.message, error.section, error.scope]
                .map(|text| self.put(text)),
        });
        let trace = |trace: &TraceRecord<'_>| KeptTrace {
            elapsed: trace.elapsed,
            severity: trace.severity,
            source: self.put(trace.source),
            message: self.put(trace.message),
            metadata: self.put_pairs(trace.metadata),
        };
        let traces = event.traces.iter().map(trace).collect();
        let metric = |metric: &MetricRecord<'_>| KeptMetric {
            namespace: self.put(metric.namespace),
            name: self.put(metric.name),
            value: metric.value,
            dimensions: self.put_pairs(metric.dimensions),
        };
        let metrics = event.metrics.iter().map(metric).collect();
        let (messages, diagnostics) = (event.messages.cloned(), event.diagnostics.into());
        Some(Box::new(Rare { last_error, traces, metrics, messages, diagnostics }))
    }

    fn put(&mut self, text: &str) -> Span {
        let start = self.text.len() as u32;
        self.text.push_str(text);
        Span { start, end: self.text.len() as u32 }
    }

    fn put_pairs(&mut self, pairs: &[(&str, &str)]) -> Box<[(Span, Span)]> {
        pairs.iter().map(|(name, value)| (self.put(name), self.put(value))).collect()
    }

    /// Calls `read` with a request as it was; `None`: there is none of that number.
    pub fn with<R>(&self, index: usize, read: impl FnOnce(&RequestEvent<'_>) -> R) -> Option<R> {
        let kept = self.requests.get(index)?;
        let calls = self.calls.get(kept.calls.clone()).unwrap_or_default();
        let calls: SmallVec<[Call<'_>; 2]> = calls.iter().map(|call| call.show(self)).collect();
        let sections = self.sections.get(kept.sections.clone()).unwrap_or_default();
        let plain = self.plain(kept, &calls, sections);
        Some(match &kept.rare {
            None => read(&plain),
            Some(rare) => rare.with(self, &plain, read),
        })
    }

    /// When a request ended.
    pub fn ended(&self, index: usize) -> Option<SystemTime> {
        self.requests.get(index).map(|kept| kept.time_generated + kept.total_time)
    }

    fn plain<'a>(
        &'a self,
        kept: &'a Kept,
        calls: &'a [Call<'a>],
        sections: &'a [SectionTime],
    ) -> RequestEvent<'a> {
        let [method, scheme, authority, target, key_parameter] = kept.texts.map(|span| self.get(span));
        let [
            api_id,
            api_name,
            api_revision,
            operation_id,
            operation_name,
            operation_template,
            product_id,
            user_id,
            subscription_id,
            caller_application,
        ] = kept.names.map(|span| span.map(|span| self.get(span)));
        RequestEvent {
            labels: kept.labels,
            host: kept.host,
            total_time: kept.total_time,
            client_time: kept.client_time,
            backend_time: kept.backend_time,
            cache_time: kept.cache_time,
            correlation_id: kept.correlation_id,
            trace: kept.trace,
            key_parameter,
            response_code: kept.response_code,
            request_size: kept.request_size,
            response_size: kept.response_size,
            cache: kept.cache,
            api_id,
            api_name,
            api_revision,
            operation_id,
            operation_name,
            operation_template,
            product_id,
            user_id,
            subscription_id,
            caller_application,
            client_protocol: kept.client_protocol,
            client_tls: kept.client_tls,
            calls,
            sections,
            time_generated: kept.time_generated,
            caller_ip: kept.caller_ip,
            method,
            url: Url { scheme, authority, target },
            last_error: None,
            errors: &[],
            traces: &[],
            metrics: &[],
            diagnostics: &[],
            messages: None,
        }
    }

    fn get(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn pairs(&self, pairs: &[(Span, Span)]) -> Vec<(&str, &str)> {
        pairs.iter().map(|(name, value)| (self.get(*name), self.get(*value))).collect()
    }
}

fn names<'a>(event: &RequestEvent<'a>) -> [Option<&'a str>; 10] {
    [
        event.api_id,
        event.api_name,
        event.api_revision,
        event.operation_id,
        event.operation_name,
        event.operation_template,
        event.product_id,
        event.user_id,
        event.subscription_id,
        event.caller_application,
    ]
}

impl Rare {
    fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&*self.traces)
            + size_of_val(&*self.metrics)
            + self.traces.iter().map(|trace| size_of_val(&*trace.metadata)).sum::<usize>()
            + self.metrics.iter().map(|metric| size_of_val(&*metric.dimensions)).sum::<usize>()
            + self.messages.as_ref().map_or(0, |messages| messages.bytes())
            + size_of_val(&*self.diagnostics)
    }

    fn with<R>(
        &self,
        batch: &Batch,
        plain: &RequestEvent<'_>,
        read: impl FnOnce(&RequestEvent<'_>) -> R,
    ) -> R {
        let last_error = self.last_error.as_ref().map(|error| error.show(batch));
        let metadata: Vec<Vec<(&str, &str)>> =
            self.traces.iter().map(|trace| batch.pairs(&trace.metadata)).collect();
        let traces: Vec<TraceRecord<'_>> = self
            .traces
            .iter()
            .zip(&metadata)
            .map(|(trace, metadata)| TraceRecord {
                elapsed: trace.elapsed,
                source: batch.get(trace.source),
                severity: trace.severity,
                message: batch.get(trace.message),
                metadata,
            })
            .collect();
        let dimensions: Vec<Vec<(&str, &str)>> =
            self.metrics.iter().map(|metric| batch.pairs(&metric.dimensions)).collect();
        let metrics: Vec<MetricRecord<'_>> = self
            .metrics
            .iter()
            .zip(&dimensions)
            .map(|(metric, dimensions)| MetricRecord {
                namespace: batch.get(metric.namespace),
                name: batch.get(metric.name),
                value: metric.value,
                dimensions,
            })
            .collect();
        read(&RequestEvent {
            last_error,
            errors: last_error.as_slice(),
            traces: &traces,
            metrics: &metrics,
            messages: self.messages.as_ref(),
            diagnostics: &self.diagnostics,
            ..*plain
        })
    }
}

impl KeptCall {
    fn show<'a>(&self, batch: &'a Batch) -> Call<'a> {
        Call {
            backend_id: self.backend_id.map(|span| batch.get(span)),
            application: self.application.map(|span| batch.get(span)),
            method: batch.get(self.method),
            url: batch.get(self.url),
            ..self.bare
        }
    }
}

impl KeptError {
    fn show<'a>(&self, batch: &'a Batch) -> LastError<'a> {
        let [source, path, reason, message, section, scope] = self.texts.map(|span| batch.get(span));
        LastError { elapsed: self.elapsed, source, path, reason, message, section, scope }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::diagnostic::LoggerKind;
    use crate::export::Sampling;

    #[test]
    fn kept_event_reads_as_the_one_it_was_made_of() {
        let error = LastError { reason: "Timeout", message: "too late", ..LastError::default() };
        let trace = TraceRecord {
            elapsed: Duration::from_millis(3),
            source: "policy",
            severity: Severity::Info,
            message: "héllo",
            metadata: &[("k", "v")],
        };
        let metric =
            MetricRecord { namespace: "n", name: "m", value: 2.5, dimensions: &[("API ID", "shop")] };
        let section = SectionTime {
            name: "inbound",
            span: [1; 8],
            started: Duration::ZERO,
            elapsed: Duration::from_millis(2),
        };
        let messages = Arc::new(Messages::default());
        let rules = Rules::without_diagnostic(LoggerKind::EventHub, Sampling::default());
        let diagnostics = [Arc::new(rules)];
        let url = Url { scheme: "http", authority: "h", target: "/a?b=c" };
        let event = RequestEvent {
            api_id: Some("shop"),
            user_id: Some(""),
            last_error: Some(error),
            errors: &[error],
            traces: &[trace],
            metrics: &[metric],
            sections: &[section],
            messages: Some(&messages),
            diagnostics: &diagnostics,
            ..RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "GET", url)
        };
        let plain = RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "PUT", Url::default());
        let mut batch = Batch::default();
        batch.push(&plain);
        let before = batch.bytes();
        batch.push(&event);
        batch.push(&plain);
        for (index, event) in [plain, event, plain].iter().enumerate() {
            batch.with(index, |read| assert_eq!(format!("{read:?}"), format!("{event:?}"))).unwrap();
        }
        assert!(batch.with(3, |_| ()).is_none() && batch.bytes() > before);
    }
}
