//! `System.Math` where it differs from the functions of Rust's numbers.

use rust_decimal::Decimal;

use super::IntegerType;
use crate::clr::exception::{Error, ExceptionKind, Result};

/// `MidpointRounding`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Rounding {
    /// 0: half to even.
    #[default]
    ToEven,
    /// 1: half away from zero.
    AwayFromZero,
    /// 2: towards zero.
    ToZero,
    /// 3: down.
    ToNegativeInfinity,
    /// 4: up.
    ToPositiveInfinity,
}

impl Rounding {
    /// From the enumeration's number.
    ///
    /// # Errors
    /// `ArgumentException`.
    pub fn from_number(value: i32) -> Result<Self> {
        Ok(match value {
            0 => Self::ToEven,
            1 => Self::AwayFromZero,
            2 => Self::ToZero,
            3 => Self::ToNegativeInfinity,
            4 => Self::ToPositiveInfinity,
            _ => {
                let text =
                    format!("The value '{value}' is not valid for this usage of the type MidpointRounding.");
                return Err(Error::argument_for(&text, "mode"));
            }
        })
    }

    fn apply(self, value: f64) -> f64 {
        match self {
            Self::ToEven => value.round_ties_even(),
            Self::AwayFromZero => value.round(),
            Self::ToZero => value.trunc(),
            Self::ToNegativeInfinity => value.floor(),
            Self::ToPositiveInfinity => value.ceil(),
        }
    }
}

/// `Math.Round(value, digits, mode)`: scaled by a power of ten, rounded, scaled back.
///
/// # Errors
/// `ArgumentOutOfRangeException` for digits outside 0–15.
pub fn round(value: f64, digits: i32, mode: Rounding) -> Result<f64> {
    if !(0..=15).contains(&digits) {
        return Err(Error::out_of_range("Rounding digits must be between 0 and 15, inclusive.", "digits"));
    }
    if digits == 0 {
        return Ok(mode.apply(value));
    }
    // Values this large have no digits behind the point.
    if value.abs() >= 1e16 || value.is_nan() {
        return Ok(value);
    }
    let power = 10_f64.powi(digits);
    Ok(mode.apply(value * power) / power)
}

/// `Math.Round(decimal, digits, mode)`; the scale becomes `digits` at most.
///
/// # Errors
/// `ArgumentOutOfRangeException` for digits outside 0–28.
pub fn round_decimal(value: &Decimal, digits: i32, mode: Rounding) -> Result<Decimal> {
    use rust_decimal::RoundingStrategy as Strategy;
    let places = u32::try_from(digits).ok().filter(|digits| *digits <= 28);
    let places = places.ok_or_else(|| {
        Error::out_of_range("Decimal can only round to between 0 and 28 digits of precision.", "decimals")
    })?;
    let strategy = match mode {
        Rounding::ToEven => Strategy::MidpointNearestEven,
        Rounding::AwayFromZero => Strategy::MidpointAwayFromZero,
        Rounding::ToZero => Strategy::ToZero,
        Rounding::ToNegativeInfinity => Strategy::ToNegativeInfinity,
        Rounding::ToPositiveInfinity => Strategy::ToPositiveInfinity,
    };
    Ok(value.round_dp_with_strategy(places, strategy))
}

/// `Math.Sign` of a floating number.
///
/// # Errors
/// `ArithmeticException` for NaN.
pub fn sign(value: f64) -> Result<i32> {
    if value.is_nan() {
        let text = "Function does not accept floating point Not-a-Number values.";
        return Err(Error::new(ExceptionKind::Arithmetic, text));
    }
    Ok(i32::from(value > 0.0) - i32::from(value < 0.0))
}

/// `Math.Abs` of an integer.
///
/// # Errors
/// `OverflowException` for the smallest value.
pub fn abs(ty: IntegerType, value: i128) -> Result<i128> {
    if value == ty.min() && ty.is_signed() {
        return Err(Error::overflow("Negating the minimum value of a twos complement number is invalid."));
    }
    Ok(value.abs())
}

/// `Math.Max` of floating numbers: NaN wins, `+0` is more than `-0`.
pub fn max(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a > b || (a >= b && b.is_sign_negative()) { a } else { b }
}

/// `Math.Min` of floating numbers: NaN wins, `-0` is less than `+0`.
pub fn min(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    if a < b || (a <= b && a.is_sign_negative()) { a } else { b }
}

/// The check of `Math.Clamp`, with the bounds' texts.
///
/// # Errors
/// `ArgumentException` when the lower bound is above the upper one.
pub fn clamp_bounds(in_order: bool, min: &str, max: &str) -> Result<()> {
    if in_order { Ok(()) } else { Err(Error::argument(format!("'{min}' cannot be greater than {max}."))) }
}

/// `Math.Log(value, base)`.
#[allow(clippy::float_cmp, reason = "these exact values are special")]
pub fn log(value: f64, base: f64) -> f64 {
    if value.is_nan()
        || base.is_nan()
        || base == 1.0
        || (value != 1.0 && (base == 0.0 || base == f64::INFINITY))
    {
        return f64::NAN;
    }
    value.ln() / base.ln()
}

/// `Math.IEEERemainder`: the quotient is rounded half to even.
pub fn ieee_remainder(x: f64, y: f64) -> f64 {
    let regular = x % y;
    if regular.is_nan() {
        return f64::NAN;
    }
    if regular == 0.0 {
        return regular.copysign(x);
    }
    let other = regular - (y.abs() * x.signum());
    if (other.abs() - regular.abs()).abs() < f64::EPSILON * y.abs() {
        let quotient = x / y;
        let rounded = quotient.round_ties_even();
        return if rounded.abs() > quotient.abs() { other } else { regular };
    }
    if other.abs() < regular.abs() { other } else { regular }
}
