//! One record as one line of text or JSON (self-hosted-gateway.md §3.3).

use std::fmt::{self, Display, Write};
use std::time::SystemTime;

use super::{LogSettings, Std};
use crate::event::{Fields, Severity, Value};
use crate::rfc3339::Rfc3339;

/// Bytes of one value before escaping; what is longer is cut and ends in `…` (O-02).
pub(super) const VALUE_BYTES_MAX: usize = 8 * 1024;

/// Room for a request's record without growing.
const LINE_BYTES_USUAL: usize = 1024;

/// Members the frame of a record writes; a field of this name gets a `_` behind it.
const FRAME: [&str; 4] = ["level", "timestamp", "eventType", "source"];

pub(super) struct Record<'a> {
    pub severity: Severity,
    pub time: SystemTime,
    pub event_type: &'a str,
    pub source: &'a str,
    pub fields: &'a dyn Fields,
}

impl Record<'_> {
    /// The line with its line feed.
    pub fn line(&self, settings: LogSettings) -> String {
        let mut out = String::with_capacity(LINE_BYTES_USUAL);
        if settings.std == Std::Json {
            self.json(&mut out);
        } else {
            self.text(&mut out, settings.color);
        }
        out.push('\n');
        out
    }

    fn json(&self, out: &mut String) {
        out.push('{');
        member(out, "level", Value::Text(self.severity.as_str()));
        member(out, "timestamp", Value::Display(&Rfc3339 { time: self.time, digits: 7 }));
        member(out, "eventType", Value::Text(self.event_type));
        self.fields.visit(&mut |name, value| {
            if FRAME.contains(&name) {
                member(out, &format!("{name}_"), value);
            } else {
                member(out, name, value);
            }
        });
        member(out, "source", Value::Text(self.source));
        out.push('}');
    }

    fn text(&self, out: &mut String, color: bool) {
        let (word, ansi) = match self.severity {
            Severity::Verbose => ("Verbose", "\x1b[90m"),
            Severity::Info => ("Info", "\x1b[32m"),
            Severity::Warning => ("Warn", "\x1b[33m"),
            Severity::Error => ("Error", "\x1b[31m"),
            Severity::Fatal => ("Fatal", "\x1b[35m"),
        };
        let (on, off) = if color { (ansi, "\x1b[0m") } else { ("", "") };
        put(out, format_args!("{on}[{word}]{off} {} [", Rfc3339 { time: self.time, digits: 3 }));
        escape(out, &self.event_type, false);
        out.push(']');
        let mut field = |name: &str, value: Value<'_>| {
            out.push_str(", ");
            escape(out, &name, false);
            out.push_str(": ");
            match value {
                Value::Text(text) => escape(out, &text, false),
                Value::Display(display) => escape(out, display, false),
                other => json_value(out, other),
            }
        };
        self.fields.visit(&mut field);
        field("source", Value::Text(self.source));
    }
}

fn member(out: &mut String, name: &str, value: Value<'_>) {
    if !out.ends_with('{') {
        out.push(',');
    }
    json_value(out, Value::Text(name));
    out.push(':');
    json_value(out, value);
}

fn json_value(out: &mut String, value: Value<'_>) {
    match value {
        Value::Bool(value) => put(out, value),
        Value::Integer(value) => put(out, value),
        Value::Unsigned(value) => put(out, value),
        Value::Number(value) if value.is_finite() => put(out, value),
        Value::Number(value) => quoted(out, &value),
        Value::Text(text) => quoted(out, &text),
        Value::Display(display) => quoted(out, display),
        Value::Object(fields) => object(out, fields),
        Value::Errors(errors) => list(out, errors.iter().map(|error| error as &dyn Fields)),
        Value::Traces(traces) => list(out, traces.iter().map(|trace| trace as &dyn Fields)),
    }
}

fn object(out: &mut String, fields: &dyn Fields) {
    out.push('{');
    fields.visit(&mut |name, value| member(out, name, value));
    out.push('}');
}

fn list<'a>(out: &mut String, items: impl Iterator<Item = &'a dyn Fields>) {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        object(out, item);
    }
    out.push(']');
}

fn quoted(out: &mut String, value: &dyn Display) {
    out.push('"');
    escape(out, value, true);
    out.push('"');
}

fn put(out: &mut String, value: impl Display) {
    // Writing to a `String` fails only if the value's own `Display` does; then what it wrote stays.
    let _ = write!(out, "{value}");
}

fn escape(out: &mut String, value: &dyn Display, json: bool) {
    let _ = write!(Escape { out, json, left: VALUE_BYTES_MAX }, "{value}");
}

/// Escapes control characters (C0, DEL, C1 and the two line separators), so that a value can neither end its line
/// nor speak to a terminal; in JSON also quote and backslash.
struct Escape<'a> {
    out: &'a mut String,
    json: bool,
    left: usize,
}

impl Write for Escape<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
        if text.len() <= self.left && text.bytes().all(plain) {
            self.left -= text.len();
            self.out.push_str(text);
            return Ok(());
        }
        for character in text.chars() {
            if character.len_utf8() > self.left {
                self.out.push('…');
                self.left = 0;
                return Err(fmt::Error); // stops a long `Display` from being made for nothing
            }
            self.left -= character.len_utf8();
            match character {
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '"' | '\\' if self.json => self.out.extend(['\\', character]),
                '\u{2028}' | '\u{2029}' => put(self.out, format_args!("\\u{:04x}", u32::from(character))),
                _ if character.is_control() => put(self.out, format_args!("\\u{:04x}", u32::from(character))),
                _ => self.out.push(character),
            }
        }
        Ok(())
    }
}
