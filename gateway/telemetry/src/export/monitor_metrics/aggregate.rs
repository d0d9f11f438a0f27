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

/// One metric with one set of dimensions.
#[derive(Debug)]
struct Series {
    namespace: String,
    metric: String,
    names: Vec<String>,
    values: Vec<String>,
    total: Reading,
}

/// What one minute came to.
#[derive(Debug, Default)]
pub struct Metrics {
    series: Vec<Series>,
    /// Where a series is, by all its texts.
    places: BTreeMap<String, usize>,
    /// Where the series of a request are, by what distinguishes requests; none where there was no room.
    requests: BTreeMap<String, [Option<usize>; 5]>,
    /// Room for a key.
    key: String,
}

/// Several readings at once; a single value has `count` 1.
#[derive(Clone, Copy, Debug, PartialEq)]
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

    fn add(&mut self, more: Self) {
        self.min = self.min.min(more.min);
        self.max = self.max.max(more.max);
        self.sum += more.sum;
        self.count += more.count;
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
        let places = metrics.places_of(event, namespace, &self.location, &self.gateway);
        let backend = event.backend_time.unwrap_or_default();
        let own = event.total_time.saturating_sub(backend).saturating_sub(event.client_time);
        let millis = |time: Duration| Some(Reading::one(time.as_secs_f64() * 1000.0));
        let mut left_out = 0;
        for (place, reading) in places.into_iter().zip([
            Some(Reading::one(1.0)),
            millis(event.total_time),
            event.backend_time.and_then(millis),
            millis(event.client_time),
            millis(own),
        ]) {
            left_out += reading.map_or(0, |reading| metrics.put(place, reading));
        }
        for metric in event.metrics {
            let place = metrics.place(metric.namespace, metric.name, metric.dimensions);
            left_out += metrics.put(place, Reading::one(metric.value));
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
        let metrics = self.open.entry(minute_of(minute)).or_default();
        let place = metrics.place(namespace, metric, &all);
        metrics.put(place, value)
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
fn cut(text: &str) -> &str {
    if text.is_empty() { "None" } else { &text[..text.floor_char_boundary(TEXT_MAX)] }
}

impl Metrics {
    /// The series of a request: how many, and its four times. Found in one step for those that differ in times only.
    fn places_of(
        &mut self,
        event: &RequestEvent<'_>,
        namespace: &str,
        location: &str,
        gateway: &str,
    ) -> [Option<usize>; 5] {
        let api = event.api_id.unwrap_or("None");
        let backend_code = event.backend().map_or(0, |call| call.response_code);
        let reason = event.last_error.map_or("None", |error| error.reason);
        let (mut code, mut backend) = (itoa::Buffer::new(), itoa::Buffer::new());
        let (code, backend) = (code.format(event.response_code), backend.format(backend_code));
        let mut key = std::mem::take(&mut self.key);
        write_key(
            &mut key,
            &[code, backend, if event.backend_time.is_some() { "b" } else { "" }, reason, api],
        );
        if let Some(places) = self.requests.get(&key) {
            self.key = key;
            return *places;
        }
        let dimensions = [
            ("Location", location),
            ("GatewayId", gateway),
            ("ApiId", api),
            ("GatewayResponseCode", code),
            ("GatewayResponseCodeCategory", category_text(event.response_code)),
            ("BackendResponseCode", backend),
            ("BackendResponseCodeCategory", category_text(backend_code)),
            ("LastErrorReason", reason),
            ("Status", status_text(event.response_code)),
        ];
        let times = dimensions.get(..3).unwrap_or_default();
        let places = [
            self.place(namespace, "Requests", &dimensions),
            self.place(namespace, "Duration", times),
            event.backend_time.and_then(|_| self.place(namespace, "BackendDuration", times)),
            self.place(namespace, "ClientDuration", times),
            self.place(namespace, "GatewayDuration", times),
        ];
        // Beyond the series' bound keys are not kept either.
        if self.series.len() < SERIES_MAX {
            self.requests.insert(key, places);
        }
        places
    }

    /// Where a series is; `None`: there is no room for another one.
    fn place(&mut self, namespace: &str, metric: &str, dimensions: &[(&str, &str)]) -> Option<usize> {
        let dimensions = dimensions.get(..dimensions.len().min(DIMENSIONS_MAX)).unwrap_or_default();
        let mut key = std::mem::take(&mut self.key);
        write_key(&mut key, &[cut(namespace), cut(metric)]);
        for (name, value) in dimensions {
            push_key(&mut key, cut(name));
            push_key(&mut key, cut(value));
        }
        let known = self.places.get(&key).copied();
        if known.is_some() || self.series.len() >= SERIES_MAX {
            self.key = key;
            return known;
        }
        self.places.insert(key, self.series.len());
        self.series.push(Series {
            namespace: cut(namespace).to_owned(),
            metric: cut(metric).to_owned(),
            names: dimensions.iter().map(|(name, _)| cut(name).to_owned()).collect(),
            values: dimensions.iter().map(|(_, value)| cut(value).to_owned()).collect(),
            total: Reading { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, count: 0 },
        });
        Some(self.series.len() - 1)
    }

    /// How many values had no room.
    fn put(&mut self, place: Option<usize>, reading: Reading) -> u64 {
        match place.and_then(|place| self.series.get_mut(place)) {
            Some(series) => {
                series.total.add(reading);
                0
            }
            None => 1,
        }
    }

    /// Calls `put` with each object of the body.
    pub fn write(&self, minute: SystemTime, put: &mut dyn FnMut(&str)) {
        let mut families: BTreeMap<(&str, &str, &[String]), Vec<&Series>> = BTreeMap::new();
        for series in self.series.iter().filter(|series| series.total.count > 0) {
            families.entry((&series.namespace, &series.metric, &series.names)).or_default().push(series);
        }
        for ((namespace, metric, names), mut series) in families {
            series.sort_unstable_by(|one, other| one.values.cmp(&other.values));
            for part in series.chunks(SERIES_PER_LINE) {
                let mut out = String::with_capacity(256 + 128 * part.len());
                Object::write(&mut out, |object| {
                    object.shown("time", &Rfc3339 { time: minute, digits: 0 }, 64);
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

fn write_key(key: &mut String, parts: &[&str]) {
    key.clear();
    parts.iter().for_each(|part| push_key(key, part));
}

/// Two texts are not taken for one, nor other two for these: each begins with its length.
fn push_key(key: &mut String, part: &str) {
    key.push_str(itoa::Buffer::new().format(part.len()));
    key.push(':');
    key.push_str(part);
}

fn list(texts: &[String]) -> String {
    let mut out = String::from("[");
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        json::string(&mut out, text, TEXT_MAX);
    }
    out.push(']');
    out
}

fn points(series: &[&Series]) -> String {
    let mut out = String::from("[");
    for (index, Series { values, total, .. }) in series.iter().enumerate() {
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
