//! A number as decimal digits, the form in which formats round and lay it out.

use rust_decimal::Decimal;

/// Which rounding a format applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Decimal,
    /// Rounded, half to even, when the digits were made.
    Floating,
}

/// `0.d1d2d3… × 10^scale`; no digits = zero.
#[derive(Debug, Clone)]
pub(super) struct Digits {
    /// ASCII digits.
    pub list: Vec<u8>,
    pub scale: i32,
    pub negative: bool,
    pub kind: Kind,
}

/// How many digits of a binary number to make.
#[derive(Debug, Clone, Copy)]
pub(super) enum Precision {
    /// As few as tell the value from its neighbours.
    Shortest,
    /// So many from the first non-zero one.
    Significant(usize),
    /// So many behind the point.
    Fraction(usize),
}

/// No `double` has more digits than this; the rest are zeros.
const EXACT_DIGITS_MAX: usize = 1100;

impl Digits {
    pub(super) fn integer(value: i128) -> Self {
        Self::from_integer(value.unsigned_abs(), 0, value < 0, Kind::Integer)
    }

    pub(super) fn decimal(value: &Decimal) -> Self {
        let scale = value.scale() as i32;
        Self::from_integer(value.mantissa().unsigned_abs(), scale, value.is_sign_negative(), Kind::Decimal)
    }

    fn from_integer(magnitude: u128, scale: i32, negative: bool, kind: Kind) -> Self {
        let digits = if magnitude == 0 { Vec::new() } else { magnitude.to_string().into_bytes() };
        let scale = digits.len() as i32 - scale;
        Self { list: digits, scale, negative, kind }
    }

    /// Of a finite value.
    pub(super) fn double(value: f64, precision: Precision) -> Self {
        let text = match precision {
            Precision::Shortest => format!("{:e}", value.abs()),
            Precision::Significant(n) => {
                format!("{:.*e}", n.clamp(1, EXACT_DIGITS_MAX) - 1, value.abs())
            }
            Precision::Fraction(n) => format!("{:.*}", n.min(EXACT_DIGITS_MAX), value.abs()),
        };
        Self::from_text(&text, value.is_sign_negative())
    }

    /// Of a finite value.
    pub(super) fn single(value: f32, precision: Precision) -> Self {
        match precision {
            Precision::Shortest => Self::from_text(&format!("{:e}", value.abs()), value.is_sign_negative()),
            other => Self::double(f64::from(value), other),
        }
    }

    /// From `12.34` or `1.234e1`.
    fn from_text(text: &str, negative: bool) -> Self {
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let exponent: i32 = exponent.parse().unwrap_or(0);
        let all: Vec<u8> = whole.bytes().chain(fraction.bytes()).collect();
        let zeros = all.iter().take_while(|digit| **digit == b'0').count();
        let mut digits = all.get(zeros..).unwrap_or_default().to_vec();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        let scale = if digits.is_empty() { 0 } else { whole.len() as i32 + exponent - zeros as i32 };
        Self { list: digits, scale, negative, kind: Kind::Floating }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.list.is_empty()
    }

    /// Cuts to `position` digits, rounding half away from zero unless the digits are rounded already.
    pub(super) fn round(&mut self, position: i32, already_rounded: bool) {
        let cut = usize::try_from(position).unwrap_or(0);
        let keep = cut.min(self.list.len());
        let up = !already_rounded
            && position >= 0
            && keep == cut
            && self.list.get(keep).is_some_and(|digit| *digit >= b'5');
        self.list.truncate(keep);
        if up {
            while self.list.last() == Some(&b'9') {
                self.list.pop();
            }
            if let Some(digit) = self.list.last_mut() {
                *digit += 1;
            } else {
                self.scale += 1;
                self.list.push(b'1');
            }
        } else {
            while self.list.last() == Some(&b'0') {
                self.list.pop();
            }
        }
        if self.list.is_empty() {
            if self.kind != Kind::Floating {
                self.negative = false;
            }
            self.scale = 0;
        }
    }
}
