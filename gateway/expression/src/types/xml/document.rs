//! `XmlDocument` and its nodes: what policies use of the DOM, over the same tree as LINQ to XML.

use std::any::Any;
use std::cell::RefCell;

use super::super::pieces::Pieces;
use super::super::{Allow, Args, Member, Type, TypeTable, library, m, rw};
use super::node::node_type;
use crate::clr::xml::{self, NodeType, Selected, XName, XNode};
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable { header: "abstract class System.Xml.XmlNode", allow: Allow::All, members: NODE },
    TypeTable {
        header: "class System.Xml.XmlDocument : System.Xml.XmlNode",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(Value::object(Document(RefCell::new(XNode::document(None)))))),
            m("void LoadXml(string xml)", |vm, a| {
                let text = a.str(1)?.as_str();
                super::charge(vm, text)?;
                let read = xml::parse_document(text, false)?;
                *a.object::<Document>(0)?.0.borrow_mut() = read;
                Ok(Value::Null)
            }),
            m("XmlElement DocumentElement { get; }", |_, a| {
                Ok(a.object::<Document>(0)?.0.borrow().root().map_or(Value::Null, node_value))
            }),
            m("XmlNodeList GetElementsByTagName(string name)", by_tag_name),
        ],
    },
    TypeTable {
        header: "class System.Xml.XmlElement : System.Xml.XmlNode",
        allow: Allow::All,
        members: &[
            m("string GetAttribute(string name)", |vm, a| {
                let found = attribute(&item(a)?, a.str(1)?.as_str());
                vm.text(found.map(|one| one.value()).unwrap_or_default())
            }),
            m("bool HasAttribute(string name)", |_, a| {
                Ok(Value::Bool(attribute(&item(a)?, a.str(1)?.as_str()).is_some()))
            }),
            m("void SetAttribute(string name, string value)", |_, a| {
                if let Selected::Node(node) = item(a)? {
                    node.set_attribute_value(&XName::parse(a.str(1)?.as_str())?, Some(a.str(2)?.as_str()));
                }
                Ok(Value::Null)
            }),
            m("bool HasAttributes { get; }", |_, a| match item(a)? {
                Selected::Node(node) => Ok(Value::Bool(node.has_attributes())),
                Selected::Attribute(_) => Ok(Value::Bool(false)),
            }),
            m("bool IsEmpty { get; }", |_, a| match item(a)? {
                Selected::Node(node) => Ok(Value::Bool(node.is_empty())),
                Selected::Attribute(_) => Ok(Value::Bool(false)),
            }),
            m("XmlNodeList GetElementsByTagName(string name)", by_tag_name),
        ],
    },
    TypeTable {
        header: "class System.Xml.XmlAttribute : System.Xml.XmlNode",
        allow: Allow::All,
        members: &[],
    },
    TypeTable { header: "class System.Xml.XmlText : System.Xml.XmlNode", allow: Allow::All, members: &[] },
    TypeTable {
        header: "class System.Xml.XmlCDataSection : System.Xml.XmlNode",
        allow: Allow::All,
        members: &[],
    },
    TypeTable { header: "class System.Xml.XmlComment : System.Xml.XmlNode", allow: Allow::All, members: &[] },
    TypeTable {
        header: "class System.Xml.XmlProcessingInstruction : System.Xml.XmlNode",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class System.Xml.XmlNodeList : System.Collections.IEnumerable",
        allow: Allow::All,
        members: &[
            m("int Count { get; }", |_, a| Ok(Value::I32(a.object::<Pieces>(0)?.items.len() as i32))),
            m("XmlNode this[int i] { get; }", at_index),
            m("XmlNode Item(int index)", at_index),
        ],
    },
    TypeTable {
        header: "class System.Xml.XmlAttributeCollection : System.Collections.IEnumerable",
        allow: Allow::All,
        members: &[
            m("int Count { get; }", |_, a| Ok(Value::I32(a.object::<Pieces>(0)?.items.len() as i32))),
            m("XmlAttribute this[int i] { get; }", at_index),
            m("XmlAttribute this[string name] { get; }", |_, a| {
                let name = a.str(1)?.as_str();
                let list = a.object::<Pieces>(0)?;
                let named =
                    |value: &&Value| value.downcast::<Dom>().is_some_and(|dom| qualified(&dom.item) == name);
                Ok(list.items.iter().find(named).cloned().unwrap_or(Value::Null))
            }),
        ],
    },
];

const NODE: &[Member] = &[
    m("string Name { get; }", |vm, a| vm.text(qualified(&item(a)?))),
    m("string LocalName { get; }", |vm, a| {
        let name = qualified(&item(a)?);
        vm.text(name.rsplit(':').next().unwrap_or(&name))
    }),
    m("string NamespaceURI { get; }", |vm, a| {
        let name = match item(a)? {
            Selected::Node(node) => node.name(),
            Selected::Attribute(one) => Some(one.name().clone()),
        };
        vm.text(name.map(|name| name.namespace().to_owned()).unwrap_or_default())
    }),
    rw(
        "string InnerText { get; set; }",
        |vm, a| vm.text(item(a)?.value()),
        |_, a| {
            match item(a)? {
                Selected::Node(node) => node.set_value(a.str(1)?.as_str())?,
                Selected::Attribute(one) => one.set_value(a.str(1)?.as_str()),
            }
            Ok(Value::Null)
        },
    ),
    m("string InnerXml { get; }", |vm, a| {
        let Selected::Node(node) = item(a)? else { return vm.text(item(a)?.value()) };
        let parts: Result<Vec<String>, _> = node.nodes().iter().map(XNode::to_compact).collect();
        vm.text(declaration(&node) + &parts?.concat())
    }),
    m("string OuterXml { get; }", |vm, a| match item(a)? {
        Selected::Node(node) => vm.text(declaration(&node) + &node.to_compact()?),
        Selected::Attribute(one) => vm.text(one.to_string()),
    }),
    m("string Value { get; }", |vm, a| match item(a)? {
        Selected::Node(node) if matches!(node.node_type(), NodeType::Element | NodeType::Document) => {
            Ok(Value::Null)
        }
        other => vm.text(other.value()),
    }),
    m("XmlNodeType NodeType { get; }", |_, a| {
        Ok(node_type(match item(a)? {
            Selected::Node(node) => node.node_type() as i64,
            Selected::Attribute(_) => NodeType::Attribute as i64,
        }))
    }),
    m("bool HasChildNodes { get; }", |_, a| Ok(Value::Bool(!children(a)?.is_empty()))),
    m("XmlNodeList ChildNodes { get; }", |_, a| Ok(list(children(a)?))),
    m("XmlNode FirstChild { get; }", |_, a| Ok(children(a)?.into_iter().next().unwrap_or(Value::Null))),
    m("XmlNode LastChild { get; }", |_, a| Ok(children(a)?.pop().unwrap_or(Value::Null))),
    m("XmlNode NextSibling { get; }", |_, a| related(a, XNode::next_node)),
    m("XmlNode PreviousSibling { get; }", |_, a| related(a, XNode::previous_node)),
    m("XmlNode ParentNode { get; }", |_, a| related(a, XNode::container)),
    m("XmlAttributeCollection Attributes { get; }", |_, a| {
        let Selected::Node(node) = item(a)? else { return Ok(Value::Null) };
        if !node.is_element() {
            return Ok(Value::Null);
        }
        let items = node.attributes().into_iter().map(|one| made(Selected::Attribute(one))).collect();
        Ok(Value::object(Pieces { class: "System.Xml.XmlAttributeCollection", items }))
    }),
    m("XmlElement this[string name] { get; }", |_, a| {
        let (wanted, Selected::Node(node)) = (a.str(1)?.as_str(), item(a)?) else { return Ok(Value::Null) };
        let mut elements = node.elements(None).into_iter().map(Selected::Node);
        Ok(elements.find(|one| qualified(one) == wanted).map_or(Value::Null, made))
    }),
    m("XmlNode SelectSingleNode(string xpath)", |vm, a| {
        Ok(selected(vm, a)?.into_iter().next().unwrap_or(Value::Null))
    }),
    m("XmlNodeList SelectNodes(string xpath)", |vm, a| Ok(list(selected(vm, a)?))),
];

struct Document(RefCell<XNode>);

/// A node below a document. The top is held so that the way up stays.
struct Dom {
    item: Selected,
    _top: Option<XNode>,
}

impl Object for Document {
    fn ty(&self) -> Type {
        library().named("System.Xml.XmlDocument")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Dom {
    fn ty(&self) -> Type {
        library().named(match &self.item {
            Selected::Attribute(_) => "System.Xml.XmlAttribute",
            Selected::Node(node) => match node.node_type() {
                NodeType::Element => "System.Xml.XmlElement",
                NodeType::CData => "System.Xml.XmlCDataSection",
                NodeType::Comment => "System.Xml.XmlComment",
                NodeType::ProcessingInstruction => "System.Xml.XmlProcessingInstruction",
                NodeType::Document => "System.Xml.XmlDocument",
                NodeType::DocumentType => "System.Xml.XmlNode",
                NodeType::Text | NodeType::Attribute => "System.Xml.XmlText",
            },
        })
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn is_same(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.item.same(&other.item))
    }
}

fn made(item: Selected) -> Value {
    let node = match &item {
        Selected::Node(node) => Some(node.clone()),
        Selected::Attribute(one) => one.parent(),
    };
    Value::object(Dom { item, _top: node.map(|node| super::top(&node)) })
}

fn node_value(node: XNode) -> Value {
    made(Selected::Node(node))
}

fn list(items: Vec<Value>) -> Value {
    Value::object(Pieces { class: "System.Xml.XmlNodeList", items })
}

/// The receiver.
fn item(a: &Args<'_>) -> Result<Selected, Fault> {
    if let Some(document) = a.this().downcast::<Document>() {
        return Ok(Selected::Node(document.0.borrow().clone()));
    }
    Ok(a.object::<Dom>(0)?.item.clone())
}

fn children(a: &Args<'_>) -> Result<Vec<Value>, Fault> {
    let Selected::Node(node) = item(a)? else { return Ok(Vec::new()) };
    Ok(node.nodes().into_iter().map(node_value).collect())
}

fn related(a: &Args<'_>, to: fn(&XNode) -> Option<XNode>) -> Result<Value, Fault> {
    let Selected::Node(node) = item(a)? else { return Ok(Value::Null) };
    Ok(to(&node).map_or(Value::Null, node_value))
}

fn attribute(item: &Selected, name: &str) -> Option<xml::XAttribute> {
    let Selected::Node(node) = item else { return None };
    node.attributes().into_iter().find(|one| qualified(&Selected::Attribute(one.clone())) == name)
}

fn declaration(node: &XNode) -> String {
    node.declaration().map(|declared| declared.to_string()).unwrap_or_default()
}

/// `Name`: the prefix as declared and the local name, or `#text` and its kin.
fn qualified(item: &Selected) -> String {
    let (name, scope) = match item {
        Selected::Attribute(one) => (Some(one.name().clone()), one.parent()),
        Selected::Node(node) => (node.name(), Some(node.clone())),
    };
    if let Some(name) = name {
        let default = matches!(item, Selected::Node(node) if node.default_namespace() == name.namespace());
        let prefix = scope.filter(|_| !default).and_then(|node| node.prefix_of_namespace(name.namespace()));
        return match prefix {
            Some(prefix) if !name.namespace().is_empty() => format!("{prefix}:{}", name.local()),
            _ => name.local().to_owned(),
        };
    }
    let Selected::Node(node) = item else { return String::new() };
    match node.node_type() {
        NodeType::CData => "#cdata-section".to_owned(),
        NodeType::Comment => "#comment".to_owned(),
        NodeType::Document => "#document".to_owned(),
        NodeType::ProcessingInstruction => node.target().unwrap_or_default(),
        _ => "#text".to_owned(),
    }
}

fn selected(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Vec<Value>, Fault> {
    let Selected::Node(node) = item(a)? else { return Ok(Vec::new()) };
    let found = xml::select(&node, a.str(1)?.as_str())?;
    vm.steps(found.len() as u64)?;
    vm.elements(found.len())?;
    Ok(found.into_iter().map(made).collect())
}

fn by_tag_name(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let (wanted, Selected::Node(node)) = (a.str(1)?.as_str(), item(a)?) else { return Ok(list(Vec::new())) };
    let all = node.descendants(None);
    vm.steps(all.len() as u64)?;
    vm.elements(all.len())?;
    let fits = |one: &Selected| wanted == "*" || qualified(one) == wanted;
    Ok(list(all.into_iter().map(Selected::Node).filter(fits).map(made).collect()))
}

fn at_index(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let index = usize::try_from(a.i32(1)?).ok();
    Ok(index.and_then(|index| a.object::<Pieces>(0).ok()?.items.get(index).cloned()).unwrap_or(Value::Null))
}
