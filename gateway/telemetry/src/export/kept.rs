//! A request's event as the pipeline keeps it: one copy for all exporters, its texts in one allocation.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::diagnostic::Messages;
use crate::event::{Call, LastError, MetricRecord, RequestEvent, SectionTime, Severity, TraceRecord, Url};
use crate::{BackendId, CallKind, Protocol};

/// A place in [`Kept::text`].
#[derive(Clone, Copy, Debug, Default)]
struct Span {
    start: u32,
    end: u32,
}

/// Everything a [`RequestEvent`] says, owned.
#[derive(Debug)]
pub struct Kept {
    text: String,
    /// The event with its texts and lists taken out.
    bare: RequestEvent<'static>,
    texts: [Span; 5],
    names: [Option<Span>; 9],
    calls: Box<[KeptCall]>,
    last_error: Option<KeptError>,
    traces: Box<[KeptTrace]>,
    metrics: Box<[KeptMetric]>,
    sections: Box<[SectionTime]>,
    messages: Option<Arc<Messages>>,
}

#[derive(Debug)]
struct KeptCall {
    bare: Call<'static>,
    backend_id: Option<Span>,
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

struct Writer(String);

impl Writer {
    fn put(&mut self, text: &str) -> Span {
        let start = self.0.len() as u32;
        self.0.push_str(text);
        Span { start, end: self.0.len() as u32 }
    }

    fn pairs(&mut self, pairs: &[(&str, &str)]) -> Box<[(Span, Span)]> {
        pairs.iter().map(|(name, value)| (self.put(name), self.put(value))).collect()
    }
}

impl Kept {
    /// Copies an event.
    pub fn of(event: &RequestEvent<'_>) -> Self {
        let mut out = Writer(String::with_capacity(512));
        let texts =
            [event.method, event.url.scheme, event.url.authority, event.url.target, event.key_parameter]
                .map(|text| out.put(text));
        let names = names(event).map(|name| name.map(|name| out.put(name)));
        let calls = event.calls.iter().map(|call| KeptCall::of(call, &mut out)).collect();
        let last_error = event.last_error.as_ref().map(|error| KeptError {
            elapsed: error.elapsed,
            texts: [error.source, error.path, error.reason, error.message, error.section, error.scope]
                .map(|text| out.put(text)),
        });
        let trace = |trace: &TraceRecord<'_>| KeptTrace {
            elapsed: trace.elapsed,
            severity: trace.severity,
            source: out.put(trace.source),
            message: out.put(trace.message),
            metadata: out.pairs(trace.metadata),
        };
        let traces = event.traces.iter().map(trace).collect();
        let metric = |metric: &MetricRecord<'_>| KeptMetric {
            namespace: out.put(metric.namespace),
            name: out.put(metric.name),
            value: metric.value,
            dimensions: out.pairs(metric.dimensions),
        };
        let metrics = event.metrics.iter().map(metric).collect();
        let (sections, messages) = (event.sections.into(), event.messages.cloned());
        let bare = bare(event);
        Self { text: out.0, bare, texts, names, calls, last_error, traces, metrics, sections, messages }
    }

    /// Calls `read` with the event as it was, but for its diagnostics: the rules stand beside it.
    pub fn with<R>(&self, read: impl FnOnce(&RequestEvent<'_>) -> R) -> R {
        let calls: Vec<Call<'_>> = self.calls.iter().map(|call| call.show(self)).collect();
        let last_error = self.last_error.as_ref().map(|error| error.show(self));
        let metadata: Vec<Vec<(&str, &str)>> =
            self.traces.iter().map(|trace| self.pairs(&trace.metadata)).collect();
        let traces: Vec<TraceRecord<'_>> = self
            .traces
            .iter()
            .zip(&metadata)
            .map(|(trace, metadata)| TraceRecord {
                elapsed: trace.elapsed,
                source: self.get(trace.source),
                severity: trace.severity,
                message: self.get(trace.message),
                metadata,
            })
            .collect();
        let dimensions: Vec<Vec<(&str, &str)>> =
            self.metrics.iter().map(|metric| self.pairs(&metric.dimensions)).collect();
        let metrics: Vec<MetricRecord<'_>> = self
            .metrics
            .iter()
            .zip(&dimensions)
            .map(|(metric, dimensions)| MetricRecord {
                namespace: self.get(metric.namespace),
                name: self.get(metric.name),
                value: metric.value,
                dimensions,
            })
            .collect();
        let [method, scheme, authority, target, key_parameter] = self.texts.map(|span| self.get(span));
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
        ] = self.names.map(|span| span.map(|span| self.get(span)));
        read(&RequestEvent {
            method,
            url: Url { scheme, authority, target },
            key_parameter,
            api_id,
            api_name,
            api_revision,
            operation_id,
            operation_name,
            operation_template,
            product_id,
            user_id,
            subscription_id,
            calls: &calls,
            last_error,
            errors: last_error.as_slice(),
            traces: &traces,
            metrics: &metrics,
            sections: &self.sections,
            messages: self.messages.as_ref(),
            ..self.bare
        })
    }

    /// Memory that it takes.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.text.capacity()
            + size_of_val(&*self.calls)
            + size_of_val(&*self.traces)
            + size_of_val(&*self.metrics)
            + self.traces.iter().map(|trace| size_of_val(&*trace.metadata)).sum::<usize>()
            + self.metrics.iter().map(|metric| size_of_val(&*metric.dimensions)).sum::<usize>()
            + size_of_val(&*self.sections)
            + self.messages.as_ref().map_or(0, |messages| messages.bytes())
    }

    /// When processing began.
    pub fn began(&self) -> SystemTime {
        self.bare.time_generated
    }

    fn get(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    fn pairs(&self, pairs: &[(Span, Span)]) -> Vec<(&str, &str)> {
        pairs.iter().map(|(name, value)| (self.get(*name), self.get(*value))).collect()
    }
}

fn names<'a>(event: &RequestEvent<'a>) -> [Option<&'a str>; 9] {
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
    ]
}

fn bare(event: &RequestEvent<'_>) -> RequestEvent<'static> {
    RequestEvent {
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
        method: "",
        url: Url::default(),
        key_parameter: "",
        response_code: event.response_code,
        request_size: event.request_size,
        response_size: event.response_size,
        cache: event.cache,
        api_id: None,
        api_name: None,
        api_revision: None,
        operation_id: None,
        operation_name: None,
        operation_template: None,
        product_id: None,
        user_id: None,
        subscription_id: None,
        client_protocol: event.client_protocol,
        client_tls: event.client_tls,
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

impl KeptCall {
    fn of(call: &Call<'_>, out: &mut Writer) -> Self {
        let (kind, label, response_code): (CallKind, BackendId, u16) =
            (call.kind, call.label, call.response_code);
        let protocol: Option<Protocol> = call.protocol;
        Self {
            backend_id: call.backend_id.map(|id| out.put(id)),
            method: out.put(call.method),
            url: out.put(call.url),
            bare: Call {
                kind,
                label,
                backend_id: None,
                method: "",
                url: "",
                response_code,
                protocol,
                span: call.span,
                started: call.started,
                elapsed: call.elapsed,
            },
        }
    }

    fn show<'a>(&self, kept: &'a Kept) -> Call<'a> {
        Call {
            backend_id: self.backend_id.map(|span| kept.get(span)),
            method: kept.get(self.method),
            url: kept.get(self.url),
            ..self.bare
        }
    }
}

impl KeptError {
    fn show<'a>(&self, kept: &'a Kept) -> LastError<'a> {
        let [source, path, reason, message, section, scope] = self.texts.map(|span| kept.get(span));
        LastError { elapsed: self.elapsed, source, path, reason, message, section, scope }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

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
            ..RequestEvent::new([127, 0, 0, 1].into(), UNIX_EPOCH, "GET", url)
        };
        let kept = Kept::of(&event);
        kept.with(|read| assert_eq!(format!("{read:?}"), format!("{event:?}")));
        assert!(kept.bytes() > 512);
    }
}
