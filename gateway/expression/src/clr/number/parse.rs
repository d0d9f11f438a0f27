//! `Parse` and `TryParse` of numbers and `bool` (a failed parse is a false `TryParse`).

use rust_decimal::Decimal;

use super::IntegerType;
use super::decimal::from_digits;
use crate::clr::exception::{Error, Result};

fn malformed() -> Error {
    Error::format("Input string was not in a correct format.")
}

/// White space of numbers: U+0009–U+000D and space, nothing else.
fn is_space(byte: u8) -> bool {
    matches!(byte, 9..=13 | 32)
}

/// A number's text taken apart.
#[derive(Default)]
struct Parts {
    negative: bool,
    whole: Vec<u8>,
    fraction: Vec<u8>,
    exponent: i64,
}

/// What a type's parser takes beside digits, a leading sign and white space around.
#[derive(Clone, Copy)]
struct Style {
    fraction: bool,
    thousands: bool,
    exponent: bool,
    trailing_sign: bool,
}

const INTEGER: Style = Style { fraction: false, thousands: false, exponent: false, trailing_sign: false };
const FLOAT: Style = Style { fraction: true, thousands: true, exponent: true, trailing_sign: false };
const NUMBER: Style = Style { fraction: true, thousands: true, exponent: false, trailing_sign: true };

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn sign(&mut self) -> Option<bool> {
        let negative = match self.peek()? {
            b'-' => true,
            b'+' => false,
            _ => return None,
        };
        self.at += 1;
        Some(negative)
    }

    fn digits(&mut self, into: &mut Vec<u8>, thousands: bool) {
        while let Some(byte) = self.peek() {
            if byte.is_ascii_digit() {
                into.push(byte);
            } else if !(thousands && byte == b',' && !into.is_empty()) {
                break;
            }
            self.at += 1;
        }
    }

    /// `e`, sign and digits, or nothing at all.
    fn exponent(&mut self) -> i64 {
        let start = self.at;
        self.at += 1;
        let negative = self.sign().unwrap_or(false);
        let mut digits = Vec::new();
        self.digits(&mut digits, false);
        if digits.is_empty() {
            self.at = start;
            return 0;
        }
        let size =
            digits.iter().fold(0_i64, |size, digit| (size * 10 + i64::from(digit - b'0')).min(1_000_000_000));
        if negative { -size } else { size }
    }
}

fn take_apart(text: &str, style: Style) -> Result<Parts> {
    let mut cursor = Cursor { bytes: text.as_bytes(), at: 0 };
    let mut parts = Parts::default();
    cursor.spaces();
    let sign = cursor.sign();
    parts.negative = sign.unwrap_or(false);
    cursor.digits(&mut parts.whole, style.thousands);
    if style.fraction && cursor.peek() == Some(b'.') {
        cursor.at += 1;
        cursor.digits(&mut parts.fraction, false);
    }
    if parts.whole.is_empty() && parts.fraction.is_empty() {
        return Err(malformed());
    }
    if style.exponent && matches!(cursor.peek(), Some(b'e' | b'E')) {
        parts.exponent = cursor.exponent();
    }
    cursor.spaces();
    if style.trailing_sign
        && sign.is_none()
        && let Some(negative) = cursor.sign()
    {
        parts.negative = negative;
        cursor.spaces();
    }
    // .NET takes zero characters at the end.
    let rest = cursor.bytes.get(cursor.at..).unwrap_or_default();
    if rest.iter().all(|byte| *byte == 0) { Ok(parts) } else { Err(malformed()) }
}

/// `int.Parse` and its kin: white space around, a sign, decimal digits.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn integer(ty: IntegerType, text: &str) -> Result<i128> {
    let parts = take_apart(text, INTEGER)?;
    let mut value: i128 = 0;
    for digit in &parts.whole {
        value = value * 10 + i128::from(digit - b'0');
        if value > i128::from(u64::MAX) {
            return Err(ty.overflow());
        }
    }
    ty.check(if parts.negative { -value } else { value })
}

/// `double.Parse`: also thousands separators, a fraction, an exponent, `NaN` and `Infinity`.
///
/// # Errors
/// `FormatException`.
pub fn double(text: &str) -> Result<f64> {
    floating(text, |text| text.parse().ok(), f64::NAN, f64::INFINITY, |value| -value)
}

/// `float.Parse`.
///
/// # Errors
/// `FormatException`.
pub fn single(text: &str) -> Result<f32> {
    floating(text, |text| text.parse().ok(), f32::NAN, f32::INFINITY, |value| -value)
}

fn floating<T>(
    text: &str,
    parse: impl Fn(&str) -> Option<T>,
    nan: T,
    infinity: T,
    negate: impl Fn(T) -> T,
) -> Result<T> {
    match take_apart(text, FLOAT) {
        Ok(parts) => {
            let mut plain = String::with_capacity(parts.whole.len() + parts.fraction.len() + 16);
            plain.push_str(if parts.negative { "-0" } else { "0" });
            plain.extend(parts.whole.iter().map(|digit| char::from(*digit)));
            plain.push_str(".0");
            plain.truncate(plain.len() - usize::from(!parts.fraction.is_empty()));
            plain.extend(parts.fraction.iter().map(|digit| char::from(*digit)));
            plain = format!("{plain}e{}", parts.exponent);
            parse(&plain).ok_or_else(malformed)
        }
        Err(error) => match text.trim().to_ascii_lowercase().as_str() {
            "nan" | "+nan" | "-nan" => Ok(nan),
            "infinity" | "+infinity" => Ok(infinity),
            "-infinity" => Ok(negate(infinity)),
            _ => Err(error),
        },
    }
}

/// `decimal.Parse`: thousands separators, a fraction, a sign before or behind; no exponent.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn decimal(text: &str) -> Result<Decimal> {
    let parts = take_apart(text, NUMBER)?;
    from_digits(parts.negative, &parts.whole, &parts.fraction)
}

/// A decimal with an exponent, as JSON writes them.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn decimal_with_exponent(text: &str) -> Result<Decimal> {
    let parts = take_apart(text, Style { thousands: false, ..FLOAT })?;
    let mut whole = parts.whole;
    let mut fraction = parts.fraction;
    // More places than these change nothing but the time taken.
    let shift = parts.exponent.clamp(-100, 100);
    for _ in 0..shift.unsigned_abs() {
        if shift > 0 {
            whole.push(if fraction.is_empty() { b'0' } else { fraction.remove(0) });
        } else {
            fraction.insert(0, whole.pop().unwrap_or(b'0'));
        }
    }
    from_digits(parts.negative, &whole, &fraction)
}

/// `bool.Parse`.
///
/// # Errors
/// `FormatException`.
pub fn boolean(text: &str) -> Result<bool> {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    if trimmed.eq_ignore_ascii_case("true") {
        Ok(true)
    } else if trimmed.eq_ignore_ascii_case("false") {
        Ok(false)
    } else {
        Err(Error::format(format!("String '{text}' was not recognized as a valid Boolean.")))
    }
}

/// `bool.ToString`.
pub fn boolean_text(value: bool) -> &'static str {
    if value { "True" } else { "False" }
}
