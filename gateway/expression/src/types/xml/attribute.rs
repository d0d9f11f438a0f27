//! `XAttribute`, and the conversions of elements and attributes.

use super::super::convert::{integer_type, integer_value};
use super::super::format::{date_value, offset_value};
use super::super::time::now;
use super::super::{Allow, Args, Type, TypeTable, m, rw};
use super::name::{made as name_value, name};
use super::{Attribute, Node, attribute_value, content, optional};
use crate::clr::guid;
use crate::clr::number::parse;
use crate::clr::xml::{XAttribute, convert};
use crate::run::{Fault, Vm};
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[TypeTable {
    header: "class System.Xml.Linq.XAttribute : System.Xml.Linq.XObject",
    allow: Allow::All,
    members: &[
        m("new(XName name, object value)", |vm, a| {
            if a.at(1).is_null() {
                return Err(Fault::argument_null("value"));
            }
            let text = content::text(vm, a.at(1))?;
            Ok(attribute_value(Some(XAttribute::new(name(a, 0)?, &text))))
        }),
        m("new(XAttribute other)", |_, a| Ok(attribute_value(Some(own(a)?.copy())))),
        m("XName Name { get; }", |_, a| Ok(name_value(own(a)?.name().clone()))),
        rw(
            "string Value { get; set; }",
            |vm, a| vm.text(own(a)?.value()),
            |_, a| {
                own(a)?.set_value(a.str(1)?.as_str());
                Ok(Value::Null)
            },
        ),
        m("void SetValue(object value)", |vm, a| {
            if a.at(1).is_null() {
                return Err(a.null(1));
            }
            let text = content::text(vm, a.at(1))?;
            own(a)?.set_value(&text);
            Ok(Value::Null)
        }),
        m("void Remove()", |_, a| {
            own(a)?.remove();
            Ok(Value::Null)
        }),
        m("XElement Parent { get; }", |_, a| Ok(optional(own(a)?.parent()))),
        m("bool IsNamespaceDeclaration { get; }", |_, a| Ok(Value::Bool(own(a)?.is_namespace_declaration()))),
        m("XAttribute NextAttribute { get; }", |_, a| Ok(attribute_value(own(a)?.next()))),
        m("XAttribute PreviousAttribute { get; }", |_, a| Ok(attribute_value(own(a)?.previous()))),
    ],
}];

/// `explicit operator T` of both classes.
macro_rules! operators {
    ($($ty:literal),*) => {
        pub(super) static OPERATORS: &[TypeTable] = &[
            TypeTable {
                header: "partial class System.Xml.Linq.XElement",
                allow: Allow::All,
                members: &[$(m(concat!("static explicit operator ", $ty, "(XElement element)"), cast)),*],
            },
            TypeTable {
                header: "partial class System.Xml.Linq.XAttribute",
                allow: Allow::All,
                members: &[$(m(concat!("static explicit operator ", $ty, "(XAttribute attribute)"), cast)),*],
            },
        ];
    };
}

operators! {
    "string", "bool", "bool?", "int", "int?", "uint", "uint?", "long", "long?", "ulong", "ulong?", "float", "float?",
    "double", "double?", "decimal", "decimal?", "System.DateTime", "System.DateTime?", "System.DateTimeOffset",
    "System.DateTimeOffset?", "System.TimeSpan", "System.TimeSpan?", "System.Guid", "System.Guid?"
}

fn own<'a>(a: &Args<'a>) -> Result<&'a XAttribute, Fault> {
    Ok(&a.object::<Attribute>(0)?.0)
}

fn cast(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let to = &a.member.result;
    let text = match (a.at(0).downcast::<Node>(), a.at(0).downcast::<Attribute>()) {
        (Some(node), _) => node.0.value(),
        (None, Some(attribute)) => attribute.0.value(),
        (None, None) if to.accepts_null() => return Ok(Value::Null),
        (None, None) => return Err(a.null(0)),
    };
    let today = now(vm)?.date();
    let ty = to.non_nullable();
    if let Some(kind) = integer_type(ty) {
        return Ok(integer_value(kind, convert::to_integer(kind, &text)?));
    }
    Ok(match ty {
        t if *t == Type::STRING => return vm.text(text),
        t if *t == Type::BOOL => Value::Bool(convert::to_boolean(&text)?),
        t if *t == Type::FLOAT => Value::F32(match convert::to_double(&text)? {
            infinite if infinite.is_infinite() => infinite as f32,
            _ => parse::single(&text)?,
        }),
        t if *t == Type::DOUBLE => Value::F64(convert::to_double(&text)?),
        t if *t == Type::DECIMAL => Value::Decimal(convert::to_decimal(&text)?),
        t if *t == Type::DATE_TIME => date_value(convert::to_date_time(&text, today)?),
        t if *t == Type::DATE_TIME_OFFSET => offset_value(convert::to_date_time_offset(&text, today)?),
        t if *t == Type::TIME_SPAN => Value::TimeSpan(convert::to_time_span(&text)?.0),
        _ => Value::Guid(guid::parse(&text)?),
    })
}
