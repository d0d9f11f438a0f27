//! Every number format and parser against what .NET gave.

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{IntegerType, convert, decimal, format, math, parse};
use crate::clr::exception::Result;
use crate::clr::vectors::{outcome, rows};

fn integer_type(name: &str) -> Option<IntegerType> {
    Some(match name {
        "sbyte" => IntegerType::SByte,
        "byte" => IntegerType::Byte,
        "short" => IntegerType::Int16,
        "ushort" => IntegerType::UInt16,
        "int" => IntegerType::Int32,
        "uint" => IntegerType::UInt32,
        "long" => IntegerType::Int64,
        "ulong" => IntegerType::UInt64,
        _ => return None,
    })
}

fn check(rows: impl Iterator<Item = Vec<String>>, actual: impl Fn(&[&str]) -> String) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows {
        let columns: Vec<&str> = row.iter().map(String::as_str).collect();
        let (expected, arguments) = columns.split_last().expect("a column");
        let actual = actual(arguments);
        if actual != **expected {
            wrong.push(format!("{arguments:?}: {actual:?}, not {expected:?}"));
        }
        count += 1;
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{} of {count} wrong\n{}", wrong.len(), wrong.join("\n"));
}

fn number(text: &str) -> f64 {
    parse::double(text).expect("a number")
}

#[test]
fn formats_give_what_dotnet_gives() {
    check(rows(include_str!("format.tsv")), |columns| {
        let [kind, value, format] = columns else { panic!("{columns:?}") };
        outcome(match *kind {
            "double" => format::double(number(value), format),
            "float" => format::single(parse::single(value).expect("a number"), format),
            "decimal" => format::decimal(&parse::decimal(value).expect("a number"), format),
            other => {
                let ty = integer_type(other).expect("an integer type");
                format::integer(ty, parse::integer(ty, value).expect("a number"), format)
            }
        })
    });
}

fn integer_outcome(result: Result<i128>) -> String {
    outcome(result)
}

fn parsed(kind: &str, text: &str) -> String {
    let int = IntegerType::Int32;
    match kind {
        "double" => outcome(parse::double(text).map(format::double_text)),
        "float" => outcome(parse::single(text).map(format::single_text)),
        "decimal" => outcome(parse::decimal(text).map(|value| format::decimal_text(&value))),
        "bool" => outcome(parse::boolean(text).map(parse::boolean_text)),
        "int16" => integer_outcome(convert::integer_from_base(int, text, 16)),
        "byte16" => integer_outcome(convert::integer_from_base(IntegerType::Byte, text, 16)),
        "sbyte16" => integer_outcome(convert::integer_from_base(IntegerType::SByte, text, 16)),
        "short16" => integer_outcome(convert::integer_from_base(IntegerType::Int16, text, 16)),
        "uint16" => integer_outcome(convert::integer_from_base(IntegerType::UInt32, text, 16)),
        "long16" => integer_outcome(convert::integer_from_base(IntegerType::Int64, text, 16)),
        "int2" => integer_outcome(convert::integer_from_base(int, text, 2)),
        "int3" => integer_outcome(convert::integer_from_base(int, text, 3)),
        "int8" => integer_outcome(convert::integer_from_base(int, text, 8)),
        "int10" => integer_outcome(convert::integer_from_base(int, text, 10)),
        other => match integer_type(other) {
            Some(ty) => integer_outcome(parse::integer(ty, text)),
            None => converted(kind, text),
        },
    }
}

fn converted(kind: &str, text: &str) -> String {
    if let Some(rest) = kind.strip_prefix("d2") {
        let value = number(text);
        return if rest == "dec" {
            outcome(decimal::from_double(value).map(|value| format::decimal_text(&value)))
        } else if let Some(name) = rest.strip_suffix('!') {
            convert::cast_double(integer_type(name).expect("a type"), value).to_string()
        } else if let Some(name) = rest.strip_suffix('+') {
            outcome(convert::cast_double_checked(integer_type(name).expect("a type"), value))
        } else {
            outcome(convert::integer_from_double(integer_type(rest).expect("a type"), value))
        };
    }
    if kind == "double2decimal" {
        return outcome(decimal::from_double(number(text)).map(|value| format::decimal_text(&value)));
    }
    if kind == "float2decimal" {
        return outcome(decimal::from_single(number(text) as f32).map(|value| format::decimal_text(&value)));
    }
    let value = parse::decimal(text).expect("a number");
    match kind.strip_prefix("m2").expect("a known row") {
        "double" => format::double_text(decimal::to_double(&value)),
        "float" => format::single_text(decimal::to_single(&value)),
        name => match name.strip_suffix('!') {
            Some(name) => outcome(convert::cast_decimal(integer_type(name).expect("a type"), &value)),
            None => outcome(convert::integer_from_decimal(integer_type(name).expect("a type"), &value)),
        },
    }
}

#[test]
fn parsers_and_conversions_give_what_dotnet_gives() {
    check(rows(include_str!("parse.tsv")), |columns| match columns {
        ["tobase", value, base] => outcome(convert::integer_to_base(
            IntegerType::Int32,
            parse::integer(IntegerType::Int32, value).expect("a number"),
            base.parse().expect("a base"),
        )),
        ["tobaseshort", value, base] => outcome(convert::integer_to_base(
            IntegerType::Int16,
            parse::integer(IntegerType::Int16, value).expect("a number"),
            base.parse().expect("a base"),
        )),
        [kind, text] => parsed(kind, text),
        other => panic!("{other:?}"),
    });
}

#[test]
fn arithmetic_gives_what_dotnet_gives() {
    let money = |text: &str| parse::decimal(text).expect("a number");
    let shown = |result: Result<Decimal>| outcome(result.map(|value| format::decimal_text(&value)));
    check(rows(include_str!("math.tsv")), |columns| match columns {
        ["round", value, digits, mode] => outcome(
            math::Rounding::from_number(mode.parse().expect("a mode"))
                .and_then(|mode| math::round(number(value), digits.parse().expect("digits"), mode))
                .map(format::double_text),
        ),
        ["mround", value, digits, mode] => shown(
            math::Rounding::from_number(mode.parse().expect("a mode"))
                .and_then(|mode| math::round_decimal(&money(value), digits.parse().expect("digits"), mode)),
        ),
        ["mfloor", value] => shown(math::round_decimal(&money(value), 0, math::Rounding::ToNegativeInfinity)),
        ["mceil", value] => shown(math::round_decimal(&money(value), 0, math::Rounding::ToPositiveInfinity)),
        ["mtrunc", value] => shown(math::round_decimal(&money(value), 0, math::Rounding::ToZero)),
        ["mabs", value] => shown(Ok(money(value).abs())),
        ["mneg", value] => shown(Ok(-money(value))),
        ["m+", a, b] => shown(decimal::add(&money(a), &money(b))),
        ["m-", a, b] => shown(decimal::subtract(&money(a), &money(b))),
        ["m*", a, b] => shown(decimal::multiply(&money(a), &money(b))),
        ["m/", a, b] => shown(decimal::divide(&money(a), &money(b))),
        ["m%", a, b] => shown(decimal::remainder(&money(a), &money(b))),
        other => panic!("{other:?}"),
    });
}

#[test]
fn math_edges_are_those_of_dotnet() {
    assert_eq!(
        math::abs(IntegerType::Int32, i128::from(i32::MIN)).unwrap_err().message,
        "Negating the minimum value of a twos complement number is invalid."
    );
    assert!(math::sign(f64::NAN).is_err());
    assert!(math::max(f64::NAN, 1.0).is_nan());
    assert_eq!(format::double_text(math::min(0.0, -0.0)), "-0");
    assert_eq!(format::double_text(math::max(-0.0, 0.0)), "0");
    assert_eq!(format::double_text(math::log(8.0, 2.0)), "3");
    assert_eq!(format::double_text(math::ieee_remainder(10.0, 3.0)), "1");
    assert_eq!(format::double_text(math::ieee_remainder(5.0, 2.0)), "1");
    assert_eq!(format::double_text(math::ieee_remainder(7.0, 2.0)), "-1");
    assert_eq!(math::clamp_bounds(false, "7", "3").unwrap_err().message, "'7' cannot be greater than 3.");
    assert_eq!(
        convert::char_from_text("ab").unwrap_err().message,
        "String must be exactly one character long."
    );
}

proptest! {
    #[test]
    fn double_text_reads_back(value: f64) {
        let again = parse::double(&format::double_text(value)).unwrap();
        prop_assert!(again.to_bits() == value.to_bits() || (again.is_nan() && value.is_nan()));
    }

    #[test]
    fn single_text_reads_back(value: f32) {
        let again = parse::single(&format::single_text(value)).unwrap();
        prop_assert!(again.to_bits() == value.to_bits() || (again.is_nan() && value.is_nan()));
    }

    #[test]
    fn integers_read_back(value: i64) {
        prop_assert_eq!(parse::integer(IntegerType::Int64, &value.to_string()), Ok(i128::from(value)));
    }

    #[test]
    fn any_text_and_format_is_answered(text in "[-+0-9.,eE \0NaI]{0,24}", format in "[#0.,%;eE+'\\\\a-zA-Z0-9-]{0,12}", value: f64) {
        for ty in IntegerType::ALL {
            let _ = parse::integer(ty, &text);
            let _ = convert::integer_from_double(ty, value);
            let _ = convert::cast_double(ty, value);
            let _ = convert::integer_from_base(ty, &text, 16);
        }
        let _ = parse::double(&text);
        let _ = parse::decimal_with_exponent(&text);
        let _ = format::double(value, &format);
        if let Ok(number) = parse::decimal(&text) {
            let _ = format::decimal(&number, &format);
            let _ = decimal::divide(&number, &Decimal::new(7, 3));
        }
        let _ = format::integer(IntegerType::Int64, i128::from(value as i64), &format);
    }
}

#[test]
fn a_million_digits_are_read_in_time() {
    let text = "9".repeat(1_000_000);
    assert!(parse::double(&text).unwrap().is_infinite());
    assert!(parse::integer(IntegerType::Int32, &text).is_err());
    assert!(parse::decimal(&text).is_err());
    assert!(parse::decimal_with_exponent(&format!("0.{text}e-99999999999999999999")).is_ok());
}
