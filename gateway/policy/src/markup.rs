//! XML of message bodies: read with limits, and the characters it may hold (`reliability-security.md` X-01).

use std::fmt::Write;

use thiserror::Error;
use uppsala::{Document, NodeId, NodeKind, Parser, XmlError};

pub const XSI: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// Nested elements that a body may have.
pub const DEPTH_MAX: u32 = 128;

/// Why a body is no XML that this gateway reads.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message} Line {line}, position {column}.")]
pub struct MarkupError {
    pub message: String,
    pub line: usize,
    pub column: usize,
}

/// Reads a document. DTDs are refused, and with them entities; nothing is ever loaded.
pub fn read(text: &str) -> Result<Document<'_>, MarkupError> {
    let parser = Parser::new().with_forbid_dtd(true).with_max_depth(DEPTH_MAX);
    parser.parse(text).map_err(|error| {
        let (message, line, column) = match &error {
            XmlError::WellFormedness(error) => (error.message.clone(), error.line, error.column),
            XmlError::Namespace(error) => (error.message.clone(), error.line, error.column),
            XmlError::Parse(error) => (error.message.clone(), error.line, error.column),
            other => (other.to_string(), 0, 0),
        };
        let message = match message {
            text if text.contains("DOCTYPE") => {
                "For security reasons DTD is prohibited in this XML document.".to_owned()
            }
            text if text.ends_with('.') => text,
            text => format!("{text}."),
        };
        MarkupError { message, line, column }
    })
}

/// The elements inside a node.
pub fn elements<'d>(document: &'d Document<'_>, node: NodeId) -> impl Iterator<Item = NodeId> + 'd {
    document.children_iter(node).filter(|child| document.element(*child).is_some())
}

/// The text directly inside an element.
pub fn text(document: &Document<'_>, node: NodeId) -> String {
    let mut out = String::new();
    for child in document.children_iter(node) {
        if let Some(NodeKind::Text(text) | NodeKind::CData(text)) = document.node_kind(child) {
            out.push_str(text);
        }
    }
    out
}

/// Whether XML 1.0 can hold the character (§2.2).
pub fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Whether the text is a name without a colon (Namespaces in XML 1.0 §3).
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(is_name_start) && chars.all(is_name_char)
}

/// XML 1.0 §2.3, `NameStartChar` without the colon.
pub fn is_name_start(c: char) -> bool {
    matches!(c, 'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

/// XML 1.0 §2.3, `NameChar` without the colon.
pub fn is_name_char(c: char) -> bool {
    is_name_start(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

/// Appends character data; what XML cannot hold is replaced by U+FFFD.
pub fn push_text(out: &mut String, text: &str) {
    push_escaped(out, text, false);
}

/// Appends an attribute's value, for double quotes.
pub fn push_value(out: &mut String, text: &str) {
    push_escaped(out, text, true);
}

fn push_escaped(out: &mut String, text: &str, quoted: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if quoted => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\n' | '\t' if quoted => {
                let _ = write!(out, "&#x{:X};", c as u32);
            }
            c if is_allowed(c) => out.push(c),
            _ => out.push('\u{fffd}'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_refuses_what_expands_or_loads() {
        let deep = format!("{}{}", "<a>".repeat(200), "</a>".repeat(200));
        for text in [
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>",
            "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
            "<!DOCTYPE a [<!ENTITY % p SYSTEM 'http://host/'> %p;]><a/>",
            "<a>&unknown;</a>",
            "<a><b></a>",
            "<a>\u{0}</a>",
            deep.as_str(),
            "",
        ] {
            assert!(read(text).is_err(), "{}", text.get(..30).unwrap_or(text));
        }
    }

    #[test]
    fn escapes_leave_no_markup() {
        let mut out = String::new();
        push_text(&mut out, "a<b>&\"\u{1}\r");
        assert_eq!(out, "a&lt;b&gt;&amp;\"\u{fffd}&#xD;");
        out.clear();
        push_value(&mut out, "\"<\n");
        assert_eq!(out, "&quot;&lt;&#xA;");
        assert!(is_name("a-1.é") && !is_name("1a") && !is_name("a:b") && !is_name(""));
    }
}
