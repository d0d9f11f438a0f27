//! `TypeCode`, and the conversions of `Convert` that choose their target at run time.

use super::convert::change_type;
use super::runtime::{TypeObject, type_value};
use super::{Allow, Args, Type, TypeTable, m};
use crate::run::{Fault, Vm};
use crate::value::Value;

macro_rules! codes {
    ($($class:literal),*) => {
        pub(super) static CODES: &[TypeTable] = &[$(TypeTable {
            header: concat!("partial class System.", $class),
            allow: Allow::All,
            members: &[m("System.TypeCode GetTypeCode()", |_, a| Ok(code_value(code(a.this()))))],
        }),*];
    };
}

codes! {
    "Boolean", "Char", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Single", "Double",
    "Decimal", "DateTime", "String"
}

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.TypeCode { Empty = 0, Object = 1, DBNull = 2, Boolean = 3, Char = 4, SByte = 5, Byte = 6, Int16 = 7, UInt16 = 8, Int32 = 9, UInt32 = 10, Int64 = 11, UInt64 = 12, Single = 13, Double = 14, Decimal = 15, DateTime = 16, String = 18 }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "class System.DBNull",
        allow: Allow::None,
        members: &[m("static DBNull Value { get; }", |_, _| Ok(Value::object(DbNull)))],
    },
    TypeTable {
        header: "partial class System.Convert",
        allow: Allow::All,
        members: &[
            m("static System.TypeCode GetTypeCode(object value)", |_, a| Ok(code_value(code(a.at(0))))),
            m("static bool IsDBNull(object value)", |_, a| {
                Ok(Value::Bool(a.at(0).downcast::<DbNull>().is_some()))
            }),
            m("static System.DBNull DBNull { get; }", |_, _| Ok(Value::object(DbNull))),
            m(
                "static object ChangeType(object value, System.Type conversionType, System.IFormatProvider provider)",
                |vm, a| {
                    let to = a.at(1).downcast::<TypeObject>().ok_or_else(|| a.null(1))?.0.clone();
                    changed(vm, a.at(0), &to)
                },
            ),
            m(
                "static object ChangeType(object value, System.TypeCode typeCode, System.IFormatProvider provider)",
                change_by_code,
            ),
            m("static object ChangeType(object value, System.Type conversionType)", |vm, a| {
                let to = a.at(1).downcast::<TypeObject>().ok_or_else(|| a.null(1))?.0.clone();
                changed(vm, a.at(0), &to)
            }),
            m("static object ChangeType(object value, System.TypeCode typeCode)", change_by_code),
        ],
    },
];

const TYPES: &[(i64, Type)] = &[
    (1, Type::OBJECT),
    (3, Type::BOOL),
    (4, Type::CHAR),
    (5, Type::SBYTE),
    (6, Type::BYTE),
    (7, Type::SHORT),
    (8, Type::USHORT),
    (9, Type::INT),
    (10, Type::UINT),
    (11, Type::LONG),
    (12, Type::ULONG),
    (13, Type::FLOAT),
    (14, Type::DOUBLE),
    (15, Type::DECIMAL),
    (16, Type::DATE_TIME),
    (18, Type::STRING),
];

/// `DBNull.Value`.
struct DbNull;

impl crate::value::Object for DbNull {
    fn ty(&self) -> Type {
        super::library().named("System.DBNull")
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }

    fn text(&self, _host: Option<&dyn crate::host::Host>) -> crate::text::Text {
        crate::text::Text::from("")
    }

    fn equals(&self, other: &Value) -> Option<bool> {
        Some(other.downcast::<Self>().is_some())
    }
}

fn change_by_code(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let number = a.i64(1)?;
    match TYPES.iter().find(|(known, _)| *known == number) {
        Some((_, to)) => changed(vm, a.at(0), to),
        None => Err(Fault::argument("Unknown TypeCode value.", "")),
    }
}

fn code(value: &Value) -> i64 {
    if value.is_null() {
        return 0;
    }
    if value.downcast::<DbNull>().is_some() {
        return 2;
    }
    let ty = value.ty();
    TYPES.iter().find(|(_, known)| ty.as_ref() == Some(known)).map_or(1, |(code, _)| *code)
}

fn code_value(code: i64) -> Value {
    let def = super::library().named("System.TypeCode").def();
    def.map_or(Value::Null, |def| Value::Enum(def, code))
}

fn changed(vm: &mut Vm<'_>, value: &Value, to: &Type) -> Result<Value, Fault> {
    if value.is_null() {
        let message = "Null object cannot be converted to a value type.";
        return match super::default_value(to) {
            Value::Null => Ok(Value::Null),
            _ => Err(Fault::new("System.InvalidCastException", message)),
        };
    }
    if *to == Type::OBJECT {
        return Ok(value.clone());
    }
    if TYPES.iter().any(|(_, known)| known == to) || value.ty().as_ref() == Some(to) {
        return change_type(vm, value, to);
    }
    let from = value.clr_type_name().unwrap_or_default();
    let message = format!("Invalid cast from '{from}' to '{}'.", to.clr_name());
    Err(Fault::new("System.InvalidCastException", &message))
}

/// `Nullable.GetUnderlyingType(type)`: null for a type that is not nullable.
pub(super) fn underlying(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let ty = &a.at(0).downcast::<TypeObject>().ok_or_else(|| a.null(0))?.0;
    let inner = ty.non_nullable();
    Ok(if inner == ty { Value::Null } else { type_value(inner) })
}
