//! Standard numeric formats: `C D E F G N P R X` with an optional precision of one or two digits.

use rust_decimal::Decimal;

use super::IntegerType;
use super::digits::{Digits, Precision};
use crate::clr::exception::{Error, Result};

const CURRENCY: &str = "\u{a4}";

/// A standard format: its letter and its precision.
#[derive(Debug, Clone, Copy)]
pub(super) struct Specifier {
    letter: u8,
    precision: Option<usize>,
}

impl Specifier {
    /// `None` when the text is a custom format.
    pub(super) fn parse(format: &str) -> Option<Self> {
        let Some((letter, rest)) = format.as_bytes().split_first() else {
            return Some(Self { letter: b'G', precision: None });
        };
        if !letter.is_ascii_alphabetic() {
            return None;
        }
        let mut precision = 0;
        for byte in rest {
            // .NET stops reading digits once it has two of them; anything left makes a custom format.
            if !byte.is_ascii_digit() || precision >= 10 {
                return None;
            }
            precision = precision * 10 + usize::from(byte - b'0');
        }
        Some(Self { letter: *letter, precision: (!rest.is_empty()).then_some(precision) })
    }

    /// `E` or `e`, after the case of the format's letter.
    fn exponent_letter(self) -> u8 {
        if self.letter.is_ascii_lowercase() { b'e' } else { b'E' }
    }

    fn fraction(self) -> usize {
        self.precision.unwrap_or(2)
    }
}

fn invalid() -> Error {
    Error::format("Format specifier was invalid.")
}

/// The names of values that have no digits.
pub(super) fn not_finite(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value == f64::INFINITY {
        Some("Infinity")
    } else if value == f64::NEG_INFINITY {
        Some("-Infinity")
    } else {
        None
    }
}

pub(super) fn integer(ty: IntegerType, value: i128, spec: Specifier) -> Result<String> {
    match (spec.letter.to_ascii_uppercase(), spec.precision) {
        (b'D', precision) => Ok(padded(value, precision.unwrap_or(0))),
        (b'G', None | Some(0)) => Ok(value.to_string()),
        (b'X', precision) => {
            let bits = value as u128 & (u128::MAX >> (128 - ty.bits()));
            let width = precision.unwrap_or(0);
            Ok(if spec.letter == b'X' { format!("{bits:0width$X}") } else { format!("{bits:0width$x}") })
        }
        (b'R', _) => Err(invalid()),
        _ => rounded(Digits::integer(value), spec, false),
    }
}

fn padded(value: i128, width: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", value.unsigned_abs())
}

pub(super) fn decimal(value: &Decimal, spec: Specifier) -> Result<String> {
    let digits = Digits::decimal(value);
    match (spec.letter.to_ascii_uppercase(), spec.precision) {
        (b'G', None) => Ok(plain(&digits)),
        (b'G', Some(0)) => {
            let most = digits.list.len();
            let mut digits = digits;
            digits.round(most as i32, false);
            Ok(general_text(&digits, most, spec.exponent_letter()))
        }
        (b'R' | b'D' | b'X', _) => Err(invalid()),
        _ => rounded(digits, spec, false),
    }
}

/// `double` and `float`: the digits are made at the precision the format asks for.
/// `round_trip` = significant digits up to which the shortest text is laid out without exponent.
pub(super) fn binary(
    spec: Specifier,
    round_trip: usize,
    digits: impl Fn(Precision) -> Digits,
) -> Result<String> {
    let precision = match (spec.letter.to_ascii_uppercase(), spec.precision) {
        (b'R', _) | (b'G', None | Some(0)) => {
            let digits = digits(Precision::Shortest);
            return Ok(general_text(&digits, round_trip, spec.exponent_letter()));
        }
        (b'G', Some(significant)) => Precision::Significant(significant),
        (b'E', precision) => Precision::Significant(precision.unwrap_or(6) + 1),
        (b'F' | b'N' | b'C', _) => Precision::Fraction(spec.fraction()),
        (b'P', _) => Precision::Fraction(spec.fraction() + 2),
        _ => return Err(invalid()),
    };
    rounded(digits(precision), spec, true)
}

fn rounded(mut digits: Digits, spec: Specifier, already: bool) -> Result<String> {
    let places = spec.fraction();
    match spec.letter.to_ascii_uppercase() {
        b'E' => {
            let places = spec.precision.unwrap_or(6);
            digits.round(places as i32 + 1, already);
            Ok(scientific(&digits, places, spec.exponent_letter()))
        }
        b'G' => {
            let significant = spec.precision.unwrap_or(0);
            digits.round(significant as i32, already);
            Ok(general_text(&digits, significant, spec.exponent_letter()))
        }
        b'F' => {
            digits.round(digits.scale.saturating_add(places as i32), already);
            Ok(signed(&digits, fixed(&digits, places, false)))
        }
        b'N' => {
            digits.round(digits.scale.saturating_add(places as i32), already);
            Ok(signed(&digits, fixed(&digits, places, true)))
        }
        b'P' => {
            if !digits.is_zero() {
                digits.scale += 2;
            }
            digits.round(digits.scale.saturating_add(places as i32), already);
            Ok(signed(&digits, fixed(&digits, places, true) + " %"))
        }
        b'C' => {
            digits.round(digits.scale.saturating_add(places as i32), already);
            let text = format!("{CURRENCY}{}", fixed(&digits, places, true));
            Ok(if digits.negative { format!("({text})") } else { text })
        }
        _ => Err(invalid()),
    }
}

fn signed(digits: &Digits, text: String) -> String {
    if digits.negative { format!("-{text}") } else { text }
}

/// The digit at a place, counted from the first; behind the last one stand zeros.
fn digit(digits: &Digits, index: i32) -> char {
    let index = usize::try_from(index).ok();
    index.and_then(|index| digits.list.get(index)).map_or('0', |digit| char::from(*digit))
}

/// Without sign: whole part, point and `places` digits.
fn fixed(digits: &Digits, places: usize, grouped: bool) -> String {
    let mut text = String::with_capacity(places + 24);
    for index in 0..digits.scale {
        if grouped && index > 0 && (digits.scale - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit(digits, index));
    }
    if digits.scale <= 0 {
        text.push('0');
    }
    if places > 0 {
        text.push('.');
        text.extend((0..places as i32).map(|place| digit(digits, digits.scale + place)));
    }
    text
}

fn scientific(digits: &Digits, places: usize, letter: u8) -> String {
    let mut text = String::with_capacity(places + 10);
    text.push(digit(digits, 0));
    if places > 0 {
        text.push('.');
        text.extend((1..=places as i32).map(|place| digit(digits, place)));
    }
    let exponent = if digits.is_zero() { 0 } else { digits.scale - 1 };
    push_exponent(&mut text, exponent, letter, 3, true);
    signed(digits, text)
}

/// Appends `E+004`.
pub(super) fn push_exponent(text: &mut String, exponent: i32, letter: u8, width: usize, plus: bool) {
    text.push(char::from(letter));
    if exponent < 0 {
        text.push('-');
    } else if plus {
        text.push('+');
    }
    let digits = format!("{:0width$}", exponent.unsigned_abs());
    text.push_str(&digits);
}

/// `G`: fixed while the point stands within `most` digits, else with an exponent of two digits or more.
pub(super) fn general_text(digits: &Digits, most: usize, letter: u8) -> String {
    let scale = digits.scale;
    if digits.is_zero() || (scale <= most as i32 && scale >= -3) {
        return plain(digits);
    }
    let fraction = digits.list.len().saturating_sub(1);
    let mut text = String::new();
    text.push(digit(digits, 0));
    if fraction > 0 {
        text.push('.');
        text.extend((1..=fraction as i32).map(|place| digit(digits, place)));
    }
    push_exponent(&mut text, scale - 1, letter, 2, true);
    signed(digits, text)
}

/// All digits, no exponent.
pub(super) fn plain(digits: &Digits) -> String {
    let places = (digits.list.len() as i32 - digits.scale).max(0);
    let text = fixed(digits, places as usize, false);
    // .NET prints the sign of a floating zero but not that of a decimal one.
    if digits.is_zero() && digits.kind == super::digits::Kind::Decimal { text } else { signed(digits, text) }
}
