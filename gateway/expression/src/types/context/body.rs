//! `IMessageBody` (expressions.md §2.6).

use super::super::{Allow, Args, Type, TypeTable, m};
use super::part;
use crate::host::{Body, Host, Message};
use crate::message::StoredValue;
use crate::run::{Fault, Vm};
use crate::value::{ContextPart, Value};

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "class Microsoft.Azure.ApiManagement.IMessageBody",
    allow: Allow::All,
    members: &[
        m("T As<T>(bool preserveContent = false)", |vm, a| {
            let ty = a.ty(0);
            match read(vm, a)? {
                Some(content) => convert(vm, content, &ty),
                None => Ok(Value::Null),
            }
        }),
        m(
            "IDictionary<string, IList<string>> AsFormUrlEncodedContent(bool preserveContent = false)",
            |vm, a| match read(vm, a)? {
                Some(content) => super::super::form_dictionary(vm, &decoded(&content)),
                None => Ok(Value::Null),
            },
        ),
    ],
}];

/// What was read: bytes and the charset that the message names.
struct Content {
    bytes: Vec<u8>,
    charset: Option<String>,
}

/// Takes the content; `None` when it was consumed before.
fn read(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Option<Content>, Fault> {
    let preserve = a.bool(1)?;
    if let Some(stored) = a.this().downcast::<StoredValue>() {
        let stored = &stored.stored;
        if stored.consumed.get() {
            return Ok(None);
        }
        stored.consumed.set(!preserve);
        vm.charge(stored.data.body.len())?;
        let charset = stored.data.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case("content-type"));
        let charset = charset.and_then(|(_, v)| charset_of(v));
        return Ok(Some(Content { bytes: stored.data.body.clone(), charset }));
    }
    let message = match part(a) {
        Some(ContextPart::ResponseBody) => Message::Response,
        _ => Message::Request,
    };
    let host: &dyn Host = vm.host;
    let Body::Content(bytes) = host.body(message) else { return Ok(None) };
    vm.charge(bytes.len())?;
    let bytes = bytes.to_vec();
    let mut charset = None;
    host.header(message, "content-type", &mut |value| charset = charset.take().or_else(|| charset_of(value)));
    if !preserve {
        host.consume_body(message);
    }
    Ok(Some(Content { bytes, charset }))
}

fn charset_of(content_type: &str) -> Option<String> {
    let part = content_type
        .split(';')
        .map(str::trim)
        .find(|p| p.get(..8).is_some_and(|n| n.eq_ignore_ascii_case("charset=")))?;
    Some(part.get(8..)?.trim_matches('"').to_ascii_lowercase())
}

/// Text of a body: its charset, else UTF-8; a byte order mark is dropped.
fn decoded(content: &Content) -> String {
    let bytes = &content.bytes;
    let latin =
        matches!(content.charset.as_deref(), Some("iso-8859-1" | "latin1" | "us-ascii" | "windows-1252"));
    let wide = |big: bool| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .filter_map(|pair| <[u8; 2]>::try_from(pair).ok())
            .map(|pair| if big { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) })
            .collect();
        String::from_utf16_lossy(&units)
    };
    let text = match content.charset.as_deref() {
        Some("utf-16" | "utf-16le" | "unicode") => wide(false),
        Some("utf-16be" | "unicodefffe") => wide(true),
        _ if latin => bytes.iter().map(|b| char::from(*b)).collect(),
        _ => String::from_utf8_lossy(bytes).into_owned(),
    };
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

fn convert(vm: &mut Vm<'_>, content: Content, ty: &Type) -> Result<Value, Fault> {
    match ty {
        t if *t == Type::STRING => vm.text(decoded(&content)),
        Type::Array(element, 1) if **element == Type::BYTE => Ok(Value::bytes(content.bytes)),
        other => super::super::parse_body(vm, &decoded(&content), other),
    }
}
