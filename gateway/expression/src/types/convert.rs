//! `System.Convert` (expressions.md §6.2, §6.9).

use super::format::integer;
use super::time::now;
use super::{Allow, Args, Type, TypeTable, default_value, m};
use crate::clr::date_time::DateTime;
use crate::clr::encoding;
use crate::clr::number::{IntegerType, convert as numbers, decimal, parse};
use crate::run::{Fault, Vm};
use crate::value::Value;

/// One table for each target: what it is made of is the same for all.
macro_rules! targets {
    ($($name:literal, $ty:literal;)*) => {
        pub(super) static TARGETS: &[TypeTable] = &[$(TypeTable {
            header: "partial class System.Convert",
            allow: Allow::All,
            members: &[
                m(concat!("static ", $ty, " ", $name, "(bool value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(char value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(sbyte value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(byte value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(short value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(ushort value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(int value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(uint value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(long value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(ulong value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(float value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(double value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(decimal value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(System.DateTime value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(string value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(object value)"), convert),
                m(concat!("static ", $ty, " ", $name, "(string value, System.IFormatProvider provider)"), convert),
                m(concat!("static ", $ty, " ", $name, "(object value, System.IFormatProvider provider)"), convert),
            ],
        },)*];
    };
}

targets! {
    "ToBoolean", "bool";
    "ToChar", "char";
    "ToSByte", "sbyte";
    "ToByte", "byte";
    "ToInt16", "short";
    "ToUInt16", "ushort";
    "ToInt32", "int";
    "ToUInt32", "uint";
    "ToInt64", "long";
    "ToUInt64", "ulong";
    "ToSingle", "float";
    "ToDouble", "double";
    "ToDecimal", "decimal";
    "ToDateTime", "System.DateTime";
    "ToString", "string";
}

/// `Convert.ToString` with a provider, which changes nothing.
macro_rules! texts {
    ($($ty:literal),*) => {
        pub(super) static TEXTS: &[TypeTable] = &[TypeTable {
            header: "partial class System.Convert",
            allow: Allow::All,
            members: &[$(m(concat!("static string ToString(", $ty, " value, System.IFormatProvider provider)"), convert)),*],
        }];
    };
}

texts! {
    "bool", "char", "sbyte", "byte", "short", "ushort", "int", "uint", "long", "ulong", "float", "double", "decimal",
    "System.DateTime"
}

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "enum System.Base64FormattingOptions { None, InsertLineBreaks }",
        allow: Allow::All,
        members: &[],
    },
    TypeTable {
        header: "static class System.Convert",
        allow: Allow::All,
        members: &[
            m("static string ToBase64String(byte[] inArray)", |vm, a| {
                vm.text(encoding::to_base64(&a.bytes(0)?))
            }),
            m("static string ToBase64String(byte[] inArray, Base64FormattingOptions options)", |vm, a| {
                let bytes = a.bytes(0)?;
                vm.text(if a.i64(1)? == 1 {
                    encoding::to_base64_lines(&bytes)
                } else {
                    encoding::to_base64(&bytes)
                })
            }),
            m("static string ToBase64String(byte[] inArray, int offset, int length)", |vm, a| {
                let bytes = a.bytes(0)?;
                let range = || {
                    Fault::out_of_range("Offset and length must refer to a position in the string.", "length")
                };
                let start = usize::try_from(a.i32(1)?).map_err(|_| range())?;
                let end =
                    usize::try_from(a.i32(2)?).ok().and_then(|l| start.checked_add(l)).ok_or_else(range)?;
                vm.text(encoding::to_base64(bytes.get(start..end).ok_or_else(range)?))
            }),
            m("static byte[] FromBase64String(string s)", |vm, a| {
                vm.charge(a.str(0)?.bytes())?;
                Ok(Value::bytes(encoding::from_base64(a.str(0)?.as_str())?))
            }),
            m(
                "static string ToBase64String(byte[] inArray, int offset, int length, Base64FormattingOptions options)",
                |vm, a| {
                    let bytes = a.bytes(0)?;
                    let part = base64_part(a, &bytes, 1)?;
                    vm.text(base64(part, a.i64(3)? == 1))
                },
            ),
            m(
                "static int ToBase64CharArray(byte[] inArray, int offsetIn, int length, char[] outArray, int offsetOut)",
                |vm, a| base64_chars(vm, a, false),
            ),
            m(
                "static int ToBase64CharArray(byte[] inArray, int offsetIn, int length, char[] outArray, int offsetOut, Base64FormattingOptions options)",
                |vm, a| base64_chars(vm, a, a.i64(5)? == 1),
            ),
            m("static byte[] FromBase64CharArray(char[] inArray, int offset, int length)", |vm, a| {
                if a.at(0).is_null() {
                    return Err(a.null(0));
                }
                let units: Vec<u16> =
                    vm.collect(a.at(0))?.iter().filter_map(Value::as_i64).map(|unit| unit as u16).collect();
                let text = crate::clr::text::from_units(&units);
                let part = crate::clr::text::substring(&text, a.i32(1)?, a.i32(2)?)
                    .map_err(|_| base64_range("length"))?;
                Ok(Value::bytes(encoding::from_base64(&part)?))
            }),
            m("static string ToHexString(byte[] inArray)", |vm, a| {
                let text = crate::clr::bit_converter::text(&a.bytes(0)?).replace('-', "");
                vm.text(text)
            }),
            m("static sbyte ToSByte(string value, int fromBase)", from_base),
            m("static byte ToByte(string value, int fromBase)", from_base),
            m("static short ToInt16(string value, int fromBase)", from_base),
            m("static ushort ToUInt16(string value, int fromBase)", from_base),
            m("static int ToInt32(string value, int fromBase)", from_base),
            m("static uint ToUInt32(string value, int fromBase)", from_base),
            m("static long ToInt64(string value, int fromBase)", from_base),
            m("static ulong ToUInt64(string value, int fromBase)", from_base),
            m("static string ToString(byte value, int toBase)", to_base),
            m("static string ToString(short value, int toBase)", to_base),
            m("static string ToString(int value, int toBase)", to_base),
            m("static string ToString(long value, int toBase)", to_base),
        ],
    },
];

fn base64(bytes: &[u8], lines: bool) -> String {
    if lines { encoding::to_base64_lines(bytes) } else { encoding::to_base64(bytes) }
}

fn base64_range(name: &str) -> Fault {
    Fault::out_of_range("Offset and length must refer to a position in the string.", name)
}

/// A part of bytes; the arguments are its start and its length.
fn base64_part<'b>(a: &Args<'_>, bytes: &'b [u8], at: usize) -> Result<&'b [u8], Fault> {
    let start = usize::try_from(a.i32(at)?).map_err(|_| base64_range("offset"))?;
    let end = usize::try_from(a.i32(at + 1)?).ok().and_then(|length| start.checked_add(length));
    bytes.get(start..end.ok_or_else(|| base64_range("length"))?).ok_or_else(|| base64_range("offset"))
}

fn base64_chars(vm: &mut Vm<'_>, a: &Args<'_>, lines: bool) -> Result<Value, Fault> {
    let bytes = a.bytes(0)?;
    let text = base64(base64_part(a, &bytes, 1)?, lines);
    vm.charge(text.len())?;
    let Value::Array(target) = a.at(3) else { return Err(a.null(3)) };
    let at = usize::try_from(a.i32(4)?).map_err(|_| base64_range("offsetOut"))?;
    if at > target.len() || text.len() > target.len() - at {
        return Err(base64_range("offsetOut"));
    }
    for (offset, byte) in text.bytes().enumerate() {
        target.set(at + offset, Value::Char(u16::from(byte)));
    }
    Ok(Value::I32(text.len() as i32))
}

/// The integral kind that a type is.
pub(super) fn integer_type(ty: &Type) -> Option<IntegerType> {
    Some(match ty {
        t if *t == Type::SBYTE => IntegerType::SByte,
        t if *t == Type::BYTE => IntegerType::Byte,
        t if *t == Type::SHORT => IntegerType::Int16,
        t if *t == Type::USHORT => IntegerType::UInt16,
        t if *t == Type::INT => IntegerType::Int32,
        t if *t == Type::UINT => IntegerType::UInt32,
        t if *t == Type::LONG => IntegerType::Int64,
        t if *t == Type::ULONG => IntegerType::UInt64,
        _ => return None,
    })
}

/// A value of an integral kind.
pub(super) fn integer_value(ty: IntegerType, value: i128) -> Value {
    match ty {
        IntegerType::SByte => Value::I8(value as i8),
        IntegerType::Byte => Value::U8(value as u8),
        IntegerType::Int16 => Value::I16(value as i16),
        IntegerType::UInt16 => Value::U16(value as u16),
        IntegerType::Int32 => Value::I32(value as i32),
        IntegerType::UInt32 => Value::U32(value as u32),
        IntegerType::Int64 => Value::I64(value as i64),
        IntegerType::UInt64 => Value::U64(value as u64),
    }
}

fn from_base(_vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let ty = integer_type(&a.member.result).unwrap_or(IntegerType::Int32);
    let Some(text) = a.opt_str(0) else { return Ok(integer_value(ty, 0)) };
    Ok(integer_value(ty, numbers::integer_from_base(ty, text.as_str(), a.i32(1)?)?))
}

fn to_base(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let (ty, value) = integer(a.at(0)).ok_or_else(|| a.null(0))?;
    let text = numbers::integer_to_base(ty, value, a.i32(1)?)?;
    vm.text(text)
}

fn no_conversion(value: &Value, to: &Type) -> Fault {
    let short = |name: String| name.rsplit('.').next().unwrap_or_default().to_owned();
    let from = short(value.clr_type_name().unwrap_or_default());
    let known = !matches!(
        value,
        Value::Object(_) | Value::Array(_) | Value::Context(_) | Value::Func(_) | Value::Guid(_)
    );
    let message = if known {
        format!("Invalid cast from '{from}' to '{}'.", short(to.clr_name()))
    } else {
        let full = value.clr_type_name().unwrap_or_default();
        format!("Unable to cast object of type '{full}' to type 'System.IConvertible'.")
    };
    Fault::new("System.InvalidCastException", message)
}

fn convert(vm: &mut Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    let (value, to) = (a.at(0), &a.member.result);
    if value.is_null() {
        let text = *to == Type::STRING;
        if *to == Type::CHAR && a.member.parameters.first().is_some_and(|p| p.ty == Type::STRING) {
            return Err(a.null(0));
        }
        // `Convert.ToString((object)null)` is empty, of a null string it is null.
        let of_object = a.member.parameters.first().is_some_and(|p| p.ty == Type::OBJECT);
        return Ok(if text && of_object { Value::str("") } else { default_value(to) });
    }
    change_type(vm, value, to)
}

/// `Convert.ChangeType` of a value that is there.
pub(super) fn change_type(vm: &mut Vm<'_>, value: &Value, to: &Type) -> Result<Value, Fault> {
    if value.ty().as_ref() == Some(to) {
        return Ok(value.clone());
    }
    if *to == Type::STRING {
        return vm.to_text(value).map(Value::Str);
    }
    if let Some(json) = super::json::scalar_value(value) {
        return change_type(vm, &json, to);
    }
    if let Some(ty) = integer_type(to) {
        return to_integer(value, ty, to);
    }
    let number = value.as_f64().filter(|_| !matches!(value, Value::Char(_)));
    match to {
        t if *t == Type::BOOL => match (value, number) {
            (Value::Str(text), _) => Ok(Value::Bool(parse::boolean(text.as_str())?)),
            (_, Some(number)) => Ok(Value::Bool(number != 0.0)),
            _ => Err(no_conversion(value, to)),
        },
        t if *t == Type::CHAR => match value {
            Value::Str(text) => Ok(Value::Char(numbers::char_from_text(text.as_str())?)),
            _ => match integer(value) {
                Some((_, v)) => Ok(Value::Char(numbers::char_from_integer(v)?)),
                None => Err(no_conversion(value, to)),
            },
        },
        t if *t == Type::DATE_TIME => match value {
            Value::Str(text) => {
                let today = now(vm)?.date();
                Ok(super::format::date_value(DateTime::parse(text.as_str(), today)?))
            }
            _ => Err(no_conversion(value, to)),
        },
        _ => to_real(value, number, to),
    }
}

fn to_integer(value: &Value, ty: IntegerType, to: &Type) -> Result<Value, Fault> {
    let found = match value {
        Value::Bool(v) => i128::from(*v),
        Value::Char(v) => ty.check(i128::from(*v)).map_err(|_| Fault::from(ty.overflow()))?,
        Value::F32(_) | Value::F64(_) => {
            numbers::integer_from_double(ty, value.as_f64().unwrap_or_default())?
        }
        Value::Decimal(v) => numbers::integer_from_decimal(ty, v)?,
        Value::Str(text) => parse::integer(ty, text.as_str())?,
        Value::Enum(_, v) => ty.check(i128::from(*v))?,
        other => match integer(other) {
            Some((_, v)) => ty.check(v)?,
            None => return Err(no_conversion(value, to)),
        },
    };
    Ok(integer_value(ty, found))
}

fn to_real(value: &Value, number: Option<f64>, to: &Type) -> Result<Value, Fault> {
    let flag = value.as_bool().map(|b| f64::from(u8::from(b)));
    match to {
        t if *t == Type::DOUBLE => match value {
            Value::Str(text) => Ok(Value::F64(parse::double(text.as_str())?)),
            _ => number.or(flag).map(Value::F64).ok_or_else(|| no_conversion(value, to)),
        },
        t if *t == Type::FLOAT => match value {
            Value::Str(text) => Ok(Value::F32(parse::single(text.as_str())?)),
            _ => number.or(flag).map(|v| Value::F32(v as f32)).ok_or_else(|| no_conversion(value, to)),
        },
        t if *t == Type::DECIMAL => match value {
            Value::Str(text) => Ok(Value::Decimal(parse::decimal(text.as_str())?)),
            Value::F64(v) => Ok(Value::Decimal(decimal::from_double(*v)?)),
            Value::F32(v) => Ok(Value::Decimal(decimal::from_single(*v)?)),
            Value::Bool(v) => Ok(Value::Decimal(i64::from(*v).into())),
            _ => match integer(value) {
                Some((_, v)) => Ok(Value::Decimal(rust_decimal::Decimal::from_i128_with_scale(v, 0))),
                None => Err(no_conversion(value, to)),
            },
        },
        _ => Err(no_conversion(value, to)),
    }
}
