//! Trees of XML in the order of the document: a node's descendants stand right behind it.

use std::sync::Arc;

use uppsala::{Document, NodeId, NodeKind};

use super::Error;
use crate::markup;

pub const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// A name with the prefix it was written with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QName {
    pub prefix: Arc<str>,
    pub name: Name,
}

/// A name by its namespace, empty for none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Name {
    pub namespace: Arc<str>,
    pub local: Arc<str>,
}

impl Name {
    pub fn new(namespace: &str, local: &str) -> Self {
        Self { namespace: namespace.into(), local: local.into() }
    }

    pub fn is(&self, namespace: &str, local: &str) -> bool {
        *self.namespace == *namespace && *self.local == *local
    }
}

impl QName {
    pub fn new(prefix: &str, namespace: &str, local: &str) -> Self {
        Self { prefix: prefix.into(), name: Name::new(namespace, local) }
    }

    /// As it is written.
    pub fn written(&self) -> String {
        if self.prefix.is_empty() {
            self.name.local.to_string()
        } else {
            format!("{}:{}", self.prefix, self.name.local)
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Root,
    Element,
    /// A declaration: the local name is the prefix, the value the namespace.
    Namespace,
    Attribute,
    Text,
    /// Text that is written as it stands (`disable-output-escaping`).
    RawText,
    Comment,
    Instruction,
}

#[derive(Clone, Debug)]
pub struct NodeData {
    pub kind: Kind,
    pub parent: u32,
    /// The first index behind the node and what is in it.
    pub end: u32,
    /// Where children begin, behind declarations and attributes.
    pub children: u32,
    pub name: Option<Arc<QName>>,
    pub value: Box<str>,
}

/// A tree; the root has index 0.
#[derive(Clone, Debug)]
pub struct Tree {
    pub nodes: Vec<NodeData>,
}

impl Tree {
    /// Reads a document. DTDs are refused, nothing is loaded.
    pub fn read(text: &str) -> Result<Self, Error> {
        let document = markup::read(text).map_err(|error| Error::new(error.to_string()))?;
        let mut builder = TreeBuilder::default();
        for child in document.children_iter(document.root()) {
            copy(&document, child, &mut builder);
        }
        Ok(builder.finish())
    }

    pub fn get(&self, index: u32) -> Option<&NodeData> {
        self.nodes.get(index as usize)
    }

    /// Indices of the children of a node.
    pub fn children(&self, index: u32) -> Siblings<'_> {
        match self.get(index) {
            Some(node) if matches!(node.kind, Kind::Root | Kind::Element) => {
                Siblings { tree: self, next: node.children, end: node.end }
            }
            _ => Siblings { tree: self, next: 0, end: 0 },
        }
    }

    /// Indices of declarations or attributes of an element.
    pub fn attached(&self, index: u32, kind: Kind) -> impl Iterator<Item = u32> + '_ {
        let range = match self.get(index) {
            Some(node) if node.kind == Kind::Element || node.kind == Kind::Root => index + 1..node.children,
            _ => 0..0,
        };
        range.filter(move |at| self.get(*at).is_some_and(|node| node.kind == kind))
    }

    /// The text of a node as `XPath` sees it.
    pub fn string_value(&self, index: u32) -> String {
        let Some(node) = self.get(index) else { return String::new() };
        if !matches!(node.kind, Kind::Root | Kind::Element) {
            return node.value.to_string();
        }
        let inside = self.nodes.get(index as usize..node.end as usize).unwrap_or_default();
        inside
            .iter()
            .filter(|node| matches!(node.kind, Kind::Text | Kind::RawText))
            .map(|node| &*node.value)
            .collect()
    }

    /// Prefixes and namespaces in scope of a node, the nearest declaration of each; an undeclared default is left out.
    pub fn namespaces(&self, index: u32) -> Vec<u32> {
        let mut found: Vec<u32> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        let mut at = Some(index);
        while let Some(current) = at {
            for declared in self.attached(current, Kind::Namespace) {
                let Some(name) = self.get(declared).and_then(|node| node.name.as_deref()) else { continue };
                if !seen.contains(&&*name.name.local) {
                    seen.push(&name.name.local);
                    found.push(declared);
                }
            }
            at = self.get(current).filter(|_| current != 0).map(|node| node.parent);
        }
        found.retain(|at| self.get(*at).is_some_and(|node| !node.value.is_empty()));
        found.sort_unstable();
        found
    }

    /// The namespace that a prefix has at a node; `None` when it is not declared.
    pub fn namespace_of(&self, index: u32, prefix: &str) -> Option<&str> {
        if prefix == "xml" {
            return Some(XML_NAMESPACE);
        }
        let mut at = index;
        loop {
            let declared = self.attached(at, Kind::Namespace).filter_map(|declared| self.get(declared));
            for node in declared {
                if node.name.as_deref().is_some_and(|name| *name.name.local == *prefix) {
                    return Some(&node.value);
                }
            }
            if at == 0 {
                return None;
            }
            at = self.get(at)?.parent;
        }
    }

    /// The value of an attribute.
    pub fn attribute(&self, index: u32, namespace: &str, local: &str) -> Option<&str> {
        self.attached(index, Kind::Attribute)
            .filter_map(|at| self.get(at))
            .find(|node| node.name.as_deref().is_some_and(|name| name.name.is(namespace, local)))
            .map(|node| &*node.value)
    }
}

/// Children one behind the other.
pub struct Siblings<'t> {
    tree: &'t Tree,
    next: u32,
    end: u32,
}

impl Iterator for Siblings<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.next >= self.end {
            return None;
        }
        let at = self.next;
        self.next = self.tree.get(at)?.end;
        Some(at)
    }
}

/// Writes a tree from its beginning to its end.
#[derive(Debug)]
pub struct TreeBuilder {
    nodes: Vec<NodeData>,
    open: Vec<u32>,
}

impl Default for TreeBuilder {
    fn default() -> Self {
        let root =
            NodeData { kind: Kind::Root, parent: 0, end: 1, children: 1, name: None, value: "".into() };
        let mut builder = Self { nodes: vec![root], open: vec![0] };
        builder.attach(Kind::Namespace, Arc::new(QName::new("", "", "xml")), XML_NAMESPACE);
        builder
    }
}

impl TreeBuilder {
    fn push(&mut self, kind: Kind, name: Option<Arc<QName>>, value: &str) -> u32 {
        let index = self.nodes.len() as u32;
        let parent = self.open.last().copied().unwrap_or_default();
        self.nodes.push(NodeData {
            kind,
            parent,
            end: index + 1,
            children: index + 1,
            name,
            value: value.into(),
        });
        index
    }

    /// A declaration or an attribute of the element that was started last.
    pub fn attach(&mut self, kind: Kind, name: Arc<QName>, value: &str) {
        let index = self.push(kind, Some(name), value);
        let open = self.open.last().copied().unwrap_or_default();
        if let Some(node) = self.nodes.get_mut(open as usize) {
            node.children = index + 1;
        }
    }

    pub fn start(&mut self, name: Arc<QName>) {
        let index = self.push(Kind::Element, Some(name), "");
        self.open.push(index);
    }

    pub fn end(&mut self) {
        let end = self.nodes.len() as u32;
        if let Some(node) = self.open.pop().and_then(|open| self.nodes.get_mut(open as usize)) {
            node.end = end;
        }
    }

    /// A text, comment or instruction. Text joins the text before it.
    pub fn leaf(&mut self, kind: Kind, name: Option<Arc<QName>>, value: &str) {
        let open = self.open.last().copied().unwrap_or_default();
        match self.nodes.last_mut() {
            Some(last) if kind == Kind::Text && last.kind == Kind::Text && last.parent == open => {
                last.value = format!("{}{value}", last.value).into();
            }
            _ => {
                self.push(kind, name, value);
            }
        }
    }

    pub fn finish(mut self) -> Tree {
        while !self.open.is_empty() {
            self.end();
        }
        Tree { nodes: self.nodes }
    }
}

/// Copies a node with what is in it; recursion ends where the reader's depth limit does.
fn copy(document: &Document<'_>, at: NodeId, builder: &mut TreeBuilder) {
    match document.node_kind(at) {
        Some(NodeKind::Element(element)) => {
            builder.start(Arc::new(qname(&element.name)));
            for (prefix, namespace) in &element.namespace_declarations {
                builder.attach(Kind::Namespace, Arc::new(QName::new("", "", prefix)), namespace);
            }
            for attribute in &element.attributes {
                if !is_declaration(&attribute.name) {
                    builder.attach(Kind::Attribute, Arc::new(qname(&attribute.name)), &attribute.value);
                }
            }
            for child in document.children_iter(at) {
                copy(document, child, builder);
            }
            builder.end();
        }
        Some(NodeKind::Text(text) | NodeKind::CData(text)) => builder.leaf(Kind::Text, None, text),
        Some(NodeKind::Comment(text)) => builder.leaf(Kind::Comment, None, text),
        Some(NodeKind::ProcessingInstruction(instruction)) => {
            let name = Arc::new(QName::new("", "", &instruction.target));
            builder.leaf(Kind::Instruction, Some(name), instruction.data.as_deref().unwrap_or_default());
        }
        _ => {}
    }
}

fn is_declaration(name: &uppsala::QName<'_>) -> bool {
    name.prefix.as_deref() == Some("xmlns") || (name.prefix.is_none() && &*name.local_name == "xmlns")
}

fn qname(name: &uppsala::QName<'_>) -> QName {
    let part = |text: Option<&str>| text.unwrap_or_default().to_owned();
    QName::new(&part(name.prefix.as_deref()), &part(name.namespace_uri.as_deref()), &name.local_name)
}
