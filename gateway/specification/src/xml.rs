//! XML documents of definitions, within limits (reliability-security.md §4.3, X-01): no DTD, nothing loaded.

use std::sync::Arc;

use gateway_model::{Diagnostic, Origin};
use uppsala::{Document, NodeId, NodeKind, Parser, XmlError};

use crate::document::DOCUMENT_BYTES_MAX;

/// Nested elements.
const DEPTH_MAX: u32 = 100;

/// A document that knows the file it came from.
pub(crate) struct Xml<'t> {
    document: Document<'t>,
    file: Arc<str>,
}

/// An element.
#[derive(Clone, Copy)]
pub(crate) struct Node<'x> {
    xml: &'x Xml<'x>,
    id: NodeId,
}

impl<'t> Xml<'t> {
    pub(crate) fn parse(text: &'t str, file: &Arc<str>) -> Result<Self, Diagnostic> {
        let refuse = |line: usize, column: usize, message: String| {
            let place = Origin::new(Arc::clone(file), line.max(1) as u32, column.max(1) as u32);
            Err(Diagnostic::error("definition-xml", place, message))
        };
        if text.len() > DOCUMENT_BYTES_MAX {
            let message = format!("the document has {} bytes; {DOCUMENT_BYTES_MAX} are allowed", text.len());
            return refuse(1, 1, message);
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let parser = Parser::new().with_forbid_dtd(true).with_max_depth(DEPTH_MAX);
        match parser.parse(text) {
            Ok(document) => Ok(Self { document, file: Arc::clone(file) }),
            Err(XmlError::WellFormedness(error)) => refuse(error.line, error.column, error.message),
            Err(XmlError::Namespace(error)) => refuse(error.line, error.column, error.message),
            Err(XmlError::Parse(error)) => refuse(error.line, error.column, error.message),
            Err(other) => refuse(1, 1, other.to_string()),
        }
    }

    pub(crate) fn root(&self) -> Option<Node<'_>> {
        Some(Node { xml: self.short(), id: self.document.document_element()? })
    }

    /// The same for as long as it is borrowed.
    fn short(&self) -> &Xml<'_> {
        self
    }
}

impl<'x> Node<'x> {
    /// Name without its prefix.
    pub(crate) fn name(self) -> &'x str {
        self.xml.document.element(self.id).map_or("", |element| element.name.local_name.as_ref())
    }

    /// Namespace; empty for none.
    pub(crate) fn namespace(self) -> &'x str {
        let element = self.xml.document.element(self.id);
        element.and_then(|element| element.name.namespace_uri.as_deref()).unwrap_or_default()
    }

    pub(crate) fn attribute(self, name: &str) -> Option<&'x str> {
        self.xml.document.get_attribute(self.id, name)
    }

    pub(crate) fn elements(self) -> impl Iterator<Item = Node<'x>> {
        let document = &self.xml.document;
        let all = document.children_iter(self.id).filter(|child| document.element(*child).is_some());
        all.map(move |id| Node { id, ..self })
    }

    /// Elements of a name inside.
    pub(crate) fn all(self, name: &str) -> impl Iterator<Item = Node<'x>> {
        self.elements().filter(move |element| element.name() == name)
    }

    pub(crate) fn first(self, name: &str) -> Option<Node<'x>> {
        self.all(name).next()
    }

    /// The text inside, of all depths, without blanks at its ends.
    pub(crate) fn text(self) -> String {
        let mut out = String::new();
        self.push_text(&mut out);
        out.trim().to_owned()
    }

    fn push_text(self, out: &mut String) {
        for child in self.xml.document.children_iter(self.id) {
            match self.xml.document.node_kind(child) {
                Some(NodeKind::Text(text) | NodeKind::CData(text)) => out.push_str(text),
                Some(NodeKind::Element(_)) => Node { id: child, ..self }.push_text(out),
                _ => {}
            }
        }
    }

    pub(crate) fn origin(self) -> Origin {
        let (line, column) = (self.xml.document.node_line(self.id), self.xml.document.node_column(self.id));
        Origin::new(Arc::clone(&self.xml.file), line.max(1) as u32, column.max(1) as u32)
    }
}

/// A qualified name without its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or_default()
}
