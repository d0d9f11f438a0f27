//! What the language itself builds on: object, delegates, sequences, `T?`.

use super::runtime::{TypeObject, enum_text, type_value};
use super::{Allow, TypeTable, library, m};
use crate::run::Fault;
use crate::value::Value;

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "class System.Object",
        allow: Allow::All,
        members: &[
            m("new()", |_, _| Ok(Value::object(Plain))),
            m("string ToString()", |vm, a| vm.to_text(a.this()).map(Value::Str)),
            m("bool Equals(object obj)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
            m("int GetHashCode()", |_, a| Ok(Value::I32(clr_hash(a.this())))),
            m("System.Type GetType()", |_, a| Ok(a.this().ty().map_or(Value::Null, |ty| type_value(&ty)))),
            m("static bool Equals(object objA, object objB)", |_, a| {
                Ok(Value::Bool(a.at(0).equals(a.at(1))))
            }),
            m("static bool ReferenceEquals(object objA, object objB)", |_, a| {
                Ok(Value::Bool(a.at(0).same(a.at(1))))
            }),
        ],
    },
    TypeTable { header: "abstract class System.ValueType", allow: Allow::All, members: &[] },
    TypeTable {
        header: "abstract class System.Enum : System.ValueType, System.IComparable",
        allow: Allow::Only(&["Parse", "TryParse", "ToString"]),
        members: &[
            m("string ToString(string format)", |vm, a| {
                let Value::Enum(def, value) = a.this() else { return Err(Fault::null_reference()) };
                let text = match a.opt_str(1).map(crate::text::Text::as_str) {
                    Some("D" | "d") => value.to_string(),
                    Some("X" | "x") => format!("{:08X}", *value as i32),
                    _ => enum_text(*def, *value),
                };
                vm.text(text)
            }),
            m("string ToString(string format, System.IFormatProvider provider)", super::format::to_string),
            m("string ToString(System.IFormatProvider provider)", |vm, a| {
                vm.to_text(a.this()).map(Value::Str)
            }),
            m("int CompareTo(object target)", |_, a| match (a.this(), a.at(1)) {
                (_, Value::Null) => Ok(Value::I32(1)),
                (Value::Enum(own, x), Value::Enum(other, y)) if own == other => {
                    Ok(Value::I32(x.cmp(y) as i32))
                }
                _ => Err(Fault::argument(
                    "Object must be the same type as the enum. The type passed in was not the enum type.",
                    "",
                )),
            }),
            m("bool HasFlag(System.Enum flag)", |_, a| match (a.this(), a.at(1)) {
                (Value::Enum(own, x), Value::Enum(other, y)) if own == other => Ok(Value::Bool(x & y == *y)),
                _ => Err(Fault::argument("The argument type is not the same as the enum type.", "")),
            }),
            m("static TEnum Parse<TEnum>(string value)", |_, a| {
                parse_enum(&type_value(&a.ty(0)), a.str(0)?.as_str(), false)
            }),
            m("static TEnum Parse<TEnum>(string value, bool ignoreCase)", |_, a| {
                parse_enum(&type_value(&a.ty(0)), a.str(0)?.as_str(), a.bool(1)?)
            }),
            m("static bool TryParse(System.Type enumType, string value, out object result)", |_, a| {
                let parsed = parse_enum(a.at(0), a.opt_str(1).map_or("", |t| t.as_str()), false);
                Ok(try_result(a, 2, parsed))
            }),
            m(
                "static bool TryParse(System.Type enumType, string value, bool ignoreCase, out object result)",
                |_, a| {
                    let parsed = parse_enum(a.at(0), a.opt_str(1).map_or("", |t| t.as_str()), a.bool(2)?);
                    Ok(try_result(a, 3, parsed))
                },
            ),
            m("static object Parse(System.Type enumType, string value)", |_, a| {
                parse_enum(a.at(0), a.str(1)?.as_str(), false)
            }),
            m("static object Parse(System.Type enumType, string value, bool ignoreCase)", |_, a| {
                parse_enum(a.at(0), a.str(1)?.as_str(), a.bool(2)?)
            }),
            m("static bool TryParse<TEnum>(string value, out TEnum result)", |_, a| {
                let parsed =
                    parse_enum(&type_value(&a.ty(0)), a.opt_str(0).map_or("", |t| t.as_str()), false);
                Ok(try_result(a, 1, parsed))
            }),
            m("static bool TryParse<TEnum>(string value, bool ignoreCase, out TEnum result)", |_, a| {
                let parsed =
                    parse_enum(&type_value(&a.ty(0)), a.opt_str(0).map_or("", |t| t.as_str()), a.bool(1)?);
                Ok(try_result(a, 2, parsed))
            }),
        ],
    },
    TypeTable {
        header: "interface System.IDisposable",
        allow: Allow::All,
        members: &[m("void Dispose()", |_, _| Ok(Value::Null))],
    },
    TypeTable { header: "interface System.IComparable", allow: Allow::None, members: &[] },
    TypeTable { header: "interface System.IFormattable", allow: Allow::None, members: &[] },
    TypeTable { header: "abstract class System.Delegate", allow: Allow::None, members: &[] },
    TypeTable { header: "class System.RuntimeType : System.Type", allow: Allow::None, members: &[] },
    TypeTable {
        header: "class System.Type",
        allow: Allow::None,
        members: &[
            m("string Name { get; }", |vm, a| {
                let name = a.object::<TypeObject>(0)?.0.clr_name();
                let base = name.split('[').next().unwrap_or(&name);
                let base = if name.ends_with("[]") { name.as_str() } else { base };
                let short = base.rsplit('.').next().unwrap_or(base).to_owned();
                vm.text(short)
            }),
            m("string FullName { get; }", |vm, a| {
                let name = a.object::<TypeObject>(0)?.0.clr_name();
                vm.text(name)
            }),
            m("static bool operator ==(System.Type left, System.Type right)", |_, a| {
                Ok(Value::Bool(a.at(0).equals(a.at(1))))
            }),
            m("static bool operator !=(System.Type left, System.Type right)", |_, a| {
                Ok(Value::Bool(!a.at(0).equals(a.at(1))))
            }),
        ],
    },
    TypeTable {
        header: "struct System.Nullable<T>",
        allow: Allow::All,
        members: &[
            m("bool HasValue { get; }", |_, a| Ok(Value::Bool(!a.this().is_null()))),
            m("T Value { get; }", |_, a| match a.this() {
                Value::Null => Err(Fault::invalid_operation("Nullable object must have a value.")),
                value => Ok(value.clone()),
            }),
            m("T GetValueOrDefault()", |_, a| match a.this() {
                Value::Null => Ok(super::default_value(&a.ty(0))),
                value => Ok(value.clone()),
            }),
            m("T GetValueOrDefault(T defaultValue)", |_, a| match a.this() {
                Value::Null => Ok(a.at(1).clone()),
                value => Ok(value.clone()),
            }),
        ],
    },
    TypeTable {
        header: "abstract class System.Array : System.Collections.IEnumerable",
        allow: Allow::All,
        members: super::array::MEMBERS,
    },
    TypeTable { header: "interface System.Collections.IEnumerable", allow: Allow::None, members: &[] },
    TypeTable {
        header: "interface System.Collections.Generic.IEnumerable<out T> : System.Collections.IEnumerable",
        allow: Allow::All,
        members: &[m("System.Collections.Generic.IEnumerator<T> GetEnumerator()", |vm, a| {
            let iter = vm.iterate(a.this())?;
            Ok(Value::object(super::collection::Enumerator::new(a.ty(0), iter)))
        })],
    },
    TypeTable { header: "delegate TResult System.Func<out TResult>()", allow: Allow::None, members: &[] },
    TypeTable {
        header: "delegate TResult System.Func<in T, out TResult>(T arg)",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "delegate TResult System.Func<in T1, in T2, out TResult>(T1 arg1, T2 arg2)",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "delegate TResult System.Func<in T1, in T2, in T3, out TResult>(T1 arg1, T2 arg2, T3 arg3)",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "delegate TResult System.Func<in T1, in T2, in T3, in T4, out TResult>(T1 arg1, T2 arg2, T3 arg3, T4 arg4)",
        allow: Allow::None,
        members: &[],
    },
    TypeTable { header: "delegate void System.Action()", allow: Allow::None, members: &[] },
    TypeTable { header: "delegate void System.Action<in T>(T obj)", allow: Allow::None, members: &[] },
    TypeTable {
        header: "delegate void System.Action<in T1, in T2>(T1 arg1, T2 arg2)",
        allow: Allow::None,
        members: &[],
    },
    TypeTable {
        header: "delegate void System.Action<in T1, in T2, in T3>(T1 arg1, T2 arg2, T3 arg3)",
        allow: Allow::None,
        members: &[],
    },
    TypeTable { header: "delegate bool System.Predicate<in T>(T obj)", allow: Allow::None, members: &[] },
    TypeTable { header: "delegate int System.Comparison<in T>(T x, T y)", allow: Allow::None, members: &[] },
    TypeTable {
        header: "delegate TOutput System.Converter<in TInput, out TOutput>(TInput input)",
        allow: Allow::None,
        members: &[],
    },
];

/// `GetHashCode()`: .NET's number for numbers and dates, ours for what .NET hashes differently in each process.
fn clr_hash(value: &Value) -> i32 {
    let folded = |bits: i64| bits as i32 ^ (bits >> 32) as i32;
    match value {
        Value::Char(unit) => i32::from(*unit) | i32::from(*unit) << 16,
        Value::I64(v) | Value::TimeSpan(v) | Value::DateTime(v, _) => folded(*v),
        Value::U64(v) => folded(*v as i64),
        Value::DateTimeOffset(ticks, minutes) => folded(crate::value::instant(*ticks, *minutes)),
        // Both zeros are one number, and so are all that are none.
        Value::F64(v) if *v == 0.0 => 0,
        Value::F64(v) if v.is_nan() => folded(0x7ff0_0000_0000_0000),
        Value::F64(v) => folded(v.to_bits() as i64),
        Value::F32(v) if *v == 0.0 => 0,
        Value::F32(v) if v.is_nan() => 0x7f80_0000,
        Value::F32(v) => v.to_bits() as i32,
        Value::Enum(_, v) => *v as i32,
        other => other.hash_code() as i32,
    }
}

/// `new object()`.
struct Plain;

impl crate::value::Object for Plain {
    fn ty(&self) -> super::Type {
        super::Type::OBJECT
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// Writes a `TryParse`: the value or the default, and whether it was one.
pub(super) fn try_result(a: &super::Args<'_>, index: usize, parsed: Result<Value, Fault>) -> Value {
    let ok = parsed.is_ok();
    let ty =
        a.member.parameters.get(index).map_or(super::Type::OBJECT, |p| p.ty.substitute(a.types, a.types));
    a.set_out(index, parsed.unwrap_or_else(|_| super::default_value(&ty)));
    Value::Bool(ok)
}

pub(super) fn parse_enum(ty: &Value, text: &str, ignore_case: bool) -> Result<Value, Fault> {
    let Some(TypeObject(super::Type::Def(def))) = ty.downcast::<TypeObject>() else {
        return Err(Fault::argument("Type provided must be an Enum.", "enumType"));
    };
    let values = &library().get(*def).values;
    let mut all = 0;
    for part in text.split(',') {
        let part = part.trim();
        if let Ok(number) = part.parse::<i64>() {
            all |= number;
            continue;
        }
        let found = values
            .iter()
            .find(|(name, _)| if ignore_case { name.eq_ignore_ascii_case(part) } else { name == part });
        match found {
            Some((_, value)) => all |= value,
            None => return Err(Fault::argument(&format!("Requested value '{text}' was not found."), "")),
        }
    }
    Ok(Value::Enum(*def, all))
}
