//! OpenTelemetry protocol 1.x, by gRPC or HTTP with protobuf: metrics, traces, logs; an exporter each.

mod grpc;
mod halve;
mod logs;
mod metrics;
mod resource;
mod traces;
mod wire;

use std::cell::Cell;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

use self::metrics::Metrics;
use self::resource::Who;
use self::wire::Items;
use super::answer::Answer;
use super::{Exporter, Gathered, HttpRequest, HttpResponse, LocalFuture, Outbound, Payload, Verdict, lines};
use crate::metrics::Registry;
use crate::sink::Instance;

/// The original sends metrics so often (self-hosted-gateway.md §3.2).
const METRICS_INTERVAL: Duration = Duration::from_mins(1);

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Grpc,
    Http,
}

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Metrics,
    Traces,
    Logs,
}

impl Signal {
    /// Of the exporter.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metrics => "otlp-metrics",
            Self::Traces => "otlp-traces",
            Self::Logs => "otlp-logs",
        }
    }

    const fn http_path(self) -> &'static str {
        match self {
            Self::Metrics => "/v1/metrics",
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
        }
    }

    const fn grpc_path(self) -> &'static str {
        match self {
            Self::Metrics => "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
            Self::Traces => "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            Self::Logs => "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
        }
    }
}

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Scheme, host and port of the collector, without a slash at the end.
    pub collector: String,
    pub protocol: Protocol,
    /// Metrics of the process, too.
    pub system_metrics: bool,
}

/// The exporter of one signal.
pub struct Otlp {
    url: String,
    protocol: Protocol,
    signal: Signal,
    who: Who,
    metrics: Metrics,
    next_metrics: Cell<Option<SystemTime>>,
}

impl Otlp {
    pub fn new(settings: &Settings, signal: Signal, registry: Arc<Registry>, instance: &Instance) -> Self {
        let path = match settings.protocol {
            Protocol::Grpc => signal.grpc_path(),
            Protocol::Http => signal.http_path(),
        };
        Self {
            url: format!("{}{path}", settings.collector),
            protocol: settings.protocol,
            signal,
            who: Who::new(instance),
            metrics: Metrics::new(registry, settings.system_metrics, instance),
            next_metrics: Cell::new(None),
        }
    }

    /// Whether a minute has gone by since the last metrics.
    fn metrics_are_due(&self, now: SystemTime, end: bool) -> bool {
        let due = self.next_metrics.get().get_or_insert(now + METRICS_INTERVAL).to_owned();
        // A clock that went back would hold them up for as long as it went.
        let is_due = end || now >= due || now + METRICS_INTERVAL < due;
        self.next_metrics.set(Some(if is_due { now + METRICS_INTERVAL } else { due }));
        is_due
    }

    /// Spans or records as a message, compressed.
    fn payload(&self, items: &Items) -> Option<Payload> {
        let head = self.who.envelope(items.as_bytes().len());
        let body = || lines::gzip(&[head.as_bytes(), items.as_bytes()]);
        (items.count() > 0).then(|| Payload { items: items.count(), body: body(), ..Payload::default() })
    }

    async fn attempt(&self, payload: &Payload, outbound: &dyn Outbound) -> Verdict {
        let (headers, body) = match self.protocol {
            Protocol::Http => (
                vec![("Content-Type", "application/x-protobuf"), ("Content-Encoding", "gzip")],
                payload.body.clone(),
            ),
            Protocol::Grpc => (
                vec![("Content-Type", "application/grpc"), ("grpc-encoding", "gzip")],
                grpc::framed(&payload.body),
            ),
        };
        let headers = headers.into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        let http2 = self.protocol == Protocol::Grpc;
        let answer = outbound.send(HttpRequest { url: self.url.clone(), headers, body, http2 }).await;
        match self.protocol {
            Protocol::Http => self.over_http(payload, answer, outbound.now()),
            Protocol::Grpc => self.over_grpc(payload, answer),
        }
    }

    /// Only 429, 502, 503 and 504 may be sent again (OTLP specification, "Failures").
    fn over_http(&self, payload: &Payload, answer: Result<HttpResponse, String>, now: SystemTime) -> Verdict {
        let again = |status: u16| matches!(status, 429 | 502 | 503 | 504);
        let status = answer.as_ref().map_or(503, |response| response.status);
        match Answer::of(answer, now) {
            Answer::Taken(response) => taken(payload, &response.body),
            Answer::Later { why, pause } if again(status) => Verdict::Later { why, pause },
            Answer::Later { why, .. } | Answer::Never(why) => Verdict::Refused { why },
            Answer::TooLarge => self.too_large(payload, "status 413".to_owned()),
            Answer::Moved(place) => Verdict::Refused { why: format!("redirected to {place}") },
        }
    }

    fn over_grpc(&self, payload: &Payload, answer: Result<HttpResponse, String>) -> Verdict {
        match grpc::read(answer) {
            grpc::Outcome::Taken(message) => taken(payload, &message),
            grpc::Outcome::Later { why, pause } => Verdict::Later { why, pause },
            grpc::Outcome::TooLarge(why) => self.too_large(payload, why),
            grpc::Outcome::Never(why) => Verdict::Refused { why },
        }
    }

    /// Half of it may have room.
    fn too_large(&self, payload: &Payload, why: String) -> Verdict {
        match halve::halves(self.signal, payload) {
            Some(left) => Verdict::Partly { left, refused: 0, pause: None },
            None => Verdict::Refused { why },
        }
    }
}

impl Exporter for Otlp {
    fn encode(&self, gathered: &[Gathered], now: SystemTime, end: bool, payloads: &mut Vec<Payload>) -> u64 {
        if self.signal == Signal::Metrics {
            if self.metrics_are_due(now, end) {
                let (items, message) = self.metrics.encode(&self.who, now);
                let body = lines::gzip(&[&message]);
                payloads.extend((items > 0).then(|| Payload { items, body, ..Payload::default() }));
            }
            return 0;
        }
        let mut items = Items::default();
        for (number, item) in gathered.iter().enumerate() {
            match self.signal {
                Signal::Traces => traces::add(&mut items, item),
                _ => logs::add(&mut items, item, now),
            }
            if items.is_full() || number + 1 == gathered.len() {
                payloads.extend(self.payload(&items));
                items.clear();
            }
        }
        0
    }

    fn send<'a>(&'a self, payload: &'a Payload, outbound: &'a dyn Outbound) -> LocalFuture<'a, Verdict> {
        Box::pin(self.attempt(payload, outbound))
    }
}

/// The answers of the three services are alike on the wire: a message with how many items were refused, and why.
fn taken(payload: &Payload, body: &[u8]) -> Verdict {
    let answer = ExportTraceServiceResponse::decode(body).unwrap_or_default();
    let refused = answer.partial_success.map_or(0, |partly| partly.rejected_spans);
    match u64::try_from(refused) {
        Ok(refused @ 1..) => {
            Verdict::Partly { left: Vec::new(), refused: refused.min(payload.items), pause: None }
        }
        _ => Verdict::Sent,
    }
}

#[cfg(test)]
mod tests;
