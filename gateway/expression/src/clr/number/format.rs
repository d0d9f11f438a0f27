//! `ToString` of numbers with standard and custom format strings.

use rust_decimal::Decimal;

use super::IntegerType;
use super::custom;
use super::digits::{Digits, Precision};
use super::standard::{self, Specifier};
use crate::clr::exception::Result;

/// Significant digits that tell any value from its neighbours.
const ROUND_TRIP_DOUBLE: usize = 17;
const ROUND_TRIP_SINGLE: usize = 9;

/// Digits of a custom format on `double`; more are not looked at.
const CUSTOM_DIGITS_DOUBLE: usize = 15;
const CUSTOM_DIGITS_SINGLE: usize = 7;

/// `ToString()` of a `double`: the shortest text that reads back to the same value.
pub fn double_text(value: f64) -> String {
    match standard::not_finite(value) {
        Some(text) => text.to_owned(),
        None => standard::general_text(&Digits::double(value, Precision::Shortest), ROUND_TRIP_DOUBLE, b'E'),
    }
}

/// `ToString()` of a `float`.
pub fn single_text(value: f32) -> String {
    match standard::not_finite(f64::from(value)) {
        Some(text) => text.to_owned(),
        None => standard::general_text(&Digits::single(value, Precision::Shortest), ROUND_TRIP_SINGLE, b'E'),
    }
}

/// `ToString()` of a `decimal`: scale kept, never an exponent.
pub fn decimal_text(value: &Decimal) -> String {
    standard::plain(&Digits::decimal(value))
}

/// `value.ToString(format)` of an integer; an empty format is `G`.
///
/// # Errors
/// `FormatException` for an unknown specifier.
pub fn integer(ty: IntegerType, value: i128, format: &str) -> Result<String> {
    match Specifier::parse(format) {
        None => Ok(custom::apply(Digits::integer(value), format)),
        Some(spec) => standard::integer(ty, value, spec),
    }
}

/// `value.ToString(format)` of a `double`.
///
/// # Errors
/// `FormatException` for an unknown specifier or one for integers only.
pub fn double(value: f64, format: &str) -> Result<String> {
    binary(value, format, ROUND_TRIP_DOUBLE, CUSTOM_DIGITS_DOUBLE, |precision| {
        Digits::double(value, precision)
    })
}

/// `value.ToString(format)` of a `float`.
///
/// # Errors
/// As [`double`].
pub fn single(value: f32, format: &str) -> Result<String> {
    let wide = f64::from(value);
    binary(wide, format, ROUND_TRIP_SINGLE, CUSTOM_DIGITS_SINGLE, |precision| {
        Digits::single(value, precision)
    })
}

fn binary(
    value: f64,
    format: &str,
    round_trip: usize,
    custom_digits: usize,
    digits: impl Fn(Precision) -> Digits,
) -> Result<String> {
    if let Some(text) = standard::not_finite(value) {
        return Ok(text.to_owned());
    }
    match Specifier::parse(format) {
        None => Ok(custom::apply(digits(Precision::Significant(custom_digits)), format)),
        Some(spec) => standard::binary(spec, round_trip, digits),
    }
}

/// `value.ToString(format)` of a `decimal`.
///
/// # Errors
/// `FormatException` for an unknown specifier or one for integers only.
pub fn decimal(value: &Decimal, format: &str) -> Result<String> {
    match Specifier::parse(format) {
        None => Ok(custom::apply(Digits::decimal(value), format)),
        Some(spec) => standard::decimal(value, spec),
    }
}
