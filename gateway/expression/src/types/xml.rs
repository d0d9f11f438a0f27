//! `System.Xml.Linq` (expressions.md §6.8), over [`crate::clr::xml`].

mod attribute;
mod content;
mod declaration;
mod document;
mod more;
mod name;
mod node;
mod rare;
mod reader;
mod walk;

use std::any::Any;

use super::{Type, TypeTable, library};
use crate::clr::xml::{self, NodeType, XAttribute, XName, XNode};
use crate::host::Host;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Holds, Object, Portable, Value};

pub(super) static TABLES: &[&[TypeTable]] = &[
    node::TABLE,
    attribute::TABLE,
    attribute::OPERATORS,
    name::TABLE,
    declaration::TABLE,
    document::TABLE,
    reader::TABLE,
    more::TABLE,
    rare::TABLE,
];

/// A node as a value: a handle of the tree. The top is held, because nodes know their parents only weakly.
#[derive(Clone)]
struct Node(XNode, #[expect(dead_code, reason = "held, never read")] XNode);

/// An attribute as a value.
#[derive(Clone)]
struct Attribute(XAttribute, #[expect(dead_code, reason = "held, never read")] Option<XNode>);

/// `XName`.
#[derive(Clone)]
struct Name(XName);

/// `XNamespace`.
struct Namespace(String);

fn class_type(name: &str) -> Type {
    library().named(&format!("System.Xml.Linq.{name}"))
}

impl Object for Node {
    fn ty(&self) -> Type {
        class_type(match self.0.node_type() {
            NodeType::Element | NodeType::Attribute => "XElement",
            NodeType::Document => "XDocument",
            NodeType::Text => "XText",
            NodeType::CData => "XCData",
            NodeType::Comment => "XComment",
            NodeType::ProcessingInstruction => "XProcessingInstruction",
            NodeType::DocumentType => "XDocumentType",
        })
    }

    fn holds(&self) -> Holds {
        Holds::Nothing
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.to_text().unwrap_or_default())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0.same(&self.0)))
    }

    fn hash(&self) -> Option<u64> {
        Some(self.0.identity() as u64)
    }

    fn is_same(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|o| o.0.same(&self.0))
    }

    fn portable(&self) -> Option<Portable> {
        // A document type is never read again.
        let is_document = self.0.node_type() == NodeType::Document;
        if is_document && self.0.nodes().iter().any(|node| node.node_type() == NodeType::DocumentType) {
            return None;
        }
        Some(Portable::Xml(self.0.to_compact().ok()?.into(), is_document))
    }
}

impl Object for Attribute {
    fn ty(&self) -> Type {
        class_type("XAttribute")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.to_string())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0.same(&self.0)))
    }

    fn is_same(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|o| o.0.same(&self.0))
    }
}

impl Object for Name {
    fn ty(&self) -> Type {
        class_type("XName")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(match self.0.namespace() {
            "" => self.0.local().to_owned(),
            namespace => format!("{{{namespace}}}{}", self.0.local()),
        })
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(Value::str(self.0.local()).hash_code())
    }
}

impl Object for Namespace {
    fn ty(&self) -> Type {
        class_type("XNamespace")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.as_str())
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some_and(|o| o.0 == self.0))
    }

    fn hash(&self) -> Option<u64> {
        Some(Value::str(&self.0).hash_code())
    }
}

/// What tells a node or an attribute from all others while it lives.
pub(super) fn identity(value: &Value) -> Option<usize> {
    let node = value.downcast::<Node>().map(|node| node.0.identity());
    node.or_else(|| value.downcast::<Attribute>().map(|attribute| attribute.0.identity()))
}

fn value(node: XNode) -> Value {
    let top = top(&node);
    Value::object(Node(node, top))
}

/// The topmost container.
fn top(node: &XNode) -> XNode {
    std::iter::successors(Some(node.clone()), XNode::container).last().unwrap_or_else(|| node.clone())
}

fn optional(node: Option<XNode>) -> Value {
    node.map_or(Value::Null, value)
}

fn attribute_value(attribute: Option<XAttribute>) -> Value {
    attribute.map_or(Value::Null, |a| {
        let top = a.parent().map(|parent| top(&parent));
        Value::object(Attribute(a, top))
    })
}

/// Charges a text that will be read.
fn charge(vm: &mut Vm<'_>, text: &str) -> Result<(), Fault> {
    vm.steps(text.len() as u64 / 64)?;
    vm.charge(text.len().saturating_mul(4))
}

/// Charges the copy of a tree, which putting it in makes when it stands elsewhere.
fn charge_copy(vm: &mut Vm<'_>, node: &XNode) -> Result<(), Fault> {
    let size = 1 + node.descendant_nodes().len();
    vm.steps(size as u64)?;
    vm.charge(size * 128)
}

/// Reads XML, charged by its size.
fn parse(vm: &mut Vm<'_>, text: &str, document: bool, preserve_space: bool) -> Result<Value, Fault> {
    charge(vm, text)?;
    let node = if document {
        xml::parse_document(text, preserve_space)?
    } else {
        xml::parse_element(text, preserve_space)?
    };
    Ok(value(node))
}

/// `As<XElement>` and its kin.
pub(super) fn parse_as(vm: &mut Vm<'_>, text: &str, class: &str) -> Result<Value, Fault> {
    parse(vm, text, class == "XDocument", false)
}

/// The value of XML as it was shared between threads.
pub(crate) fn xml_value(text: &str, document: bool) -> Option<Value> {
    let node = if document { xml::parse_document(text, true) } else { xml::parse_element(text, true) };
    node.ok().map(value)
}
