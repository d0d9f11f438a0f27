//! JSON as text: the members of records, values cut at a bound, everything escaped.

use std::fmt::{self, Display, Write};

use crate::event::{Fields, Value};

/// Bytes of one value before escaping; what is longer is cut and ends in `…` (O-02).
pub(crate) const VALUE_BYTES_MAX: usize = 8 * 1024;

/// An object under construction.
pub(crate) struct Object<'o> {
    out: &'o mut String,
}

impl<'o> Object<'o> {
    /// Writes `{`, what `fill` adds, `}`.
    pub fn write(out: &'o mut String, fill: impl FnOnce(&mut Object<'_>)) {
        out.push('{');
        fill(&mut Object { out });
        out.push('}');
    }

    /// A string; longer than `length_max` characters it is cut.
    pub fn text(&mut self, name: &str, value: &dyn Display, length_max: usize) -> &mut Self {
        self.name(name);
        text(self.out, value, length_max.saturating_sub(1)); // one for the `…`
        self
    }

    /// A string, unless there is none.
    pub fn text_if(&mut self, name: &str, value: Option<&str>, length_max: usize) -> &mut Self {
        match value {
            Some(value) => self.text(name, &value, length_max),
            None => self,
        }
    }

    /// Any value.
    pub fn value(&mut self, name: &str, value: Value<'_>) -> &mut Self {
        self.name(name);
        json_value(self.out, value);
        self
    }

    /// An object within.
    pub fn object(&mut self, name: &str, fill: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        self.name(name);
        Object::write(self.out, fill);
        self
    }

    /// JSON as it is.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.out.push_str(json);
        self
    }

    fn name(&mut self, name: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        quoted(self.out, &name);
        self.out.push(':');
    }
}

pub(crate) fn member(out: &mut String, name: &str, value: Value<'_>) {
    if !out.ends_with('{') {
        out.push(',');
    }
    json_value(out, Value::Text(name));
    out.push(':');
    json_value(out, value);
}

pub(crate) fn json_value(out: &mut String, value: Value<'_>) {
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
        Value::Traces(least, traces) => {
            let shown = traces.iter().filter(|trace| trace.severity >= least);
            list(out, shown.map(|trace| trace as &dyn Fields));
        }
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

/// A string of at most `bytes_max` bytes before escaping.
pub(crate) fn text(out: &mut String, value: &dyn Display, bytes_max: usize) {
    out.push('"');
    escape(out, value, true, bytes_max);
    out.push('"');
}

fn quoted(out: &mut String, value: &dyn Display) {
    text(out, value, VALUE_BYTES_MAX);
}

pub(crate) fn put(out: &mut String, value: impl Display) {
    // Writing to a `String` fails only if the value's own `Display` does; then what it wrote stays.
    let _ = write!(out, "{value}");
}

pub(crate) fn escape(out: &mut String, value: &dyn Display, json: bool, bytes_max: usize) {
    let _ = write!(Escape { out, json, left: bytes_max }, "{value}");
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
        let mut rest = text;
        loop {
            // What needs no escape goes over in one piece; it is ASCII, so that it can be cut anywhere.
            let run = rest.bytes().position(|byte| !plain(byte)).unwrap_or(rest.len()).min(self.left);
            let (piece, behind) = rest.split_at(run);
            self.out.push_str(piece);
            self.left -= run;
            let Some(character) = behind.chars().next() else { return Ok(()) };
            if character.len_utf8() > self.left {
                self.out.push('…');
                self.left = 0;
                return Err(fmt::Error); // stops a long `Display` from being made for nothing
            }
            self.left -= character.len_utf8();
            rest = behind.get(character.len_utf8()..).unwrap_or_default();
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
    }
}
