//! One request as items of Application Insights (self-hosted-gateway.md §4.3.2–4.3.3).

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::ConnectionString;
use crate::diagnostic::{Message, MessageRules, Rules};
use crate::event::{
    Call, CallKind, Hex, LastError, MetricRecord, Protocol, RequestEvent, Severity, TlsVersion, TraceRecord,
    Value,
};
use crate::export::Gathered;
use crate::json::{self, Object};
use crate::redact::{self, Redacted};
use crate::sink::Instance;

/// Lengths of §4.3.3, in characters.
const NAME_MAX: usize = 1024;
const ID_MAX: usize = 512;
const URL_MAX: usize = 2048;
const VALUE_MAX: usize = 8192;
const MESSAGE_MAX: usize = 32_768;

/// Makes items.
pub struct Envelopes {
    instrumentation_key: String,
    application_id: Option<Arc<str>>,
    /// Members of `tags` that tell who this is.
    tags: String,
    /// Members of `properties` that tell who this is.
    properties: String,
}

/// What all items of one request have in common.
struct Common<'e> {
    event: &'e RequestEvent<'e>,
    rules: &'e Rules,
    sample_rate: f64,
    /// Bodies are shown; not where an item with them is too large.
    bodies: bool,
    application_id: Option<&'e str>,
    span: String,
    operation: String,
    /// Members of `tags`, but for the parent's id.
    tags: String,
    /// Members of `properties`.
    properties: String,
}

impl Common<'_> {
    /// Whether an application id, with its `cid-v1:`, is that of the component that the items go to.
    fn is_own(&self, id: &str) -> bool {
        self.application_id.is_some() && id.strip_prefix("cid-v1:") == self.application_id
    }
}

impl Envelopes {
    pub fn new(connection: &ConnectionString, who: &Instance) -> Self {
        let tags = json::members(|tags| {
            tags.shown("ai.cloud.role", &role(who), 256);
            tags.text("ai.cloud.roleInstance", &who.instance_id, 256);
            tags.text("ai.application.ver", &who.version, NAME_MAX);
            tags.shown("ai.internal.sdkVersion", &format_args!("gateway:{}", who.version), 64);
        });
        let properties = json::members(|properties| {
            properties.text("Service ID", &who.gateway_id, VALUE_MAX);
            properties.text("Service Name", &who.gateway_id, VALUE_MAX);
            properties.text("Service Type", "Self-hosted gateway", VALUE_MAX);
            properties.text("Region", &who.region, VALUE_MAX);
        });
        let ConnectionString { instrumentation_key, application_id, .. } = connection.clone();
        Self { instrumentation_key, application_id, tags, properties }
    }

    /// Calls `put` for each item: the request, its calls, its failure, its traces, its metrics.
    pub fn of(&self, gathered: &Gathered, bytes_max: usize, put: &mut dyn FnMut(&str)) {
        gathered.with(|event| self.of_event(event, gathered, bytes_max, put));
    }

    fn of_event(
        &self,
        event: &RequestEvent<'_>,
        gathered: &Gathered,
        bytes_max: usize,
        put: &mut dyn FnMut(&str),
    ) {
        let rules = &*gathered.rules;
        let mut common = self.common(event, gathered);
        let mut out = String::with_capacity(2048);
        let began = event.time_generated;
        let mut item = |name: &str, time: SystemTime, fill: &dyn Fn(&mut Object<'_>, &Common<'_>)| {
            for bodies in [true, false] {
                common.bodies = bodies;
                out.clear();
                self.envelope(&mut out, &common, name, time, fill);
                if out.len() <= bytes_max {
                    break;
                }
            }
            put(&out);
        };
        if gathered.sample_rate > 0.0 {
            item("Request", began, &|data, common| request(data, common));
            for call in event.calls {
                let fill = |data: &mut Object<'_>, common: &Common<'_>| dependency(data, common, call);
                item("RemoteDependency", began + call.started, &fill);
            }
            if let Some(error) = &event.last_error {
                let fill = |data: &mut Object<'_>, common: &Common<'_>| exception(data, common, error);
                item("Exception", began + error.elapsed, &fill);
            }
            for trace in event.traces.iter().filter(|trace| trace.severity >= rules.verbosity) {
                let fill = |data: &mut Object<'_>, common: &Common<'_>| message_of(data, common, trace);
                item("Message", began + trace.elapsed, &fill);
            }
        }
        for metric in event.metrics.iter().filter(|_| rules.metrics) {
            item("Metric", began, &|data, _| number(data, metric));
        }
    }

    fn common<'e>(&'e self, event: &'e RequestEvent<'e>, gathered: &'e Gathered) -> Common<'e> {
        let rules = &*gathered.rules;
        let operation = rules.operation_name(event);
        let tags = json::members(|tags| {
            tags.value("ai.operation.id", Value::Hex(&event.trace.trace_id));
            tags.text("ai.operation.name", &operation, NAME_MAX);
            tags.members(&self.tags);
            if rules.log_client_ip {
                tags.value("ai.location.ip", Value::Address(event.caller_ip));
            }
            tags.text_if("ai.user.authUserId", event.user_id, NAME_MAX);
        });
        let properties = json::members(|properties| {
            properties.value("Request Id", Value::Id(event.correlation_id));
            properties.members(&self.properties);
            properties.text_if("API Name", event.api_id, VALUE_MAX);
            properties.text_if("API Revision", event.api_revision, VALUE_MAX);
            properties.text_if("Operation Name", event.operation_id, VALUE_MAX);
            properties.text_if("Product Name", event.product_id, VALUE_MAX);
            properties.text_if("Subscription Name", event.subscription_id, VALUE_MAX);
        });
        Common {
            event,
            rules,
            sample_rate: gathered.sample_rate,
            bodies: true,
            application_id: self.application_id.as_deref(),
            span: Hex(&event.trace.span).to_string(),
            operation,
            tags,
            properties,
        }
    }

    fn envelope(
        &self,
        out: &mut String,
        common: &Common<'_>,
        name: &str,
        time: SystemTime,
        fill: &dyn Fn(&mut Object<'_>, &Common<'_>),
    ) {
        // A metric counts what happened, whatever share of the requests is shown.
        let sample_rate = if name == "Metric" { 100.0 } else { common.sample_rate };
        Object::write(out, |item| {
            item.value("ver", Value::Unsigned(1));
            item.text("name", name, NAME_MAX);
            item.time("time", time);
            item.value("sampleRate", Value::Number(sample_rate));
            item.text("iKey", &self.instrumentation_key, 40);
            item.object("tags", |tags| {
                tags.members(&common.tags);
                match (name, &common.event.trace.parent) {
                    ("Request", Some(caller)) => tags.value("ai.operation.parentId", Value::Hex(caller)),
                    ("Request", None) => tags,
                    _ => tags.text("ai.operation.parentId", &common.span, ID_MAX),
                };
            });
            item.object("data", |data| {
                data.texts("baseType", &[name, "Data"], NAME_MAX);
                data.object("baseData", |data| {
                    data.value("ver", Value::Unsigned(2));
                    fill(data, common);
                });
            });
        });
    }
}

fn request(data: &mut Object<'_>, common: &Common<'_>) {
    let event = common.event;
    data.text("id", &common.span, ID_MAX);
    data.text("name", &common.operation, NAME_MAX);
    TimeSpan(event.total_time).with(|text| _ = data.text("duration", text, 32));
    data.value("success", Value::Bool(event.is_success()));
    data.code("responseCode", event.response_code);
    let side = &common.rules.frontend;
    let url = Redacted::url(&event.url, event.key_parameter).masking(&side.request.query_masks);
    data.url("url", &url, URL_MAX);
    data.text_if("source", event.caller_application.filter(|id| !common.is_own(id)), NAME_MAX);
    data.object("properties", |properties| {
        properties.members(&common.properties);
        properties.text("HTTP Method", event.method, VALUE_MAX);
        properties.text("Cache", event.cache.as_str(), VALUE_MAX);
        properties.text("Client Protocol", event.client_protocol.as_str(), VALUE_MAX);
        properties.text_if("Client TLS Version", event.client_tls.map(TlsVersion::as_str), VALUE_MAX);
        if let Some(messages) = event.messages {
            message(properties, common, "Request", &side.request, &messages.frontend_request);
            message(properties, common, "Response", &side.response, &messages.frontend_response);
        }
    });
    data.object("measurements", |measurements| {
        measurements.value("Request Size", Value::Unsigned(event.request_size));
        measurements.value("Response Size", Value::Unsigned(event.response_size));
        measurements.millis("Client Time (in ms)", event.client_time);
        if let Some(time) = event.backend_time {
            measurements.millis("Backend Time (in ms)", time);
        }
    });
}

fn dependency(data: &mut Object<'_>, common: &Common<'_>, call: &Call<'_>) {
    let side = &common.rules.backend;
    let url = Redacted::text(call.url, common.event.key_parameter).masking(&side.request.query_masks);
    let (host, path) = parts(call.url);
    data.value("id", Value::Hex(&call.span));
    data.texts("name", &[call.method, " ", path], NAME_MAX);
    TimeSpan(call.elapsed).with(|text| _ = data.text("duration", text, 32));
    data.code("resultCode", call.response_code);
    data.value("success", Value::Bool(call.is_success()));
    data.url("data", &url, VALUE_MAX);
    let target = call.backend_id.unwrap_or(host);
    // As Application Insights' own libraries say whose telemetry goes on from here.
    match call.application.filter(|id| !common.is_own(id)) {
        Some(id) => {
            data.text("type", "Http (tracked component)", NAME_MAX);
            data.texts("target", &[target, " | ", id], NAME_MAX);
        }
        None => {
            data.text("type", "HTTP", NAME_MAX);
            data.text("target", target, NAME_MAX);
        }
    }
    data.object("properties", |properties| {
        properties.members(&common.properties);
        properties.text("Call", call.kind.as_str(), VALUE_MAX);
        properties.text_if("Backend ID", call.backend_id, VALUE_MAX);
        properties.text_if("Backend Protocol", call.protocol.map(Protocol::as_str), VALUE_MAX);
        if let (CallKind::Forward, Some(messages)) = (call.kind, common.event.messages) {
            message(properties, common, "Request", &side.request, &messages.backend_request);
            message(properties, common, "Response", &side.response, &messages.backend_response);
        }
    });
}

fn exception(data: &mut Object<'_>, common: &Common<'_>, error: &LastError<'_>) {
    let mut exception = String::new();
    Object::write(&mut exception, |exception| {
        exception.value("id", Value::Unsigned(1));
        exception.text("typeName", error.reason, NAME_MAX);
        exception.text("message", error.message, MESSAGE_MAX);
        exception.value("hasFullStack", Value::Bool(false));
        exception.text("stack", error.path, MESSAGE_MAX);
    });
    data.raw("exceptions", &format!("[{exception}]"));
    data.value("severityLevel", Value::Text("Error"));
    data.texts("problemId", &[error.reason, " at ", error.source], NAME_MAX);
    data.object("properties", |properties| {
        properties.members(&common.properties);
        properties.text("Source", error.source, VALUE_MAX);
        properties.text("Section", error.section, VALUE_MAX);
        properties.text("Scope", error.scope, VALUE_MAX);
    });
}

fn message_of(data: &mut Object<'_>, common: &Common<'_>, trace: &TraceRecord<'_>) {
    data.text("message", trace.message, MESSAGE_MAX);
    data.value("severityLevel", Value::Text(level(trace.severity)));
    data.object("properties", |properties| {
        properties.members(&common.properties);
        properties.text("Source", trace.source, VALUE_MAX);
        for (name, value) in trace.metadata {
            let value = if redact::is_secret_name(name) { redact::MASK } else { value };
            properties.named(name, value, VALUE_MAX);
        }
    });
}

/// `Request-<Header>`, `Request-Body` and the like.
fn message(
    properties: &mut Object<'_>,
    common: &Common<'_>,
    which: &str,
    rules: &MessageRules,
    message: &Message,
) {
    for (name, value) in rules.headers(message) {
        properties.named(&format!("{which}-{name}"), value, VALUE_MAX);
    }
    if let Some(body) = rules.body(message).filter(|_| common.bodies) {
        properties.named(&format!("{which}-Body"), body, VALUE_MAX + 1);
    }
}

fn number(data: &mut Object<'_>, metric: &MetricRecord<'_>) {
    let mut point = String::new();
    Object::write(&mut point, |point| {
        point.text("name", metric.name, NAME_MAX);
        point.text("ns", metric.namespace, 256);
        point.value("value", Value::Number(metric.value));
        point.value("count", Value::Unsigned(1));
    });
    data.raw("metrics", &format!("[{point}]"));
    data.object("properties", |properties| {
        for (name, value) in metric.dimensions {
            properties.named(name, value, VALUE_MAX);
        }
    });
}

/// `ai.cloud.role`: the gateway's name, with its location where there is one.
fn role(who: &Instance) -> impl Display + '_ {
    fmt::from_fn(move |f| {
        let name = if who.gateway_id.is_empty() { "gateway" } else { &who.gateway_id };
        if who.region.is_empty() { f.write_str(name) } else { write!(f, "{name} {}", who.region) }
    })
}

/// Host and path of a URL, without user info and query.
fn parts(url: &str) -> (&str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    (authority.rsplit('@').next().unwrap_or(authority), if path.is_empty() { "/" } else { path })
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Verbose => "Verbose",
        Severity::Info => "Information",
        Severity::Warning => "Warning",
        Severity::Error => "Error",
        Severity::Fatal => "Critical",
    }
}

/// `DD.HH:MM:SS.MMMMMM`, below 1000 days.
struct TimeSpan(Duration);

impl TimeSpan {
    /// Calls `read` with the text.
    fn with<R>(self, read: impl FnOnce(&str) -> R) -> R {
        let seconds = self.0.as_secs().min(1000 * 86_400 - 1);
        let days = seconds / 86_400;
        let mut text = *b"000.00:00:00.000000";
        let mut put = |end: usize, mut value: u64, digits: usize| {
            for place in text[end - digits..end].iter_mut().rev() {
                *place = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        put(3, days, 3);
        put(6, seconds / 3600 % 24, 2);
        put(9, seconds / 60 % 60, 2);
        put(12, seconds % 60, 2);
        put(19, self.0.subsec_micros().into(), 6);
        let start = usize::from(days < 100);
        read(str::from_utf8(&text[start..]).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_is_in_the_form_of_the_schema() {
        for (time, expected) in [
            (Duration::ZERO, "00.00:00:00.000000"),
            (Duration::from_micros(93_784_056_789), "01.02:03:04.056789"),
            (Duration::from_secs(u64::MAX), "999.23:59:59.000000"),
        ] {
            TimeSpan(time).with(|text| assert_eq!(text, expected));
        }
    }

    #[test]
    fn parts_leave_secrets_out() {
        for (url, expected) in [
            ("https://u:p@h:1/a/b?sig=1", ("h:1", "/a/b")),
            ("http://h", ("h", "/")),
            ("http://h?x=/", ("h", "/")),
        ] {
            assert_eq!(parts(url), expected);
        }
    }
}
