//! Nodes of the tree and how they are linked.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use super::attribute::XAttribute;
use super::name::XName;
use crate::clr::depth::{self, Level};
use crate::clr::exception::{Error, Result};

/// Levels of a tree: walking it takes stack. .NET has no bound but the end of its process.
pub const DEPTH_MAX: u16 = 320;

/// `XmlNodeType`, with .NET's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are .NET's")]
pub enum NodeType {
    Element = 1,
    Attribute = 2,
    Text = 3,
    CData = 4,
    ProcessingInstruction = 7,
    Comment = 8,
    Document = 9,
    DocumentType = 10,
}

/// `XDeclaration`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// `Version`
    pub version: Option<String>,
    /// `Encoding`
    pub encoding: Option<String>,
    /// `Standalone`: `yes` or `no`
    pub standalone: Option<String>,
}

impl fmt::Display for Declaration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<?xml")?;
        let parts =
            [("version", &self.version), ("encoding", &self.encoding), ("standalone", &self.standalone)];
        for (name, value) in parts {
            if let Some(value) = value {
                write!(f, " {name}=\"{value}\"")?;
            }
        }
        f.write_str("?>")
    }
}

/// A node of an XML tree. A clone is the same node.
#[derive(Clone)]
pub struct XNode(pub(super) Rc<Node>);

pub(super) struct Node {
    parent: RefCell<Weak<Node>>,
    height: Cell<u16>,
    pub(super) data: Data,
}

pub(super) enum Data {
    Document { declaration: RefCell<Option<Declaration>>, nodes: RefCell<Vec<XNode>> },
    Element(Element),
    Text(RefCell<String>),
    CData(RefCell<String>),
    Comment(RefCell<String>),
    Instruction { target: RefCell<String>, data: RefCell<String> },
    DocumentType(RefCell<DocumentType>),
}

/// `XDocumentType`: written, never read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentType {
    /// `Name`
    pub name: String,
    /// `PublicId`
    pub public_id: Option<String>,
    /// `SystemId`
    pub system_id: Option<String>,
    /// `InternalSubset`
    pub internal_subset: Option<String>,
}

pub(super) struct Element {
    pub name: RefCell<XName>,
    pub attributes: RefCell<Vec<XAttribute>>,
    pub nodes: RefCell<Vec<XNode>>,
    /// Has the empty text as content: `<a></a>` instead of `<a />`.
    pub has_end_tag: Cell<bool>,
}

impl XNode {
    pub(super) fn make(data: Data) -> Self {
        Self(Rc::new(Node { parent: RefCell::new(Weak::new()), height: Cell::new(1), data }))
    }

    /// `new XElement(name)`.
    pub fn element(name: &XName) -> Self {
        Self::make(Data::Element(Element {
            name: RefCell::new(name.clone()),
            attributes: RefCell::default(),
            nodes: RefCell::default(),
            has_end_tag: Cell::new(false),
        }))
    }

    /// `new XDocument(declaration)`.
    pub fn document(declaration: Option<Declaration>) -> Self {
        Self::make(Data::Document { declaration: RefCell::new(declaration), nodes: RefCell::default() })
    }

    /// `new XText(text)`.
    pub fn text(text: &str) -> Self {
        Self::make(Data::Text(RefCell::new(text.to_owned())))
    }

    /// `new XCData(text)`.
    pub fn cdata(text: &str) -> Self {
        Self::make(Data::CData(RefCell::new(text.to_owned())))
    }

    /// `new XComment(text)`.
    pub fn comment(text: &str) -> Self {
        Self::make(Data::Comment(RefCell::new(text.to_owned())))
    }

    /// `new XProcessingInstruction(target, data)`.
    pub fn instruction(target: &str, data: &str) -> Self {
        let (target, data) = (RefCell::new(target.to_owned()), RefCell::new(data.to_owned()));
        Self::make(Data::Instruction { target, data })
    }

    /// `new XDocumentType(name, publicId, systemId, internalSubset)`.
    ///
    /// # Errors
    /// `XmlException` when the name is none.
    pub fn document_type(declared: DocumentType) -> Result<Self> {
        super::name::check_name(&declared.name)?;
        Ok(Self::make(Data::DocumentType(RefCell::new(declared))))
    }

    /// The parts of a document type.
    pub fn as_document_type(&self) -> Option<&RefCell<DocumentType>> {
        match &self.0.data {
            Data::DocumentType(declared) => Some(declared),
            _ => None,
        }
    }

    /// Sets `Target` of an instruction.
    ///
    /// # Errors
    /// `XmlException`, `ArgumentException` when it cannot be a target.
    pub fn set_target(&self, new: &str) -> Result<()> {
        super::name::check_name(new)?;
        if new.eq_ignore_ascii_case("xml") {
            return Err(Error::argument(format!("'{new}' is an invalid name for a processing instruction.")));
        }
        if let Data::Instruction { target, .. } = &self.0.data {
            new.clone_into(&mut target.borrow_mut());
        }
        Ok(())
    }

    /// Whether both handles are the same node (`ReferenceEquals`).
    pub fn same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// An identity that lives as long as the node, for hashing.
    pub fn identity(&self) -> usize {
        Rc::as_ptr(&self.0) as usize
    }

    /// `NodeType`.
    pub fn node_type(&self) -> NodeType {
        match &self.0.data {
            Data::Document { .. } => NodeType::Document,
            Data::Element(_) => NodeType::Element,
            Data::Text(_) => NodeType::Text,
            Data::CData(_) => NodeType::CData,
            Data::Comment(_) => NodeType::Comment,
            Data::Instruction { .. } => NodeType::ProcessingInstruction,
            Data::DocumentType(_) => NodeType::DocumentType,
        }
    }

    /// Whether it is an element.
    pub fn is_element(&self) -> bool {
        matches!(self.0.data, Data::Element(_))
    }

    pub(super) fn as_element(&self) -> Option<&Element> {
        match &self.0.data {
            Data::Element(element) => Some(element),
            _ => None,
        }
    }

    pub(super) fn children(&self) -> Option<&RefCell<Vec<Self>>> {
        match &self.0.data {
            Data::Document { nodes, .. } => Some(nodes),
            Data::Element(element) => Some(&element.nodes),
            _ => None,
        }
    }

    /// Element `Name`; an instruction's target has none.
    pub fn name(&self) -> Option<XName> {
        self.as_element().map(|element| element.name.borrow().clone())
    }

    /// Sets an element's `Name`.
    pub fn set_name(&self, name: &XName) {
        if let Some(element) = self.as_element() {
            *element.name.borrow_mut() = name.clone();
        }
    }

    /// `Declaration` of a document.
    pub fn declaration(&self) -> Option<Declaration> {
        match &self.0.data {
            Data::Document { declaration, .. } => declaration.borrow().clone(),
            _ => None,
        }
    }

    /// Sets a document's `Declaration`.
    pub fn set_declaration(&self, new: Option<Declaration>) {
        if let Data::Document { declaration, .. } = &self.0.data {
            *declaration.borrow_mut() = new;
        }
    }

    /// `Target` of an instruction.
    pub fn target(&self) -> Option<String> {
        match &self.0.data {
            Data::Instruction { target, .. } => Some(target.borrow().clone()),
            _ => None,
        }
    }

    /// `Parent` or, below a document's root, the document.
    pub fn container(&self) -> Option<Self> {
        self.0.parent.borrow().upgrade().map(Self)
    }

    /// `Parent`: an element.
    pub fn parent(&self) -> Option<Self> {
        self.container().filter(Self::is_element)
    }

    pub(super) fn downgrade(&self) -> Weak<Node> {
        Rc::downgrade(&self.0)
    }

    /// Makes this node the parent of a child that fits.
    pub(super) fn adopt(&self, child: &Self) {
        *child.0.parent.borrow_mut() = self.downgrade();
        depth::raise(self, child);
    }

    pub(super) fn orphan(&self) {
        *self.0.parent.borrow_mut() = Weak::new();
    }

    /// Refuses a child with which the tree would become too deep.
    pub(super) fn check_depth(&self, child: &Self) -> Result<()> {
        depth::check(self, child)
    }
}

impl Level for XNode {
    const MAX: u16 = DEPTH_MAX;

    fn height(&self) -> &Cell<u16> {
        &self.0.height
    }

    fn above(&self) -> Option<Self> {
        self.container()
    }
}

impl fmt::Debug for XNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_compact().unwrap_or_default())
    }
}
