//! `XmlReader` over text: the events of a tree in document order.

use std::any::Any;
use std::cell::{Cell, RefCell};

use super::super::builder::rest_of_reader;
use super::super::{Allow, Args, Type, TypeTable, library, m};
use super::node::node_type;
use super::value;
use crate::clr::xml::{self, NodeType, XName, XNode};
use crate::run::{Fault, Vm};
use crate::value::{Object, Value};

const WHITESPACE: i64 = 13;
const END_ELEMENT: i64 = 15;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "abstract class System.Xml.XmlReader : System.IDisposable",
    allow: Allow::All,
    members: &[
        m("static XmlReader Create(System.IO.TextReader input)", |vm, a| {
            let text = rest_of_reader(a.at(0)).ok_or_else(|| a.null(0))?;
            super::charge(vm, &text)?;
            Ok(Value::object(Reader::over(text)))
        }),
        m("bool Read()", |_, a| Ok(Value::Bool(reader(a, 0)?.read()?))),
        m("bool EOF { get; }", |_, a| Ok(Value::Bool(reader(a, 0)?.ended()))),
        m("XmlNodeType MoveToContent()", |_, a| {
            reader(a, 0)?.move_to_content()?;
            Ok(node_type(reader(a, 0)?.kind()))
        }),
        m("bool IsStartElement()", |_, a| Ok(Value::Bool(reader(a, 0)?.move_to_content()? == 1))),
        m("bool IsStartElement(string name)", |_, a| {
            let found = reader(a, 0)?.move_to_content()? == 1 && reader(a, 0)?.name() == a.str(1)?.as_str();
            Ok(Value::Bool(found))
        }),
        m("bool ReadToFollowing(string name)", |_, a| {
            let (reader, wanted) = (reader(a, 0)?, a.str(1)?.as_str());
            while reader.read()? {
                if reader.kind() == 1 && reader.name() == wanted {
                    return Ok(Value::Bool(true));
                }
            }
            Ok(Value::Bool(false))
        }),
        m("XmlNodeType NodeType { get; }", |_, a| Ok(node_type(reader(a, 0)?.kind()))),
        m("string Name { get; }", |vm, a| vm.text(reader(a, 0)?.name())),
        m("string LocalName { get; }", |vm, a| {
            let name = reader(a, 0)?.name();
            vm.text(name.rsplit(':').next().unwrap_or(&name))
        }),
        m("string NamespaceURI { get; }", |vm, a| {
            let name = reader(a, 0)?.node().and_then(|node| node.name());
            vm.text(name.map(|name| name.namespace().to_owned()).unwrap_or_default())
        }),
        m("string Value { get; }", |vm, a| {
            let node = reader(a, 0)?.node().filter(|node| !node.is_element());
            vm.text(node.map(|node| node.value()).unwrap_or_default())
        }),
        m("int Depth { get; }", |_, a| Ok(Value::I32(reader(a, 0)?.event().map_or(0, |e| e.depth)))),
        m("bool IsEmptyElement { get; }", |_, a| {
            Ok(Value::Bool(reader(a, 0)?.node().is_some_and(|node| node.is_empty())))
        }),
        m("bool HasAttributes { get; }", |_, a| {
            Ok(Value::Bool(reader(a, 0)?.node().is_some_and(|node| node.has_attributes())))
        }),
        m("int AttributeCount { get; }", |_, a| {
            Ok(Value::I32(reader(a, 0)?.node().map_or(0, |node| node.attributes().len() as i32)))
        }),
        m("string GetAttribute(string name)", |vm, a| {
            let name = XName::parse(a.str(1)?.as_str())?;
            match reader(a, 0)?.node().and_then(|node| node.attribute(&name)) {
                Some(found) => vm.text(found.value()),
                None => Ok(Value::Null),
            }
        }),
        m("void Skip()", |_, a| {
            reader(a, 0)?.pass();
            Ok(Value::Null)
        }),
        m("string ReadOuterXml()", |vm, a| {
            let node = reader(a, 0)?.pass();
            let text = node.map(|node| node.to_compact()).transpose()?;
            vm.text(text.unwrap_or_default())
        }),
        m("string ReadInnerXml()", |vm, a| {
            let node = reader(a, 0)?.pass();
            let children = node.map(|node| node.nodes()).unwrap_or_default();
            let parts: Result<Vec<String>, _> = children.iter().map(XNode::to_compact).collect();
            vm.text(parts?.concat())
        }),
        m("string ReadElementContentAsString()", |vm, a| {
            let node = reader(a, 0)?.pass();
            vm.text(node.map(|node| node.value()).unwrap_or_default())
        }),
        m("void Close()", |_, _| Ok(Value::Null)),
    ],
}];

struct Event {
    node: XNode,
    kind: i64,
    depth: i32,
}

/// The text is read at the first `Read`, so that its errors come where .NET's come.
pub(super) struct Reader {
    text: RefCell<Option<String>>,
    events: RefCell<Vec<Event>>,
    /// 0 before the first event, behind the last at the end.
    at: Cell<usize>,
}

impl Object for Reader {
    fn ty(&self) -> Type {
        library().named("System.Xml.XmlReader")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn reader<'a>(a: &Args<'a>, index: usize) -> Result<&'a Reader, Fault> {
    a.object::<Reader>(index)
}

/// `XNode.ReadFrom(reader)`: the present node, and the reader behind it.
pub(super) fn read_from(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let reader = reader(a, 0)?;
    if reader.at.get() == 0 {
        return Err(Fault::invalid_operation("The XmlReader state should be Interactive."));
    }
    match reader.pass() {
        Some(node) => Ok(value(node.deep_clone())),
        None => Err(Fault::invalid_operation("The XmlReader state should be Interactive.")),
    }
}

/// The element that a reader stands at, or comes to next; the reader goes behind it.
pub(super) fn read_tree(a: &Args<'_>) -> Result<XNode, Fault> {
    let reader = reader(a, 0)?;
    reader.move_to_content()?;
    let found = reader.pass().filter(XNode::is_element);
    found.ok_or_else(|| Fault::new("System.Xml.XmlException", "Root element is missing."))
}

impl Reader {
    /// Before the first node of a text.
    pub(super) fn over(text: String) -> Self {
        Self { text: RefCell::new(Some(text)), events: RefCell::default(), at: Cell::new(0) }
    }

    fn read(&self) -> Result<bool, Fault> {
        if let Some(text) = self.text.borrow_mut().take() {
            let document = xml::parse_document(&text, true)?;
            push_events(&document, 0, &mut self.events.borrow_mut());
        }
        self.at.set((self.at.get() + 1).min(self.events.borrow().len() + 1));
        Ok(!self.ended())
    }

    fn ended(&self) -> bool {
        self.at.get() > self.events.borrow().len()
    }

    fn event(&self) -> Option<std::cell::Ref<'_, Event>> {
        let place = self.at.get().checked_sub(1)?;
        std::cell::Ref::filter_map(self.events.borrow(), |events| events.get(place)).ok()
    }

    fn node(&self) -> Option<XNode> {
        self.event().map(|event| event.node.clone())
    }

    fn kind(&self) -> i64 {
        self.event().map_or(0, |event| event.kind)
    }

    fn name(&self) -> String {
        let Some(node) = self.node() else { return String::new() };
        let Some(name) = node.name() else { return node.target().unwrap_or_default() };
        if name.namespace().is_empty() || node.default_namespace() == name.namespace() {
            return name.local().to_owned();
        }
        let prefix = node.prefix_of_namespace(name.namespace()).unwrap_or_default();
        if prefix.is_empty() { name.local().to_owned() } else { format!("{prefix}:{}", name.local()) }
    }

    /// Skips what is no content: white space, comments, instructions.
    fn move_to_content(&self) -> Result<i64, Fault> {
        if self.at.get() == 0 {
            self.read()?;
        }
        while matches!(self.kind(), 7 | 8 | WHITESPACE) {
            self.read()?;
        }
        Ok(self.kind())
    }

    /// Goes behind the present node and gives it.
    fn pass(&self) -> Option<XNode> {
        let (node, kind, depth) = self.event().map(|event| (event.node.clone(), event.kind, event.depth))?;
        let events = self.events.borrow();
        let mut at = self.at.get();
        if kind == 1 && !node.is_empty() {
            while events.get(at).is_some_and(|event| event.kind != END_ELEMENT || event.depth != depth) {
                at += 1;
            }
            at += 1;
        }
        self.at.set(at + 1);
        Some(node)
    }
}

fn push_events(of: &XNode, depth: i32, events: &mut Vec<Event>) {
    for node in of.nodes() {
        let blank = || node.value().chars().all(char::is_whitespace);
        let kind = match node.node_type() {
            NodeType::Text if blank() => WHITESPACE,
            kind => kind as i64,
        };
        events.push(Event { node: node.clone(), kind, depth });
        if node.is_element() && !node.is_empty() {
            push_events(&node, depth + 1, events);
            events.push(Event { node, kind: END_ELEMENT, depth });
        }
    }
}
