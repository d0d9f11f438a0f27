//! From one spelling of a policy document to the other: `xml` escapes expressions, `rawxml` has them as they are
//! (management-api.md §1.16).

use gateway_expression::is_expression;

use super::{Element, Limits, Node, expand, read, read_with_comments};

/// How expressions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Well-formed XML.
    Xml,
    /// Expressions stand as they are.
    RawXml,
}

/// Bound on what is rewritten: twice a fragment, because escaping makes texts longer.
const BYTES_MAX: usize = 4 << 20;

/// The document in a spelling, indented by tabs, with CRLF. Comments stay, XML declarations and processing
/// instructions go. A text that only becomes a document with its named values put in stays as it is.
pub fn respell(text: &str, spelling: Spelling) -> String {
    let limits = Limits { bytes_max: BYTES_MAX, ..Limits::default() };
    let Ok(nodes) = read_with_comments(text, limits) else { return text.to_owned() };
    let mut writer = Writer { out: String::with_capacity(text.len()), spelling };
    for (index, node) in nodes.iter().enumerate() {
        if index > 0 {
            writer.line(0);
        }
        writer.node(node, 0, false);
    }
    writer.out
}

struct Writer {
    out: String,
    spelling: Spelling,
}

impl Writer {
    fn line(&mut self, depth: usize) {
        self.out.push_str("\r\n");
        self.out.extend(std::iter::repeat_n('\t', depth));
    }

    fn node(&mut self, node: &Node, depth: usize, is_exact: bool) {
        match node {
            Node::Element(element) => self.element(element, depth, is_exact),
            Node::Text(text) => self.text(&text.value),
            Node::Comment(comment) => self.out.push_str(comment),
        }
    }

    /// Recursion ends where the reader's depth limit does.
    fn element(&mut self, element: &Element, depth: usize, is_exact: bool) {
        self.out.push('<');
        self.out.push_str(&element.name);
        for attribute in &element.attributes {
            self.out.extend([" ", &attribute.name, "=\""]);
            let value =
                self.value(&attribute.value, escaped_attribute, |value| format!("<a b=\"{value}\" />"));
            self.out.push_str(&value);
            self.out.push('"');
        }
        let is_exact = is_exact || is_exact_inside(element);
        let shown: Vec<&Node> = element.children.iter().filter(|node| is_exact || !is_blank(node)).collect();
        if shown.is_empty() {
            return self.out.push_str(" />");
        }
        self.out.push('>');
        for node in shown {
            if !is_exact {
                self.line(depth + 1);
            }
            self.node(node, depth + 1, is_exact);
        }
        if !is_exact {
            self.line(depth);
        }
        self.out.extend(["</", &element.name, ">"]);
    }

    fn text(&mut self, text: &str) {
        let value = self.value(text, escaped_text, |value| format!("<a>{value}</a>"));
        self.out.push_str(&value);
    }

    /// A value as it is written. An expression stands as it is where the reader takes it for the same one.
    fn value(&self, value: &str, escape: fn(&str) -> String, whole: fn(&str) -> String) -> String {
        if self.spelling == Spelling::RawXml && is_expression(value) {
            let raw = without_entities(value);
            let document = whole(&raw);
            let same = read(&expand(&document, &|_| None), &document, Limits::default());
            if same.is_ok_and(|element| is_only(&element, value)) {
                return raw;
            }
        }
        escape(value)
    }
}

/// Whether the one value of a trial document is the wanted one.
fn is_only(element: &Element, value: &str) -> bool {
    match element.attributes.as_slice() {
        [attribute] => attribute.value == value && element.children.is_empty(),
        _ => matches!(element.children.as_slice(), [Node::Text(text)] if text.value == value),
    }
}

/// Whether blanks inside count: beside text, in a body, and where they are all there is.
fn is_exact_inside(element: &Element) -> bool {
    let has_text = element.children.iter().any(|node| matches!(node, Node::Text(_)) && !is_blank(node));
    let is_only_blank = matches!(
        element.children.as_slice(),
        [Node::Text(text)] if !text.value.contains('\n')
    );
    has_text || is_only_blank || &*element.name == "set-body"
}

fn is_blank(node: &Node) -> bool {
    matches!(node, Node::Text(text) if text.value.trim().is_empty())
}

/// An ampersand that the reader would take for the beginning of an entity is written as one.
fn without_entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        out.push(c);
        let rest = text.get(at + 1..).unwrap_or_default();
        if c == '&' && rest.bytes().take(12).any(|byte| byte == b';') {
            out.push_str("amp;");
        }
    }
    out
}

fn escaped_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Line breaks and tabs too: an XML reader makes blanks of those it finds as they are (XML 1.0 §3.3.3).
fn escaped_attribute(text: &str) -> String {
    escaped_text(text)
        .replace('"', "&quot;")
        .replace('\r', "&#xD;")
        .replace('\n', "&#xA;")
        .replace('\t', "&#x9;")
}

#[cfg(test)]
mod tests;
