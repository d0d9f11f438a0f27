//! Writing XML: indented by two spaces where there is no text beside elements, or as it stands.

use super::attribute::XAttribute;
use super::name::{XML_NAMESPACE, XMLNS_NAMESPACE};
use super::node::{Data, DocumentType, XNode};
use crate::clr::exception::{Error, ExceptionKind, Result};

/// A namespace in scope.
struct Binding {
    prefix: String,
    namespace: String,
    /// Made up while writing: its declaration must be written too.
    pending: bool,
}

struct Writer {
    text: String,
    indent: bool,
    /// Open elements.
    level: usize,
    bindings: Vec<Binding>,
}

impl XNode {
    /// `ToString()`; the declaration of a document is left out.
    ///
    /// # Errors
    /// `ArgumentException` for characters XML does not allow; `XmlException` for a prefix declared twice.
    pub fn to_text(&self) -> Result<String> {
        self.write(true)
    }

    /// `ToString(SaveOptions.DisableFormatting)`.
    ///
    /// # Errors
    /// As [`XNode::to_text`].
    pub fn to_compact(&self) -> Result<String> {
        self.write(false)
    }

    fn write(&self, indent: bool) -> Result<String> {
        let mut writer = Writer { text: String::new(), indent, level: 0, bindings: Vec::new() };
        // What ancestors declare is in scope and yet has to be written again.
        let outer =
            self.parent().map(|parent| std::iter::successors(Some(parent), Self::parent).collect::<Vec<_>>());
        writer.node(self, false, &outer.unwrap_or_default())?;
        Ok(writer.text)
    }
}

impl Writer {
    fn line(&mut self) {
        if self.indent && !self.text.is_empty() {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n("  ", self.level));
        }
    }

    /// `mixed` = text stands beside, so nothing may be added. True when text was written.
    fn node(&mut self, node: &XNode, mixed: bool, outer: &[XNode]) -> Result<bool> {
        let text = matches!(node.0.data, Data::Text(_) | Data::CData(_));
        if !mixed && !text && !matches!(node.0.data, Data::Document { .. }) {
            self.line();
        }
        match &node.0.data {
            Data::Document { .. } => {
                let mut mixed = false;
                for child in node.nodes() {
                    mixed |= self.node(&child, mixed, &[])?;
                }
            }
            Data::Element(_) => self.element(node, mixed, outer)?,
            Data::Text(text) => push_text(&mut self.text, &checked(&text.borrow())?),
            Data::CData(text) => {
                let parts = checked(&text.borrow())?.replace("]]>", "]]]]><![CDATA[>");
                self.push(&["<![CDATA[", &parts, "]]>"]);
            }
            Data::Comment(text) => {
                let mut body = checked(&text.borrow())?.replace("--", "- -").replace("--", "- -");
                if body.ends_with('-') {
                    body.push(' ');
                }
                self.push(&["<!--", &body, "-->"]);
            }
            Data::Instruction { target, data } => {
                let data = checked(&data.borrow())?.replace("?>", "? >");
                let space = if data.is_empty() { "" } else { " " };
                self.push(&["<?", &target.borrow(), space, &data, "?>"]);
            }
            Data::DocumentType(declared) => self.document_type(&declared.borrow()),
        }
        Ok(text)
    }

    fn document_type(&mut self, declared: &DocumentType) {
        self.push(&["<!DOCTYPE ", &declared.name]);
        match (&declared.public_id, &declared.system_id) {
            (Some(public), system) => {
                let system = system.as_deref().unwrap_or_default();
                self.push(&[" PUBLIC \"", public, "\" \"", system, "\""]);
            }
            (None, Some(system)) => self.push(&[" SYSTEM \"", system, "\""]),
            (None, None) => self.text.push(' '),
        }
        if let Some(subset) = &declared.internal_subset {
            self.push(&["[", subset, "]"]);
        }
        self.text.push('>');
    }

    fn push(&mut self, parts: &[&str]) {
        for part in parts {
            self.text.push_str(part);
        }
    }

    fn element(&mut self, node: &XNode, mut mixed: bool, outer: &[XNode]) -> Result<()> {
        let scope = self.bindings.len();
        let name = node.name().ok_or_else(|| Error::of(ExceptionKind::InvalidOperation))?;
        let prefix = self.element_prefix(node, name.namespace(), outer);
        let qualified =
            if prefix.is_empty() { name.local().to_owned() } else { format!("{prefix}:{}", name.local()) };
        let known = self.namespace_of(&prefix).unwrap_or_default() == name.namespace();
        let special = matches!(prefix.as_str(), "xml" | "xmlns");
        self.bindings.push(Binding {
            prefix: prefix.clone(),
            namespace: name.namespace().to_owned(),
            pending: !known && !special,
        });
        self.push(&["<", &qualified]);
        for attribute in node.attributes() {
            self.attribute(&attribute, node, outer, scope)?;
        }
        self.pending_declarations(scope);
        let children = node.nodes();
        if children.is_empty() {
            if node.is_empty() {
                self.push(&[" />"]);
            } else {
                self.push(&["></", &qualified, ">"]);
            }
        } else {
            self.text.push('>');
            self.level += 1;
            let inherited = mixed;
            for child in &children {
                mixed |= self.node(child, mixed, &[])?;
            }
            self.level -= 1;
            // An empty text still keeps the end tag beside the start tag.
            let only_text =
                children.iter().all(|child| matches!(child.0.data, Data::Text(_) | Data::CData(_)));
            if !mixed && !inherited && !only_text {
                self.line();
            }
            self.push(&["</", &qualified, ">"]);
        }
        self.bindings.truncate(scope);
        Ok(())
    }

    /// The innermost namespace of a prefix.
    fn namespace_of(&self, prefix: &str) -> Option<&str> {
        self.bindings
            .iter()
            .rev()
            .find(|binding| binding.prefix == prefix)
            .map(|binding| binding.namespace.as_str())
    }

    /// A prefix that means a namespace here.
    fn prefix_of(&self, namespace: &str, with_default: bool) -> Option<String> {
        let fits = |binding: &&Binding| {
            binding.namespace == namespace
                && (with_default || !binding.prefix.is_empty())
                && self.namespace_of(&binding.prefix) == Some(namespace)
        };
        self.bindings.iter().rev().find(fits).map(|binding| binding.prefix.clone())
    }

    /// A prefix the tree declares for a namespace, the node's own declarations first.
    fn declared_prefix(node: &XNode, outer: &[XNode], namespace: &str, with_default: bool) -> Option<String> {
        std::iter::once(node).chain(outer).find_map(|element| {
            let attributes = element.attributes();
            let fits = |one: &&XAttribute| {
                one.value() == namespace
                    && one.declared_prefix().is_some_and(|prefix| with_default || !prefix.is_empty())
            };
            attributes.iter().rev().find(fits).and_then(|one| one.declared_prefix().map(str::to_owned))
        })
    }

    fn element_prefix(&self, node: &XNode, namespace: &str, outer: &[XNode]) -> String {
        match namespace {
            "" => String::new(),
            XML_NAMESPACE => "xml".to_owned(),
            XMLNS_NAMESPACE => "xmlns".to_owned(),
            _ => Self::declared_prefix(node, outer, namespace, true)
                .or_else(|| self.prefix_of(namespace, true))
                .unwrap_or_default(),
        }
    }

    fn attribute(
        &mut self,
        attribute: &XAttribute,
        node: &XNode,
        outer: &[XNode],
        scope: usize,
    ) -> Result<()> {
        let name = attribute.name();
        if let Some(prefix) = attribute.declared_prefix() {
            return self.declaration(prefix, &attribute.value(), scope);
        }
        let prefix = match name.namespace() {
            "" => String::new(),
            XML_NAMESPACE => "xml:".to_owned(),
            namespace => {
                let known = Self::declared_prefix(node, outer, namespace, false)
                    .or_else(|| self.prefix_of(namespace, false));
                known.unwrap_or_else(|| self.generate(namespace)) + ":"
            }
        };
        self.push(&[" ", &prefix, name.local(), "=\""]);
        push_attribute_text(&mut self.text, &checked(&attribute.value())?);
        self.text.push('"');
        Ok(())
    }

    /// Writes `xmlns` attributes as they stand.
    fn declaration(&mut self, prefix: &str, namespace: &str, scope: usize) -> Result<()> {
        let own = self.bindings.iter_mut().skip(scope).find(|binding| binding.prefix == prefix);
        match own {
            Some(binding) if binding.namespace != namespace => {
                let text = format!(
                    "The prefix '{prefix}' cannot be redefined from '{}' to '{namespace}' within the same start element tag.",
                    binding.namespace
                );
                return Err(Error::new(ExceptionKind::Xml, text));
            }
            Some(binding) => binding.pending = false,
            None => self.bindings.push(Binding {
                prefix: prefix.to_owned(),
                namespace: namespace.to_owned(),
                pending: false,
            }),
        }
        self.push(&[" xmlns", if prefix.is_empty() { "" } else { ":" }, prefix, "=\""]);
        push_attribute_text(&mut self.text, namespace);
        self.text.push('"');
        Ok(())
    }

    /// Makes up a prefix; its number counts what is in scope, as in .NET.
    fn generate(&mut self, namespace: &str) -> String {
        let mut prefix = format!("p{}", self.bindings.len());
        while self.namespace_of(&prefix).is_some() {
            prefix.push('0');
        }
        self.bindings.push(Binding {
            prefix: prefix.clone(),
            namespace: namespace.to_owned(),
            pending: true,
        });
        prefix
    }

    /// Declares what was made up, the latest first.
    fn pending_declarations(&mut self, scope: usize) {
        let pending: Vec<(String, String)> = self
            .bindings
            .iter_mut()
            .skip(scope)
            .rev()
            .filter_map(|binding| {
                let pending = std::mem::take(&mut binding.pending);
                pending.then(|| (binding.prefix.clone(), binding.namespace.clone()))
            })
            .collect();
        for (prefix, namespace) in pending {
            self.push(&[" xmlns", if prefix.is_empty() { "" } else { ":" }, &prefix, "=\""]);
            push_attribute_text(&mut self.text, &namespace);
            self.text.push('"');
        }
    }
}

/// Whether XML 1.0 allows a character.
pub(super) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The text, or `ArgumentException` about a character XML does not allow.
fn checked(text: &str) -> Result<String> {
    let text = crate::clr::text::to_well_formed(text);
    match text.chars().find(|c| !is_allowed(*c)) {
        None => Ok(text.into_owned()),
        Some(bad) => {
            let problem =
                format!("'{bad}', hexadecimal value 0x{:02X}, is an invalid character.", u32::from(bad));
            Err(Error::argument(problem))
        }
    }
}

/// Text content; every line end becomes a line feed.
fn push_text(into: &mut String, text: &str) {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '\r' => {
                rest.next_if_eq(&'\n');
                into.push('\n');
            }
            c => into.push(c),
        }
    }
}

/// The value of an attribute.
pub(super) fn push_attribute_text(into: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\r' => into.push_str("&#xD;"),
            '\n' => into.push_str("&#xA;"),
            '\t' => into.push_str("&#x9;"),
            c => into.push(c),
        }
    }
}
