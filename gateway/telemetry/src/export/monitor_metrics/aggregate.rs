//! Minimum, maximum, sum and count of every series in every minute.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::event::{RequestEvent, Value};
use crate::json::{self, Object};
use crate::metrics::{category_text, status_text};
use crate::rfc3339::Rfc3339;
use crate::sink::Instance;

/// Series of one minute; more are left out and counted.
const SERIES_MAX: usize = 10_000;
/// Lengths of names and values, and dimensions of a metric.
const TEXT_MAX: usize = 256;
const DIMENSIONS_MAX: usize = 10;
/// Series in one object.
const SERIES_PER_LINE: usize = 500;
/// A minute is closed so long behind its end: events come about a second late.
const GRACE: Duration = Duration::from_secs(5);
const MINUTE: u64 = 60;

/// Namespace, metric and names of its dimensions.
type Family = (String, String, Vec<String>);

#[derive(Clone, Copy, Debug, PartialEq)]
struct Total {
    min: f64,
    max: f64,
    sum: f64,
    count: u64,
}

/// What one minute came to.
#[derive(Debug, Default)]
pub struct Metrics {
    families: BTreeMap<Family, BTreeMap<Vec<String>, Total>>,
    series: usize,
}

/// Several readings at once; a single value has `count` 1.
#[derive(Clone, Copy, Debug)]
pub struct Reading {
    pub min: f64,
    pub max: f64,
    pub sum: f64,
    pub count: u64,
}

impl Reading {
    pub const fn one(value: f64) -> Self {
        Self { min: value, max: value, sum: value, count: 1 }
    }
}

/// The minutes that are not yet closed.
#[derive(Debug)]
pub struct Minutes {
    location: String,
    gateway: String,
    open: BTreeMap<u64, Metrics>,
}

impl Minutes {
    pub fn new(instance: &Instance) -> Self {
        let known = |text: &str| if text.is_empty() { "None".to_owned() } else { text.to_owned() };
        Self {
            location: known(&instance.region),
            gateway: known(&instance.gateway_id),
            open: BTreeMap::new(),
        }
    }

    /// Adds a request to the minute in which it ended; how many values had no room.
    pub fn add(&mut self, event: &RequestEvent<'_>, namespace: &str) -> u64 {
        let ended = event.time_generated + event.total_time;
        let metrics = self.open.entry(minute_of(ended)).or_default();
        let api = event.api_id.unwrap_or("None");
        let backend_code = event.backend().map_or(0, |call| call.response_code);
        let (code, backend) = (event.response_code.to_string(), backend_code.to_string());
        let reason = event.last_error.map_or("None", |error| error.reason);
        let mut left_out = metrics.add(
            namespace,
            "Requests",
            &[
                ("Location", &self.location),
                ("GatewayId", &self.gateway),
                ("ApiId", api),
                ("GatewayResponseCode", &code),
                ("GatewayResponseCodeCategory", category_text(event.response_code)),
                ("BackendResponseCode", &backend),
                ("BackendResponseCodeCategory", category_text(backend_code)),
                ("LastErrorReason", reason),
                ("Status", status_text(event.response_code)),
            ],
            Reading::one(1.0),
        );
        let dimensions = [("Location", &*self.location), ("GatewayId", &*self.gateway), ("ApiId", api)];
        let backend = event.backend_time.unwrap_or_default();
        let own = event.total_time.saturating_sub(backend).saturating_sub(event.client_time);
        for (name, time) in [
            ("Duration", Some(event.total_time)),
            ("BackendDuration", event.backend_time),
            ("ClientDuration", Some(event.client_time)),
            ("GatewayDuration", Some(own)),
        ] {
            if let Some(time) = time {
                let value = Reading::one(time.as_secs_f64() * 1000.0);
                left_out += metrics.add(namespace, name, &dimensions, value);
            }
        }
        for metric in event.metrics {
            let value = Reading::one(metric.value);
            left_out += metrics.add(metric.namespace, metric.name, metric.dimensions, value);
        }
        left_out
    }

    /// Adds what a counter of the gateway came to in a minute.
    pub fn add_reading(
        &mut self,
        minute: SystemTime,
        namespace: &str,
        metric: &str,
        dimensions: &[(&str, &str)],
        value: Reading,
    ) -> u64 {
        let own = [("Location", &*self.location), ("GatewayId", &*self.gateway)];
        let all = [&own[..], dimensions].concat();
        self.open.entry(minute_of(minute)).or_default().add(namespace, metric, &all, value)
    }

    /// Takes the minutes that have ended, or all of them.
    pub fn ended(&mut self, now: SystemTime, end: bool) -> Vec<(SystemTime, Metrics)> {
        let now = minute_of(now.checked_sub(GRACE).unwrap_or(now));
        let open = self.open.split_off(&(if end { u64::MAX } else { now }));
        let ended = std::mem::replace(&mut self.open, open);
        let time = |minute: u64| UNIX_EPOCH + Duration::from_secs(minute * MINUTE);
        ended.into_iter().map(|(minute, metrics)| (time(minute), metrics)).collect()
    }
}

fn minute_of(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / MINUTE
}

/// A name or value as the service takes it.
fn cut(text: &str) -> String {
    if text.is_empty() { "None".to_owned() } else { text[..text.floor_char_boundary(TEXT_MAX)].to_owned() }
}

impl Metrics {
    fn add(&mut self, namespace: &str, metric: &str, dimensions: &[(&str, &str)], value: Reading) -> u64 {
        let dimensions = dimensions.get(..dimensions.len().min(DIMENSIONS_MAX)).unwrap_or_default();
        let names = dimensions.iter().map(|(name, _)| cut(name)).collect();
        let values: Vec<String> = dimensions.iter().map(|(_, value)| cut(value)).collect();
        let family = self.families.entry((cut(namespace), cut(metric), names)).or_default();
        if let Some(total) = family.get_mut(&values) {
            total.min = total.min.min(value.min);
            total.max = total.max.max(value.max);
            total.sum += value.sum;
            total.count += value.count;
            return 0;
        }
        if self.series >= SERIES_MAX {
            return 1;
        }
        self.series += 1;
        let Reading { min, max, sum, count } = value;
        family.insert(values, Total { min, max, sum, count });
        0
    }

    /// Calls `put` with each object of the body.
    pub fn write(&self, minute: SystemTime, put: &mut dyn FnMut(&str)) {
        for ((namespace, metric, names), series) in &self.families {
            let series: Vec<(&Vec<String>, &Total)> = series.iter().collect();
            for part in series.chunks(SERIES_PER_LINE) {
                let mut out = String::with_capacity(256 + 128 * part.len());
                Object::write(&mut out, |object| {
                    object.text("time", &Rfc3339 { time: minute, digits: 0 }, 64);
                    object.object("data", |data| {
                        data.object("baseData", |data| {
                            data.text("metric", metric, TEXT_MAX + 1);
                            data.text("namespace", namespace, TEXT_MAX + 1);
                            data.raw("dimNames", &list(names));
                            data.raw("series", &points(part));
                        });
                    });
                });
                put(&out);
            }
        }
    }
}

fn list(texts: &[String]) -> String {
    let mut out = String::from("[");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::text(&mut out, text, TEXT_MAX);
    }
    out.push(']');
    out
}

fn points(series: &[(&Vec<String>, &Total)]) -> String {
    let mut out = String::from("[");
    for (index, (values, total)) in series.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        Object::write(&mut out, |point| {
            point.raw("dimValues", &list(values));
            point.value("min", Value::Number(total.min));
            point.value("max", Value::Number(total.max));
            point.value("sum", Value::Number(total.sum));
            point.value("count", Value::Unsigned(total.count));
        });
    }
    out.push(']');
    out
}
