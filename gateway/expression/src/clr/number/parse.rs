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

/// `NumberStyles`, with .NET's bits: what may stand in a number's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Styles(pub u32);

impl Styles {
    const LEADING_WHITE: u32 = 1;
    const TRAILING_WHITE: u32 = 2;
    const LEADING_SIGN: u32 = 4;
    const TRAILING_SIGN: u32 = 8;
    const PARENTHESES: u32 = 0x10;
    const POINT: u32 = 0x20;
    const THOUSANDS: u32 = 0x40;
    const EXPONENT: u32 = 0x80;
    const CURRENCY: u32 = 0x100;
    const HEX: u32 = 0x200;
    const ALL: u32 = 0x3ff;

    /// `NumberStyles.Integer`: what `int.Parse` takes.
    pub const INTEGER: Self = Self(0x7);
    /// `Float | AllowThousands`: what `double.Parse` takes.
    pub const FLOAT: Self = Self(0xe7);
    /// `NumberStyles.Number`: what `decimal.Parse` takes.
    pub const NUMBER: Self = Self(0x6f);

    fn has(self, bit: u32) -> bool {
        self.0 & bit != 0
    }

    /// Refuses combinations that no parser knows.
    ///
    /// # Errors
    /// `ArgumentException`.
    fn check(self, floating: bool) -> Result<()> {
        let problem = if self.0 & !Self::ALL != 0 {
            "An undefined NumberStyles value is being used."
        } else if floating && self.has(Self::HEX) {
            "The number style AllowHexSpecifier is not supported on floating point data types."
        } else if self.has(Self::HEX)
            && self.0 & !(Self::HEX | Self::LEADING_WHITE | Self::TRAILING_WHITE) != 0
        {
            "With the AllowHexSpecifier bit set in the enum bit field, the only other valid bits that can be combined into the enum value must be a subset of those in HexNumber."
        } else {
            return Ok(());
        };
        Err(Error::argument_for(problem, "style"))
    }
}

/// The invariant culture's currency sign.
const CURRENCY_SIGN: &[u8] = "¤".as_bytes();

struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    styles: Styles,
    has_sign: bool,
    open: bool,
    has_currency: bool,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
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

    fn currency(&mut self) -> bool {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let found =
            self.styles.has(Styles::CURRENCY) && !self.has_currency && rest.starts_with(CURRENCY_SIGN);
        if found {
            self.has_currency = true;
            self.at += CURRENCY_SIGN.len();
        }
        found
    }

    /// White space, sign, parenthesis and currency before the digits. Behind a sign no white space may follow.
    fn before(&mut self, negative: &mut bool) {
        let styles = self.styles;
        while let Some(byte) = self.peek() {
            if is_space(byte) && styles.has(Styles::LEADING_WHITE) && (!self.has_sign || self.has_currency) {
                self.at += 1;
            } else if styles.has(Styles::LEADING_SIGN) && !self.has_sign && matches!(byte, b'-' | b'+') {
                self.has_sign = true;
                *negative = self.sign() == Some(true);
            } else if byte == b'(' && styles.has(Styles::PARENTHESES) && !self.has_sign {
                (self.has_sign, self.open, *negative) = (true, true, true);
                self.at += 1;
            } else if !self.currency() {
                break;
            }
        }
    }

    /// What may stand behind the digits; false when a parenthesis stays open.
    fn behind(&mut self, negative: &mut bool) -> bool {
        let styles = self.styles;
        while let Some(byte) = self.peek() {
            if is_space(byte) && styles.has(Styles::TRAILING_WHITE) {
                self.at += 1;
            } else if styles.has(Styles::TRAILING_SIGN) && !self.has_sign && matches!(byte, b'-' | b'+') {
                self.has_sign = true;
                *negative = self.sign() == Some(true);
            } else if byte == b')' && self.open {
                self.open = false;
                self.at += 1;
            } else if !self.currency() {
                break;
            }
        }
        !self.open
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

    /// Whether nothing but zero characters is left, which .NET takes.
    fn at_end(&self) -> bool {
        self.bytes.get(self.at..).unwrap_or_default().iter().all(|byte| *byte == 0)
    }
}

fn cursor(text: &str, styles: Styles) -> Cursor<'_> {
    Cursor { bytes: text.as_bytes(), at: 0, styles, has_sign: false, open: false, has_currency: false }
}

fn take_apart(text: &str, styles: Styles) -> Result<Parts> {
    let mut cursor = cursor(text, styles);
    let mut parts = Parts::default();
    cursor.before(&mut parts.negative);
    cursor.digits(&mut parts.whole, styles.has(Styles::THOUSANDS));
    if styles.has(Styles::POINT) && cursor.peek() == Some(b'.') {
        cursor.at += 1;
        cursor.digits(&mut parts.fraction, false);
    }
    if parts.whole.is_empty() && parts.fraction.is_empty() {
        return Err(malformed());
    }
    if styles.has(Styles::EXPONENT) && matches!(cursor.peek(), Some(b'e' | b'E')) {
        parts.exponent = cursor.exponent();
    }
    if cursor.behind(&mut parts.negative) && cursor.at_end() { Ok(parts) } else { Err(malformed()) }
}

/// `int.Parse(text, style)` and its kin: digits of an integer; a fraction of zeros where the style has a point.
///
/// # Errors
/// `FormatException`, `OverflowException`; `ArgumentException` for styles that do not go together.
pub fn integer_styled(ty: IntegerType, text: &str, styles: Styles) -> Result<i128> {
    styles.check(false)?;
    if styles.has(Styles::HEX) {
        return hexadecimal(ty, text, styles);
    }
    let parts = take_apart(text, styles)?;
    let digits: Vec<u8> = parts.whole.iter().chain(&parts.fraction).copied().collect();
    // More places than these change nothing but the time taken.
    let exponent = parts.exponent.clamp(-1_000, 1_000);
    let places = (parts.whole.len() as i64 + exponent).max(0) as usize;
    let mut value: i128 = 0;
    for place in 0..places.max(digits.len()) {
        let digit = i128::from(digits.get(place).map_or(0, |digit| digit - b'0'));
        if place >= places {
            // Behind the point only zeros may stand.
            if digit != 0 {
                return Err(ty.overflow());
            }
            continue;
        }
        value = value * 10 + digit;
        if value > i128::from(u64::MAX) {
            return Err(ty.overflow());
        }
    }
    ty.check(if parts.negative { -value } else { value })
}

/// Hexadecimal digits are the bits of the type.
fn hexadecimal(ty: IntegerType, text: &str, styles: Styles) -> Result<i128> {
    let mut cursor = cursor(text, styles);
    cursor.before(&mut false);
    let (mut bits, mut any) = (0_u128, false);
    while let Some(digit) = cursor.peek().and_then(|byte| char::from(byte).to_digit(16)) {
        any = true;
        cursor.at += 1;
        bits = bits << 4 | u128::from(digit);
        if bits >= 1 << ty.bits() {
            return Err(ty.overflow());
        }
    }
    cursor.behind(&mut false);
    if any && cursor.at_end() { Ok(ty.wrap(bits as i128)) } else { Err(malformed()) }
}

/// `int.Parse(text)` and its kin: white space around, a sign, decimal digits.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn integer(ty: IntegerType, text: &str) -> Result<i128> {
    integer_styled(ty, text, Styles::INTEGER)
}

/// `double.Parse`: also thousands separators, a fraction, an exponent, `NaN` and `Infinity`.
///
/// # Errors
/// `FormatException`.
pub fn double(text: &str) -> Result<f64> {
    double_styled(text, Styles::FLOAT)
}

/// `double.Parse(text, style)`.
///
/// # Errors
/// `FormatException`; `ArgumentException` for styles that do not go together.
pub fn double_styled(text: &str, styles: Styles) -> Result<f64> {
    floating(text, styles, |text| text.parse().ok(), f64::NAN, f64::INFINITY, |value| -value)
}

/// `float.Parse`.
///
/// # Errors
/// `FormatException`.
pub fn single(text: &str) -> Result<f32> {
    single_styled(text, Styles::FLOAT)
}

/// `float.Parse(text, style)`.
///
/// # Errors
/// As [`double_styled`].
pub fn single_styled(text: &str, styles: Styles) -> Result<f32> {
    floating(text, styles, |text| text.parse().ok(), f32::NAN, f32::INFINITY, |value| -value)
}

fn floating<T>(
    text: &str,
    styles: Styles,
    parse: impl Fn(&str) -> Option<T>,
    nan: T,
    infinity: T,
    negate: impl Fn(T) -> T,
) -> Result<T> {
    styles.check(true)?;
    match take_apart(text, styles) {
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
    decimal_styled(text, Styles::NUMBER)
}

/// `decimal.Parse(text, style)`.
///
/// # Errors
/// As [`decimal`]; `ArgumentException` for styles that do not go together.
pub fn decimal_styled(text: &str, styles: Styles) -> Result<Decimal> {
    styles.check(true)?;
    shifted(take_apart(text, styles)?)
}

/// A decimal with an exponent, as JSON writes them.
///
/// # Errors
/// `FormatException`, `OverflowException`.
pub fn decimal_with_exponent(text: &str) -> Result<Decimal> {
    shifted(take_apart(text, Styles(Styles::FLOAT.0 & !Styles::THOUSANDS))?)
}

/// The decimal with its exponent in its digits.
fn shifted(parts: Parts) -> Result<Decimal> {
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
