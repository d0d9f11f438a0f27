//! Changing the tree. What is put in and already has a parent is copied first.

use super::attribute::XAttribute;
use super::name::XName;
use super::node::{Data, XNode};
use crate::clr::exception::{Error, Result};

fn no_parent() -> Error {
    Error::invalid_operation("The parent is missing.")
}

fn bad_structure() -> Error {
    Error::invalid_operation("This operation would create an incorrectly structured document.")
}

impl XNode {
    /// A copy without a parent (`new XElement(other)`).
    #[must_use]
    pub fn deep_clone(&self) -> Self {
        let copy = match &self.0.data {
            Data::Document { declaration, .. } => Self::document(declaration.borrow().clone()),
            Data::Element(element) => {
                let copy = Self::element(&element.name.borrow());
                if let Some(made) = copy.as_element() {
                    made.has_end_tag.set(element.has_end_tag.get());
                }
                for attribute in element.attributes.borrow().iter() {
                    copy.push_attribute(attribute.copy());
                }
                copy
            }
            Data::Text(text) => return Self::text(&text.borrow()),
            Data::CData(text) => return Self::cdata(&text.borrow()),
            Data::Comment(text) => return Self::comment(&text.borrow()),
            Data::Instruction { target, data } => return Self::instruction(&target.borrow(), &data.borrow()),
            Data::DocumentType(declared) => return Self::make(Data::DocumentType(declared.clone())),
        };
        for node in self.nodes() {
            copy.push_fresh(node.deep_clone());
        }
        copy
    }

    /// Appends a child that has no parent and fits.
    pub(super) fn push_fresh(&self, child: Self) {
        self.adopt(&child);
        if let Some(nodes) = self.children() {
            nodes.borrow_mut().push(child);
        }
    }

    pub(super) fn push_attribute(&self, attribute: XAttribute) {
        if let Some(element) = self.as_element() {
            attribute.set_parent(self.downgrade());
            element.attributes.borrow_mut().push(attribute);
        }
    }

    /// The child as it will be put in: itself, or a copy when it stands elsewhere or would contain itself.
    fn prepared(&self, child: &Self) -> Result<Self> {
        let holds_this =
            std::iter::successors(Some(self.clone()), Self::container).any(|node| node.same(child));
        let child =
            if child.container().is_some() || holds_this { child.deep_clone() } else { child.clone() };
        self.check_depth(&child)?;
        Ok(child)
    }

    /// Refuses what a container does not take.
    fn check_child(&self, child: &Self) -> Result<()> {
        match (&self.0.data, &child.0.data) {
            (_, Data::Document { .. }) => {
                Err(Error::argument("A node of type Document cannot be added to content."))
            }
            (Data::Document { .. }, Data::Element(_)) if self.root().is_some() => Err(bad_structure()),
            (Data::Document { .. }, Data::DocumentType(_)) => {
                let known = self.nodes().iter().any(|node| matches!(node.0.data, Data::DocumentType(_)));
                if known || self.root().is_some() { Err(bad_structure()) } else { Ok(()) }
            }
            (_, Data::DocumentType(_)) => {
                Err(Error::argument("A node of type DocumentType cannot be added to content."))
            }
            (Data::Document { .. }, Data::CData(_)) => {
                Err(Error::argument("A node of type CDATA cannot be added to content."))
            }
            (Data::Document { .. }, Data::Text(text)) => check_document_text(&text.borrow()),
            (Data::Document { .. } | Data::Element(_), _) => Ok(()),
            _ => Err(bad_structure()),
        }
    }

    fn insert_at(&self, place: usize, child: &Self) -> Result<()> {
        self.check_child(child)?;
        let child = self.prepared(child)?;
        self.adopt(&child);
        if let Some(nodes) = self.children() {
            let mut nodes = nodes.borrow_mut();
            let place = place.min(nodes.len());
            nodes.insert(place, child);
        }
        Ok(())
    }

    fn count(&self) -> usize {
        self.children().map_or(0, |nodes| nodes.borrow().len())
    }

    /// `Add(node)`.
    ///
    /// # Errors
    /// `ArgumentException`, `InvalidOperationException` for what a document does not take; too deep a tree.
    pub fn add(&self, child: &Self) -> Result<()> {
        self.insert_at(self.count(), child)
    }

    /// `AddFirst(node)`.
    ///
    /// # Errors
    /// As [`XNode::add`].
    pub fn add_first(&self, child: &Self) -> Result<()> {
        self.insert_at(0, child)
    }

    /// `Add(text)`: joins a text that stands last.
    ///
    /// # Errors
    /// `ArgumentException` for text in a document.
    pub fn add_text(&self, text: &str) -> Result<()> {
        if let Data::Document { .. } = self.0.data {
            return check_document_text(text);
        }
        if text.is_empty() {
            if let Some(element) = self.as_element() {
                element.has_end_tag.set(true);
            }
            return Ok(());
        }
        match self.last_node().map(|last| last.append_text(text)) {
            Some(true) => Ok(()),
            _ => self.add(&Self::text(text)),
        }
    }

    /// `AddFirst(text)`: joins a text that stands first.
    ///
    /// # Errors
    /// As [`XNode::add_text`].
    pub fn add_first_text(&self, text: &str) -> Result<()> {
        match self.first_node() {
            Some(first) => match &first.0.data {
                Data::Text(own) => {
                    own.borrow_mut().insert_str(0, text);
                    Ok(())
                }
                _ => self.add_first(&Self::text(text)),
            },
            None => self.add_text(text),
        }
    }

    fn append_text(&self, text: &str) -> bool {
        match &self.0.data {
            Data::Text(own) => {
                own.borrow_mut().push_str(text);
                true
            }
            _ => false,
        }
    }

    /// `Add(attribute)`.
    ///
    /// # Errors
    /// `InvalidOperationException` when the element has one of this name; `ArgumentException` on other nodes.
    pub fn add_attribute(&self, attribute: &XAttribute) -> Result<()> {
        if !self.is_element() {
            return Err(Error::argument("An attribute cannot be added to content."));
        }
        if self.attribute(attribute.name()).is_some() {
            return Err(Error::invalid_operation("Duplicate attribute."));
        }
        self.push_attribute(if attribute.parent().is_some() { attribute.copy() } else { attribute.clone() });
        Ok(())
    }

    /// `SetAttributeValue(name, value)`: adds, changes or, with null, removes.
    pub fn set_attribute_value(&self, name: &XName, value: Option<&str>) {
        match (self.attribute(name), value) {
            (Some(attribute), Some(value)) => attribute.set_value(value),
            (Some(attribute), None) => attribute.remove(),
            (None, Some(value)) => self.push_attribute(XAttribute::new(name, value)),
            (None, None) => {}
        }
    }

    /// `SetElementValue(name, value)`: adds, changes or, with null, removes the first element of that name.
    ///
    /// # Errors
    /// Too deep a tree.
    pub fn set_element_value(&self, name: &XName, value: Option<&str>) -> Result<()> {
        match (self.first_element(name), value) {
            (Some(element), Some(value)) => element.set_value(value),
            (Some(element), None) => element.remove(),
            (None, Some(value)) => {
                let element = Self::element(name);
                element.set_value(value)?;
                self.add(&element)
            }
            (None, None) => Ok(()),
        }
    }

    /// `Value = text`, `SetValue(text)`.
    ///
    /// # Errors
    /// None for the nodes that have a value.
    pub fn set_value(&self, value: &str) -> Result<()> {
        match &self.0.data {
            Data::Text(text) | Data::CData(text) | Data::Comment(text) => {
                value.clone_into(&mut text.borrow_mut());
            }
            Data::Instruction { data, .. } => value.clone_into(&mut data.borrow_mut()),
            Data::Element(_) => {
                self.remove_nodes();
                self.add_text(value)?;
            }
            Data::Document { .. } | Data::DocumentType(_) => {}
        }
        Ok(())
    }

    /// `Remove()`.
    ///
    /// # Errors
    /// `InvalidOperationException` without a parent.
    pub fn remove(&self) -> Result<()> {
        let parent = self.container().ok_or_else(no_parent)?;
        if let (Some(place), Some(nodes)) = (self.place(), parent.children()) {
            nodes.borrow_mut().remove(place);
        }
        self.orphan();
        // The last node takes the memory of an end tag along.
        if let Some(element) = parent.as_element().filter(|element| element.nodes.borrow().is_empty()) {
            element.has_end_tag.set(false);
        }
        Ok(())
    }

    pub(super) fn remove_attribute(&self, attribute: &XAttribute) {
        if let Some(element) = self.as_element() {
            element.attributes.borrow_mut().retain(|one| !one.same(attribute));
            attribute.set_parent(std::rc::Weak::new());
        }
    }

    /// `RemoveNodes()`.
    pub fn remove_nodes(&self) {
        let removed =
            self.children().map(|nodes| std::mem::take(&mut *nodes.borrow_mut())).unwrap_or_default();
        removed.iter().for_each(Self::orphan);
        if let Some(element) = self.as_element() {
            element.has_end_tag.set(false);
        }
    }

    /// `RemoveAttributes()`.
    pub fn remove_attributes(&self) {
        self.attributes().iter().for_each(XAttribute::remove);
    }

    /// `AddAfterSelf(node)`.
    ///
    /// # Errors
    /// `InvalidOperationException` without a parent; what adding throws.
    pub fn add_after_self(&self, sibling: &Self) -> Result<()> {
        let parent = self.container().ok_or_else(no_parent)?;
        parent.insert_at(self.place().map_or(0, |place| place + 1), sibling)
    }

    /// `AddBeforeSelf(node)`.
    ///
    /// # Errors
    /// As [`XNode::add_after_self`].
    pub fn add_before_self(&self, sibling: &Self) -> Result<()> {
        let parent = self.container().ok_or_else(no_parent)?;
        parent.insert_at(self.place().unwrap_or(0), sibling)
    }

    /// `ReplaceWith(node)`.
    ///
    /// # Errors
    /// As [`XNode::add_after_self`].
    pub fn replace_with(&self, other: &Self) -> Result<()> {
        let parent = self.container().ok_or_else(no_parent)?;
        let place = self.place().unwrap_or(0);
        self.remove()?;
        parent.insert_at(place, other)
    }
}

fn check_document_text(text: &str) -> Result<()> {
    if text.chars().all(|c| matches!(c, ' ' | '\t' | '\r' | '\n')) {
        return Ok(());
    }
    Err(Error::argument("Non-whitespace characters cannot be added to content."))
}
