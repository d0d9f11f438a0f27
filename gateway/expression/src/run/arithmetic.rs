//! Numbers: C# operators on each kind (expressions.md §6.2).

use std::cmp::Ordering;

use rust_decimal::Decimal;

use super::Fault;
use crate::code::Number;
use crate::syntax::Binary;
use crate::value::Value;

macro_rules! integer {
    ($name:ident, $ty:ty, $variant:ident, $mask:literal) => {
        pub(super) fn $name(operator: Binary, checked: bool, a: $ty, b: $ty) -> Result<$ty, Fault> {
            let zero = b == 0;
            let plain = match operator {
                Binary::Add => (a.wrapping_add(b), a.checked_add(b)),
                Binary::Sub => (a.wrapping_sub(b), a.checked_sub(b)),
                Binary::Mul => (a.wrapping_mul(b), a.checked_mul(b)),
                Binary::Div | Binary::Rem if zero => return Err(Fault::divide_by_zero()),
                Binary::Div => return a.checked_div(b).ok_or_else(Fault::overflow),
                Binary::Rem => return a.checked_rem(b).ok_or_else(Fault::overflow),
                Binary::And => return Ok(a & b),
                Binary::Or => return Ok(a | b),
                Binary::Xor => return Ok(a ^ b),
                Binary::Shl => return Ok(a.wrapping_shl((b as u32) & $mask)),
                _ => return Ok(a.wrapping_shr((b as u32) & $mask)),
            };
            if checked { plain.1.ok_or_else(Fault::overflow) } else { Ok(plain.0) }
        }
    };
}

integer!(i32s, i32, I32, 31);
integer!(u32s, u32, U32, 31);
integer!(i64s, i64, I64, 63);
integer!(u64s, u64, U64, 63);

fn f64s(operator: Binary, a: f64, b: f64) -> f64 {
    match operator {
        Binary::Add => a + b,
        Binary::Sub => a - b,
        Binary::Mul => a * b,
        Binary::Div => a / b,
        _ => a % b,
    }
}

fn decimals(operator: Binary, a: Decimal, b: Decimal) -> Result<Decimal, Fault> {
    use crate::clr::number::decimal;
    Ok(match operator {
        Binary::Add => decimal::add(&a, &b)?,
        Binary::Sub => decimal::subtract(&a, &b)?,
        Binary::Mul => decimal::multiply(&a, &b)?,
        Binary::Div => decimal::divide(&a, &b)?,
        _ => decimal::remainder(&a, &b)?,
    })
}

/// Shift counts are `int` whatever is shifted.
fn count(value: &Value) -> i64 {
    value.as_i64().unwrap_or_default()
}

pub(crate) fn binary(
    operator: Binary,
    number: Number,
    checked: bool,
    a: &Value,
    b: &Value,
) -> Result<Value, Fault> {
    if matches!(operator, Binary::Shl | Binary::Shr) {
        let by = count(b);
        return match a {
            Value::I32(a) => i32s(operator, false, *a, by as i32).map(Value::I32),
            Value::U32(a) => u32s(operator, false, *a, by as u32).map(Value::U32),
            Value::I64(a) => i64s(operator, false, *a, by).map(Value::I64),
            Value::U64(a) => u64s(operator, false, *a, by as u64).map(Value::U64),
            _ => Err(Fault::null_reference()),
        };
    }
    match (number, a, b) {
        (Number::I32, Value::I32(a), Value::I32(b)) => i32s(operator, checked, *a, *b).map(Value::I32),
        (Number::U32, Value::U32(a), Value::U32(b)) => u32s(operator, checked, *a, *b).map(Value::U32),
        (Number::I64, Value::I64(a), Value::I64(b)) => i64s(operator, checked, *a, *b).map(Value::I64),
        (Number::U64, Value::U64(a), Value::U64(b)) => u64s(operator, checked, *a, *b).map(Value::U64),
        (Number::F32, Value::F32(a), Value::F32(b)) => {
            let result = match operator {
                Binary::Add => a + b,
                Binary::Sub => a - b,
                Binary::Mul => a * b,
                Binary::Div => a / b,
                _ => a % b,
            };
            Ok(Value::F32(result))
        }
        (Number::F64, Value::F64(a), Value::F64(b)) => Ok(Value::F64(f64s(operator, *a, *b))),
        (Number::Decimal, Value::Decimal(a), Value::Decimal(b)) => {
            decimals(operator, *a, *b).map(Value::Decimal)
        }
        _ => Err(Fault::null_reference()),
    }
}

pub(crate) fn compare(operator: Binary, number: Number, a: &Value, b: &Value) -> bool {
    let order = match (number, a, b) {
        (Number::F32 | Number::F64, a, b) => match (a.as_f64(), b.as_f64()) {
            (Some(a), Some(b)) => a.partial_cmp(&b),
            _ => None,
        },
        (Number::Decimal, Value::Decimal(a), Value::Decimal(b)) => Some(a.cmp(b)),
        (Number::U64, Value::U64(a), Value::U64(b)) => Some(a.cmp(b)),
        (_, a, b) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a.cmp(&b)),
            _ => None,
        },
    };
    // What has no order is not a number.
    order.map_or(operator == Binary::Ne, |order| holds(operator, order))
}

/// Whether a comparison holds for operands in an order.
pub(super) fn holds(operator: Binary, order: Ordering) -> bool {
    match operator {
        Binary::Eq => order.is_eq(),
        Binary::Ne => order.is_ne(),
        Binary::Lt => order.is_lt(),
        Binary::Le => order.is_le(),
        Binary::Gt => order.is_gt(),
        _ => order.is_ge(),
    }
}

pub(crate) fn negate(number: Number, checked: bool, value: &Value) -> Result<Value, Fault> {
    match (number, value) {
        (Number::I32, Value::I32(v)) => {
            if checked {
                v.checked_neg().map(Value::I32).ok_or_else(Fault::overflow)
            } else {
                Ok(Value::I32(v.wrapping_neg()))
            }
        }
        (Number::I64, Value::I64(v)) => {
            if checked {
                v.checked_neg().map(Value::I64).ok_or_else(Fault::overflow)
            } else {
                Ok(Value::I64(v.wrapping_neg()))
            }
        }
        (_, Value::F32(v)) => Ok(Value::F32(-v)),
        (_, Value::F64(v)) => Ok(Value::F64(-v)),
        (_, Value::Decimal(v)) => Ok(Value::Decimal(-v)),
        _ => Err(Fault::null_reference()),
    }
}

pub(crate) fn complement(number: Number, value: &Value) -> Value {
    let bits = value.as_i64().unwrap_or_default();
    match (number, value) {
        (Number::I32, _) => Value::I32(!(bits as i32)),
        (Number::U32, _) => Value::U32(!(bits as u32)),
        (Number::U64, Value::U64(v)) => Value::U64(!v),
        _ => Value::I64(!bits),
    }
}
