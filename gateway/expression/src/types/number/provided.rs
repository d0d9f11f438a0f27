//! Overloads of numbers with `NumberStyles` and `IFormatProvider`.

use super::super::core::try_result;
use super::super::culture::styles;
use super::super::format::to_string;
use super::super::{Allow, Args, TypeTable, m};
use crate::clr::exception::ExceptionKind;
use crate::clr::number::{IntegerType, parse};
use crate::run::Fault;
use crate::value::Value;

/// One part of each number's table: how a text in a style is read.
macro_rules! provided {
    ($($class:literal, $keyword:literal, $read:expr, $default:ident;)*) => {
        pub(in super::super) static PROVIDED: &[TypeTable] = &[$(TypeTable {
            header: concat!("partial class System.", $class),
            allow: Allow::All,
            members: &[
                m("string ToString(System.IFormatProvider provider)", |vm, a| {
                    vm.to_text(a.this()).map(Value::Str)
                }),
                m("string ToString(string format, System.IFormatProvider provider)", to_string),
                m(concat!("static ", $keyword, " Parse(string s, System.IFormatProvider provider)"), |_, a| {
                    Ok($read(a.str(0)?.as_str(), parse::Styles::$default)?)
                }),
                m(
                    concat!("static ", $keyword, " Parse(string s, System.Globalization.NumberStyles style)"),
                    |_, a| Ok($read(a.str(0)?.as_str(), styles(a, 1)?)?),
                ),
                m(
                    concat!(
                        "static ",
                        $keyword,
                        " Parse(string s, System.Globalization.NumberStyles style, System.IFormatProvider provider)"
                    ),
                    |_, a| Ok($read(a.str(0)?.as_str(), styles(a, 1)?)?),
                ),
                m(
                    concat!(
                        "static bool TryParse(string s, System.Globalization.NumberStyles style, System.IFormatProvider provider, out ",
                        $keyword,
                        " result)"
                    ),
                    |_, a| attempted(a, $read(a.opt_str(0).map_or("", |t| t.as_str()), styles(a, 1)?)),
                ),
            ],
        },)*];
    };
}

provided! {
    "SByte", "sbyte", |t, s| parse::integer_styled(IntegerType::SByte, t, s).map(|v| Value::I8(v as i8)), INTEGER;
    "Byte", "byte", |t, s| parse::integer_styled(IntegerType::Byte, t, s).map(|v| Value::U8(v as u8)), INTEGER;
    "Int16", "short", |t, s| parse::integer_styled(IntegerType::Int16, t, s).map(|v| Value::I16(v as i16)), INTEGER;
    "UInt16", "ushort", |t, s| parse::integer_styled(IntegerType::UInt16, t, s).map(|v| Value::U16(v as u16)), INTEGER;
    "Int32", "int", |t, s| parse::integer_styled(IntegerType::Int32, t, s).map(|v| Value::I32(v as i32)), INTEGER;
    "UInt32", "uint", |t, s| parse::integer_styled(IntegerType::UInt32, t, s).map(|v| Value::U32(v as u32)), INTEGER;
    "Int64", "long", |t, s| parse::integer_styled(IntegerType::Int64, t, s).map(|v| Value::I64(v as i64)), INTEGER;
    "UInt64", "ulong", |t, s| parse::integer_styled(IntegerType::UInt64, t, s).map(|v| Value::U64(v as u64)), INTEGER;
    "Double", "double", |t, s| parse::double_styled(t, s).map(Value::F64), FLOAT;
    "Single", "float", |t, s| parse::single_styled(t, s).map(Value::F32), FLOAT;
    "Decimal", "decimal", |t, s| parse::decimal_styled(t, s).map(Value::Decimal), NUMBER;
}

/// Styles that do not go together throw, what does not read gives false.
fn attempted(a: &Args<'_>, parsed: Result<Value, crate::clr::Error>) -> Result<Value, Fault> {
    match parsed {
        Err(error) if error.kind == ExceptionKind::Argument => Err(error.into()),
        other => Ok(try_result(a, 3, other.map_err(Fault::from))),
    }
}
