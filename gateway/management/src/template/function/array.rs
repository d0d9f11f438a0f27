//! Functions of lists, and of what is a list, a text or an object alike.

use serde_json::{Map, Value};

use super::{ANY, Row, int_at, kind_of, list_at, text, text_at};
use crate::template::evaluate::inside;

/// Most items of `range`: ARM's limit.
const RANGE_MAX: i64 = 10_000;

pub const TABLE: &[Row] = &[
    ("concat", 0, ANY, concat),
    ("createarray", 0, ANY, |values| Ok(Value::Array(values.to_vec()))),
    ("createobject", 0, ANY, create_object),
    ("array", 1, 1, |values| match values.first() {
        Some(list @ Value::Array(_)) => Ok(list.clone()),
        other => Ok(Value::Array(other.cloned().into_iter().collect())),
    }),
    ("length", 1, 1, length),
    ("empty", 1, 1, |values| match values.first() {
        None | Some(Value::Null) => Ok(true.into()),
        _ => Ok((length(values)? == 0).into()),
    }),
    ("contains", 2, 2, contains),
    ("first", 1, 1, |values| end(values, false)),
    ("last", 1, 1, |values| end(values, true)),
    ("take", 2, 2, |values| part(values, true)),
    ("skip", 2, 2, |values| part(values, false)),
    ("indexof", 2, 2, |values| text::index_of(values, false)),
    ("lastindexof", 2, 2, |values| text::index_of(values, true)),
    ("range", 2, 2, range),
    ("union", 2, ANY, union),
    ("intersection", 2, ANY, intersection),
    ("flatten", 1, 1, |values| {
        let inner = list_at(values, 0)?.iter().map(|item| item.as_array().cloned());
        let inner = inner.collect::<Option<Vec<_>>>().ok_or("every item must be a list.")?;
        Ok(Value::Array(inner.concat()))
    }),
    ("items", 1, 1, items),
    ("objectkeys", 1, 1, |values| {
        Ok(sorted(object_at(values, 0)?).map(|(name, _)| Value::from(name.as_str())).collect())
    }),
    ("shallowmerge", 1, 1, |values| {
        let mut merged = Map::new();
        for item in list_at(values, 0)? {
            merged.extend(item.as_object().cloned().ok_or("every item must be an object.")?);
        }
        Ok(Value::Object(merged))
    }),
    ("tryget", 2, ANY, |values| {
        let (whole, steps) = values.split_first().ok_or("a value is missing.")?;
        let found = steps.iter().try_fold(whole, |value, step| inside(value, step).ok());
        Ok(found.cloned().unwrap_or(Value::Null))
    }),
];

fn object_at(values: &[Value], at: usize) -> Result<&Map<String, Value>, String> {
    match values.get(at) {
        Some(Value::Object(members)) => Ok(members),
        Some(other) => Err(format!("argument {} must be an object; it is {}.", at + 1, kind_of(other))),
        None => Err(format!("argument {} is missing.", at + 1)),
    }
}

fn concat(values: &[Value]) -> Result<Value, String> {
    if !matches!(values.first(), Some(Value::Array(_))) {
        return text::concat(values);
    }
    let lists: Vec<&[Value]> = (0..values.len()).map(|at| list_at(values, at)).collect::<Result<_, _>>()?;
    Ok(Value::Array(lists.concat()))
}

fn create_object(values: &[Value]) -> Result<Value, String> {
    let mut made = Map::new();
    for at in (0..values.len()).step_by(2) {
        let value = values.get(at + 1).ok_or("names and values must come in pairs.")?;
        made.insert(text_at(values, at)?.to_owned(), value.clone());
    }
    Ok(Value::Object(made))
}

fn length(values: &[Value]) -> Result<Value, String> {
    match values.first() {
        Some(Value::Array(items)) => Ok(items.len().into()),
        Some(Value::Object(members)) => Ok(members.len().into()),
        Some(Value::String(text)) => Ok(text.chars().count().into()),
        other => Err(format!(
            "a text, a list or an object has a length, not {}.",
            kind_of(other.unwrap_or(&Value::Null))
        )),
    }
}

fn contains(values: &[Value]) -> Result<Value, String> {
    let wanted = values.get(1).unwrap_or(&Value::Null);
    match (values.first(), wanted) {
        (Some(Value::Array(items)), wanted) => Ok(items.contains(wanted).into()),
        (Some(Value::Object(members)), Value::String(name)) => {
            Ok(members.keys().any(|known| known.eq_ignore_ascii_case(name)).into())
        }
        (Some(Value::String(text)), wanted) => Ok(text.contains(&super::to_text(wanted)).into()),
        (found, _) => {
            Err(format!("nothing can be looked for in {}.", kind_of(found.unwrap_or(&Value::Null))))
        }
    }
}

fn end(values: &[Value], is_last: bool) -> Result<Value, String> {
    match values.first() {
        Some(Value::String(text)) => Ok(text::end(text, is_last)),
        _ => {
            let items = list_at(values, 0)?;
            let found = if is_last { items.last() } else { items.first() };
            Ok(found.cloned().unwrap_or(Value::Null))
        }
    }
}

fn part(values: &[Value], is_take: bool) -> Result<Value, String> {
    let count = usize::try_from(int_at(values, 1)?).unwrap_or(0);
    if let Some(Value::String(text)) = values.first() {
        let chars = text.chars();
        return Ok(
            if is_take { chars.take(count).collect::<String>() } else { chars.skip(count).collect() }.into()
        );
    }
    let items = list_at(values, 0)?.iter().cloned();
    Ok(if is_take { items.take(count).collect() } else { items.skip(count).collect() })
}

fn range(values: &[Value]) -> Result<Value, String> {
    let (start, count) = (int_at(values, 0)?, int_at(values, 1)?);
    let end = start.checked_add(count).filter(|_| (0..=RANGE_MAX).contains(&count));
    let end = end.ok_or_else(|| format!("the count must be from 0 to {RANGE_MAX}."))?;
    Ok((start..end).map(Value::from).collect())
}

fn union(values: &[Value]) -> Result<Value, String> {
    if matches!(values.first(), Some(Value::Object(_))) {
        let mut merged = Map::new();
        for at in 0..values.len() {
            merge(&mut merged, object_at(values, at)?);
        }
        return Ok(Value::Object(merged));
    }
    let mut found: Vec<Value> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for at in 0..values.len() {
        found.extend(list_at(values, at)?.iter().filter(|item| seen.insert(item.to_string())).cloned());
    }
    Ok(Value::Array(found))
}

/// Members of the later object count; objects inside are merged.
fn merge(into: &mut Map<String, Value>, over: &Map<String, Value>) {
    for (name, value) in over {
        match (into.get_mut(name), value) {
            (Some(Value::Object(into)), Value::Object(over)) => merge(into, over),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

fn intersection(values: &[Value]) -> Result<Value, String> {
    if let Some(Value::Object(first)) = values.first() {
        let others: Vec<_> = (1..values.len()).map(|at| object_at(values, at)).collect::<Result<_, _>>()?;
        let is_common =
            |name: &String, value: &Value| others.iter().all(|other| other.get(name) == Some(value));
        let common = first.iter().filter(|(name, value)| is_common(name, value));
        return Ok(Value::Object(common.map(|(name, value)| (name.clone(), value.clone())).collect()));
    }
    let texts =
        |items: &[Value]| items.iter().map(ToString::to_string).collect::<std::collections::HashSet<_>>();
    let others = (1..values.len()).map(|at| list_at(values, at).map(texts));
    let others: Vec<_> = others.collect::<Result<_, String>>()?;
    let is_common = |item: &&Value| others.iter().all(|other| other.contains(&item.to_string()));
    Ok(list_at(values, 0)?.iter().filter(is_common).cloned().collect())
}

/// Members of an object, by name.
fn sorted(members: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| *name);
    members.into_iter()
}

fn items(values: &[Value]) -> Result<Value, String> {
    let item = |(name, value): (&String, &Value)| serde_json::json!({"key": name, "value": value});
    Ok(sorted(object_at(values, 0)?).map(item).collect())
}
