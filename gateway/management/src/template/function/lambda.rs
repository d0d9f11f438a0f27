//! Functions that take a function: `map(parameters('a'), lambda('x', toLower(lambdaVariables('x'))))`.

use serde_json::{Map, Value};

use super::{kind_of, to_text};
use crate::template::evaluate::{Frame, evaluate};
use crate::template::fault::Stop;
use crate::template::scope::Scope;
use crate::template::syntax::Expression;

/// `None` is another function.
pub fn call(
    scope: &Scope<'_>,
    name: &str,
    arguments: &[Expression],
    frame: &Frame<'_>,
) -> Option<Result<Value, Stop>> {
    let made = match (name, arguments) {
        ("map", [items, lambda]) => map(scope, items, lambda, frame).map(Value::Array),
        ("filter", [items, lambda]) => filter(scope, items, lambda, frame),
        ("sort", [items, lambda]) => sort(scope, items, lambda, frame),
        ("reduce", [items, initial, lambda]) => reduce(scope, items, initial, lambda, frame),
        ("toobject", [items, key]) => to_object(scope, items, key, None, frame),
        ("toobject", [items, key, value]) => to_object(scope, items, key, Some(value), frame),
        ("lambda", _) => {
            Err("A lambda stands alone: it is an argument of map, filter, sort, reduce or toObject.".into())
        }
        ("map" | "filter" | "sort" | "reduce" | "toobject", _) => {
            Err(format!("The template function '{name}' is given {} arguments.", arguments.len()).into())
        }
        _ => return None,
    };
    Some(made)
}

fn list(scope: &Scope<'_>, items: &Expression, frame: &Frame<'_>) -> Result<Vec<Value>, Stop> {
    match evaluate(scope, items, frame)? {
        Value::Array(items) => Ok(items),
        other => Err(format!("A list is expected, not {}.", kind_of(&other)).into()),
    }
}

/// Applies a lambda to values.
fn apply(
    scope: &Scope<'_>,
    lambda: &Expression,
    values: &[&Value],
    outer: &Frame<'_>,
) -> Result<Value, Stop> {
    let bad = || Stop::from("A lambda is expected: lambda('item', …).");
    let Expression::Call { name, arguments } = lambda else { return Err(bad()) };
    let (body, names) = arguments.split_last().ok_or_else(bad)?;
    if !name.eq_ignore_ascii_case("lambda") || names.is_empty() || names.len() > values.len() {
        return Err(bad());
    }
    let mut texts = Vec::new();
    for name in names {
        match evaluate(scope, name, outer)? {
            Value::String(name) => texts.push(name),
            _ => return Err(bad()),
        }
    }
    match (texts.as_slice(), values) {
        ([name], [value, ..]) => evaluate(scope, body, &Frame::Local { name, value, outer }),
        ([name, second], [value, next, ..]) => {
            let outer = Frame::Local { name, value, outer };
            evaluate(scope, body, &Frame::Local { name: second, value: next, outer: &outer })
        }
        _ => Err(bad()),
    }
}

/// What a lambda makes of each item, and of its index.
fn map(
    scope: &Scope<'_>,
    items: &Expression,
    lambda: &Expression,
    frame: &Frame<'_>,
) -> Result<Vec<Value>, Stop> {
    let items = list(scope, items, frame)?;
    let items = items.iter().enumerate();
    items.map(|(index, item)| apply(scope, lambda, &[item, &Value::from(index)], frame)).collect()
}

fn filter(
    scope: &Scope<'_>,
    items: &Expression,
    lambda: &Expression,
    frame: &Frame<'_>,
) -> Result<Value, Stop> {
    let mut kept = Vec::new();
    for (index, item) in list(scope, items, frame)?.into_iter().enumerate() {
        match apply(scope, lambda, &[&item, &Value::from(index)], frame)? {
            Value::Bool(true) => kept.push(item),
            Value::Bool(false) => {}
            other => {
                return Err(format!(
                    "The lambda of 'filter' must give true or false, not {}.",
                    kind_of(&other)
                )
                .into());
            }
        }
    }
    Ok(Value::Array(kept))
}

/// The lambda says whether one item comes before another.
fn sort(
    scope: &Scope<'_>,
    items: &Expression,
    lambda: &Expression,
    frame: &Frame<'_>,
) -> Result<Value, Stop> {
    let mut sorted: Vec<Value> = Vec::new();
    for item in list(scope, items, frame)? {
        // By halves: a comparison may fail, which `sort_by` has no place for.
        let (mut from, mut to) = (0, sorted.len());
        while from < to {
            let middle = usize::midpoint(from, to);
            let Some(other) = sorted.get(middle) else { break };
            match apply(scope, lambda, &[&item, other], frame)? {
                Value::Bool(true) => to = middle,
                Value::Bool(false) => from = middle + 1,
                other => {
                    return Err(format!(
                        "The lambda of 'sort' must give true or false, not {}.",
                        kind_of(&other)
                    )
                    .into());
                }
            }
        }
        sorted.insert(from, item);
    }
    Ok(Value::Array(sorted))
}

fn reduce(
    scope: &Scope<'_>,
    items: &Expression,
    initial: &Expression,
    lambda: &Expression,
    frame: &Frame<'_>,
) -> Result<Value, Stop> {
    let mut value = evaluate(scope, initial, frame)?;
    for item in list(scope, items, frame)? {
        value = apply(scope, lambda, &[&value, &item], frame)?;
    }
    Ok(value)
}

fn to_object(
    scope: &Scope<'_>,
    items: &Expression,
    key: &Expression,
    value: Option<&Expression>,
    frame: &Frame<'_>,
) -> Result<Value, Stop> {
    let mut made = Map::new();
    for item in list(scope, items, frame)? {
        let name = to_text(&apply(scope, key, &[&item], frame)?);
        let value = match value {
            Some(value) => apply(scope, value, &[&item], frame)?,
            None => item,
        };
        made.insert(name, value);
    }
    Ok(Value::Object(made))
}
