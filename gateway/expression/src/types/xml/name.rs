//! `XName`, `XNamespace`.

use super::super::{Allow, Args, TypeTable, m};
use super::{Name, Namespace};
use crate::clr::xml::{XML_NAMESPACE, XMLNS_NAMESPACE, XName};
use crate::run::Fault;
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class System.Xml.Linq.XName",
        allow: Allow::All,
        members: &[
            m("static XName Get(string expandedName)", |_, a| Ok(made(XName::parse(a.str(0)?.as_str())?))),
            m("static XName Get(string localName, string namespaceName)", |_, a| {
                Ok(made(XName::new(a.str(1)?.as_str(), a.str(0)?.as_str())?))
            }),
            m("string LocalName { get; }", |vm, a| vm.text(name(a, 0)?.local())),
            m("string NamespaceName { get; }", |vm, a| vm.text(name(a, 0)?.namespace())),
            m("XNamespace Namespace { get; }", |_, a| {
                Ok(Value::object(Namespace(name(a, 0)?.namespace().to_owned())))
            }),
            m("static implicit operator XName(string expandedName)", |_, a| match a.opt_str(0) {
                Some(text) => Ok(made(XName::parse(text.as_str())?)),
                None => Ok(Value::Null),
            }),
            m("static bool operator ==(XName left, XName right)", |_, a| {
                Ok(Value::Bool(a.at(0).equals(a.at(1))))
            }),
            m("static bool operator !=(XName left, XName right)", |_, a| {
                Ok(Value::Bool(!a.at(0).equals(a.at(1))))
            }),
        ],
    },
    TypeTable {
        header: "class System.Xml.Linq.XNamespace",
        allow: Allow::All,
        members: &[
            m("static XNamespace Get(string namespaceName)", |_, a| {
                Ok(Value::object(Namespace(a.str(0)?.as_str().to_owned())))
            }),
            m("static XNamespace None { get; }", |_, _| Ok(Value::object(Namespace(String::new())))),
            m("static XNamespace Xml { get; }", |_, _| {
                Ok(Value::object(Namespace(XML_NAMESPACE.to_owned())))
            }),
            m("static XNamespace Xmlns { get; }", |_, _| {
                Ok(Value::object(Namespace(XMLNS_NAMESPACE.to_owned())))
            }),
            m("string NamespaceName { get; }", |vm, a| vm.text(a.object::<Namespace>(0)?.0.as_str())),
            m("XName GetName(string localName)", |_, a| {
                Ok(made(XName::new(&a.object::<Namespace>(0)?.0, a.str(1)?.as_str())?))
            }),
            m("static implicit operator XNamespace(string namespaceName)", |_, a| {
                Ok(a.opt_str(0)
                    .map_or(Value::Null, |text| Value::object(Namespace(text.as_str().to_owned()))))
            }),
            m("static XName operator +(XNamespace ns, string localName)", |_, a| {
                Ok(made(XName::new(&a.object::<Namespace>(0)?.0, a.str(1)?.as_str())?))
            }),
            m("static bool operator ==(XNamespace left, XNamespace right)", |_, a| {
                Ok(Value::Bool(a.at(0).equals(a.at(1))))
            }),
            m("static bool operator !=(XNamespace left, XNamespace right)", |_, a| {
                Ok(Value::Bool(!a.at(0).equals(a.at(1))))
            }),
        ],
    },
];

pub(super) fn made(name: XName) -> Value {
    Value::object(Name(name))
}

/// The name that an argument is.
pub(super) fn name<'a>(a: &Args<'a>, index: usize) -> Result<&'a XName, Fault> {
    Ok(&a.object::<Name>(index)?.0)
}

/// A name that may be left out.
pub(super) fn optional_name<'a>(a: &Args<'a>, index: usize) -> Option<&'a XName> {
    a.at(index).downcast::<Name>().map(|n| &n.0)
}
