//! The numeric types and `bool` (expressions.md §6.2).

mod provided;

pub(super) use provided::PROVIDED;

use super::core::try_result;
use super::format::to_string;
use super::{Allow, Args, Literal, TypeTable, array, c, m};
use crate::clr::number::{IntegerType, parse};
use crate::run::Fault;
use crate::value::Value;

/// One table for each integral type.
macro_rules! integers {
    ($($header:literal, $keyword:literal, $rust:ty, $variant:ident, $ty:ident;)*) => {
        pub(super) static INTEGERS: &[TypeTable] = &[$(TypeTable {
            header: $header,
            allow: Allow::All,
            members: &[
                c(concat!($keyword, " MinValue"), Literal::$variant(<$rust>::MIN)),
                c(concat!($keyword, " MaxValue"), Literal::$variant(<$rust>::MAX)),
                m(concat!("static ", $keyword, " Parse(string s)"), |_, a| {
                    Ok(Value::$variant(parse::integer(IntegerType::$ty, a.str(0)?.as_str())? as $rust))
                }),
                m(concat!("static bool TryParse(string s, out ", $keyword, " result)"), |_, a| {
                    let text = a.opt_str(0).map_or("", |t| t.as_str());
                    let parsed = parse::integer(IntegerType::$ty, text).map(|v| Value::$variant(v as $rust));
                    Ok(try_result(a, 1, parsed.map_err(Fault::from)))
                }),
                m("string ToString(string format)", to_string),
                m(concat!("int CompareTo(", $keyword, " value)"), compare_to),
                m("int CompareTo(object value)", compare_to),
                m(concat!("bool Equals(", $keyword, " obj)"), |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
            ],
        },)*];
    };
}

integers! {
    "struct System.SByte : System.IComparable, System.IFormattable", "sbyte", i8, I8, SByte;
    "struct System.Byte : System.IComparable, System.IFormattable", "byte", u8, U8, Byte;
    "struct System.Int16 : System.IComparable, System.IFormattable", "short", i16, I16, Int16;
    "struct System.UInt16 : System.IComparable, System.IFormattable", "ushort", u16, U16, UInt16;
    "struct System.Int32 : System.IComparable, System.IFormattable", "int", i32, I32, Int32;
    "struct System.UInt32 : System.IComparable, System.IFormattable", "uint", u32, U32, UInt32;
    "struct System.Int64 : System.IComparable, System.IFormattable", "long", i64, I64, Int64;
    "struct System.UInt64 : System.IComparable, System.IFormattable", "ulong", u64, U64, UInt64;
}

pub(super) static TABLE: &[TypeTable] = &[
    TypeTable {
        header: "struct System.Boolean : System.IComparable",
        allow: Allow::All,
        members: &[
            m("static string TrueString { get; }", |_, _| Ok(Value::str("True"))),
            m("static string FalseString { get; }", |_, _| Ok(Value::str("False"))),
            m("static bool Parse(string value)", |_, a| Ok(Value::Bool(parse::boolean(a.str(0)?.as_str())?))),
            m("static bool TryParse(string value, out bool result)", |_, a| {
                let parsed = parse::boolean(a.opt_str(0).map_or("", |t| t.as_str())).map(Value::Bool);
                Ok(try_result(a, 1, parsed.map_err(Fault::from)))
            }),
            m("string ToString(System.IFormatProvider provider)", |vm, a| {
                vm.to_text(a.this()).map(Value::Str)
            }),
            m("int CompareTo(bool value)", compare_to),
            m("int CompareTo(object value)", compare_to),
            m("bool Equals(bool obj)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
        ],
    },
    TypeTable {
        header: "struct System.Double : System.IComparable, System.IFormattable",
        allow: Allow::All,
        members: &[
            c("double MinValue", Literal::F64(f64::MIN)),
            c("double MaxValue", Literal::F64(f64::MAX)),
            c("double Epsilon", Literal::F64(5e-324)),
            c("double NaN", Literal::F64(f64::NAN)),
            c("double PositiveInfinity", Literal::F64(f64::INFINITY)),
            c("double NegativeInfinity", Literal::F64(f64::NEG_INFINITY)),
            m("static double Parse(string s)", |_, a| Ok(Value::F64(parse::double(a.str(0)?.as_str())?))),
            m("static bool TryParse(string s, out double result)", |_, a| {
                let parsed = parse::double(a.opt_str(0).map_or("", |t| t.as_str())).map(Value::F64);
                Ok(try_result(a, 1, parsed.map_err(Fault::from)))
            }),
            m("static bool IsFinite(double d)", |_, a| Ok(Value::Bool(a.f64(0)?.is_finite()))),
            m("static bool IsNegative(double d)", |_, a| Ok(Value::Bool(a.f64(0)?.is_sign_negative()))),
            m("static bool IsNormal(double d)", |_, a| Ok(Value::Bool(a.f64(0)?.is_normal()))),
            m("static bool IsSubnormal(double d)", |_, a| Ok(Value::Bool(a.f64(0)?.is_subnormal()))),
            m("int CompareTo(object value)", compare_to),
            m("static bool IsNaN(double d)", |_, a| Ok(Value::Bool(a.f64(0)?.is_nan()))),
            m("static bool IsInfinity(double d)", |_, a| Ok(Value::Bool(a.f64(0)?.is_infinite()))),
            m("static bool IsPositiveInfinity(double d)", |_, a| Ok(Value::Bool(a.f64(0)? == f64::INFINITY))),
            m("static bool IsNegativeInfinity(double d)", |_, a| {
                Ok(Value::Bool(a.f64(0)? == f64::NEG_INFINITY))
            }),
            m("string ToString(string format)", to_string),
            m("int CompareTo(double value)", compare_to),
            m("bool Equals(double obj)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
        ],
    },
    TypeTable {
        header: "struct System.Single : System.IComparable, System.IFormattable",
        allow: Allow::All,
        members: &[
            c("float MinValue", Literal::F32(f32::MIN)),
            c("float MaxValue", Literal::F32(f32::MAX)),
            c("float Epsilon", Literal::F32(1e-45)),
            c("float NaN", Literal::F32(f32::NAN)),
            c("float PositiveInfinity", Literal::F32(f32::INFINITY)),
            c("float NegativeInfinity", Literal::F32(f32::NEG_INFINITY)),
            m("static bool IsPositiveInfinity(float f)", |_, a| Ok(Value::Bool(a.f64(0)? == f64::INFINITY))),
            m("static bool IsNegativeInfinity(float f)", |_, a| {
                Ok(Value::Bool(a.f64(0)? == f64::NEG_INFINITY))
            }),
            m("static bool IsNegative(float f)", |_, a| Ok(Value::Bool(a.f64(0)?.is_sign_negative()))),
            m("static bool IsNormal(float f)", |_, a| Ok(Value::Bool((a.f64(0)? as f32).is_normal()))),
            m("static bool IsSubnormal(float f)", |_, a| Ok(Value::Bool((a.f64(0)? as f32).is_subnormal()))),
            m("static bool IsFinite(float f)", |_, a| Ok(Value::Bool(a.f64(0)?.is_finite()))),
            m("bool Equals(float obj)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
            m("int CompareTo(object value)", compare_to),
            m("static float Parse(string s)", |_, a| Ok(Value::F32(parse::single(a.str(0)?.as_str())?))),
            m("static bool TryParse(string s, out float result)", |_, a| {
                let parsed = parse::single(a.opt_str(0).map_or("", |t| t.as_str())).map(Value::F32);
                Ok(try_result(a, 1, parsed.map_err(Fault::from)))
            }),
            m("static bool IsNaN(float f)", |_, a| Ok(Value::Bool(a.f64(0)?.is_nan()))),
            m("static bool IsInfinity(float f)", |_, a| Ok(Value::Bool(a.f64(0)?.is_infinite()))),
            m("string ToString(string format)", to_string),
            m("int CompareTo(float value)", compare_to),
        ],
    },
    TypeTable {
        header: "struct System.Decimal : System.IComparable, System.IFormattable",
        allow: Allow::All,
        members: &[
            m("static decimal MinValue { get; }", |_, _| Ok(Value::Decimal(rust_decimal::Decimal::MIN))),
            m("static decimal MaxValue { get; }", |_, _| Ok(Value::Decimal(rust_decimal::Decimal::MAX))),
            m("static decimal Zero { get; }", |_, _| Ok(Value::Decimal(rust_decimal::Decimal::ZERO))),
            m("static decimal One { get; }", |_, _| Ok(Value::Decimal(rust_decimal::Decimal::ONE))),
            m("static decimal Parse(string s)", |_, a| {
                Ok(Value::Decimal(parse::decimal(a.str(0)?.as_str())?))
            }),
            m("static bool TryParse(string s, out decimal result)", |_, a| {
                let parsed = parse::decimal(a.opt_str(0).map_or("", |t| t.as_str())).map(Value::Decimal);
                Ok(try_result(a, 1, parsed.map_err(Fault::from)))
            }),
            m("static decimal MinusOne { get; }", |_, _| {
                Ok(Value::Decimal(rust_decimal::Decimal::NEGATIVE_ONE))
            }),
            m("static decimal Truncate(decimal d)", |_, a| {
                Ok(Value::Decimal(super::misc::decimal(a, 0)?.trunc()))
            }),
            m("static decimal Floor(decimal d)", |_, a| {
                Ok(Value::Decimal(super::misc::decimal(a, 0)?.floor()))
            }),
            m("static decimal Ceiling(decimal d)", |_, a| {
                Ok(Value::Decimal(super::misc::decimal(a, 0)?.ceil()))
            }),
            m("string ToString(string format)", to_string),
            m("int CompareTo(decimal value)", compare_to),
            m("int CompareTo(object value)", compare_to),
            m("bool Equals(decimal obj)", |_, a| Ok(Value::Bool(a.this().equals(a.at(1))))),
        ],
    },
];

pub(super) fn compare_to(_vm: &mut crate::run::Vm<'_>, a: &Args<'_>) -> Result<Value, Fault> {
    if a.at(1).is_null() {
        return Ok(Value::I32(1));
    }
    if a.this().ty() != a.at(1).ty() {
        let name = a.this().clr_type_name().unwrap_or_default();
        let short = name.rsplit('.').next().unwrap_or(&name).to_owned();
        return Err(Fault::argument(&format!("Object must be of type {short}."), ""));
    }
    // The narrow integers answer with their difference, the others with a sign.
    let narrow = matches!(a.this(), Value::I8(_) | Value::U8(_) | Value::I16(_) | Value::U16(_));
    if narrow {
        return Ok(Value::I32((a.i64(0)? - a.i64(1)?) as i32));
    }
    Ok(Value::I32(array::compare_values(a.this(), a.at(1))? as i32))
}
