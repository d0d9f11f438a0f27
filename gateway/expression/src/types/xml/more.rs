//! Comparers of nodes, copies of leaves, reading from and writing to readers and writers of text.

use std::any::Any;

use super::super::builder::{rest_of_reader, write_text};
use super::super::runtime::lazy;
use super::super::{Allow, Args, Type, TypeTable, m};
use super::node::{document_order, node, of_all};
use super::reader::{Reader, read_tree};
use super::{Node, class_type, parse, value};
use crate::clr::xml::{self, XNode};
use crate::run::{Fault, ValuesIter, Vm};
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Xml.Linq.ReaderOptions { None, OmitDuplicateNamespaces }",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "class System.Xml.Linq.XNodeEqualityComparer : System.Collections.Generic.IEqualityComparer<XNode>, System.Collections.IEqualityComparer",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(Value::object(Comparer("XNodeEqualityComparer")))),
            m("bool Equals(XNode x, XNode y)", |_, a| {
                let at = |i: usize| a.at(i).downcast::<Node>().map(|n| &n.0);
                Ok(Value::Bool(xml::deep_equals(at(1), at(2))))
            }),
            m("int GetHashCode(XNode obj)", |vm, a| match a.at(1) {
                Value::Null => Ok(Value::I32(0)),
                other => {
                    let text = other.downcast::<Node>().map(|n| n.0.to_compact()).transpose()?;
                    let text = vm.text(text.unwrap_or_default())?;
                    Ok(Value::I32(text.hash_code() as i32))
                }
            }),
        ],
    },
    TypeTable {
        header: "class System.Xml.Linq.XNodeDocumentOrderComparer : System.Collections.Generic.IComparer<XNode>, System.Collections.IComparer",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(Value::object(Comparer("XNodeDocumentOrderComparer")))),
            m("int Compare(XNode x, XNode y)", |_, a| {
                let at = |i: usize| a.at(i).downcast::<Node>().map(|n| &n.0);
                Ok(Value::I32(match (at(1), at(2)) {
                    (None, None) => 0,
                    (None, _) => -1,
                    (_, None) => 1,
                    (Some(x), Some(y)) => document_order(x, y)?,
                }))
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XNode",
        allow: Allow::All,
        members: &[
            m("static XNodeEqualityComparer EqualityComparer { get; }", |_, _| {
                Ok(Value::object(Comparer("XNodeEqualityComparer")))
            }),
            m("static XNodeDocumentOrderComparer DocumentOrderComparer { get; }", |_, _| {
                Ok(Value::object(Comparer("XNodeDocumentOrderComparer")))
            }),
            m("System.Xml.XmlReader CreateReader()", create_reader),
            m("System.Xml.XmlReader CreateReader(ReaderOptions readerOptions)", create_reader),
        ],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XText",
        allow: Allow::All,
        members: &[m("new(XText other)", copied)],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XCData",
        allow: Allow::All,
        members: &[m("new(XCData other)", copied)],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XComment",
        allow: Allow::All,
        members: &[m("new(XComment other)", copied)],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XProcessingInstruction",
        allow: Allow::All,
        members: &[m("new(XProcessingInstruction other)", copied)],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XAttribute",
        allow: Allow::All,
        members: &[m("static IEnumerable<XAttribute> EmptySequence { get; }", |_, _| {
            Ok(lazy(class_type("XAttribute"), |_| Ok(ValuesIter::boxed(Vec::new()))))
        })],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XElement",
        allow: Allow::All,
        members: &[
            m("static XElement Load(System.IO.TextReader textReader, LoadOptions options)", |vm, a| {
                let text = rest_of_reader(a.at(0)).ok_or_else(|| a.null(0))?;
                parse(vm, &text, false, a.i64(1)? & 1 != 0)
            }),
            m("static XElement Load(System.Xml.XmlReader reader)", |vm, a| load(vm, a, false)),
            m("static XElement Load(System.Xml.XmlReader reader, LoadOptions options)", |vm, a| {
                load(vm, a, a.i64(1)? & 1 != 0)
            }),
            m("void Save(System.IO.TextWriter textWriter)", |vm, a| save(vm, a, false)),
            m("void Save(System.IO.TextWriter textWriter, SaveOptions options)", |vm, a| {
                save(vm, a, a.i64(2)? & 1 != 0)
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.XDocument",
        allow: Allow::All,
        members: &[
            m("void Save(System.IO.TextWriter textWriter)", |vm, a| save(vm, a, false)),
            m("void Save(System.IO.TextWriter textWriter, SaveOptions options)", |vm, a| {
                save(vm, a, a.i64(2)? & 1 != 0)
            }),
        ],
    },
    TypeTable {
        header: "partial class System.Xml.Linq.Extensions",
        allow: Allow::All,
        members: &[m(
            "static IEnumerable<XNode> DescendantNodesAndSelf(this IEnumerable<XElement> source)",
            |vm, a| {
                of_all(vm, a, |node, _| {
                    std::iter::once(node.clone()).chain(node.descendant_nodes()).collect()
                })
            },
        )],
    },
];

/// One of the two comparers, by its class.
struct Comparer(&'static str);

impl Object for Comparer {
    fn ty(&self) -> Type {
        class_type(self.0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn create_reader(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let text = node(a, 0)?.to_compact()?;
    super::charge(vm, &text)?;
    Ok(Value::object(Reader::over(text)))
}

fn copied(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    Ok(value(node(a, 0)?.deep_clone()))
}

/// What the reader stands before, as an element.
fn load(vm: &mut Vm<'_>, a: &Args<'_>, preserve_space: bool) -> Result<Value, Fault> {
    let tree = read_tree(a)?;
    let text = tree.to_compact()?;
    parse(vm, &text, false, preserve_space)
}

/// The declaration and the tree into a writer of text, which is UTF-16.
fn save(vm: &mut Vm<'_>, a: &Args<'_>, compact: bool) -> Result<Value, Fault> {
    let own = node(a, 0)?;
    let standalone = own.declaration().and_then(|d| d.standalone);
    let standalone = standalone.map(|text| format!(" standalone=\"{text}\"")).unwrap_or_default();
    let text: String = if compact { XNode::to_compact(own)? } else { own.to_text()? };
    let line = if compact { "" } else { "\n" };
    let whole = format!("<?xml version=\"1.0\" encoding=\"utf-16\"{standalone}?>{line}{text}");
    write_text(vm, a.at(1), &whole)
}
