//! `XDeclaration`, and the options of reading and writing.

use std::any::Any;
use std::cell::RefCell;

use super::super::{Allow, Args, Type, TypeTable, m, rw};
use super::class_type;
use crate::clr::xml::Declaration;
use crate::host::Host;
use crate::run::{Fault, Vm};
use crate::text::Text;
use crate::value::{Object, Value};

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Xml.Linq.SaveOptions { None, DisableFormatting, OmitDuplicateNamespaces }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "enum System.Xml.Linq.LoadOptions { None = 0, PreserveWhitespace = 1, SetBaseUri = 2, SetLineInfo = 4 }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class System.Xml.Linq.XDeclaration",
        allow: Allow::All,
        members: &[
            m("new(string version, string encoding, string standalone)", |_, a| {
                let part = |index: usize| a.opt_str(index).map(|text| text.as_str().to_owned());
                Ok(value(Declaration { version: part(0), encoding: part(1), standalone: part(2) }))
            }),
            m("new(XDeclaration other)", |_, a| Ok(value(own(a, 0)?))),
            rw(
                "string Version { get; set; }",
                |vm, a| optional(vm, own(a, 0)?.version),
                |_, a| set(a, |declared, text| declared.version = text),
            ),
            rw(
                "string Encoding { get; set; }",
                |vm, a| optional(vm, own(a, 0)?.encoding),
                |_, a| set(a, |declared, text| declared.encoding = text),
            ),
            rw(
                "string Standalone { get; set; }",
                |vm, a| optional(vm, own(a, 0)?.standalone),
                |_, a| set(a, |declared, text| declared.standalone = text),
            ),
        ],
    },
];

struct Declared(RefCell<Declaration>);

impl Object for Declared {
    fn ty(&self) -> Type {
        class_type("XDeclaration")
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self, _host: Option<&dyn Host>) -> Text {
        Text::from(self.0.borrow().to_string())
    }
}

pub(super) fn value(declared: Declaration) -> Value {
    Value::object(Declared(RefCell::new(declared)))
}

/// The declaration that a value is.
pub(super) fn read(value: &Value) -> Option<Declaration> {
    value.downcast::<Declared>().map(|declared| declared.0.borrow().clone())
}

fn own(a: &Args<'_>, index: usize) -> Result<Declaration, Fault> {
    Ok(a.object::<Declared>(index)?.0.borrow().clone())
}

fn optional(vm: &mut Vm<'_>, text: Option<String>) -> Result<Value, Fault> {
    text.map_or(Ok(Value::Null), |text| vm.text(text))
}

fn set(a: &Args<'_>, change: fn(&mut Declaration, Option<String>)) -> Result<Value, Fault> {
    let text = a.opt_str(1).map(|text| text.as_str().to_owned());
    change(&mut a.object::<Declared>(0)?.0.borrow_mut(), text);
    Ok(Value::Null)
}
