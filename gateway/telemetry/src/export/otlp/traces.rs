//! Requests as spans: the server's, one for each section of the effective policy, and one for each call.

use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use uuid::Uuid;

use super::resource::nanos;
use super::wire::{Items, Wire};
use crate::diagnostic::Rules;
use crate::event::{Call, LastError, Protocol, RequestEvent, SectionTime, TraceRecord, Url};
use crate::export::Gathered;
use crate::json;
use crate::redact::{self, Redacted};

/// Attributes of a `Span`.
const ATTRIBUTES: u32 = 9;

/// Adds the spans of a request.
pub fn add(out: &mut Items, gathered: &Gathered) {
    gathered.with(|event| {
        // The caller has decided for its whole trace.
        let unwanted = event.trace.parent.is_some() && event.trace.flags & 1 == 0;
        if unwanted {
            return;
        }
        out.add(|span| server(span, event, &gathered.rules));
        for section in event.sections {
            out.add(|span| policies(span, event, section));
        }
        for call in event.calls {
            out.add(|span| client(span, event, call));
        }
    });
}

/// What every `Span` begins with.
struct Head<'a> {
    id: &'a [u8],
    parent: &'a [u8],
    name: &'a str,
    kind: SpanKind,
    /// Nanoseconds.
    began: u64,
    ended: u64,
}

fn head(span: &mut Wire, event: &RequestEvent<'_>, head: &Head<'_>) {
    span.bytes(1, &event.trace.trace_id); // trace_id
    span.bytes(2, head.id); // span_id
    if !head.parent.is_empty() {
        span.bytes(4, head.parent); // parent_span_id
    }
    span.text(5, head.name); // name
    span.number(6, head.kind as u64); // kind
    span.fixed64(7, head.began); // start_time_unix_nano
    span.fixed64(8, head.ended); // end_time_unix_nano
    span.fixed32(16, event.trace.flags.into()); // flags
}

/// Attributes by the semantic conventions for HTTP servers.
fn server(span: &mut Wire, event: &RequestEvent<'_>, rules: &Rules) {
    let kind = Head {
        id: &event.trace.span,
        parent: event.trace.parent.as_ref().map_or(&[], |parent| parent),
        name: &rules.operation_name(event),
        kind: SpanKind::Server,
        began: nanos(event.time_generated),
        ended: nanos(event.time_generated + event.total_time),
    };
    head(span, event, &kind);
    let (path, query) = event.url.target.split_once('?').unwrap_or((event.url.target, ""));
    let mut shown = String::new();
    json::address(&mut shown, event.caller_ip);
    for (name, value) in [
        ("http.request.method", event.method),
        ("url.scheme", event.url.scheme),
        ("url.path", path),
        ("server.address", event.url.authority),
        ("client.address", &shown),
        ("network.protocol.version", version(event.client_protocol)),
        ("gateway.request.id", event.correlation_id.hyphenated().encode_lower(&mut Uuid::encode_buffer())),
        ("gateway.cache", event.cache.as_str()),
    ] {
        span.attribute(ATTRIBUTES, name, value);
    }
    for (name, value) in [
        ("http.response.status_code", event.response_code.into()),
        ("http.request.size", event.request_size),
        ("http.response.body.size", event.response_size),
    ] {
        span.attribute_number(ATTRIBUTES, name, value);
    }
    if !query.is_empty() {
        let whole = Url { scheme: "", authority: "", target: event.url.target };
        shown.clear();
        // A `String` takes all.
        let _ = Redacted::url(&whole, event.key_parameter).write_to(&mut shown);
        span.attribute(ATTRIBUTES, "url.query", shown.split_once('?').map_or("", |(_, query)| query));
    }
    for (name, value) in [
        ("gateway.api.id", event.api_id),
        ("gateway.api.revision", event.api_revision),
        ("gateway.operation.id", event.operation_id),
        ("gateway.product.id", event.product_id),
        ("gateway.subscription.id", event.subscription_id),
        ("user.id", event.user_id),
    ] {
        if let Some(value) = value {
            span.attribute(ATTRIBUTES, name, value);
        }
    }
    let failed = event.response_code == 0 || event.response_code >= 500;
    if failed {
        let code = itoa::Buffer::new().format(event.response_code).to_owned();
        span.attribute(ATTRIBUTES, "error.type", event.last_error.map_or(&code, |error| error.reason));
    }
    if let Some(error) = &event.last_error {
        failure(span, event, error);
    }
    for record in event.traces {
        note(span, event, record);
    }
    status(span, failed, event.last_error.map_or("", |error| error.message));
}

/// A section of the effective policy.
fn policies(span: &mut Wire, event: &RequestEvent<'_>, section: &SectionTime) {
    let began = event.time_generated + section.started;
    let internal = Head {
        id: &section.span,
        parent: &event.trace.span,
        name: section.name,
        kind: SpanKind::Internal,
        began: nanos(began),
        ended: nanos(began + section.elapsed),
    };
    head(span, event, &internal);
    let failed = event.last_error.is_some_and(|error| error.section == section.name);
    status(span, failed, event.last_error.map_or("", |error| error.message));
}

/// The section in which a call began, else the request.
fn parent(event: &RequestEvent<'_>, call: &Call<'_>) -> [u8; 8] {
    let within = |section: &&SectionTime| {
        section.started <= call.started && call.started <= section.started + section.elapsed
    };
    event.sections.iter().rev().find(within).map_or(event.trace.span, |section| section.span)
}

fn client(span: &mut Wire, event: &RequestEvent<'_>, call: &Call<'_>) {
    let began = event.time_generated + call.started;
    let kind = Head {
        id: &call.span,
        parent: &parent(event, call),
        name: call.method,
        kind: SpanKind::Client,
        began: nanos(began),
        ended: nanos(began + call.elapsed),
    };
    head(span, event, &kind);
    span.attribute(ATTRIBUTES, "http.request.method", call.method);
    let mut url = String::new();
    // A `String` takes all.
    let _ = Redacted::text(call.url, event.key_parameter).write_to(&mut url);
    span.attribute(ATTRIBUTES, "url.full", &url);
    span.attribute(ATTRIBUTES, "gateway.call", call.kind.as_str());
    if let Some(id) = call.backend_id {
        span.attribute(ATTRIBUTES, "gateway.backend.id", id);
    }
    if let Some(spoken) = call.protocol {
        span.attribute(ATTRIBUTES, "network.protocol.version", version(spoken));
    }
    if call.response_code > 0 {
        span.attribute_number(ATTRIBUTES, "http.response.status_code", call.response_code.into());
    }
    status(span, !call.is_success(), "");
}

/// The failure as an `Event` of the span.
fn failure(span: &mut Wire, request: &RequestEvent<'_>, error: &LastError<'_>) {
    span.message(11, |event| {
        event.fixed64(1, nanos(request.time_generated + error.elapsed)); // time_unix_nano
        event.text(2, "exception"); // name
        for (name, value) in [
            ("exception.type", error.reason),
            ("exception.message", error.message),
            ("gateway.policy", error.source),
            ("gateway.policy.path", error.path),
            ("gateway.section", error.section),
        ] {
            event.attribute(3, name, value);
        }
    });
}

/// A note of a policy as an `Event` of the span.
fn note(span: &mut Wire, request: &RequestEvent<'_>, record: &TraceRecord<'_>) {
    span.message(11, |event| {
        event.fixed64(1, nanos(request.time_generated + record.elapsed));
        event.text(2, "trace");
        event.attribute(3, "source", record.source);
        event.attribute(3, "message", record.message);
        for (name, value) in record.metadata {
            event.attribute(3, name, if redact::is_secret_name(name) { redact::MASK } else { value });
        }
    });
}

/// `Status`: nothing is said of what went well.
fn status(span: &mut Wire, failed: bool, message: &str) {
    span.message(15, |status| {
        if failed {
            status.text(2, message); // message
            status.number(3, StatusCode::Error as u64); // code
        }
    });
}

fn version(protocol: Protocol) -> &'static str {
    protocol.as_str().trim_start_matches("HTTP/")
}
