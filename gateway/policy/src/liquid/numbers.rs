//! Numbers of templates: what counts as one, and arithmetic.

use gateway_expression::clr::number::math::{self, Rounding};

use super::value::Value;

/// The value as a whole number, if it is one or a text that is one.
pub fn as_int(value: &Value) -> Option<i64> {
    match value {
        Value::Int(value) => Some(*value),
        Value::Double(value) => Some(*value as i64),
        Value::Str(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// The value as a number, if it is one or a text that is one.
pub fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::Int(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        Value::Str(text) => text.trim().parse().ok().filter(|value: &f64| value.is_finite()),
        _ => None,
    }
}

/// The value as a number of its own kind.
fn number_of(value: &Value) -> Option<Value> {
    match value {
        Value::Int(_) | Value::Double(_) => Some(value.clone()),
        Value::Str(text) => match text.trim().parse() {
            Ok(whole) => Some(Value::Int(whole)),
            Err(_) => as_double(value).map(Value::Double),
        },
        _ => None,
    }
}

/// The five operations of the filters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    Plus,
    Minus,
    Times,
    DividedBy,
    Modulo,
}

/// Applies an operation. Two whole numbers give a whole number, as in C#; what is no number gives nil.
pub fn calculate(operation: Operation, left: &Value, right: &Value) -> Result<Value, String> {
    let (Some(left), Some(right)) = (number_of(left), number_of(right)) else { return Ok(Value::Nil) };
    if let (Value::Int(a), Value::Int(b)) = (&left, &right) {
        let overflow = || "Arithmetic operation resulted in an overflow.".to_owned();
        let result = match operation {
            Operation::Plus => a.checked_add(*b),
            Operation::Minus => a.checked_sub(*b),
            Operation::Times => a.checked_mul(*b),
            Operation::DividedBy | Operation::Modulo if *b == 0 => {
                return Err("Attempted to divide by zero.".to_owned());
            }
            Operation::DividedBy => a.checked_div(*b),
            Operation::Modulo => a.checked_rem(*b),
        };
        return result.map(Value::Int).ok_or_else(overflow);
    }
    let (a, b) = (as_double(&left).unwrap_or_default(), as_double(&right).unwrap_or_default());
    let result = match operation {
        Operation::Plus => a + b,
        Operation::Minus => a - b,
        Operation::Times => a * b,
        Operation::DividedBy => a / b,
        Operation::Modulo => a % b,
    };
    if result.is_finite() {
        Ok(Value::Double(result))
    } else {
        Err("Attempted to divide by zero.".to_owned())
    }
}

pub fn abs(value: &Value) -> Value {
    match number_of(value) {
        Some(Value::Int(value)) => Value::Int(value.saturating_abs()),
        Some(Value::Double(value)) => Value::Double(value.abs()),
        _ => Value::Nil,
    }
}

/// `Round` to a number of places; halves go to the even neighbour, as `Math.Round` does.
pub fn round(value: &Value, places: i64) -> Value {
    match number_of(value) {
        Some(Value::Double(value)) => {
            let places = places.clamp(0, 15) as i32;
            match math::round(value, places, Rounding::ToEven) {
                Ok(rounded) if places == 0 => Value::Int(rounded as i64),
                Ok(rounded) => Value::Double(rounded),
                Err(_) => Value::Double(value),
            }
        }
        Some(whole) => whole,
        None => Value::Nil,
    }
}

/// `Ceil` and `Floor`.
pub fn to_whole(value: &Value, up: bool) -> Value {
    match number_of(value) {
        Some(Value::Double(value)) => Value::Int(if up { value.ceil() } else { value.floor() } as i64),
        Some(whole) => whole,
        None => Value::Nil,
    }
}
