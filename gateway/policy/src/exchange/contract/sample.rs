//! A sample value made from a JSON schema: what the schema itself offers, else the plainest value of its type.

use serde_json::{Map, Value};

/// Nested values; deeper ones are left out, and with them cycles.
const DEPTH_MAX: usize = 8;

/// Values in all, so that a wide schema cannot fill the memory.
const VALUES_MAX: usize = 1000;

/// A value that fits the schema; `None` when nothing can be said. `types` holds what `$ref` names.
pub fn json(schema: &Value, types: &Value) -> Option<Value> {
    Sampler { types, values_left: VALUES_MAX }.value(schema, 0)
}

struct Sampler<'a> {
    types: &'a Value,
    values_left: usize,
}

impl Sampler<'_> {
    fn value(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        if depth > DEPTH_MAX {
            return None;
        }
        self.values_left = self.values_left.checked_sub(1)?;
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let (_, name) = reference.rsplit_once('/')?;
            return self.value(self.types.get(name)?, depth + 1);
        }
        let offered = ["example", "default", "const"].iter().find_map(|key| schema.get(key));
        let first = |key| schema.get(key).and_then(Value::as_array).and_then(|list| list.first());
        if let Some(value) = offered.or_else(|| first("examples")).or_else(|| first("enum")) {
            return Some(value.clone());
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            return self.merged(schema, parts, depth);
        }
        if let Some(choice) = first("oneOf").or_else(|| first("anyOf")) {
            return self.value(choice, depth + 1);
        }
        self.of_type(schema, depth)
    }

    /// `allOf`: the members of all parts and of the schema itself.
    fn merged(&mut self, schema: &Value, parts: &[Value], depth: usize) -> Option<Value> {
        let mut members = Map::new();
        for part in parts {
            match self.value(part, depth + 1) {
                Some(Value::Object(own)) => members.extend(own),
                // A part that is no object decides alone.
                Some(other) if parts.len() == 1 => return Some(other),
                _ => {}
            }
        }
        self.properties(schema, depth, &mut members);
        Some(Value::Object(members))
    }

    fn properties(&mut self, schema: &Value, depth: usize, members: &mut Map<String, Value>) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
        for (name, property) in properties {
            if let Some(value) = self.value(property, depth + 1) {
                members.insert(name.clone(), value);
            }
        }
    }

    fn of_type(&mut self, schema: &Value, depth: usize) -> Option<Value> {
        let kind = match schema.get("type") {
            Some(Value::String(kind)) => Some(kind.as_str()),
            // JSON Schema 2020-12: several types, of which `null` says the least.
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null"),
            _ => None,
        };
        let kind = kind.or_else(|| schema.get("properties").map(|_| "object"));
        let kind = kind.or_else(|| schema.get("items").map(|_| "array"))?;
        Some(match kind {
            "object" => {
                let mut members = Map::new();
                self.properties(schema, depth, &mut members);
                Value::Object(members)
            }
            "array" => {
                let item = schema.get("items").and_then(|items| self.value(items, depth + 1));
                Value::Array(item.into_iter().collect())
            }
            "string" => Value::from(text_of(schema)),
            "integer" => Value::from(schema.get("minimum").and_then(Value::as_i64).unwrap_or(0)),
            "number" => match schema.get("minimum") {
                Some(minimum @ Value::Number(_)) => minimum.clone(),
                _ => Value::from(0),
            },
            "boolean" => Value::from(true),
            "null" => Value::Null,
            _ => return None,
        })
    }
}

/// A text of the format asked for.
fn text_of(schema: &Value) -> &'static str {
    match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
        "date" => "2000-01-01",
        "date-time" => "2000-01-01T00:00:00Z",
        "time" => "00:00:00Z",
        "uuid" => "00000000-0000-0000-0000-000000000000",
        "email" => "user@example.com",
        "uri" | "url" => "https://example.com/",
        "ipv4" => "192.0.2.1",
        "ipv6" => "2001:db8::1",
        "byte" => "c3RyaW5n",
        _ => "string",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(schema: &str) -> String {
        let types = r##"{ "Pet": { "type": "object", "properties": { "name": { "type": "string" }, "friend": { "$ref": "#/components/schemas/Pet" } } },
                         "Wide": { "type": "array", "items": { "$ref": "#/components/schemas/Pet" } } }"##;
        let types = serde_json::from_str(types).unwrap();
        json(&serde_json::from_str(schema).unwrap(), &types)
            .map_or("nothing".to_owned(), |value| value.to_string())
    }

    #[test]
    fn sample_takes_what_the_schema_offers() {
        for (schema, expected) in [
            (r#"{ "type": "string", "example": "x" }"#, r#""x""#),
            (r#"{ "default": 7 }"#, "7"),
            (r#"{ "enum": ["b", "a"] }"#, r#""b""#),
            (r#"{ "examples": [[1]] }"#, "[1]"),
            (r#"{ "type": ["null", "integer"], "minimum": 3 }"#, "3"),
            (r#"{ "type": "string", "format": "date" }"#, r#""2000-01-01""#),
            (r#"{ "items": { "type": "boolean" } }"#, "[true]"),
            (r#"{ "oneOf": [{ "type": "number" }] }"#, "0"),
            (
                r#"{ "allOf": [{ "properties": { "a": { "type": "integer" } } }], "properties": { "b": { "type": "null" } } }"#,
                r#"{"a":0,"b":null}"#,
            ),
            (r#"{ "allOf": [{ "type": "string" }] }"#, r#""string""#),
            (r#"{ "type": "file" }"#, "nothing"),
            (r#"{ "$ref": "nowhere" }"#, "nothing"),
        ] {
            assert_eq!(sample(schema), expected, "{schema}");
        }
    }

    #[test]
    fn sample_of_a_cycle_ends() {
        let text = sample(r##"{ "$ref": "#/components/schemas/Wide" }"##);
        assert!(text.starts_with(r#"[{"name":"string","friend":{"name":"#), "{text}");
        assert!(text.len() < 1000, "{text}");
    }
}
