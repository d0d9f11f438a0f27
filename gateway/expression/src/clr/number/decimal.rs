//! `decimal`: 96-bit mantissa and a scale of 0–28 that arithmetic keeps.

use num_bigint::BigUint;
use rust_decimal::Decimal;

use super::digits::{Digits, Precision};
use crate::clr::exception::{Error, ExceptionKind, Result};

const MANTISSA_MAX: u128 = (1 << 96) - 1;
const SCALE_MAX: usize = 28;

fn overflow() -> Error {
    Error::overflow("Value was either too large or too small for a Decimal.")
}

fn made(negative: bool, mantissa: u128, scale: usize) -> Result<Decimal> {
    let signed = i128::try_from(mantissa).map_err(|_| overflow())?;
    let value = Decimal::try_from_i128_with_scale(signed, scale as u32).map_err(|_| overflow())?;
    Ok(if negative { -value } else { value })
}

/// From ASCII digits before and behind the point; what does not fit is rounded half to even.
pub(super) fn from_digits(negative: bool, whole: &[u8], fraction: &[u8]) -> Result<Decimal> {
    let whole = whole.get(whole.iter().take_while(|digit| **digit == b'0').count()..).unwrap_or_default();
    if whole.len() > SCALE_MAX + 1 {
        return Err(overflow());
    }
    let mut scale = fraction.len().min(SCALE_MAX);
    loop {
        let mantissa = rounded(whole, fraction, scale);
        if mantissa <= MANTISSA_MAX {
            return made(negative && mantissa != 0, mantissa, scale);
        }
        scale = scale.checked_sub(1).ok_or_else(overflow)?;
    }
}

/// The mantissa at a scale; saturates when far too large.
fn rounded(whole: &[u8], fraction: &[u8], scale: usize) -> u128 {
    let mut mantissa: u128 = 0;
    for digit in whole.iter().chain(fraction.iter().take(scale)) {
        mantissa = mantissa.saturating_mul(10).saturating_add(u128::from(digit - b'0'));
    }
    let rest = fraction.get(scale..).unwrap_or_default();
    let up = match rest.split_first() {
        Some((b'6'..=b'9', _)) => true,
        Some((b'5', rest)) => rest.iter().any(|digit| *digit != b'0') || mantissa % 2 == 1,
        _ => false,
    };
    mantissa.saturating_add(u128::from(up))
}

/// `(decimal)double`: 15 significant digits.
///
/// # Errors
/// `OverflowException`, also for NaN.
pub fn from_double(value: f64) -> Result<Decimal> {
    if !value.is_finite() {
        return Err(overflow());
    }
    from_floating(&Digits::double(value, Precision::Significant(15)))
}

/// `(decimal)float`: 7 significant digits.
///
/// # Errors
/// `OverflowException`, also for NaN.
pub fn from_single(value: f32) -> Result<Decimal> {
    if !value.is_finite() {
        return Err(overflow());
    }
    from_floating(&Digits::single(value, Precision::Significant(7)))
}

fn from_floating(digits: &Digits) -> Result<Decimal> {
    let count = digits.list.len() as i32;
    if digits.scale > SCALE_MAX as i32 + 1 {
        return Err(overflow());
    }
    let mut all = vec![b'0'; (-digits.scale).clamp(0, 60) as usize];
    all.extend_from_slice(&digits.list);
    all.extend(std::iter::repeat_n(b'0', (digits.scale - count).max(0) as usize));
    let (whole, fraction) = all.split_at_checked(digits.scale.max(0) as usize).unwrap_or((&all, &[]));
    let value = from_digits(digits.negative, whole, fraction)?;
    // Where digits were rounded away the zeros they leave are not part of the value.
    Ok(if value.is_zero() { Decimal::ZERO } else { trimmed(value) })
}

fn trimmed(value: Decimal) -> Decimal {
    let mut mantissa = value.mantissa().unsigned_abs();
    let mut scale = value.scale() as usize;
    while scale > 0 && mantissa.is_multiple_of(10) {
        mantissa /= 10;
        scale -= 1;
    }
    made(value.is_sign_negative(), mantissa, scale).unwrap_or(value)
}

/// `(double)decimal`.
pub fn to_double(value: &Decimal) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// `(float)decimal`.
pub fn to_single(value: &Decimal) -> f32 {
    to_double(value) as f32
}

/// `a + b`.
///
/// # Errors
/// `OverflowException`.
pub fn add(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    let scale = a.scale().max(b.scale());
    let ten = |power: u32| num_bigint::BigInt::from(10).pow(power);
    let sum = ten(scale - a.scale()) * a.mantissa() + ten(scale - b.scale()) * b.mantissa();
    fitted(sum.sign() == num_bigint::Sign::Minus, sum.magnitude(), scale as usize)
}

/// `a - b`.
///
/// # Errors
/// `OverflowException`.
pub fn subtract(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    add(a, &-*b)
}

/// `a * b`.
///
/// # Errors
/// `OverflowException`.
pub fn multiply(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    let (left, right) = (a.mantissa().unsigned_abs(), b.mantissa().unsigned_abs());
    let scale = a.scale() + b.scale();
    let wide = left.max(right) > u128::from(u64::MAX);
    // .NET gives a zero without scale where it need not look at the digits.
    if (!wide && scale > 46) || (wide && left.min(right) == 0) {
        return Ok(Decimal::ZERO);
    }
    let product = BigUint::from(left) * right;
    fitted(a.is_sign_negative() != b.is_sign_negative(), &product, scale as usize)
}

/// The exact value rounded to what a decimal holds.
fn fitted(negative: bool, magnitude: &BigUint, scale: usize) -> Result<Decimal> {
    let digits = magnitude.to_string().into_bytes();
    let missing = scale.saturating_sub(digits.len());
    let padded: Vec<u8> = std::iter::repeat_n(b'0', missing).chain(digits).collect();
    let (whole, fraction) = padded.split_at_checked(padded.len() - scale).unwrap_or((&padded, &[]));
    from_digits(negative, whole, fraction)
}

/// `a / b`: the scale is the difference of the scales, more only where the quotient needs it.
///
/// # Errors
/// `DivideByZeroException`, `OverflowException`.
pub fn divide(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    if b.is_zero() {
        return Err(Error::of(ExceptionKind::DivideByZero));
    }
    let least = a.scale().saturating_sub(b.scale()) as usize;
    let negative = a.is_sign_negative() != b.is_sign_negative();
    let dividend = BigUint::from(a.mantissa().unsigned_abs());
    let divisor = BigUint::from(b.mantissa().unsigned_abs());
    let mut scale = SCALE_MAX;
    loop {
        // Both mantissas are brought to a quotient of `scale` places.
        let power = scale as i64 + i64::from(b.scale()) - i64::from(a.scale());
        let ten = BigUint::from(10_u32).pow(power.unsigned_abs() as u32);
        let (dividend, divisor) =
            if power >= 0 { (&dividend * ten, divisor.clone()) } else { (dividend.clone(), &divisor * ten) };
        let quotient = &dividend / &divisor;
        let rest = &dividend % &divisor;
        let twice = &rest * 2_u32;
        let up = twice > divisor || (twice == divisor && quotient.bit(0));
        let exact = rest == BigUint::ZERO;
        if let Ok(mantissa) = u128::try_from(quotient + u32::from(up))
            && mantissa <= MANTISSA_MAX
        {
            return settle(negative, mantissa, scale, if exact { least } else { scale });
        }
        scale = scale.checked_sub(1).ok_or_else(overflow)?;
    }
}

/// Drops trailing zeros down to the `least` scale; an inexact quotient drops them all.
fn settle(negative: bool, mut mantissa: u128, mut scale: usize, least: usize) -> Result<Decimal> {
    let floor = if least == scale { 0 } else { least };
    while scale > floor && mantissa.is_multiple_of(10) {
        mantissa /= 10;
        scale -= 1;
    }
    made(negative && mantissa != 0, mantissa, scale)
}

/// `a % b`: the sign is the dividend's.
///
/// # Errors
/// `DivideByZeroException`.
pub fn remainder(a: &Decimal, b: &Decimal) -> Result<Decimal> {
    if b.is_zero() {
        return Err(Error::of(ExceptionKind::DivideByZero));
    }
    let scale = a.scale().max(b.scale());
    let ten = |power: u32| BigUint::from(10_u32).pow(power);
    let dividend = ten(scale - a.scale()) * a.mantissa().unsigned_abs();
    let divisor = ten(scale - b.scale()) * b.mantissa().unsigned_abs();
    if dividend < divisor {
        return Ok(*a);
    }
    fitted(a.is_sign_negative(), &(dividend % divisor), scale as usize)
}
