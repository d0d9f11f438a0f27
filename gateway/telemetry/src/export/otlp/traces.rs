//! Requests as spans: the server's, one for each section of the effective policy, and one for each call.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::span::{Event, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::resource::{Who, nanos, number, text};
use crate::diagnostic::Rules;
use crate::event::{Call, Protocol, RequestEvent, SectionTime, Url};
use crate::export::Gathered;
use crate::redact::{self, Redacted};

/// How many spans, and the message.
pub fn encode(gathered: &[Gathered], who: &Who) -> (u64, Vec<u8>) {
    let mut spans = Vec::with_capacity(gathered.len() * 2);
    for item in gathered {
        item.request.with(|event| {
            // The caller has decided for its whole trace.
            let unwanted = event.trace.parent.is_some() && event.trace.flags & 1 == 0;
            if !unwanted {
                spans.push(server(event, &item.rules));
                spans.extend(event.sections.iter().map(|section| policies(event, section)));
                spans.extend(event.calls.iter().map(|call| client(event, call)));
            }
        });
    }
    let items = spans.len() as u64;
    let scope_spans = vec![ScopeSpans { scope: Some(who.scope.clone()), spans, ..ScopeSpans::default() }];
    let resource = Some(who.resource.clone());
    let resource_spans = vec![ResourceSpans { resource, scope_spans, ..ResourceSpans::default() }];
    (items, ExportTraceServiceRequest { resource_spans }.encode_to_vec())
}

/// Attributes by the semantic conventions for HTTP servers.
fn server(event: &RequestEvent<'_>, rules: &Rules) -> Span {
    let (path, query) = event.url.target.split_once('?').unwrap_or((event.url.target, ""));
    let mut attributes = vec![
        text("http.request.method", event.method),
        text("url.scheme", event.url.scheme),
        text("url.path", path),
        text("server.address", event.url.authority),
        text("client.address", &event.caller_ip.to_string()),
        text("network.protocol.version", version(event.client_protocol)),
        number("http.response.status_code", event.response_code.into()),
        number("http.request.body.size", event.request_size),
        number("http.response.body.size", event.response_size),
        text("gateway.request.id", &event.correlation_id.to_string()),
        text("gateway.cache", event.cache.as_str()),
    ];
    if !query.is_empty() {
        let whole = Url { scheme: "", authority: "", target: event.url.target };
        let shown = Redacted::url(&whole, event.key_parameter).to_string();
        attributes.push(text("url.query", shown.split_once('?').map_or("", |(_, query)| query)));
    }
    for (name, value) in [
        ("gateway.api.id", event.api_id),
        ("gateway.api.revision", event.api_revision),
        ("gateway.operation.id", event.operation_id),
        ("gateway.product.id", event.product_id),
        ("gateway.subscription.id", event.subscription_id),
        ("user.id", event.user_id),
    ] {
        attributes.extend(value.map(|value| text(name, value)));
    }
    let failed = event.response_code == 0 || event.response_code >= 500;
    if failed {
        let reason =
            event.last_error.map_or_else(|| event.response_code.to_string(), |error| error.reason.to_owned());
        attributes.push(text("error.type", &reason));
    }
    Span {
        span_id: event.trace.span.to_vec(),
        parent_span_id: event.trace.parent.map(|parent| parent.to_vec()).unwrap_or_default(),
        name: rules.operation_name(event),
        kind: SpanKind::Server.into(),
        start_time_unix_nano: nanos(event.time_generated),
        end_time_unix_nano: nanos(event.time_generated + event.total_time),
        attributes,
        events: events(event),
        status: Some(status(failed, event.last_error.map_or("", |error| error.message))),
        ..begun(event)
    }
}

/// A section of the effective policy.
fn policies(event: &RequestEvent<'_>, section: &SectionTime) -> Span {
    let began = event.time_generated + section.started;
    let failed = event.last_error.is_some_and(|error| error.section == section.name);
    Span {
        span_id: section.span.to_vec(),
        parent_span_id: event.trace.span.to_vec(),
        name: section.name.to_owned(),
        kind: SpanKind::Internal.into(),
        start_time_unix_nano: nanos(began),
        end_time_unix_nano: nanos(began + section.elapsed),
        status: Some(status(failed, event.last_error.map_or("", |error| error.message))),
        ..begun(event)
    }
}

/// The section in which a call began, else the request.
fn parent(event: &RequestEvent<'_>, call: &Call<'_>) -> [u8; 8] {
    let within = |section: &&SectionTime| {
        section.started <= call.started && call.started <= section.started + section.elapsed
    };
    event.sections.iter().rev().find(within).map_or(event.trace.span, |section| section.span)
}

fn client(event: &RequestEvent<'_>, call: &Call<'_>) -> Span {
    let began = event.time_generated + call.started;
    let mut attributes = vec![
        text("http.request.method", call.method),
        text("url.full", &Redacted::text(call.url, event.key_parameter).to_string()),
        text("gateway.call", call.kind.as_str()),
    ];
    attributes.extend(call.backend_id.map(|id| text("gateway.backend.id", id)));
    attributes.extend(call.protocol.map(|spoken| text("network.protocol.version", version(spoken))));
    if call.response_code > 0 {
        attributes.push(number("http.response.status_code", call.response_code.into()));
    }
    Span {
        span_id: call.span.to_vec(),
        parent_span_id: parent(event, call).to_vec(),
        name: call.method.to_owned(),
        kind: SpanKind::Client.into(),
        start_time_unix_nano: nanos(began),
        end_time_unix_nano: nanos(began + call.elapsed),
        attributes,
        status: Some(status(call.response_code == 0 || call.response_code >= 400, "")),
        ..begun(event)
    }
}

fn begun(event: &RequestEvent<'_>) -> Span {
    Span { trace_id: event.trace.trace_id.to_vec(), flags: event.trace.flags.into(), ..Span::default() }
}

/// The failure and the notes of policies.
fn events(event: &RequestEvent<'_>) -> Vec<Event> {
    let failure = event.last_error.iter().map(|error| Event {
        time_unix_nano: nanos(event.time_generated + error.elapsed),
        name: "exception".to_owned(),
        attributes: vec![
            text("exception.type", error.reason),
            text("exception.message", error.message),
            text("gateway.policy", error.source),
            text("gateway.policy.path", error.path),
            text("gateway.section", error.section),
        ],
        ..Event::default()
    });
    let notes = event.traces.iter().map(|note| {
        let mut attributes = vec![text("source", note.source), text("message", note.message)];
        for (name, value) in note.metadata {
            let value = if redact::is_secret_name(name) { redact::MASK } else { value };
            attributes.push(text(name, value));
        }
        Event {
            time_unix_nano: nanos(event.time_generated + note.elapsed),
            name: "trace".to_owned(),
            attributes,
            ..Event::default()
        }
    });
    failure.chain(notes).collect()
}

fn status(failed: bool, message: &str) -> Status {
    let code = if failed { StatusCode::Error } else { StatusCode::Unset };
    let message = if failed { message.to_owned() } else { String::new() };
    Status { message, code: code.into() }
}

fn version(protocol: Protocol) -> &'static str {
    protocol.as_str().trim_start_matches("HTTP/")
}
