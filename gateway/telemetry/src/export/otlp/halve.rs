//! A message that a collector finds too large comes apart: its first half and its second.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use prost::Message;

use super::Signal;
use crate::export::{Payload, lines};

/// Two payloads with the items of one; `None` where it holds a single span, record or metric.
pub fn halves(signal: Signal, payload: &Payload) -> Option<Vec<Payload>> {
    let body = lines::plain(&payload.body);
    let count = |items: usize| items as u64;
    match signal {
        Signal::Traces => split(
            ExportTraceServiceRequest::decode(&*body).ok()?,
            |message| Some(&mut message.resource_spans.first_mut()?.scope_spans.first_mut()?.spans),
            |spans| count(spans.len()),
        ),
        Signal::Logs => split(
            ExportLogsServiceRequest::decode(&*body).ok()?,
            |message| Some(&mut message.resource_logs.first_mut()?.scope_logs.first_mut()?.log_records),
            |records| count(records.len()),
        ),
        Signal::Metrics => split(
            ExportMetricsServiceRequest::decode(&*body).ok()?,
            |message| Some(&mut message.resource_metrics.first_mut()?.scope_metrics.first_mut()?.metrics),
            |metrics| count(metrics.iter().map(points).sum()),
        ),
    }
}

/// `list`: where the items of a message stand; `count`: how many a payload has that holds these.
fn split<M: Message + Clone, I>(
    mut first: M,
    list: impl Fn(&mut M) -> Option<&mut Vec<I>>,
    count: impl Fn(&[I]) -> u64,
) -> Option<Vec<Payload>> {
    let mut items = std::mem::take(list(&mut first)?);
    if items.len() < 2 {
        return None;
    }
    let rest = items.split_off(items.len() / 2);
    let second = first.clone();
    let of = |mut message: M, half: Vec<I>| {
        let items = count(&half);
        *list(&mut message)? = half;
        Some(Payload { items, body: lines::gzip(&[&message.encode_to_vec()]), ..Payload::default() })
    };
    Some(vec![of(first, items)?, of(second, rest)?])
}

fn points(metric: &Metric) -> usize {
    match &metric.data {
        Some(Data::Gauge(gauge)) => gauge.data_points.len(),
        Some(Data::Sum(sum)) => sum.data_points.len(),
        Some(Data::Histogram(histogram)) => histogram.data_points.len(),
        _ => 0,
    }
}
