//! `JToken.DeepEquals` and the order of values.

use std::cmp::Ordering;

use num_bigint::BigInt;
use rust_decimal::Decimal;

use super::cast::{CastTarget, change_type};
use super::node::{Data, JToken, TokenType};
use super::scalar::Scalar;
use crate::clr::date_time::DateTime;
use crate::clr::exception::Result;
use crate::clr::number::{IntegerType, decimal};
use crate::clr::text;

/// `JToken.DeepEquals(a, b)`: objects regardless of order, arrays item by item.
pub fn deep_equals(a: Option<&JToken>, b: Option<&JToken>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(a), Some(b)) => equal(a, b),
        _ => false,
    }
}

fn equal(a: &JToken, b: &JToken) -> bool {
    if a.same(b) {
        return true;
    }
    let items_equal = || {
        let (left, right) = (a.children(), b.children());
        left.len() == right.len() && left.iter().zip(&right).all(|(a, b)| equal(a, b))
    };
    match (&a.0.data, &b.0.data) {
        (Data::Value(a), Data::Value(b)) => values_equal(&a.borrow(), &b.borrow()),
        (Data::Array(_), Data::Array(_)) => items_equal(),
        (Data::Property(..), Data::Property(..)) | (Data::Constructor(..), Data::Constructor(..)) => {
            a.name() == b.name() && a.constructor_name() == b.constructor_name() && items_equal()
        }
        (Data::Object(_), Data::Object(_)) => {
            a.count() == b.count()
                && a.children().iter().all(|property| {
                    let other = property.name().and_then(|name| b.find_property(name));
                    other.is_some_and(|other| equal(property, &other))
                })
        }
        _ => false,
    }
}

/// `JValue.Equals(JValue)`: the same token type and the same value.
pub(super) fn values_equal(a: &Scalar, b: &Scalar) -> bool {
    a.token_type() == b.token_type() && compare_scalars(a, b).is_ok_and(|order| order == 0)
}

/// `JValue.CompareTo(JValue)`: below, at or above zero. A string before another type is compared as that type.
///
/// # Errors
/// What converting the other value to the type of the comparison throws.
pub fn compare_scalars(a: &Scalar, b: &Scalar) -> Result<i32> {
    match (a, b) {
        (Scalar::Null | Scalar::Undefined, Scalar::Null | Scalar::Undefined) => return Ok(0),
        (Scalar::Null | Scalar::Undefined, _) => return Ok(-1),
        (_, Scalar::Null | Scalar::Undefined) => return Ok(1),
        _ => {}
    }
    let ty = match a.token_type() {
        TokenType::String => b.token_type(),
        ty => ty,
    };
    let order = match ty {
        TokenType::Integer => return compare_integers(a, b),
        TokenType::Float => return compare_floats(a, b),
        TokenType::Boolean => (truth(a)?).cmp(&truth(b)?),
        TokenType::Date => date(a)?.cmp(&date(b)?),
        TokenType::TimeSpan => match (a, b) {
            (Scalar::TimeSpan(a), Scalar::TimeSpan(b)) => a.cmp(b),
            _ => Ordering::Less,
        },
        TokenType::Guid => match (a, b) {
            (Scalar::Guid(a), Scalar::Guid(b)) => a.cmp(b),
            _ => Ordering::Less,
        },
        TokenType::Bytes => match (a, b) {
            (Scalar::Bytes(a), Scalar::Bytes(b)) => a.cmp(b),
            _ => Ordering::Less,
        },
        _ => return Ok(text::compare(Some(&a.to_text()), Some(&b.to_text()), false)),
    };
    Ok(order as i32)
}

fn truth(value: &Scalar) -> Result<bool> {
    let converted = change_type(value, CastTarget::Boolean, DateTime::MIN)?;
    Ok(matches!(converted, Scalar::Bool(true)))
}

fn date(value: &Scalar) -> Result<DateTime> {
    if let Scalar::DateOffset(date) = value {
        return Ok(date.utc_date_time());
    }
    match change_type(value, CastTarget::DateTime, DateTime::MIN)? {
        Scalar::Date(date) => Ok(date),
        _ => Ok(DateTime::MIN),
    }
}

fn compare_integers(a: &Scalar, b: &Scalar) -> Result<i32> {
    let is_float = |value: &Scalar| value.token_type() == TokenType::Float;
    if is_float(a) || is_float(b) {
        return compare_floats(a, b);
    }
    Ok(big(a)?.cmp(&big(b)?) as i32)
}

fn big(value: &Scalar) -> Result<BigInt> {
    if let Scalar::Big(big) = value {
        return Ok((**big).clone());
    }
    let ty = if matches!(value, Scalar::Unsigned(_)) { IntegerType::UInt64 } else { IntegerType::Int64 };
    Ok(match change_type(value, CastTarget::Integer(ty), DateTime::MIN)? {
        Scalar::Integer(value) => value.into(),
        Scalar::Unsigned(value) => value.into(),
        _ => BigInt::ZERO,
    })
}

fn compare_floats(a: &Scalar, b: &Scalar) -> Result<i32> {
    if matches!(a, Scalar::Decimal(_)) || matches!(b, Scalar::Decimal(_)) {
        return Ok(money(a)?.cmp(&money(b)?) as i32);
    }
    let (a, b) = (double(a)?, double(b)?);
    Ok(if nearly_equal(a, b) {
        0
    } else {
        a.partial_cmp(&b).map_or_else(|| nan_order(a, b), |order| order as i32)
    })
}

/// `double.CompareTo` where one is NaN: NaN is the least.
fn nan_order(a: f64, b: f64) -> i32 {
    i32::from(b.is_nan()) - i32::from(a.is_nan())
}

fn money(value: &Scalar) -> Result<Decimal> {
    match change_type(value, CastTarget::Decimal, DateTime::MIN)? {
        Scalar::Decimal(value) => Ok(value),
        _ => Ok(Decimal::ZERO),
    }
}

fn double(value: &Scalar) -> Result<f64> {
    if let Scalar::Decimal(value) = value {
        return Ok(decimal::to_double(value));
    }
    match change_type(value, CastTarget::Double, DateTime::MIN)? {
        Scalar::Float(value) => Ok(value),
        _ => Ok(f64::NAN),
    }
}

/// Equal but for the rounding of their last digits.
#[allow(clippy::float_cmp, reason = "equal bits are equal values, infinities among them")]
fn nearly_equal(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() < (a.abs() + b.abs() + 10.0) * f64::EPSILON
}
