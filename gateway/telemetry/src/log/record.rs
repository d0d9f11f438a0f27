//! One record as one line of text or JSON (self-hosted-gateway.md §3.3).

use std::time::SystemTime;

use super::local::Header;
use super::{LogSettings, Std};
use crate::event::{Fields, Hex, Severity, Value};
use crate::json::{VALUE_BYTES_MAX, escape, json_value, member, put};
use crate::rfc3339::Rfc3339;

/// Room for a request's record without growing.
const LINE_BYTES_USUAL: usize = 1024;

/// Members the frame of a record writes; a field of this name gets a `_` behind it.
const FRAME: [&str; 4] = ["level", "timestamp", "eventType", "source"];

/// How a record is written.
#[derive(Clone, Debug)]
pub(super) enum Form {
    Text {
        color: bool,
    },
    Json,
    /// JSON behind the head of a local protocol.
    Local(Header),
}

impl Form {
    /// Of stdout.
    pub fn of(settings: LogSettings) -> Self {
        if settings.std == Std::Json { Self::Json } else { Self::Text { color: settings.color } }
    }
}

pub(super) struct Record<'a> {
    pub severity: Severity,
    pub time: SystemTime,
    pub event_type: &'a str,
    pub source: &'a str,
    pub fields: &'a dyn Fields,
}

impl Record<'_> {
    /// The line with its line feed.
    pub fn line(&self, form: &Form) -> String {
        let mut out = String::with_capacity(LINE_BYTES_USUAL);
        match form {
            Form::Text { color } => self.text(&mut out, *color),
            Form::Json => self.json(&mut out),
            Form::Local(header) => {
                header.write(&mut out, self.severity, self.time, self.event_type);
                self.json(&mut out);
            }
        }
        out.push('\n');
        out
    }

    fn json(&self, out: &mut String) {
        out.push('{');
        member(out, "level", Value::Text(self.severity.as_str()));
        member(out, "timestamp", Value::Time(self.time));
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
        escape(out, &self.event_type, false, VALUE_BYTES_MAX);
        out.push(']');
        let mut field = |name: &str, value: Value<'_>| {
            out.push_str(", ");
            escape(out, &name, false, VALUE_BYTES_MAX);
            out.push_str(": ");
            match value {
                Value::Text(text) => escape(out, &text, false, VALUE_BYTES_MAX),
                Value::Id(id) => put(out, id),
                Value::Hex(bytes) => put(out, Hex(bytes)),
                Value::Address(address) => put(out, address),
                Value::Time(time) => put(out, Rfc3339 { time, digits: 7 }),
                Value::Url(url) => escape(out, url, false, VALUE_BYTES_MAX),
                Value::Display(display) => escape(out, display, false, VALUE_BYTES_MAX),
                other => json_value(out, other),
            }
        };
        self.fields.visit(&mut field);
        field("source", Value::Text(self.source));
    }
}
