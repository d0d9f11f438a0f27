//! Conditions: how they are read and what they say.

use std::cmp::Ordering;

use super::expression::{Cursor, Reason};
use super::node::{Comparison, Condition};
use super::numbers::as_double;
use super::value::Value;

/// Terms of one condition.
const TERMS_MAX: usize = 100;

pub fn read(cursor: &mut Cursor<'_>) -> Result<Condition, Reason> {
    let mut terms = vec![term(cursor)?];
    let mut links = Vec::new();
    loop {
        if cursor.take_word("and") {
            links.push(true);
        } else if cursor.take_word("or") {
            links.push(false);
        } else {
            break;
        }
        terms.push(term(cursor)?);
        if terms.len() > TERMS_MAX {
            return Err(format!("A condition has at most {TERMS_MAX} terms."));
        }
    }
    let Some(mut condition) = terms.pop() else { return Err("A condition is expected.".to_owned()) };
    while let (Some(term), Some(is_and)) = (terms.pop(), links.pop()) {
        let (left, right) = (Box::new(term), Box::new(condition));
        condition = if is_and { Condition::And(left, right) } else { Condition::Or(left, right) };
    }
    Ok(condition)
}

fn term(cursor: &mut Cursor<'_>) -> Result<Condition, Reason> {
    let left = cursor.operand()?;
    let Some(comparison) = comparison(cursor) else { return Ok(Condition::Truth(left)) };
    Ok(Condition::Compare(left, comparison, cursor.operand()?))
}

fn comparison(cursor: &mut Cursor<'_>) -> Option<Comparison> {
    let signs = [
        ("==", Comparison::Equal),
        ("!=", Comparison::NotEqual),
        ("<>", Comparison::NotEqual),
        ("<=", Comparison::LessOrEqual),
        (">=", Comparison::GreaterOrEqual),
        ("<", Comparison::Less),
        (">", Comparison::Greater),
    ];
    if let Some((_, comparison)) = signs.into_iter().find(|(sign, _)| cursor.take(sign)) {
        return Some(comparison);
    }
    let words = [
        ("contains", Comparison::Contains),
        ("startswith", Comparison::StartsWith),
        ("endswith", Comparison::EndsWith),
        ("haskey", Comparison::HasKey),
        ("hasvalue", Comparison::HasValue),
    ];
    let mut ahead = Cursor::new(cursor.rest());
    let word = ahead.word()?;
    let (_, comparison) = words.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(word))?;
    cursor.take_word(word);
    Some(comparison)
}

/// What a comparison says; values that cannot be compared are neither less nor greater.
pub fn holds(left: &Value, comparison: Comparison, right: &Value) -> bool {
    match comparison {
        Comparison::Equal => equal(left, right),
        Comparison::NotEqual => !equal(left, right),
        Comparison::Less => order(left, right) == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order(left, right), Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order(left, right) == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order(left, right), Some(Ordering::Greater | Ordering::Equal)),
        Comparison::Contains => contains(left, right),
        Comparison::StartsWith => match left {
            Value::List(items) => items.first().is_some_and(|first| equal(first, right)),
            _ => left.to_text().starts_with(&right.to_text()),
        },
        Comparison::EndsWith => match left {
            Value::List(items) => items.last().is_some_and(|last| equal(last, right)),
            _ => left.to_text().ends_with(&right.to_text()),
        },
        Comparison::HasKey => matches!(left, Value::Hash(hash) if hash.get(&right.to_text()).is_some()),
        Comparison::HasValue => match left {
            Value::Hash(hash) => hash.entries.values().any(|value| equal(value, right)),
            _ => false,
        },
    }
}

fn contains(left: &Value, right: &Value) -> bool {
    match left {
        Value::Str(text) => !matches!(right, Value::Nil) && text.contains(&right.to_text()),
        Value::List(items) => items.iter().any(|item| equal(item, right)),
        Value::Hash(hash) => hash.get(&right.to_text()).is_some(),
        _ => false,
    }
}

pub fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Empty, other) | (other, Value::Empty) => other.is_empty(),
        (Value::Nil, Value::Nil) => true,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Str(a), Value::Str(b)) => a == b,
        (Value::Date(a), Value::Date(b)) => a.ticks() == b.ticks(),
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b))
        }
        (Value::Int(_) | Value::Double(_), Value::Int(_) | Value::Double(_)) => {
            order(left, right) == Some(Ordering::Equal)
        }
        _ => false,
    }
}

/// How two values of a kind stand to each other. A text that is a number is compared with a number as one: values
/// out of XML are always texts.
pub fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Str(a), Value::Str(b)) => Some(a.cmp(b)),
        (Value::Date(a), Value::Date(b)) => Some(a.ticks().cmp(&b.ticks())),
        _ => as_double(left)?.partial_cmp(&as_double(right)?),
    }
}
