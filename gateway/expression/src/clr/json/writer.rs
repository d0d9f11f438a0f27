//! Writing JSON: compact, or indented by two spaces with `\n`.

use super::node::{Data, JToken};
use super::scalar::Scalar;
use crate::clr::date_time::{DateTime, DateTimeKind};
use crate::clr::number::format;
use crate::clr::{encoding, guid};

/// `Newtonsoft.Json.Formatting`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Formatting {
    /// 0: no white space.
    #[default]
    None,
    /// 1: one value a line.
    Indented,
}

/// Builds JSON text piece by piece, as `JsonConvert.SerializeObject` needs it.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    formatting: Formatting,
    /// For each open container whether it has something in it.
    open: Vec<bool>,
    behind_name: bool,
}

impl Writer {
    /// An empty text.
    pub fn new(formatting: Formatting) -> Self {
        Self { formatting, ..Self::default() }
    }

    /// What was written.
    pub fn finish(self) -> String {
        self.text
    }

    /// Bytes written so far.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    fn line(&mut self) {
        if self.formatting == Formatting::Indented {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("  ", self.open.len()));
        }
    }

    /// What stands between the previous value and the next.
    fn separate(&mut self) {
        if std::mem::take(&mut self.behind_name) {
            return;
        }
        if let Some(used) = self.open.last_mut() {
            if std::mem::replace(used, true) {
                self.text.push(',');
            }
            self.line();
        }
    }

    fn start(&mut self, bracket: &str) {
        self.separate();
        self.text.push_str(bracket);
        self.open.push(false);
    }

    fn end(&mut self, bracket: char) {
        if self.open.pop() == Some(true) {
            self.line();
        }
        self.text.push(bracket);
    }

    /// `{`
    pub fn start_object(&mut self) {
        self.start("{");
    }

    /// `}`
    pub fn end_object(&mut self) {
        self.end('}');
    }

    /// `[`
    pub fn start_array(&mut self) {
        self.start("[");
    }

    /// `]`
    pub fn end_array(&mut self) {
        self.end(']');
    }

    /// A property's name; its value comes next.
    pub fn name(&mut self, name: &str) {
        self.separate();
        self.push_quoted(name);
        self.text.push_str(if self.formatting == Formatting::Indented { ": " } else { ":" });
        self.behind_name = true;
    }

    fn push_quoted(&mut self, text: &str) {
        self.text.push('"');
        push_escaped(&mut self.text, text, '"');
        self.text.push('"');
    }

    /// A value.
    pub fn value(&mut self, value: &Scalar) {
        self.separate();
        match value {
            Scalar::Null => self.text.push_str("null"),
            Scalar::Undefined => self.text.push_str("undefined"),
            Scalar::Bool(value) => self.text.push_str(if *value { "true" } else { "false" }),
            Scalar::Integer(_) | Scalar::Unsigned(_) | Scalar::Big(_) => self.text.push_str(&value.to_text()),
            Scalar::Float(value) => self.push_float(&format::double_text(*value), value.is_finite()),
            Scalar::Single(value) => self.push_float(&format::single_text(*value), value.is_finite()),
            Scalar::Decimal(value) => self.push_float(&format::decimal_text(value), true),
            Scalar::String(text) | Scalar::Uri(text) => self.push_quoted(text),
            Scalar::Date(date) => self.push_quoted(&date_text(*date)),
            Scalar::DateOffset(date) => {
                let text = date_text(date.date_time()) + &date.to_text("zzz").unwrap_or_default();
                self.push_quoted(&text);
            }
            Scalar::Guid(bytes) => self.push_quoted(&guid::text(bytes)),
            Scalar::TimeSpan(span) => self.push_quoted(&span.to_string()),
            Scalar::Bytes(bytes) => self.push_quoted(&encoding::to_base64(bytes)),
            Scalar::Comment(text) => {
                self.text.push_str("/*");
                self.text.push_str(text);
                self.text.push_str("*/");
            }
            Scalar::Raw(text) => self.text.push_str(text),
        }
    }

    /// A number that must look like a floating one; `NaN` and infinities are strings.
    fn push_float(&mut self, text: &str, finite: bool) {
        if finite {
            self.text.push_str(text);
            if !text.contains(['.', 'E', 'e']) {
                self.text.push_str(".0");
            }
        } else {
            self.push_quoted(text);
        }
    }

    /// A whole tree.
    pub fn token(&mut self, token: &JToken) {
        match &token.0.data {
            Data::Value(value) => self.value(&value.borrow()),
            Data::Property(name, value) => {
                self.name(name);
                self.token(&value.borrow());
            }
            Data::Object(properties) => {
                self.start_object();
                for property in properties.borrow().list() {
                    self.token(property);
                }
                self.end_object();
            }
            Data::Array(items) => {
                self.start_array();
                for item in &*items.borrow() {
                    self.token(item);
                }
                self.end_array();
            }
            Data::Constructor(name, items) => {
                self.start(&format!("new {}(", name.borrow()));
                for item in &*items.borrow() {
                    self.token(item);
                }
                self.end(')');
            }
        }
    }
}

/// ISO 8601 with as many digits of the second as needed, and what the kind asks for.
fn date_text(date: DateTime) -> String {
    let mut text = date.to_text("yyyy-MM-ddTHH:mm:ss.FFFFFFF").unwrap_or_default();
    text.push_str(match date.kind() {
        DateTimeKind::Utc => "Z",
        DateTimeKind::Local => "+00:00",
        DateTimeKind::Unspecified => "",
    });
    text
}

/// Appends a string's content with `quote`, `\` and control characters escaped.
pub(super) fn push_escaped(text: &mut String, content: &str, quote: char) {
    for c in content.chars() {
        match c {
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\\' => text.push_str("\\\\"),
            '\u{0}'..='\u{1f}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                let escape = format!("\\u{:04x}", u32::from(c));
                text.push_str(&escape);
            }
            c => {
                if c == quote {
                    text.push('\\');
                }
                text.push(c);
            }
        }
    }
}

/// `JsonConvert.ToString(text)`: a quoted JSON string.
pub fn escaped(text: &str) -> String {
    let mut made = String::with_capacity(text.len() + 2);
    made.push('"');
    push_escaped(&mut made, text, '"');
    made.push('"');
    made
}

impl JToken {
    /// `ToString(formatting)`: JSON.
    pub fn to_json(&self, formatting: Formatting) -> String {
        let mut writer = Writer::new(formatting);
        writer.token(self);
        writer.finish()
    }

    /// `ToString()`: indented JSON of a container, the plain text of a value.
    pub fn to_text(&self) -> String {
        match self.scalar() {
            Some(value) => value.to_text(),
            None => self.to_json(Formatting::Indented),
        }
    }
}
