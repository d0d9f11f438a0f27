//! A request, its failure and its notes as records: members by name, in order.

use std::time::Duration;

use super::{Fields, LastError, Protocol, RequestEvent, Severity, TlsVersion, TraceRecord, Value};
use crate::diagnostic::{Mask, Message, MessageRules, Rules};
use crate::redact::{self, Redacted};

/// Members and order of self-hosted-gateway.md §3.3; `region` is added by the sink, which knows the instance.
pub(crate) struct GatewayLogs<'a> {
    pub event: &'a RequestEvent<'a>,
    pub region: &'a str,
    /// Of a diagnostic; what is there without one, else.
    pub rules: Option<&'a Rules>,
}

/// Fields of one message that a diagnostic shows, as an object.
pub(crate) struct ShownHeaders<'a>(pub &'a MessageRules, pub &'a Message);

impl Fields for ShownHeaders<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        for (name, value) in self.0.headers(self.1) {
            visit(name, Value::Text(value));
        }
    }
}

impl GatewayLogs<'_> {
    /// The four messages: their names, what the diagnostic shows of them, and what was seen.
    fn visit_messages(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        let (Some(rules), Some(messages)) = (self.rules, self.event.messages) else { return };
        for (headers, body, rules, message) in [
            ("requestHeaders", "requestBody", &rules.frontend.request, &messages.frontend_request),
            ("responseHeaders", "responseBody", &rules.frontend.response, &messages.frontend_response),
            (
                "backendRequestHeaders",
                "backendRequestBody",
                &rules.backend.request,
                &messages.backend_request,
            ),
            (
                "backendResponseHeaders",
                "backendResponseBody",
                &rules.backend.response,
                &messages.backend_response,
            ),
        ] {
            if rules.headers(message).next().is_some() {
                visit(headers, Value::Object(&ShownHeaders(rules, message)));
            }
            text(visit, body, rules.body(message));
        }
    }

    fn query_masks(&self) -> [&[Mask]; 2] {
        self.rules.map_or([&[]; 2], |rules| {
            [&*rules.frontend.request.query_masks, &*rules.backend.request.query_masks]
        })
    }
}

impl Fields for GatewayLogs<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        let event = self.event;
        let [frontend_masks, backend_masks] = self.query_masks();
        visit("isRequestSuccess", Value::Bool(event.is_success()));
        visit("totalTime", millis(event.total_time));
        visit("category", Value::Text("GatewayLogs"));
        if self.rules.is_none_or(|rules| rules.log_client_ip) {
            visit("callerIpAddress", Value::Address(event.caller_ip));
        }
        visit("timeGenerated", Value::Time(event.time_generated));
        text(visit, "region", Some(self.region).filter(|region| !region.is_empty()));
        visit("correlationId", Value::Id(event.correlation_id));
        visit("method", Value::Text(event.method));
        visit("url", Value::Url(&Redacted::url(&event.url, event.key_parameter).masking(frontend_masks)));
        visit("responseCode", Value::Unsigned(event.response_code.into()));
        visit("responseSize", Value::Unsigned(event.response_size));
        visit("cache", Value::Text(event.cache.as_str()));
        time(visit, "backendTime", event.backend_time);
        text(visit, "apiId", event.api_id);
        text(visit, "operationId", event.operation_id);
        text(visit, "productId", event.product_id);
        text(visit, "userId", event.user_id);
        text(visit, "apimSubscriptionId", event.subscription_id);
        visit("clientProtocol", Value::Text(event.client_protocol.as_str()));
        let backend = event.backend();
        text(visit, "backendId", backend.and_then(|call| call.backend_id));
        time(visit, "cacheTime", event.cache_time);
        text(visit, "apiRevision", event.api_revision);
        text(visit, "clientTlsVersion", event.client_tls.map(TlsVersion::as_str));
        if let Some(call) = backend {
            visit("backendMethod", Value::Text(call.method));
            let url = Redacted::text(call.url, event.key_parameter).masking(backend_masks);
            visit("backendUrl", Value::Url(&url));
            visit("backendResponseCode", Value::Unsigned(call.response_code.into()));
            text(visit, "backendProtocol", call.protocol.map(Protocol::as_str));
        }
        visit("requestSize", Value::Unsigned(event.request_size));
        visit("clientTime", millis(event.client_time));
        if let Some(error) = &event.last_error {
            visit("lastError", Value::Object(error));
        }
        if !event.errors.is_empty() {
            visit("errors", Value::Errors(event.errors));
        }
        if !event.traces.is_empty() {
            let least = self.rules.map_or(Severity::Verbose, |rules| rules.verbosity);
            visit("traceRecords", Value::Traces(least, event.traces));
        }
        self.visit_messages(visit);
    }
}

impl Fields for LastError<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        visit("elapsed", millis(self.elapsed));
        let members = [
            ("source", self.source),
            ("path", self.path),
            ("reason", self.reason),
            ("message", self.message),
            ("section", self.section),
            ("scope", self.scope),
        ];
        for (name, value) in members.into_iter().filter(|(_, value)| !value.is_empty()) {
            visit(name, Value::Text(value));
        }
    }
}

impl Fields for TraceRecord<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&str, Value<'_>)) {
        visit("elapsed", millis(self.elapsed));
        visit("source", Value::Text(self.source));
        visit("severity", Value::Text(self.severity.as_str()));
        visit("message", Value::Text(self.message));
        for (name, value) in self.metadata {
            let value = if redact::is_secret_name(name) { redact::MASK } else { value };
            visit(&format!("metadata.{name}"), Value::Text(value));
        }
    }
}

fn millis(time: Duration) -> Value<'static> {
    Value::Unsigned(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn time(visit: &mut dyn FnMut(&str, Value<'_>), name: &str, time: Option<Duration>) {
    if let Some(time) = time {
        visit(name, millis(time));
    }
}

fn text(visit: &mut dyn FnMut(&str, Value<'_>), name: &str, text: Option<&str>) {
    if let Some(text) = text {
        visit(name, Value::Text(text));
    }
}
