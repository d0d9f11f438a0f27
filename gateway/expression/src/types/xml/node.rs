//! Nodes: `XNode`, `XContainer`, `XElement`, `XDocument`, texts and comments.

use super::super::builder::rest_of_reader;
use super::super::runtime::lazy;
use super::super::{Allow, Args, Member, TypeTable, m, rw};
use super::name::{made as name_value, name, optional_name};
use super::walk::{Reach, ancestors_and_self, descendants_and_self, live, with_self};
use super::{
    Attribute, Node, attribute_value, class_type, content, declaration, optional, parse, reader, value,
};
use crate::clr::xml::{self, NodeType, XNode};
use crate::run::{Fault, ValuesIter, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Xml.XmlNodeType { None, Element, Attribute, Text, CDATA, EntityReference, Entity, ProcessingInstruction, Comment, Document, DocumentType, DocumentFragment, Notation, Whitespace, SignificantWhitespace, EndElement, EndEntity, XmlDeclaration }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "abstract class System.Xml.Linq.XObject",
        allow: Allow::All,
        members: &[
            m("System.Xml.XmlNodeType NodeType { get; }", |_, a| {
                let number = match a.this().downcast::<Node>().map(|n| n.0.node_type()) {
                    None | Some(NodeType::Attribute) => 2,
                    Some(NodeType::Element) => 1,
                    Some(NodeType::Text) => 3,
                    Some(NodeType::CData) => 4,
                    Some(NodeType::ProcessingInstruction) => 7,
                    Some(NodeType::Comment) => 8,
                    Some(NodeType::Document) => 9,
                    Some(NodeType::DocumentType) => 10,
                };
                Ok(node_type(number))
            }),
            m("string BaseUri { get; }", |_, _| Ok(Value::str(""))),
            m("XDocument Document { get; }", |_, a| {
                Ok(a.this().downcast::<Node>().map_or(Value::Null, |n| optional(n.0.owner_document())))
            }),
            m("XElement Parent { get; }", |_, a| match a.this().downcast::<Attribute>() {
                Some(attribute) => Ok(optional(attribute.0.parent())),
                None => Ok(optional(node(a, 0)?.parent())),
            }),
        ],
    },
    TypeTable {
        header: "abstract class System.Xml.Linq.XNode : System.Xml.Linq.XObject",
        allow: Allow::All,
        members: NODE,
    },
    TypeTable {
        header: "abstract class System.Xml.Linq.XContainer : System.Xml.Linq.XNode",
        allow: Allow::All,
        members: CONTAINER,
    },
    TypeTable {
        header: "class System.Xml.Linq.XElement : System.Xml.Linq.XContainer",
        allow: Allow::All,
        members: ELEMENT,
    },
    TypeTable {
        header: "class System.Xml.Linq.XDocument : System.Xml.Linq.XContainer",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(value(XNode::document(None)))),
            m("new(params object[] content)", |vm, a| filled(vm, XNode::document(None), a.at(0))),
            m("new(XDeclaration declaration, params object[] content)", |vm, a| {
                filled(vm, XNode::document(declaration::read(a.at(0))), a.at(1))
            }),
            rw(
                "XDeclaration Declaration { get; set; }",
                |_, a| Ok(node(a, 0)?.declaration().map_or(Value::Null, declaration::value)),
                |_, a| {
                    node(a, 0)?.set_declaration(declaration::read(a.at(1)));
                    Ok(Value::Null)
                },
            ),
            m("static XDocument Load(System.IO.TextReader textReader)", |vm, a| load(vm, a, true)),
            m("static XDocument Parse(string text)", |vm, a| parse(vm, a.str(0)?.as_str(), true, false)),
            m("static XDocument Parse(string text, LoadOptions options)", |vm, a| {
                parse(vm, a.str(0)?.as_str(), true, a.i64(1)? & 1 != 0)
            }),
            m("XElement Root { get; }", |_, a| Ok(optional(node(a, 0)?.root()))),
        ],
    },
    TypeTable {
        header: "class System.Xml.Linq.XText : System.Xml.Linq.XNode",
        allow: Allow::All,
        members: &[
            m("new(string value)", |_, a| Ok(value(XNode::text(a.str(0)?.as_str())))),
            rw("string Value { get; set; }", |vm, a| vm.text(node(a, 0)?.value()), set_text),
        ],
    },
    TypeTable {
        header: "class System.Xml.Linq.XCData : System.Xml.Linq.XText",
        allow: Allow::All,
        members: &[m("new(string value)", |_, a| Ok(value(XNode::cdata(a.str(0)?.as_str()))))],
    },
    TypeTable {
        header: "class System.Xml.Linq.XComment : System.Xml.Linq.XNode",
        allow: Allow::All,
        members: &[
            m("new(string value)", |_, a| Ok(value(XNode::comment(a.str(0)?.as_str())))),
            rw("string Value { get; set; }", |vm, a| vm.text(node(a, 0)?.value()), set_text),
        ],
    },
    TypeTable {
        header: "class System.Xml.Linq.XProcessingInstruction : System.Xml.Linq.XNode",
        allow: Allow::All,
        members: &[
            m("new(string target, string data)", |_, a| {
                let made = XNode::instruction("", a.str(1)?.as_str());
                made.set_target(a.str(0)?.as_str())?;
                Ok(value(made))
            }),
            rw("string Data { get; set; }", |vm, a| vm.text(node(a, 0)?.value()), set_text),
        ],
    },
    TypeTable {
        header: "static class System.Xml.Linq.Extensions",
        allow: Allow::All,
        members: &[
            m("static IEnumerable<XElement> Elements<T>(this IEnumerable<T> source)", |vm, a| {
                of_all(vm, a, XNode::elements)
            }),
            m("static IEnumerable<XElement> Elements<T>(this IEnumerable<T> source, XName name)", |vm, a| {
                of_all(vm, a, XNode::elements)
            }),
            m("static IEnumerable<XElement> Descendants<T>(this IEnumerable<T> source)", |vm, a| {
                of_all(vm, a, XNode::descendants)
            }),
            m(
                "static IEnumerable<XElement> Descendants<T>(this IEnumerable<T> source, XName name)",
                |vm, a| of_all(vm, a, XNode::descendants),
            ),
            m("static IEnumerable<XElement> Ancestors<T>(this IEnumerable<T> source)", |vm, a| {
                of_all(vm, a, XNode::ancestors)
            }),
            m(
                "static IEnumerable<XElement> Ancestors<T>(this IEnumerable<T> source, XName name)",
                |vm, a| of_all(vm, a, XNode::ancestors),
            ),
            m("static IEnumerable<XElement> AncestorsAndSelf(this IEnumerable<XElement> source)", |vm, a| {
                of_all(vm, a, ancestors_and_self)
            }),
            m(
                "static IEnumerable<XElement> AncestorsAndSelf(this IEnumerable<XElement> source, XName name)",
                |vm, a| of_all(vm, a, ancestors_and_self),
            ),
            m(
                "static IEnumerable<XElement> DescendantsAndSelf(this IEnumerable<XElement> source)",
                |vm, a| of_all(vm, a, descendants_and_self),
            ),
            m(
                "static IEnumerable<XElement> DescendantsAndSelf(this IEnumerable<XElement> source, XName name)",
                |vm, a| of_all(vm, a, descendants_and_self),
            ),
            m("static IEnumerable<XNode> Nodes<T>(this IEnumerable<T> source)", |vm, a| {
                of_all(vm, a, |node, _| node.nodes())
            }),
            m("static IEnumerable<XNode> DescendantNodes<T>(this IEnumerable<T> source)", |vm, a| {
                of_all(vm, a, |node, _| node.descendant_nodes())
            }),
            m("static IEnumerable<T> InDocumentOrder<T>(this IEnumerable<T> source)", |vm, a| {
                let mut items = vm.collect(a.at(0))?;
                vm.steps(items.len() as u64 * 16)?;
                items.sort_by_cached_key(|item| item.downcast::<Node>().map(|n| n.0.path()));
                Ok(lazy(a.ty(0), move |_| Ok(ValuesIter::boxed(items.clone()))))
            }),
            m("static IEnumerable<XAttribute> Attributes(this IEnumerable<XElement> source)", |vm, a| {
                attributes_of_all(vm, a)
            }),
            m(
                "static IEnumerable<XAttribute> Attributes(this IEnumerable<XElement> source, XName name)",
                attributes_of_all,
            ),
            m("static void Remove<T>(this IEnumerable<T> source)", |vm, a| {
                for item in vm.collect(a.at(0))? {
                    if let Some(node) = item.downcast::<Node>() {
                        node.0.remove()?;
                    } else if let Some(attribute) = item.downcast::<Attribute>() {
                        attribute.0.remove();
                    }
                }
                Ok(Value::Null)
            }),
        ],
    },
];

const NODE: &[Member] = &[
    m("string ToString(SaveOptions options)", |vm, a| {
        let text = if a.i64(1)? & 1 != 0 { node(a, 0)?.to_compact()? } else { node(a, 0)?.to_text()? };
        vm.text(text)
    }),
    m("void Remove()", |_, a| {
        node(a, 0)?.remove()?;
        Ok(Value::Null)
    }),
    m("void AddAfterSelf(object content)", |vm, a| beside(vm, a, true)),
    m("void AddAfterSelf(params object[] content)", |vm, a| beside(vm, a, true)),
    m("void AddBeforeSelf(object content)", |vm, a| beside(vm, a, false)),
    m("void AddBeforeSelf(params object[] content)", |vm, a| beside(vm, a, false)),
    m("void ReplaceWith(object content)", |vm, a| {
        beside(vm, a, true)?;
        node(a, 0)?.remove()?;
        Ok(Value::Null)
    }),
    m("XNode NextNode { get; }", |_, a| Ok(optional(node(a, 0)?.next_node()))),
    m("XNode PreviousNode { get; }", |_, a| Ok(optional(node(a, 0)?.previous_node()))),
    m("static XNode ReadFrom(System.Xml.XmlReader reader)", reader::read_from),
    m("static int CompareDocumentOrder(XNode n1, XNode n2)", |_, a| {
        let at = |i: usize| a.at(i).downcast::<Node>().map(|n| &n.0);
        Ok(Value::I32(match (at(0), at(1)) {
            (None, None) => 0,
            (None, _) => -1,
            (_, None) => 1,
            (Some(x), Some(y)) => document_order(x, y)?,
        }))
    }),
    m("bool IsBefore(XNode node)", |_, a| Ok(Value::Bool(document_order(node(a, 0)?, node(a, 1)?)? < 0))),
    m("bool IsAfter(XNode node)", |_, a| Ok(Value::Bool(document_order(node(a, 0)?, node(a, 1)?)? > 0))),
    m("IEnumerable<XElement> ElementsAfterSelf()", |vm, a| sequence(vm, "XElement", siblings(a, true)?)),
    m("IEnumerable<XElement> ElementsAfterSelf(XName name)", |vm, a| {
        sequence(vm, "XElement", siblings(a, true)?)
    }),
    m("IEnumerable<XElement> ElementsBeforeSelf()", |vm, a| sequence(vm, "XElement", siblings(a, false)?)),
    m("IEnumerable<XElement> ElementsBeforeSelf(XName name)", |vm, a| {
        sequence(vm, "XElement", siblings(a, false)?)
    }),
    m("IEnumerable<XElement> Ancestors()", |vm, a| sequence(vm, "XElement", node(a, 0)?.ancestors(None))),
    m("IEnumerable<XElement> Ancestors(XName name)", |vm, a| {
        sequence(vm, "XElement", node(a, 0)?.ancestors(optional_name(a, 1)))
    }),
    m("IEnumerable<XNode> NodesAfterSelf()", |vm, a| sequence(vm, "XNode", node(a, 0)?.nodes_after())),
    m("IEnumerable<XNode> NodesBeforeSelf()", |vm, a| sequence(vm, "XNode", node(a, 0)?.nodes_before())),
    m("static bool DeepEquals(XNode n1, XNode n2)", |_, a| {
        let at = |i: usize| a.at(i).downcast::<Node>().map(|n| &n.0);
        Ok(Value::Bool(xml::deep_equals(at(0), at(1))))
    }),
];

const CONTAINER: &[Member] = &[
    m("XNode FirstNode { get; }", |_, a| Ok(optional(node(a, 0)?.first_node()))),
    m("XNode LastNode { get; }", |_, a| Ok(optional(node(a, 0)?.last_node()))),
    m("IEnumerable<XNode> Nodes()", |_, a| {
        Ok(live("XNode", node(a, 0)?, None, Reach::Children, |own, _| own.nodes()))
    }),
    m("IEnumerable<XNode> DescendantNodes()", |_, a| {
        Ok(live("XNode", node(a, 0)?, None, Reach::Descendants, |own, _| own.descendant_nodes()))
    }),
    m("XElement Element(XName name)", |_, a| Ok(optional(node(a, 0)?.first_element(name(a, 1)?)))),
    m("IEnumerable<XElement> Elements()", elements),
    m("IEnumerable<XElement> Elements(XName name)", elements),
    m("IEnumerable<XElement> Descendants()", |_, a| descendants(a, XNode::descendants)),
    m("IEnumerable<XElement> Descendants(XName name)", |_, a| descendants(a, XNode::descendants)),
    m("void Add(object content)", |vm, a| added(vm, a, false)),
    m("void Add(params object[] content)", |vm, a| added(vm, a, false)),
    m("void AddFirst(object content)", |vm, a| added(vm, a, true)),
    m("void AddFirst(params object[] content)", |vm, a| added(vm, a, true)),
    m("void RemoveNodes()", |_, a| {
        node(a, 0)?.remove_nodes();
        Ok(Value::Null)
    }),
    m("void ReplaceNodes(object content)", |vm, a| {
        node(a, 0)?.remove_nodes();
        added(vm, a, false)
    }),
];

const ELEMENT: &[Member] = &[
    m("new(XName name)", |_, a| Ok(value(XNode::element(name(a, 0)?)))),
    m("new(XName name, object content)", |vm, a| filled(vm, XNode::element(name(a, 0)?), a.at(1))),
    m("new(XName name, params object[] content)", |vm, a| filled(vm, XNode::element(name(a, 0)?), a.at(1))),
    m("new(XElement other)", |vm, a| {
        super::charge_copy(vm, node(a, 0)?)?;
        Ok(value(node(a, 0)?.deep_clone()))
    }),
    m("static XElement Parse(string text)", |vm, a| parse(vm, a.str(0)?.as_str(), false, false)),
    m("static XElement Parse(string text, LoadOptions options)", |vm, a| {
        parse(vm, a.str(0)?.as_str(), false, a.i64(1)? & 1 != 0)
    }),
    rw(
        "XName Name { get; set; }",
        |_, a| Ok(node(a, 0)?.name().map_or(Value::Null, name_value)),
        |_, a| {
            node(a, 0)?.set_name(name(a, 1)?);
            Ok(Value::Null)
        },
    ),
    rw(
        "string Value { get; set; }",
        |vm, a| vm.text(node(a, 0)?.value()),
        |_, a| {
            node(a, 0)?.set_value(a.str(1)?.as_str())?;
            Ok(Value::Null)
        },
    ),
    m("bool HasElements { get; }", |_, a| Ok(Value::Bool(node(a, 0)?.has_elements()))),
    m("bool HasAttributes { get; }", |_, a| Ok(Value::Bool(node(a, 0)?.has_attributes()))),
    m("bool IsEmpty { get; }", |_, a| Ok(Value::Bool(node(a, 0)?.is_empty()))),
    m("XAttribute Attribute(XName name)", |_, a| Ok(attribute_value(node(a, 0)?.attribute(name(a, 1)?)))),
    m("XAttribute FirstAttribute { get; }", |_, a| {
        Ok(attribute_value(node(a, 0)?.attributes().into_iter().next()))
    }),
    m("XAttribute LastAttribute { get; }", |_, a| {
        Ok(attribute_value(node(a, 0)?.attributes().into_iter().next_back()))
    }),
    m("IEnumerable<XAttribute> Attributes()", |_, a| Ok(attributes(node(a, 0)?, a, 1))),
    m("IEnumerable<XAttribute> Attributes(XName name)", |_, a| Ok(attributes(node(a, 0)?, a, 1))),
    m("void SetAttributeValue(XName name, object value)", |vm, a| {
        let text = if a.at(2).is_null() { None } else { Some(content::text(vm, a.at(2))?) };
        node(a, 0)?.set_attribute_value(name(a, 1)?, text.as_deref());
        Ok(Value::Null)
    }),
    m("void SetElementValue(XName name, object value)", |vm, a| {
        let text = if a.at(2).is_null() { None } else { Some(content::text(vm, a.at(2))?) };
        node(a, 0)?.set_element_value(name(a, 1)?, text.as_deref())?;
        Ok(Value::Null)
    }),
    m("void SetValue(object value)", |vm, a| {
        if a.at(1).is_null() {
            return Err(a.null(1));
        }
        let text = content::text(vm, a.at(1))?;
        node(a, 0)?.set_value(&text)?;
        Ok(Value::Null)
    }),
    m("void RemoveAttributes()", |_, a| {
        node(a, 0)?.remove_attributes();
        Ok(Value::Null)
    }),
    m("static IEnumerable<XElement> EmptySequence { get; }", |vm, _| sequence(vm, "XElement", Vec::new())),
    m("static XElement Load(System.IO.TextReader textReader)", |vm, a| load(vm, a, false)),
    m("IEnumerable<XNode> DescendantNodesAndSelf()", |_, a| {
        Ok(live("XNode", node(a, 0)?, None, Reach::Descendants, |own, _| {
            with_self(own, None, own.descendant_nodes())
        }))
    }),
    m("void ReplaceAttributes(object content)", |vm, a| {
        node(a, 0)?.remove_attributes();
        added(vm, a, false)
    }),
    m("void ReplaceAttributes(params object[] content)", |vm, a| {
        node(a, 0)?.remove_attributes();
        added(vm, a, false)
    }),
    m("void ReplaceAll(object content)", replace_all),
    m("void ReplaceAll(params object[] content)", replace_all),
    m("void RemoveAll()", |_, a| {
        node(a, 0)?.remove_attributes();
        node(a, 0)?.remove_nodes();
        Ok(Value::Null)
    }),
    m("IEnumerable<XElement> DescendantsAndSelf()", |_, a| descendants(a, descendants_and_self)),
    m("IEnumerable<XElement> DescendantsAndSelf(XName name)", |_, a| descendants(a, descendants_and_self)),
    m("IEnumerable<XElement> AncestorsAndSelf()", |vm, a| {
        sequence(vm, "XElement", ancestors_and_self(node(a, 0)?, None))
    }),
    m("IEnumerable<XElement> AncestorsAndSelf(XName name)", |vm, a| {
        sequence(vm, "XElement", ancestors_and_self(node(a, 0)?, optional_name(a, 1)))
    }),
    m("XNamespace GetDefaultNamespace()", |_, a| {
        Ok(Value::object(super::Namespace(node(a, 0)?.default_namespace())))
    }),
    m("XNamespace GetNamespaceOfPrefix(string prefix)", |_, a| {
        let found = node(a, 0)?.namespace_of_prefix(a.str(1)?.as_str());
        Ok(found.map_or(Value::Null, |n| Value::object(super::Namespace(n))))
    }),
    m("string GetPrefixOfNamespace(XNamespace ns)", |vm, a| {
        let found = node(a, 0)?.prefix_of_namespace(&a.object::<super::Namespace>(1)?.0);
        found.map_or(Ok(Value::Null), |p| vm.text(p))
    }),
];

pub(super) fn node<'a>(a: &Args<'a>, index: usize) -> Result<&'a XNode, Fault> {
    Ok(&a.object::<Node>(index)?.0)
}

/// `XmlNodeType` of a number.
pub(super) fn node_type(number: i64) -> Value {
    let def = super::super::library().named("System.Xml.XmlNodeType").def();
    def.map_or(Value::Null, |def| Value::Enum(def, number))
}

fn set_text(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    node(a, 0)?.set_value(a.str(1)?.as_str())?;
    Ok(Value::Null)
}

fn load(vm: &mut Vm<'_>, a: &Args<'_>, document: bool) -> Result<Value, Fault> {
    let text = rest_of_reader(a.at(0)).ok_or_else(|| a.null(0))?;
    parse(vm, &text, document, false)
}

fn replace_all(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    node(a, 0)?.remove_attributes();
    node(a, 0)?.remove_nodes();
    added(vm, a, false)
}

fn elements(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    Ok(live("XElement", node(a, 0)?, optional_name(a, 1), Reach::Children, XNode::elements))
}

fn descendants(a: &Args<'_>, find: fn(&XNode, Option<&xml::XName>) -> Vec<XNode>) -> Result<Value, Fault> {
    Ok(live("XElement", node(a, 0)?, optional_name(a, 1), Reach::Descendants, find))
}

fn siblings(a: &Args<'_>, after: bool) -> Result<Vec<XNode>, Fault> {
    let all = if after { node(a, 0)?.nodes_after() } else { node(a, 0)?.nodes_before() };
    let wanted = optional_name(a, 1);
    let fits = |one: &XNode| one.is_element() && wanted.is_none_or(|name| one.name().as_ref() == Some(name));
    Ok(all.into_iter().filter(fits).collect())
}

pub(super) fn document_order(x: &XNode, y: &XNode) -> Result<i32, Fault> {
    if !super::top(x).same(&super::top(y)) {
        return Err(Fault::invalid_operation("A common ancestor is missing."));
    }
    Ok(x.path().cmp(&y.path()) as i32)
}

/// Nodes as a sequence, charged by their number.
fn sequence(vm: &mut Vm<'_>, class: &str, list: Vec<XNode>) -> Result<Value, Fault> {
    vm.steps(list.len() as u64 / 4)?;
    vm.elements(list.len())?;
    let items: Vec<Value> = list.into_iter().map(value).collect();
    Ok(lazy(class_type(class), move |_| Ok(ValuesIter::boxed(items.clone()))))
}

fn attributes(node: &XNode, a: &Args<'_>, index: usize) -> Value {
    let wanted = optional_name(a, index);
    let list = node.attributes().into_iter().filter(|x| wanted.is_none_or(|n| x.name() == n));
    let items: Vec<Value> = list.map(|x| attribute_value(Some(x))).collect();
    lazy(class_type("XAttribute"), move |_| Ok(ValuesIter::boxed(items.clone())))
}

fn added(vm: &mut Vm<'_>, a: &Args<'_>, first: bool) -> Result<Value, Fault> {
    content::add(vm, node(a, 0)?, a.at(1), first)?;
    Ok(Value::Null)
}

fn filled(vm: &mut Vm<'_>, made: XNode, source: &Value) -> Result<Value, Fault> {
    vm.charge(128)?;
    content::add(vm, &made, source, false)?;
    Ok(value(made))
}

fn beside(vm: &mut Vm<'_>, a: &Args<'_>, after: bool) -> Result<Value, Fault> {
    let mut list = Vec::new();
    content::nodes(vm, a.at(1), &mut list)?;
    let own = node(a, 0)?;
    if after {
        for item in list.iter().rev() {
            own.add_after_self(item)?;
        }
    } else {
        for item in &list {
            own.add_before_self(item)?;
        }
    }
    Ok(Value::Null)
}

pub(super) fn of_all(
    vm: &mut Vm<'_>,
    a: &Args<'_>,
    list: fn(&XNode, Option<&xml::XName>) -> Vec<XNode>,
) -> Result<Value, Fault> {
    let mut found = Vec::new();
    for item in vm.collect(a.at(0))? {
        let Some(node) = item.downcast::<Node>() else { return Err(Fault::null_reference()) };
        found.extend(list(&node.0, optional_name(a, 1)));
    }
    sequence(vm, "XElement", found)
}

fn attributes_of_all(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let wanted = optional_name(a, 1);
    let mut found = Vec::new();
    for item in vm.collect(a.at(0))? {
        let Some(node) = item.downcast::<Node>() else { return Err(Fault::null_reference()) };
        let list = node.0.attributes().into_iter().filter(|x| wanted.is_none_or(|n| x.name() == n));
        found.extend(list.map(|x| attribute_value(Some(x))));
    }
    Ok(lazy(class_type("XAttribute"), move |_| Ok(ValuesIter::boxed(found.clone()))))
}
