//! Reading XML 1.0 with namespaces. DTDs are refused; depth and number of nodes are bounded.

mod markup;
mod text;

use super::attribute::XAttribute;
use super::name::XName;
use super::node::{Declaration, XNode};
use crate::clr::exception::{Error, ExceptionKind, Result};

/// Elements inside elements.
pub const DEPTH_READ_MAX: usize = 256;
/// Nodes and attributes of a document.
pub const NODES_MAX: usize = 500_000;

/// `XElement.Parse(text, options)`; what stands beside the root is checked and left out.
///
/// # Errors
/// `XmlException`.
pub fn parse_element(text: &str, preserve_space: bool) -> Result<XNode> {
    let document = parse_document(text, preserve_space)?;
    let root = document.root().ok_or_else(root_missing)?;
    root.remove()?;
    Ok(root)
}

/// `XDocument.Parse(text, options)`.
///
/// # Errors
/// `XmlException`.
pub fn parse_document(text: &str, preserve_space: bool) -> Result<XNode> {
    let mut parser = Parser::new(text, preserve_space);
    parser.document()
}

fn root_missing() -> Error {
    Error::new(ExceptionKind::Xml, "Root element is missing.")
}

/// Where something stands. The column is counted only when a message names it: a document may be one long line.
#[derive(Clone, Copy)]
struct Place {
    at: usize,
    line: usize,
    line_start: usize,
}

/// An element that is being read.
struct Open {
    node: XNode,
    /// As written, with its prefix.
    tag: String,
    place: Place,
    /// Prefixes declared before its own.
    scope: usize,
    /// White space means something.
    space: bool,
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    preserve_space: bool,
    document: XNode,
    open: Vec<Open>,
    /// Prefixes and their namespaces, the innermost last.
    prefixes: Vec<(String, String)>,
    nodes: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, preserve_space: bool) -> Self {
        Self {
            text,
            at: 0,
            line: 1,
            line_start: 0,
            preserve_space,
            document: XNode::document(None),
            open: Vec::new(),
            prefixes: Vec::new(),
            nodes: 0,
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes on by bytes, counting lines.
    fn advance(&mut self, bytes: usize) {
        let passed = self.rest().get(..bytes).unwrap_or_default();
        for (place, byte) in passed.bytes().enumerate() {
            let lone_return = byte == b'\r' && self.text.as_bytes().get(self.at + place + 1) != Some(&b'\n');
            if byte == b'\n' || lone_return {
                self.line += 1;
                self.line_start = self.at + place + 1;
            }
        }
        self.at += bytes;
    }

    fn take(&mut self, wanted: &str) -> bool {
        let found = self.rest().starts_with(wanted);
        if found {
            self.advance(wanted.len());
        }
        found
    }

    fn spaces(&mut self) -> bool {
        let rest = self.rest();
        let end = rest.find(|c| !is_space(c)).unwrap_or(rest.len());
        self.advance(end);
        end > 0
    }

    fn here(&self) -> Place {
        Place { at: self.at, line: self.line, line_start: self.line_start }
    }

    fn column(&self, place: Place) -> usize {
        self.text.get(place.line_start..place.at).map_or(1, |line| line.encode_utf16().count() + 1)
    }

    /// `XmlException` at the present place.
    fn error(&self, problem: &str) -> Error {
        self.error_at(problem, self.here())
    }

    fn error_at(&self, problem: &str, place: Place) -> Error {
        let column = self.column(place);
        Error::new(ExceptionKind::Xml, format!("{problem} Line {}, position {column}.", place.line))
    }

    /// Counts a node or attribute.
    fn count(&mut self) -> Result<()> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.error("The document has too many nodes."));
        }
        Ok(())
    }

    fn document(&mut self) -> Result<XNode> {
        if self.text.starts_with("<?xml")
            && self.text.get(5..6).is_some_and(|next| next.starts_with(is_space))
        {
            self.declaration()?;
        }
        while !self.rest().is_empty() {
            self.node()?;
        }
        if !self.open.is_empty() {
            let names: Vec<&str> = self.open.iter().rev().map(|open| open.tag.as_str()).collect();
            let problem = format!(
                "Unexpected end of file has occurred. The following elements are not closed: {}.",
                names.join(", ")
            );
            return Err(self.error(&problem));
        }
        if self.document.root().is_none() { Err(root_missing()) } else { Ok(self.document.clone()) }
    }

    /// One piece of markup, or text up to the next.
    fn node(&mut self) -> Result<()> {
        if !self.rest().starts_with('<') {
            return self.character_data();
        }
        // .NET does not look closer at so little text.
        if self.text.len() < 4 {
            return Err(
                self.error_at("Data at the root level is invalid.", Place { at: 0, line: 1, line_start: 0 })
            );
        }
        if self.take("</") {
            return self.end_tag();
        }
        if self.take("<!--") {
            return self.comment();
        }
        if self.take("<?") {
            return self.instruction();
        }
        if self.rest().starts_with("<![CDATA[") {
            if self.open.is_empty() {
                return Err(self.error("Data at the root level is invalid."));
            }
            self.advance("<![CDATA[".len());
            return self.cdata();
        }
        if self.rest().starts_with("<!") {
            return Err(self.error(
                "For security reasons DTD is prohibited in this XML document. To enable DTD processing set the \
                 DtdProcessing property on XmlReaderSettings to Parse and pass the settings into XmlReader.Create \
                 method.",
            ));
        }
        self.advance(1);
        self.start_tag()
    }

    /// Puts a node into the innermost open element.
    fn put(&mut self, node: XNode) -> Result<()> {
        self.count()?;
        match self.open.last() {
            Some(open) => open.node.push_fresh(node),
            None => self.document.push_fresh(node),
        }
        Ok(())
    }

    fn namespace_of(&self, prefix: &str) -> Option<&str> {
        match prefix {
            "xml" => Some(super::name::XML_NAMESPACE),
            "xmlns" => Some(super::name::XMLNS_NAMESPACE),
            _ => self
                .prefixes
                .iter()
                .rev()
                .find(|(known, _)| known == prefix)
                .map(|(_, namespace)| namespace.as_str()),
        }
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// An attribute as written.
struct Raw {
    prefix: String,
    local: String,
    value: String,
    place: Place,
    /// Where the value begins, behind its quote.
    value_place: Place,
}

impl Raw {
    fn qualified(&self) -> String {
        if self.prefix.is_empty() { self.local.clone() } else { format!("{}:{}", self.prefix, self.local) }
    }

    /// The prefix it declares.
    fn declares(&self) -> Option<&str> {
        match (self.prefix.as_str(), self.local.as_str()) {
            ("", "xmlns") => Some(""),
            ("xmlns", prefix) => Some(prefix),
            _ => None,
        }
    }

    fn attribute(&self, namespace: &str) -> XAttribute {
        XAttribute::new(&XName::trusted(namespace, &self.local), &self.value)
    }
}

/// The pseudo attributes of the XML declaration.
fn declared(raws: &[Raw]) -> Declaration {
    let value = |name: &str| raws.iter().find(|raw| raw.local == name).map(|raw| raw.value.clone());
    Declaration { version: value("version"), encoding: value("encoding"), standalone: value("standalone") }
}
