//! `XAttribute`.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use super::name::{XMLNS_NAMESPACE, XName};
use super::node::{Node, XNode};

/// An attribute. A clone is the same attribute.
#[derive(Clone)]
pub struct XAttribute(Rc<Data>);

struct Data {
    parent: RefCell<Weak<Node>>,
    name: XName,
    value: RefCell<String>,
}

impl XAttribute {
    /// `new XAttribute(name, value)`.
    pub fn new(name: &XName, value: &str) -> Self {
        Self(Rc::new(Data {
            parent: RefCell::new(Weak::new()),
            name: name.clone(),
            value: RefCell::new(value.to_owned()),
        }))
    }

    /// Whether both handles are the same attribute.
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// An identity that lives as long as the attribute.
    pub fn identity(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }

    /// `Name`.
    pub fn name(&self) -> &XName {
        &self.0.name
    }

    /// `Value`.
    pub fn value(&self) -> String {
        self.0.value.borrow().clone()
    }

    /// Sets `Value`.
    pub fn set_value(&self, value: &str) {
        value.clone_into(&mut self.0.value.borrow_mut());
    }

    /// `Parent`.
    pub fn parent(&self) -> Option<XNode> {
        self.0.parent.borrow().upgrade().map(XNode)
    }

    pub(super) fn set_parent(&self, parent: Weak<Node>) {
        *self.0.parent.borrow_mut() = parent;
    }

    /// A copy without a parent.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self::new(self.name(), &self.value())
    }

    /// `IsNamespaceDeclaration`.
    pub fn is_namespace_declaration(&self) -> bool {
        let name = self.name();
        if name.namespace().is_empty() {
            name.local() == "xmlns"
        } else {
            name.namespace() == XMLNS_NAMESPACE
        }
    }

    /// The prefix a declaration declares; empty for the default namespace.
    pub(super) fn declared_prefix(&self) -> Option<&str> {
        let name = self.name();
        if !self.is_namespace_declaration() {
            return None;
        }
        Some(if name.namespace().is_empty() { "" } else { name.local() })
    }

    /// `Remove()`.
    pub fn remove(&self) {
        if let Some(parent) = self.parent() {
            parent.remove_attribute(self);
        }
    }

    /// `NextAttribute`.
    pub fn next(&self) -> Option<Self> {
        let siblings = self.parent()?.attributes();
        let place = siblings.iter().position(|one| one.same(self))?;
        siblings.get(place + 1).cloned()
    }

    /// `PreviousAttribute`.
    pub fn previous(&self) -> Option<Self> {
        let siblings = self.parent()?.attributes();
        let place = siblings.iter().position(|one| one.same(self))?;
        siblings.get(place.checked_sub(1)?).cloned()
    }
}

impl std::fmt::Display for XAttribute {
    /// `ToString()`: `name="value"`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name();
        let prefix = match name.namespace() {
            "" => String::new(),
            XMLNS_NAMESPACE => "xmlns:".to_owned(),
            namespace => {
                let known = self.parent().and_then(|parent| parent.prefix_of_namespace(namespace));
                format!("{}:", known.unwrap_or_else(|| "p0".to_owned()))
            }
        };
        let mut value = String::new();
        super::writer::push_attribute_text(&mut value, &self.0.value.borrow());
        write!(f, "{prefix}{}=\"{value}\"", name.local())
    }
}

impl std::fmt::Debug for XAttribute {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}
