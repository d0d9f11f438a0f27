//! Schemas of OpenAPI 3.0, and what policies override, in the words of JSON Schema 2020-12.

use serde_json::{Map, Value, json};

use super::json_schema::Options;

/// Keywords that hold one schema.
pub const ONE: &[&str] = &[
    "additionalItems",
    "additionalProperties",
    "contains",
    "else",
    "if",
    "items",
    "not",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
];

/// Keywords that hold a list of schemas.
pub const LIST: &[&str] = &["allOf", "anyOf", "items", "oneOf", "prefixItems"];

/// Keywords that hold schemas by name.
pub const NAMED: &[&str] = &["$defs", "definitions", "dependentSchemas", "patternProperties", "properties"];

/// The document rewritten; literals (`enum`, `const`, `example`) stay.
pub fn rewrite(document: &Value, options: Options) -> Value {
    let Value::Object(members) = document else { return document.clone() };
    let mut out = Map::new();
    for (name, value) in members {
        let value = match value {
            Value::Object(parts) if name == "components" => components(parts, options),
            Value::Object(named) if NAMED.contains(&name.as_str()) => {
                rewrite_named(named, options, name == "properties" && options.ignore_case)
            }
            Value::Object(_) if ONE.contains(&name.as_str()) => rewrite(value, options),
            Value::Array(items) if LIST.contains(&name.as_str()) => {
                Value::Array(items.iter().map(|item| rewrite(item, options)).collect())
            }
            other => other.clone(),
        };
        out.insert(name.clone(), value);
    }
    // Without these nothing changes what a reference is relative to.
    for name in ["$id", "id"] {
        if out.get(name).is_some_and(Value::is_string) {
            out.shift_remove(name);
        }
    }
    lower_required(&mut out, options);
    override_additional(&mut out, options);
    bounds(&mut out, "minimum", "exclusiveMinimum");
    bounds(&mut out, "maximum", "exclusiveMaximum");
    discriminate(&mut out, options);
    nullable(out)
}

/// `components`: its `schemas` are schemas by name.
fn components(parts: &Map<String, Value>, options: Options) -> Value {
    let part = |(name, value): (&String, &Value)| match value {
        Value::Object(named) if name == "schemas" => (name.clone(), rewrite_named(named, options, false)),
        other => (name.clone(), other.clone()),
    };
    Value::Object(parts.iter().map(part).collect())
}

/// Schemas by name.
fn rewrite_named(named: &Map<String, Value>, options: Options, lower: bool) -> Value {
    let shown = |name: &String| if lower { name.to_lowercase() } else { name.clone() };
    Value::Object(named.iter().map(|(name, value)| (shown(name), rewrite(value, options))).collect())
}

fn lower_required(schema: &mut Map<String, Value>, options: Options) {
    if let (true, Some(Value::Array(names))) = (options.ignore_case, schema.get_mut("required")) {
        for name in names {
            if let Value::String(text) = name {
                *text = text.to_lowercase();
            }
        }
    }
}

fn override_additional(schema: &mut Map<String, Value>, options: Options) {
    match options.allow_additional {
        Some(true) => drop(schema.shift_remove("additionalProperties")),
        Some(false) if schema.get("properties").is_some_and(Value::is_object) => {
            schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        Some(false) | None => {}
    }
}

/// OpenAPI 3.0 and draft 4: the exclusive bound is a flag beside the bound.
fn bounds(schema: &mut Map<String, Value>, bound: &str, exclusive: &str) {
    let Some(Value::Bool(is_exclusive)) = schema.get(exclusive) else { return };
    let is_exclusive = *is_exclusive;
    schema.shift_remove(exclusive);
    if is_exclusive && let Some(limit) = schema.shift_remove(bound) {
        schema.insert(exclusive.to_owned(), limit);
    }
}

/// `discriminator` beside `oneOf` or `anyOf`: the property decides which of them holds (OpenAPI 3.0 §4.7.25). Beside
/// `allOf` it says nothing that JSON Schema could check.
fn discriminate(schema: &mut Map<String, Value>, options: Options) {
    let Some(discriminator) = schema.get("discriminator") else { return };
    let Some(property) = discriminator.get("propertyName").and_then(Value::as_str) else { return };
    let property = if options.ignore_case { property.to_lowercase() } else { property.to_owned() };
    let mapping = discriminator.get("mapping").and_then(Value::as_object).cloned().unwrap_or_default();
    let Some(keyword) = ["oneOf", "anyOf"].into_iter().find(|keyword| schema.contains_key(*keyword)) else {
        return;
    };
    let Some(Value::Array(choices)) = schema.get(keyword) else { return };
    let mut known = Vec::new();
    let mut rules = Vec::new();
    for choice in choices {
        // A choice written in place has no name to be chosen by.
        let Some(reference) = choice.get("$ref").and_then(Value::as_str) else { return };
        let name = reference.rsplit('/').next().unwrap_or_default();
        let points_here = |target: &str| target == reference || target == name;
        let mapped = mapping.iter().filter(|(_, target)| target.as_str().is_some_and(points_here));
        let mut values: Vec<_> = mapped.map(|(value, _)| Value::String(value.clone())).collect();
        values.push(Value::String(name.to_owned()));
        known.extend(values.iter().cloned());
        let chosen = json!({ "properties": { &property: { "enum": values } }, "required": [&property] });
        rules.push(json!({ "if": chosen, "then": choice }));
    }
    let all =
        json!({ "type": "object", "properties": { &property: { "enum": known } }, "required": [&property] });
    rules.push(all);
    schema.shift_remove(keyword);
    match schema.get_mut("allOf") {
        Some(Value::Array(parts)) => parts.extend(rules),
        _ => drop(schema.insert("allOf".to_owned(), Value::Array(rules))),
    }
}

/// `nullable: true`: null fits, whatever else is asked.
fn nullable(mut schema: Map<String, Value>) -> Value {
    if schema.get("nullable") != Some(&Value::Bool(true)) {
        return Value::Object(schema);
    }
    schema.shift_remove("nullable");
    let is_plain =
        !["$ref", "allOf", "anyOf", "oneOf", "not"].iter().any(|keyword| schema.contains_key(*keyword));
    let has_values = schema.contains_key("enum");
    match schema.get_mut("type") {
        Some(kind @ Value::String(_)) if is_plain => {
            *kind = json!([kind.clone(), "null"]);
            if let Some(Value::Array(values)) = schema.get_mut("enum")
                && !values.contains(&Value::Null)
            {
                values.push(Value::Null);
            }
            Value::Object(schema)
        }
        None if is_plain && !has_values => Value::Object(schema),
        _ => json!({ "anyOf": [schema, { "type": "null" }] }),
    }
}
