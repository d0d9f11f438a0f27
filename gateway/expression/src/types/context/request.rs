//! `IRequest`, `IResponse`, `IUrl` (expressions.md §2.3, §2.5).

use super::super::dictionary::query_pairs;
use super::super::{Allow, Args, TypeTable, m};
use super::{part, text};
use crate::host::{Body, Host, Message, UrlParts, WhichUrl};
use crate::message::{StoredPart, StoredValue};
use crate::run::{Fault, Vm};
use crate::value::{ContextPart, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IRequest",
        allow: Allow::All,
        members: &[
            m("IMessageBody Body { get; }", |vm, _| Ok(body(vm, Message::Request))),
            m("bool HasBody { get; }", |vm, _| {
                Ok(Value::Bool(!matches!(vm.host.body(Message::Request), Body::Absent)))
            }),
            m("X509Certificate2 Certificate { get; }", |vm, _| {
                Ok(vm.host.client_certificate().map_or(Value::Null, super::super::certificate_value))
            }),
            m("IReadOnlyDictionary<string, string[]> Headers { get; }", |_, _| {
                Ok(Value::Context(ContextPart::RequestHeaders))
            }),
            m("string IpAddress { get; }", |vm, _| text(vm, |h| Some(h.ip_address()))),
            m("IReadOnlyDictionary<string, string> MatchedParameters { get; }", |_, _| {
                Ok(Value::Context(ContextPart::MatchedParameters))
            }),
            m("string Method { get; }", |vm, _| text(vm, |h| Some(h.method()))),
            m("string OriginalMethod { get; }", |vm, _| text(vm, |h| Some(h.original_method()))),
            m("IUrl OriginalUrl { get; }", |_, _| Ok(Value::Context(ContextPart::OriginalUrl))),
            m("IUrl Url { get; }", |_, _| Ok(Value::Context(ContextPart::Url))),
            m("IPrivateEndpointConnection PrivateEndpointConnection { get; }", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IPrivateEndpointConnection",
        allow: Allow::All,
        members: &[
            m("string Name { get; }", |_, _| Ok(Value::Null)),
            m("string GroupId { get; }", |_, _| Ok(Value::Null)),
            m("string MemberName { get; }", |_, _| Ok(Value::Null)),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IResponse",
        allow: Allow::All,
        members: &[
            m("IMessageBody Body { get; }", |vm, a| match stored(a) {
                Some(found) if found.stored.data.body.is_empty() => Ok(Value::Null),
                Some(found) => Ok(Value::object(StoredValue { part: StoredPart::Body, ..found.clone() })),
                None => Ok(body(vm, Message::Response)),
            }),
            m("IReadOnlyDictionary<string, string[]> Headers { get; }", |_, a| match stored(a) {
                Some(found) => Ok(Value::object(StoredValue { part: StoredPart::Headers, ..found.clone() })),
                None => Ok(Value::Context(ContextPart::ResponseHeaders)),
            }),
            m("int StatusCode { get; }", |vm, a| {
                let status = match stored(a) {
                    Some(found) => Some(found.stored.data.status),
                    None => vm.host.response_status().map(|(status, _)| status),
                };
                status.map(|s| Value::I32(i32::from(s))).ok_or_else(Fault::null_reference)
            }),
            m("string StatusReason { get; }", |vm, a| match stored(a) {
                Some(found) => vm.text(found.stored.data.reason.as_str()),
                None => text(vm, |h| h.response_status().map(|(_, reason)| reason)),
            }),
        ],
    },
    TypeTable {
        header: "class Microsoft.Azure.ApiManagement.IUrl",
        allow: Allow::All,
        members: &[
            m("string Scheme { get; }", |vm, a| url_part(vm, a, |u| u.scheme)),
            m("string Host { get; }", |vm, a| url_part(vm, a, |u| u.host)),
            m("string Path { get; }", |vm, a| url_part(vm, a, |u| u.path)),
            m("int Port { get; }", |vm, a| with_url(vm, a, |u| Value::I32(i32::from(u.port)))),
            m("string QueryString { get; }", |vm, a| {
                let found = with_url(vm, a, |u| match u.query {
                    "" => Value::str(""),
                    query => Value::str(&format!("?{query}")),
                })?;
                Ok(found)
            }),
            m("IReadOnlyDictionary<string, string[]> Query { get; }", |vm, a| match part(a) {
                Some(ContextPart::OriginalUrl) => Ok(Value::Context(ContextPart::OriginalQuery)),
                Some(ContextPart::Url) => Ok(Value::Context(ContextPart::Query)),
                _ => {
                    let mut pairs = Vec::new();
                    with_url(vm, a, |u| {
                        pairs = query_pairs(u.query);
                        Value::Null
                    })?;
                    Ok(super::super::stored_headers(pairs))
                }
            }),
            m("string ToString()", |vm, a| with_url(vm, a, |u| Value::str(&url_text(u)))),
            m("Uri ToUri()", |vm, a| {
                let text = with_url(vm, a, |u| Value::str(&url_text(u)))?;
                super::super::uri_value(vm, text.as_str().unwrap_or_default())
            }),
        ],
    },
];

fn stored<'a>(a: &Args<'a>) -> Option<&'a StoredValue> {
    a.this().downcast::<StoredValue>()
}

fn body(vm: &Vm<'_>, message: Message) -> Value {
    let part = if message == Message::Request { ContextPart::RequestBody } else { ContextPart::ResponseBody };
    match vm.host.body(message) {
        Body::Absent => Value::Null,
        Body::Consumed | Body::Content(_) => Value::Context(part),
    }
}

/// `https://host[:port]/path[?query]`, without the scheme's own port.
pub(crate) fn url_text(url: &UrlParts<'_>) -> String {
    let default = matches!((url.scheme, url.port), ("http" | "ws", 80) | ("https" | "wss", 443));
    let mut text = format!("{}://{}", url.scheme, url.host);
    if !default {
        text.push(':');
        text.push_str(&url.port.to_string());
    }
    text.push_str(url.path);
    if !url.query.is_empty() {
        text.push('?');
        text.push_str(url.query);
    }
    text
}

fn with_url(vm: &mut Vm<'_>, a: &Args<'_>, f: impl FnOnce(&UrlParts<'_>) -> Value) -> Result<Value, Fault> {
    let host: &dyn Host = vm.host;
    let value = match part(a) {
        Some(ContextPart::Url) => f(&host.url(WhichUrl::Current)),
        Some(ContextPart::OriginalUrl) => f(&host.url(WhichUrl::Original)),
        _ => match host.api().and_then(|api| split(&api.service_url)) {
            Some(url) => f(&url),
            None => return Err(Fault::null_reference()),
        },
    };
    if let Value::Str(text) = &value {
        vm.charge(text.bytes())?;
    }
    Ok(value)
}

fn url_part(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    f: impl for<'u> FnOnce(&UrlParts<'u>) -> &'u str,
) -> Result<Value, Fault> {
    with_url(vm, a, |url| Value::str(f(url)))
}

/// The parts of an absolute URL.
pub(crate) fn split(text: &str) -> Option<UrlParts<'_>> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let default = if matches!(scheme, "https" | "wss") { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().ok()?),
        _ => (authority, default),
    };
    Some(UrlParts { scheme, host, port, path: if path.is_empty() { "/" } else { path }, query })
}
