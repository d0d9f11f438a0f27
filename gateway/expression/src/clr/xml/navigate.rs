//! Reading the tree.

use super::attribute::XAttribute;
use super::name::{XML_NAMESPACE, XMLNS_NAMESPACE, XName};
use super::node::{Data, XNode};

impl XNode {
    /// `Nodes()`.
    pub fn nodes(&self) -> Vec<Self> {
        self.children().map(|nodes| nodes.borrow().clone()).unwrap_or_default()
    }

    /// `FirstNode`.
    pub fn first_node(&self) -> Option<Self> {
        self.children()?.borrow().first().cloned()
    }

    /// `LastNode`.
    pub fn last_node(&self) -> Option<Self> {
        self.children()?.borrow().last().cloned()
    }

    fn is_named(&self, name: Option<&XName>) -> bool {
        self.as_element().is_some_and(|element| name.is_none_or(|name| *element.name.borrow() == *name))
    }

    /// `Elements(name)`; without a name all of them.
    pub fn elements(&self, name: Option<&XName>) -> Vec<Self> {
        self.nodes().into_iter().filter(|node| node.is_named(name)).collect()
    }

    /// `Element(name)`.
    pub fn first_element(&self, name: &XName) -> Option<Self> {
        self.nodes().into_iter().find(|node| node.is_named(Some(name)))
    }

    /// `Root` of a document.
    pub fn root(&self) -> Option<Self> {
        matches!(self.0.data, Data::Document { .. }).then(|| self.elements(None).into_iter().next()).flatten()
    }

    /// `Document`.
    pub fn owner_document(&self) -> Option<Self> {
        let top = std::iter::successors(Some(self.clone()), Self::container).last()?;
        matches!(top.0.data, Data::Document { .. }).then_some(top)
    }

    /// `DescendantNodes()`, in document order.
    pub fn descendant_nodes(&self) -> Vec<Self> {
        let mut found = Vec::new();
        for node in self.nodes() {
            found.push(node.clone());
            found.extend(node.descendant_nodes());
        }
        found
    }

    /// `Descendants(name)`.
    pub fn descendants(&self, name: Option<&XName>) -> Vec<Self> {
        self.descendant_nodes().into_iter().filter(|node| node.is_named(name)).collect()
    }

    /// `Ancestors(name)`: the parent first.
    pub fn ancestors(&self, name: Option<&XName>) -> Vec<Self> {
        std::iter::successors(self.parent(), Self::parent).filter(|node| node.is_named(name)).collect()
    }

    /// Where it stands among its siblings.
    pub(super) fn place(&self) -> Option<usize> {
        self.container()?.children()?.borrow().iter().position(|node| node.same(self))
    }

    /// The places from the top down: their order is that of the document.
    pub fn path(&self) -> Vec<usize> {
        let mut path: Vec<usize> = std::iter::successors(Some(self.clone()), Self::container)
            .filter_map(|node| node.place())
            .collect();
        path.reverse();
        path
    }

    /// `NodesBeforeSelf()`.
    pub fn nodes_before(&self) -> Vec<Self> {
        let siblings = self.container().map(|parent| parent.nodes()).unwrap_or_default();
        siblings.into_iter().take(self.place().unwrap_or(0)).collect()
    }

    /// `NodesAfterSelf()`.
    pub fn nodes_after(&self) -> Vec<Self> {
        let siblings = self.container().map(|parent| parent.nodes()).unwrap_or_default();
        siblings.into_iter().skip(self.place().map_or(usize::MAX, |place| place + 1)).collect()
    }

    /// `NextNode`.
    pub fn next_node(&self) -> Option<Self> {
        let place = self.place()? + 1;
        self.container()?.children()?.borrow().get(place).cloned()
    }

    /// `PreviousNode`.
    pub fn previous_node(&self) -> Option<Self> {
        let place = self.place()?.checked_sub(1)?;
        self.container()?.children()?.borrow().get(place).cloned()
    }

    /// `Attributes()`.
    pub fn attributes(&self) -> Vec<XAttribute> {
        self.as_element().map(|element| element.attributes.borrow().clone()).unwrap_or_default()
    }

    /// `Attribute(name)`.
    pub fn attribute(&self, name: &XName) -> Option<XAttribute> {
        self.as_element()?.attributes.borrow().iter().find(|attribute| attribute.name() == name).cloned()
    }

    /// `HasElements`.
    pub fn has_elements(&self) -> bool {
        self.nodes().iter().any(Self::is_element)
    }

    /// `HasAttributes`.
    pub fn has_attributes(&self) -> bool {
        self.as_element().is_some_and(|element| !element.attributes.borrow().is_empty())
    }

    /// `IsEmpty`: an element that is written without an end tag.
    pub fn is_empty(&self) -> bool {
        self.as_element()
            .is_some_and(|element| element.nodes.borrow().is_empty() && !element.has_end_tag.get())
    }

    /// `Value`: all text below of an element or document, the own text of other nodes (an instruction's data).
    pub fn value(&self) -> String {
        let mut text = String::new();
        self.push_value(&mut text);
        text
    }

    fn push_value(&self, text: &mut String) {
        match &self.0.data {
            Data::Text(own) | Data::CData(own) | Data::Comment(own) => text.push_str(&own.borrow()),
            Data::Instruction { data, .. } => text.push_str(&data.borrow()),
            Data::DocumentType(_) => {}
            Data::Element(_) | Data::Document { .. } => {
                for node in self.nodes() {
                    if !matches!(node.0.data, Data::Comment(_) | Data::Instruction { .. }) {
                        node.push_value(text);
                    }
                }
            }
        }
    }

    /// `GetNamespaceOfPrefix(prefix)`; an empty prefix asks for the default namespace.
    pub fn namespace_of_prefix(&self, prefix: &str) -> Option<String> {
        match prefix {
            "xml" => return Some(XML_NAMESPACE.to_owned()),
            "xmlns" => return Some(XMLNS_NAMESPACE.to_owned()),
            _ => {}
        }
        let mut chain = std::iter::successors(Some(self.clone()), Self::parent);
        chain.find_map(|element| {
            let attributes = element.attributes();
            attributes.iter().find(|one| one.declared_prefix() == Some(prefix)).map(XAttribute::value)
        })
    }

    /// `GetDefaultNamespace()`; empty when there is none.
    pub fn default_namespace(&self) -> String {
        self.namespace_of_prefix("").unwrap_or_default()
    }

    /// `GetPrefixOfNamespace(namespace)`; the default namespace has none.
    pub fn prefix_of_namespace(&self, namespace: &str) -> Option<String> {
        let mut inner: Vec<String> = Vec::new();
        for element in std::iter::successors(Some(self.clone()), Self::parent) {
            for attribute in element.attributes() {
                let Some(prefix) = attribute.declared_prefix() else { continue };
                // A prefix declared again further in hides this declaration.
                if !prefix.is_empty()
                    && attribute.value() == namespace
                    && !inner.iter().any(|known| known == prefix)
                {
                    return Some(prefix.to_owned());
                }
                inner.push(prefix.to_owned());
            }
        }
        match namespace {
            XML_NAMESPACE => Some("xml".to_owned()),
            XMLNS_NAMESPACE => Some("xmlns".to_owned()),
            _ => None,
        }
    }
}
