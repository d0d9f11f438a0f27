//! Named types of all schemas of an API, with references in the format that is written.

use std::collections::HashMap;

use gateway_model::ApiSchema;
use serde_json::{Map, Value};

/// Where types stand in a format.
const HOMES: [&str; 2] = ["#/components/schemas/", "#/definitions/"];

/// Named types.
pub struct Types {
    home: &'static str,
    pub all: Map<String, Value>,
    /// Which schema has a type of a name: a schema that is one type has it under its own id.
    by_schema: HashMap<String, Vec<String>>,
}

impl Types {
    /// The types of JSON schemas; XSD and the like have no place in OpenAPI.
    pub fn of(schemas: &[ApiSchema], home: &'static str) -> Self {
        let mut types = Self { home, all: Map::new(), by_schema: HashMap::new() };
        for schema in schemas {
            types.add(schema);
        }
        types
    }

    fn add(&mut self, schema: &ApiSchema) {
        let document = &schema.document;
        let text = document.value.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let named = |value: &Value| value.get("schemas").unwrap_or(value).as_object().cloned();
        let found = document.components.as_ref().and_then(named);
        let found = found.or_else(|| document.definitions.as_ref().and_then(|it| it.as_object().cloned()));
        let found = found.or_else(|| {
            let text = text.as_ref()?;
            let inner = text.get("components").or_else(|| text.get("definitions"))?;
            named(inner)
        });
        let found = match (found, text) {
            (Some(found), _) => found,
            (None, Some(Value::Object(one))) if schema.content_type.contains("json") => {
                Map::from_iter([(schema.id.as_str().to_owned(), Value::Object(one))])
            }
            _ => return,
        };
        let names = self.by_schema.entry(schema.id.as_str().to_ascii_lowercase()).or_default();
        for (name, mut value) in found {
            rehome(&mut value, self.home);
            names.push(name.clone());
            self.all.entry(name).or_insert(value);
        }
    }

    /// A reference to a type, when it is written.
    pub fn reference(&self, schema: Option<&str>, name: Option<&str>) -> Option<Value> {
        let names = self.by_schema.get(&schema?.to_ascii_lowercase())?;
        let name = match name {
            Some(name) => names.iter().find(|known| *known == name)?,
            None if names.len() == 1 => names.first()?,
            None => return None,
        };
        Some(Value::Object(Map::from_iter([(
            "$ref".to_owned(),
            Value::from(format!("{}{}", self.home, name.replace('~', "~0").replace('/', "~1"))),
        )])))
    }
}

/// References between types, in the format that is written.
fn rehome(value: &mut Value, home: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member {
                    Value::String(text) if name == "$ref" => {
                        let name = HOMES.iter().find_map(|known| text.strip_prefix(known));
                        if let Some(name) = name {
                            *text = format!("{home}{name}");
                        }
                    }
                    _ => rehome(member, home),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rehome(item, home)),
        _ => {}
    }
}
