//! JSON as text: the members of records, values cut at a bound, everything escaped.

use std::fmt::{self, Display, Write};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use crate::event::{Fields, Hex, Value};
use crate::redact::Redacted;
use crate::rfc3339::Rfc3339;

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
    pub fn shown(&mut self, name: &'static str, value: &dyn Display, length_max: usize) -> &mut Self {
        self.name(name);
        text(self.out, value, length_max.saturating_sub(1)); // one for the `…`
        self
    }

    /// A string; longer than `length_max` characters it is cut.
    pub fn text(&mut self, name: &'static str, value: &str, length_max: usize) -> &mut Self {
        self.name(name);
        string(self.out, value, length_max.saturating_sub(1));
        self
    }

    /// A string put together of parts; longer than `length_max` characters it is cut.
    pub fn texts(&mut self, name: &'static str, parts: &[&str], length_max: usize) -> &mut Self {
        self.name(name);
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if length < length_max && parts.iter().all(|part| is_plain(part)) {
            self.out.push('"');
            parts.iter().for_each(|part| self.out.push_str(part));
            self.out.push('"');
        } else {
            string(self.out, &parts.concat(), length_max.saturating_sub(1));
        }
        self
    }

    /// A string whose name comes from elsewhere.
    pub fn named(&mut self, name: &str, value: &str, length_max: usize) -> &mut Self {
        separate(self.out);
        string(self.out, name, VALUE_BYTES_MAX);
        self.out.push(':');
        string(self.out, value, length_max.saturating_sub(1));
        self
    }

    /// A string, unless there is none.
    pub fn text_if(&mut self, name: &'static str, value: Option<&str>, length_max: usize) -> &mut Self {
        match value {
            Some(value) => self.text(name, value, length_max),
            None => self,
        }
    }

    /// A time, with seven digits of its second.
    pub fn time(&mut self, name: &'static str, time: SystemTime) -> &mut Self {
        self.value(name, Value::Time(time))
    }

    /// Milliseconds with their fraction.
    pub fn millis(&mut self, name: &'static str, time: Duration) -> &mut Self {
        self.name(name);
        millis(self.out, time);
        self
    }

    /// A status as a string.
    pub fn code(&mut self, name: &'static str, code: u16) -> &mut Self {
        self.text(name, itoa::Buffer::new().format(code), VALUE_BYTES_MAX)
    }

    /// A URL without the secrets in it.
    pub fn url(&mut self, name: &'static str, url: &Redacted<'_>, length_max: usize) -> &mut Self {
        self.name(name);
        redacted(self.out, url, length_max.saturating_sub(1));
        self
    }

    /// Any value.
    pub fn value(&mut self, name: &'static str, value: Value<'_>) -> &mut Self {
        self.name(name);
        json_value(self.out, value);
        self
    }

    /// An object within.
    pub fn object(&mut self, name: &'static str, fill: impl FnOnce(&mut Object<'_>)) -> &mut Self {
        self.name(name);
        Object::write(self.out, fill);
        self
    }

    /// JSON as it is.
    pub fn raw(&mut self, name: &'static str, json: &str) -> &mut Self {
        self.name(name);
        self.out.push_str(json);
        self
    }

    /// Members as they are, without a comma at either end.
    pub fn members(&mut self, json: &str) -> &mut Self {
        if !json.is_empty() {
            separate(self.out);
            self.out.push_str(json);
        }
        self
    }

    /// Names of ours need no escape.
    fn name(&mut self, name: &'static str) {
        separate(self.out);
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }
}

/// The members of an object, for [`Object::members`].
pub(crate) fn members(fill: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = String::with_capacity(512);
    fill(&mut Object { out: &mut out });
    out
}

fn separate(out: &mut String) {
    if !out.is_empty() && !out.ends_with('{') {
        out.push(',');
    }
}

pub(crate) fn member(out: &mut String, name: &str, value: Value<'_>) {
    separate(out);
    string(out, name, VALUE_BYTES_MAX);
    out.push(':');
    json_value(out, value);
}

pub(crate) fn json_value(out: &mut String, value: Value<'_>) {
    match value {
        Value::Bool(value) => put(out, value),
        Value::Integer(value) => out.push_str(itoa::Buffer::new().format(value)),
        Value::Unsigned(value) => unsigned(out, value),
        // Whole ones are many, and cheaper to show.
        Value::Number(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
            out.push_str(itoa::Buffer::new().format(value as i64));
        }
        Value::Number(value) if value.is_finite() => put(out, value),
        Value::Number(value) => quoted(out, &value),
        Value::Text(text) => string(out, text, VALUE_BYTES_MAX),
        Value::Id(id) => {
            string(out, id.hyphenated().encode_lower(&mut Uuid::encode_buffer()), VALUE_BYTES_MAX);
        }
        Value::Hex(bytes) => quoted(out, &Hex(bytes)),
        Value::Address(ip) => {
            out.push('"');
            address(out, ip);
            out.push('"');
        }
        Value::Time(time) => Rfc3339 { time, digits: 7 }.with(|text| string(out, text, VALUE_BYTES_MAX)),
        Value::Url(url) => redacted(out, url, VALUE_BYTES_MAX),
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

/// A string of at most `bytes_max` bytes before escaping. Most need no escape, and go over in one piece.
pub(crate) fn string(out: &mut String, value: &str, bytes_max: usize) {
    if value.len() > bytes_max || !is_plain(value) {
        return text(out, &value, bytes_max);
    }
    out.reserve(value.len() + 2);
    out.push('"');
    out.push_str(value);
    out.push('"');
}

/// JSON of ours as a string: nothing in it but quotes and backslashes needs an escape.
pub(crate) fn string_of_json(out: &mut String, json: &str) {
    out.reserve(json.len() + json.len() / 3 + 2);
    out.push('"');
    let mut start = 0;
    for at in memchr::memchr2_iter(b'"', b'\\', json.as_bytes()) {
        out.push_str(json.get(start..at).unwrap_or_default());
        out.push('\\');
        start = at; // it goes over with what follows
    }
    out.push_str(json.get(start..).unwrap_or_default());
    out.push('"');
}

/// Whether nothing in a text needs an escape: eight bytes at a time, the last eight perhaps twice.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'));
    };
    let (chunks, _) = bytes.as_chunks::<8>();
    chunks.iter().chain([last]).all(|chunk| are_plain(u64::from_ne_bytes(*chunk)))
}

/// The same for eight bytes in one word. A borrow between bytes may take plain ones for others, never others for plain.
fn are_plain(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let is_zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let below_space = word.wrapping_sub(ONES * 0x20);
    let [quote, backslash, delete] = [b'"', b'\\', 0x7f].map(|byte| is_zero(word ^ (ONES * u64::from(byte))));
    (word | below_space | quote | backslash | delete) & HIGH == 0
}

fn redacted(out: &mut String, url: &Redacted<'_>, bytes_max: usize) {
    let start = out.len();
    out.push('"');
    // A `String` takes all.
    let _ = url.write_to(out);
    let shown = out.get(start + 1..).unwrap_or_default();
    if shown.len() <= bytes_max && is_plain(shown) {
        out.push('"');
    } else {
        out.truncate(start);
        text(out, url, bytes_max);
    }
}

/// An address, without the machinery of `fmt` where it is of version 4.
pub(crate) fn address(out: &mut String, address: IpAddr) {
    let IpAddr::V4(address) = address else { return put(out, address) };
    for (index, part) in address.octets().into_iter().enumerate() {
        if index > 0 {
            out.push('.');
        }
        out.push_str(itoa::Buffer::new().format(part));
    }
}

/// Milliseconds, with the fraction that there is.
pub(crate) fn millis(out: &mut String, time: Duration) {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    unsigned(out, micros / 1000);
    if micros % 1000 > 0 {
        // A thousand more gives the fraction its leading noughts; the `1` becomes the point.
        let start = out.len();
        unsigned(out, 1000 + micros % 1000);
        out.replace_range(start..=start, ".");
    }
}

fn unsigned(out: &mut String, value: u64) {
    out.push_str(itoa::Buffer::new().format(value));
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn plain_is_what_needs_no_escape(before in "[ -~]{0,20}", any in any::<char>(), after in "[ -~]{0,20}") {
            let text = format!("{before}{any}{after}");
            let plain = text.chars().all(|c| (' '..='~').contains(&c) && c != '"' && c != '\\');
            prop_assert!(plain || !is_plain(&text), "{text:?}");
            let letters: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
            prop_assert!(is_plain(&letters));
        }

        #[test]
        fn json_in_a_string_is_read_back(value in "\\PC{0,40}") {
            let mut json = String::new();
            Object::write(&mut json, |object| { object.text("a", &value, 4096); });
            let mut out = String::new();
            string_of_json(&mut out, &json);
            prop_assert_eq!(serde_json::from_str::<String>(&out).unwrap(), json.clone());
            let read: serde_json::Value = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(read["a"].as_str().unwrap(), value);
        }
    }

    #[test]
    fn times_are_milliseconds_with_their_fraction() {
        for (micros, expected) in [(0, "0"), (7, "0.007"), (1_000, "1"), (12_340, "12.340")] {
            let mut out = String::new();
            millis(&mut out, Duration::from_micros(micros));
            assert_eq!(out, expected);
        }
    }
}
