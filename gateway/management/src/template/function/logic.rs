//! Comparisons and sums.

use std::cmp::Ordering;

use serde_json::Value;

use super::{ANY, Row, int_at, kind_of};

pub const TABLE: &[Row] = &[
    ("not", 1, 1, |values| match values.first() {
        Some(Value::Bool(is)) => Ok((!is).into()),
        other => Err(format!("it takes true or false, not {}.", kind_of(other.unwrap_or(&Value::Null)))),
    }),
    ("equals", 2, 2, |values| Ok(equal(values.first(), values.get(1)).into())),
    ("less", 2, 2, |values| Ok(compared(values)?.is_lt().into())),
    ("lessorequals", 2, 2, |values| Ok(compared(values)?.is_le().into())),
    ("greater", 2, 2, |values| Ok(compared(values)?.is_gt().into())),
    ("greaterorequals", 2, 2, |values| Ok(compared(values)?.is_ge().into())),
    ("true", 0, 0, |_| Ok(true.into())),
    ("false", 0, 0, |_| Ok(false.into())),
    ("null", 0, 0, |_| Ok(Value::Null)),
    ("add", 2, 2, |values| sum(values, i64::checked_add)),
    ("sub", 2, 2, |values| sum(values, i64::checked_sub)),
    ("mul", 2, 2, |values| sum(values, i64::checked_mul)),
    ("div", 2, 2, |values| sum(values, i64::checked_div)),
    ("mod", 2, 2, |values| sum(values, i64::checked_rem)),
    ("min", 1, ANY, |values| extreme(values, Ordering::Less)),
    ("max", 1, ANY, |values| extreme(values, Ordering::Greater)),
];

/// Texts are compared with their case, as `equals` does.
fn equal(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(Value::Number(one)), Some(Value::Number(other))) => one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}

fn compared(values: &[Value]) -> Result<Ordering, String> {
    match (values.first(), values.get(1)) {
        (Some(Value::String(one)), Some(Value::String(other))) => Ok(one.cmp(other)),
        _ => Ok(int_at(values, 0)?.cmp(&int_at(values, 1)?)),
    }
}

fn sum(values: &[Value], of: fn(i64, i64) -> Option<i64>) -> Result<Value, String> {
    let (one, other) = (int_at(values, 0)?, int_at(values, 1)?);
    of(one, other).map(Value::from).ok_or_else(|| format!("{one} and {other} have no result in 64 bits."))
}

/// Of numbers, or of one list of numbers.
fn extreme(values: &[Value], wanted: Ordering) -> Result<Value, String> {
    let numbers = match values {
        [Value::Array(items)] => items,
        values => values,
    };
    let numbers: Vec<i64> = (0..numbers.len()).map(|at| int_at(numbers, at)).collect::<Result<_, _>>()?;
    let best = numbers.into_iter().reduce(|best, next| if next.cmp(&best) == wanted { next } else { best });
    best.map(Value::from).ok_or_else(|| "it needs at least one number.".to_owned())
}
