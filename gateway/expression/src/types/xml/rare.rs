//! `XDocumentType`, writing into other trees (`XmlWriter`), and files, of which policies have none.

use std::any::Any;
use std::cell::RefCell;

use super::super::{Allow, Args, Type, TypeTable, library, m, rw};
use super::node::node;
use super::{optional, value};
use crate::clr::xml::{DocumentType, NodeType, XNode};
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class System.Xml.Linq.XDocumentType : System.Xml.Linq.XNode",
        allow: Allow::All,
        members: &[
            m("new(string name, string publicId, string systemId, string internalSubset)", |_, a| {
                let name = a.str(0)?.as_str().to_owned();
                let [public_id, system_id, internal_subset] = [1, 2, 3].map(|index| owned(a, index));
                Ok(value(XNode::document_type(DocumentType { name, public_id, system_id, internal_subset })?))
            }),
            m("new(XDocumentType other)", |_, a| Ok(value(node(a, 0)?.deep_clone()))),
            rw(
                "string Name { get; set; }",
                |_, a| Ok(Value::str(&declared(a)?.borrow().name)),
                |_, a| {
                    let name = a.str(1)?.as_str().to_owned();
                    let known = declared(a)?.borrow().clone();
                    // Made anew, for the name has to be one.
                    XNode::document_type(DocumentType { name: name.clone(), ..known })?;
                    declared(a)?.borrow_mut().name = name;
                    Ok(Value::Null)
                },
            ),
            rw(
                "string PublicId { get; set; }",
                |_, a| Ok(text(declared(a)?.borrow().public_id.as_deref())),
                |_, a| {
                    declared(a)?.borrow_mut().public_id = owned(a, 1);
                    Ok(Value::Null)
                },
            ),
            rw(
                "string SystemId { get; set; }",
                |_, a| Ok(text(declared(a)?.borrow().system_id.as_deref())),
                |_, a| {
                    declared(a)?.borrow_mut().system_id = owned(a, 1);
                    Ok(Value::Null)
                },
            ),
            rw(
                "string InternalSubset { get; set; }",
                |_, a| Ok(text(declared(a)?.borrow().internal_subset.as_deref())),
                |_, a| {
                    declared(a)?.borrow_mut().internal_subset = owned(a, 1);
                    Ok(Value::Null)
                },
            ),
        ],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XProcessingInstruction",
        allow: Allow::All,
        members: &[rw(
            "string Target { get; set; }",
            |vm, a| vm.text(node(a, 0)?.target().unwrap_or_default()),
            |_, a| {
                node(a, 0)?.set_target(a.str(1)?.as_str())?;
                Ok(Value::Null)
            },
        )],
    },
    TypeTable {
        header: "abstract class System.Xml.XmlWriter : System.IDisposable",
        allow: Allow::All,
        members: &[
            m("void Flush()", |_, _| Ok(Value::Null)),
            m("void Close()", close),
            m("void Dispose()", close),
        ],
    },
    TypeTable {
        header: "class System.Xml.XmlWellFormedWriter : System.Xml.XmlWriter",
        allow: Allow::None,
        members: &[],
    },
    TypeTable { header: "class System.Xml.Linq.XStreamingElement", allow: Allow::None, members: &[] },
    TypeTable {
        header: "partial class System.Xml.Linq.XNode",
        allow: Allow::All,
        members: &[m("void WriteTo(System.Xml.XmlWriter writer)", write_to)],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XContainer",
        allow: Allow::All,
        members: &[m("System.Xml.XmlWriter CreateWriter()", |_, a| {
            Ok(Value::object(Writer { target: node(a, 0)?.clone(), held: RefCell::default() }))
        })],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XElement",
        allow: Allow::All,
        members: &[
            m("new(XStreamingElement other)", |_, a| Err(a.null(0))),
            m("static XElement Load(string uri)", |_, a| Err(no_file(named(a, 0, "inputUri")?))),
            m("static XElement Load(string uri, LoadOptions options)", |_, a| {
                Err(no_file(named(a, 0, "inputUri")?))
            }),
            m("void Save(string fileName)", |_, a| Err(denied(a))),
            m("void Save(string fileName, SaveOptions options)", |_, a| Err(denied(a))),
            m("void Save(System.Xml.XmlWriter writer)", save),
        ],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XDocument",
        allow: Allow::All,
        members: &[
            m("XDocumentType DocumentType { get; }", |_, a| {
                let found =
                    node(a, 0)?.nodes().into_iter().find(|node| node.node_type() == NodeType::DocumentType);
                Ok(optional(found))
            }),
            m("void Save(string fileName)", |_, a| Err(denied(a))),
            m("void Save(string fileName, SaveOptions options)", |_, a| Err(denied(a))),
            m("void Save(System.Xml.XmlWriter writer)", save),
        ],
    },
];

/// What `CreateWriter()` gives: nodes come into the tree when it is closed.
struct Writer {
    target: XNode,
    held: RefCell<Vec<XNode>>,
}

impl Object for Writer {
    fn ty(&self) -> Type {
        library().named("System.Xml.XmlWellFormedWriter")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn declared<'a>(a: &Args<'a>) -> Result<&'a RefCell<DocumentType>, Fault> {
    node(a, 0)?.as_document_type().ok_or_else(Fault::null_reference)
}

fn owned(a: &Args<'_>, index: usize) -> Option<String> {
    a.opt_str(index).map(|text| text.as_str().to_owned())
}

fn text(text: Option<&str>) -> Value {
    text.map_or(Value::Null, Value::str)
}

fn write_to(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let (own, writer) = (node(a, 0)?, a.object::<Writer>(1)?);
    super::charge_copy(vm, own)?;
    let mut held = writer.held.borrow_mut();
    match own.node_type() {
        NodeType::Document => held.extend(own.nodes().iter().map(XNode::deep_clone)),
        _ => held.push(own.deep_clone()),
    }
    Ok(Value::Null)
}

/// A whole document, which fits into a document only.
fn save(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.object::<Writer>(1)?.target.node_type() != NodeType::Document {
        let problem =
            "WriteStartDocument cannot be called on writers created with ConformanceLevel.Fragment.";
        return Err(Fault::invalid_operation(problem));
    }
    write_to(vm, a)
}

fn close(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let writer = a.object::<Writer>(0)?;
    for node in writer.held.take() {
        writer.target.add(&node)?;
    }
    Ok(Value::Null)
}

fn named<'a>(a: &Args<'a>, index: usize, parameter: &str) -> Result<&'a Text, Fault> {
    a.opt_str(index).ok_or_else(|| Fault::argument_null(parameter))
}

/// To policies no file exists, wherever it is.
fn no_file(path: &Text) -> Fault {
    Fault::new("System.IO.FileNotFoundException", format!("Could not find file '{}'.", path.as_str()))
}

fn denied(a: &Args<'_>) -> Fault {
    match named(a, 1, "outputFileName") {
        Ok(path) => {
            let problem = format!("Access to the path '{}' is denied.", path.as_str());
            Fault::new("System.UnauthorizedAccessException", problem)
        }
        Err(fault) => fault,
    }
}
