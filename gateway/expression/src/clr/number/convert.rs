//! Casts between numbers and `System.Convert`.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::IntegerType;
use super::math::{Rounding, round_decimal};
use super::parse;
use crate::clr::exception::{Error, Result};

const INT64_BOUND: f64 = 9_223_372_036_854_775_808.0;
const UINT64_BOUND: f64 = 18_446_744_073_709_551_616.0;

const NO_DIGITS: &str = "Could not find any recognizable digits.";
const MORE_THAN_DIGITS: &str = "Additional non-parsable characters are at the end of the string.";

fn cast_overflow() -> Error {
    Error::overflow("Arithmetic operation resulted in an overflow.")
}

/// An unchecked cast of `double` to an integer: truncates; outside the range it gives what x86 gives.
pub fn cast_double(ty: IntegerType, value: f64) -> i128 {
    let wide = |value: f64| -> i64 {
        if (-INT64_BOUND..INT64_BOUND).contains(&value) { value as i64 } else { i64::MIN }
    };
    match ty {
        IntegerType::Int64 => i128::from(wide(value)),
        IntegerType::UInt64 if value >= INT64_BOUND || value.is_nan() => {
            if value < UINT64_BOUND {
                i128::from(value as u64)
            } else {
                0
            }
        }
        IntegerType::UInt64 | IntegerType::UInt32 => ty.wrap(i128::from(wide(value))),
        _ => {
            let value = value.trunc();
            let fits = value >= f64::from(i32::MIN) && value <= f64::from(i32::MAX);
            ty.wrap(i128::from(if fits { value as i32 } else { i32::MIN }))
        }
    }
}

/// A `checked` cast of `double` to an integer: truncates.
///
/// # Errors
/// `OverflowException`.
pub fn cast_double_checked(ty: IntegerType, value: f64) -> Result<i128> {
    let value = value.trunc();
    if value.is_nan() || value.abs() > 1e20 {
        return Err(cast_overflow());
    }
    ty.check(value as i128).map_err(|_| cast_overflow())
}

/// A `checked` cast between integers.
///
/// # Errors
/// `OverflowException`.
pub fn cast_integer_checked(ty: IntegerType, value: i128) -> Result<i128> {
    ty.check(value).map_err(|_| cast_overflow())
}

/// `(int)decimal`: truncates and always checks.
///
/// # Errors
/// `OverflowException`.
pub fn cast_decimal(ty: IntegerType, value: &Decimal) -> Result<i128> {
    ty.check(value.trunc().to_i128().unwrap_or(i128::MAX))
}

/// `Convert.ToInt32(double)` and its kin: rounds half to even.
///
/// # Errors
/// `OverflowException`.
pub fn integer_from_double(ty: IntegerType, value: f64) -> Result<i128> {
    let rounded = value.round_ties_even();
    match ty {
        IntegerType::Int64 | IntegerType::UInt64 => cast_double_checked(ty, rounded),
        IntegerType::UInt32 if rounded.is_nan() || rounded.abs() > 1e20 => Err(ty.overflow()),
        IntegerType::UInt32 => ty.check(rounded as i128),
        _ => {
            // Narrow types go through Int32, and fail with its text when that does not hold the value.
            let int = IntegerType::Int32;
            if rounded.is_nan() || rounded.abs() > 1e20 {
                return Err(int.overflow());
            }
            ty.check(int.check(rounded as i128)?)
        }
    }
}

/// `Convert.ToInt32(decimal)` and its kin: rounds half to even.
///
/// # Errors
/// `OverflowException`.
pub fn integer_from_decimal(ty: IntegerType, value: &Decimal) -> Result<i128> {
    cast_decimal(ty, &round_decimal(value, 0, Rounding::ToEven)?)
}

/// `Convert.ToInt32(text, base)` and its kin; base 2, 8, 10 or 16.
///
/// # Errors
/// `ArgumentException`, `FormatException`, `OverflowException`.
pub fn integer_from_base(ty: IntegerType, text: &str, base: i32) -> Result<i128> {
    if !matches!(base, 2 | 8 | 10 | 16) {
        return Err(Error::argument("Invalid Base."));
    }
    if text.is_empty() {
        return Err(empty_digits());
    }
    if base == 10 {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(Error::format(NO_DIGITS));
        }
        if digits.contains(|c: char| !c.is_ascii_digit()) {
            return Err(Error::format(MORE_THAN_DIGITS));
        }
        return parse::integer(ty, text);
    }
    if text.starts_with('-') {
        return Err(Error::argument("String cannot contain a minus sign if the base is not 10."));
    }
    let digits = match (base, text.get(..2)) {
        (16, Some("0x" | "0X")) => text.get(2..).unwrap_or_default(),
        _ => text,
    };
    let mut value: i128 = 0;
    let mut bad = digits.is_empty().then_some(NO_DIGITS);
    for (index, c) in digits.chars().enumerate() {
        let Some(digit) = c.to_digit(base as u32) else {
            bad = Some(if index == 0 { NO_DIGITS } else { MORE_THAN_DIGITS });
            break;
        };
        value = (value * i128::from(base) + i128::from(digit)).min(i128::from(u64::MAX) + 1);
    }
    if let Some(text) = bad {
        return Err(Error::format(text));
    }
    // The digits are the value's bits: twice the positive range is allowed and wraps.
    let digits_of = if ty.bits() == 64 { IntegerType::UInt64 } else { IntegerType::UInt32 };
    digits_of.check(value)?;
    if value >= 1_i128 << ty.bits() { Err(ty.overflow()) } else { Ok(ty.wrap(value)) }
}

fn empty_digits() -> Error {
    // The runtime really passes the text for the parameter's name.
    Error::out_of_range_for(
        "Index was out of range. Must be non-negative and less than the size of the collection.",
    )
}

/// `Convert.ToString(value, base)`: two's complement digits for bases other than 10.
///
/// # Errors
/// `ArgumentException`.
pub fn integer_to_base(ty: IntegerType, value: i128, base: i32) -> Result<String> {
    let bits = value as u128 & (u128::MAX >> (128 - ty.bits()));
    Ok(match base {
        2 => format!("{bits:b}"),
        8 => format!("{bits:o}"),
        10 => value.to_string(),
        16 => format!("{bits:x}"),
        _ => return Err(Error::argument("Invalid Base.")),
    })
}

/// `Convert.ToChar` of a number.
///
/// # Errors
/// `OverflowException`.
pub fn char_from_integer(value: i128) -> Result<u16> {
    u16::try_from(value)
        .map_err(|_| Error::overflow("Value was either too large or too small for a character."))
}

/// `Convert.ToChar` and `char.Parse` of a text.
///
/// # Errors
/// `FormatException`.
pub fn char_from_text(text: &str) -> Result<u16> {
    match crate::clr::text::to_units(text).as_slice() {
        [unit] => Ok(*unit),
        _ => Err(Error::format("String must be exactly one character long.")),
    }
}
