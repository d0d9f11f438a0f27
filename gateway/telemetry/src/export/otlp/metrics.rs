//! Every metric of the registry, cumulative; those that the original sends have its names and attributes
//! (self-hosted-gateway.md §3.2), durations in milliseconds.

use std::sync::Arc;
use std::time::SystemTime;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric as Family, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum,
};
use prost::Message;

use super::resource::{Who, nanos, text};
use crate::metrics::table::{self, Kind, Metric};
use crate::metrics::{CustomSeries, Registry, Sample};
use crate::sink::Instance;

/// Metrics of the registry that the original has under another name.
const RENAMED: [(&Metric, &str); 5] = [
    (table::REQUESTS, "Requests"),
    (table::REQUEST_DURATION, "DurationInMs"),
    (table::BACKEND_DURATION, "BackendDurationInMs"),
    (table::CLIENT_DURATION, "ClientDurationInMs"),
    (table::GATEWAY_DURATION, "GatewayDurationInMs"),
];

/// Labels of these as the original calls them.
const LABELS: [(&str, &str); 11] = [
    ("api", "ApiId"),
    ("operation", "OperationId"),
    ("product", "ProductId"),
    ("hostname", "Hostname"),
    ("response_code", "ResponseCode"),
    ("response_code_category", "ResponseCodeCategory"),
    ("status", "Status"),
    ("backend_response_code", "BackendResponseCode"),
    ("backend_response_code_category", "BackendResponseCodeCategory"),
    ("cache", "Cache"),
    ("last_error_reason", "LastErrorReason"),
];

const CUMULATIVE: i32 = AggregationTemporality::Cumulative as i32;

/// What is read, and what is said of it.
pub struct Metrics {
    registry: Arc<Registry>,
    system: bool,
    gateway_id: String,
    location: String,
}

impl Metrics {
    pub fn new(registry: Arc<Registry>, system: bool, instance: &Instance) -> Self {
        let Instance { gateway_id, region, .. } = instance;
        Self { registry, system, gateway_id: gateway_id.clone(), location: region.clone() }
    }

    /// How many data points, and the message.
    pub fn encode(&self, who: &Who, now: SystemTime) -> (u64, Vec<u8>) {
        let times = (nanos(self.registry.started()), nanos(now));
        let mut families: Vec<Family> = Vec::new();
        let mut points = 0;
        self.registry.collect(&mut |metric, labels, sample| {
            if metric.name.starts_with("process_") && !self.system {
                return;
            }
            let renamed = RENAMED.iter().find(|(known, _)| known.name == metric.name).map(|(_, name)| *name);
            let name = renamed.unwrap_or(metric.name);
            if families.last().is_none_or(|last| last.name != name) {
                families.push(family(metric, renamed));
            }
            let attributes = self.attributes(metric, labels, renamed.is_some());
            if let Some(data) = families.last_mut().and_then(|family| family.data.as_mut()) {
                add(data, attributes, sample, times, renamed.is_some());
                points += 1;
            }
        });
        self.registry.custom().each(&mut |series| {
            families.push(custom(series, times));
            points += 1;
        });
        let scope_metrics = vec![ScopeMetrics {
            scope: Some(who.scope.clone()),
            metrics: families,
            ..ScopeMetrics::default()
        }];
        let resource = Some(who.resource.clone());
        let resource_metrics =
            vec![ResourceMetrics { resource, scope_metrics, ..ResourceMetrics::default() }];
        (points, ExportMetricsServiceRequest { resource_metrics }.encode_to_vec())
    }

    fn attributes(&self, metric: &Metric, labels: &[&str], renamed: bool) -> Vec<KeyValue> {
        let own = |label: &str| LABELS.iter().find(|(known, _)| *known == label).map(|(_, name)| *name);
        let named = metric
            .labels
            .iter()
            .zip(labels)
            .map(|(label, value)| text(own(label).filter(|_| renamed).unwrap_or(label), value));
        let mut all: Vec<KeyValue> = named.collect();
        if renamed {
            all.push(text("GatewayId", &self.gateway_id));
            all.push(text("Location", &self.location));
        }
        all
    }
}

fn family(metric: &Metric, renamed: Option<&str>) -> Family {
    let unit = match metric.unit {
        "seconds" if renamed.is_some() => "ms",
        "seconds" => "s",
        "bytes" => "By",
        _ => "1",
    };
    let data = match metric.kind {
        Kind::Counter => {
            Data::Sum(Sum { aggregation_temporality: CUMULATIVE, is_monotonic: true, ..Sum::default() })
        }
        Kind::Gauge => Data::Gauge(Gauge::default()),
        Kind::Histogram => {
            Data::Histogram(Histogram { aggregation_temporality: CUMULATIVE, ..Histogram::default() })
        }
    };
    Family {
        name: renamed.unwrap_or(metric.name).to_owned(),
        description: metric.help.to_owned(),
        unit: unit.to_owned(),
        data: Some(data),
        ..Family::default()
    }
}

/// Adds a point. `millis`: the sample is in seconds, the metric in milliseconds.
fn add(
    data: &mut Data,
    attributes: Vec<KeyValue>,
    sample: Sample<'_>,
    (start_time_unix_nano, time_unix_nano): (u64, u64),
    millis: bool,
) {
    let point = |value| NumberDataPoint {
        attributes: attributes.clone(),
        start_time_unix_nano,
        time_unix_nano,
        value: Some(value),
        ..NumberDataPoint::default()
    };
    let number = match sample {
        Sample::Count(count) => Value::AsInt(i64::try_from(count).unwrap_or(i64::MAX)),
        Sample::Number(number) => Value::AsDouble(number),
        Sample::Histogram { bounds, counts, sum_seconds } => {
            let factor = if millis { 1000.0 } else { 1.0 };
            let point = HistogramDataPoint {
                attributes,
                start_time_unix_nano,
                time_unix_nano,
                count: counts.iter().sum(),
                sum: Some(sum_seconds * factor),
                bucket_counts: counts.to_vec(),
                explicit_bounds: bounds.iter().map(|bound| bound * factor).collect(),
                ..HistogramDataPoint::default()
            };
            if let Data::Histogram(histogram) = data {
                histogram.data_points.push(point);
            }
            return;
        }
    };
    match data {
        Data::Sum(sum) => sum.data_points.push(point(number)),
        Data::Gauge(gauge) => gauge.data_points.push(point(number)),
        _ => {}
    }
}

/// A metric of a policy: sum and count, which a histogram without bounds can say.
fn custom(series: CustomSeries<'_>, (start_time_unix_nano, time_unix_nano): (u64, u64)) -> Family {
    let CustomSeries { namespace, name, dimensions, count, sum } = series;
    let mut attributes = vec![text("namespace", namespace)];
    attributes.extend(dimensions.iter().map(|(name, value)| text(name, value)));
    let point = HistogramDataPoint {
        attributes,
        start_time_unix_nano,
        time_unix_nano,
        count,
        sum: Some(sum),
        bucket_counts: vec![count],
        ..HistogramDataPoint::default()
    };
    let histogram = Histogram { data_points: vec![point], aggregation_temporality: CUMULATIVE };
    Family { name: name.to_owned(), data: Some(Data::Histogram(histogram)), ..Family::default() }
}
