//! Schemas of the service, which policies name by `schema-id`.

use std::sync::Arc;

use gateway_model::resource::Schema;
use gateway_model::resource::schema::SchemaType;
use serde_json::{Map, Value};

use crate::compile::Compiler;
use crate::validation::SCHEMA_BYTES_MAX;
use crate::validation::definition::{Definition, ValidateAs};
use crate::validation::json_schema::{JsonSchema, Options};
use crate::validation::xml_schema::XmlSchema;
use crate::xml::Element;

/// The compiled schema that the element names, with its name; what is wrong with it is reported.
pub fn schema(
    element: &Element,
    validate_as: ValidateAs,
    options: Options,
    c: &mut Compiler<'_>,
) -> Option<(String, Arc<Definition>)> {
    let attribute = element.attribute("schema-id")?;
    let id = attribute.value.trim();
    let Some(schema) = c.lookup.schema(id) else {
        c.error("schema-missing", attribute.at, format!("The schema '{id}' does not exist."));
        return None;
    };
    let reference = c.literal(element, "schema-ref");
    if reference.is_some() && validate_as != ValidateAs::Json {
        c.error("schema-ref", element.at, "The attribute 'schema-ref' is for JSON schemas only.");
        return None;
    }
    let compiled = match (&schema.schema_type, validate_as) {
        (SchemaType::Xml, ValidateAs::Xml | ValidateAs::Soap) => xml(schema, c),
        (SchemaType::Json, ValidateAs::Json) => json(schema, reference.as_deref(), options),
        _ => Err("Its kind is not that of 'validate-as'.".to_owned()),
    };
    match compiled {
        Ok(definition) => Some((id.to_owned(), Arc::new(definition))),
        Err(reason) => {
            c.error("schema-invalid", attribute.at, format!("The schema '{id}' cannot be used: {reason}"));
            None
        }
    }
}

/// An XML schema's text.
fn text(schema: &Schema) -> Option<&str> {
    schema.value.as_ref().or(schema.document.as_ref()).and_then(Value::as_str)
}

fn xml(schema: &Schema, c: &Compiler<'_>) -> Result<Definition, String> {
    let own = text(schema).ok_or("It has no text.")?;
    let include = |id: &str| c.lookup.schema(id).and_then(text).filter(|text| text.len() <= SCHEMA_BYTES_MAX);
    if own.len() > SCHEMA_BYTES_MAX {
        return Err(format!("It is longer than {SCHEMA_BYTES_MAX} bytes."));
    }
    XmlSchema::compile(own, &include).map(Definition::Xml)
}

fn json(schema: &Schema, reference: Option<&str>, options: Options) -> Result<Definition, String> {
    let own = schema.document.as_ref().or(schema.value.as_ref()).ok_or("It has no document.")?;
    let parsed = match own {
        Value::String(text) if text.len() <= SCHEMA_BYTES_MAX => {
            serde_json::from_str(text).map_err(|error| error.to_string())?
        }
        Value::String(_) => return Err(format!("It is longer than {SCHEMA_BYTES_MAX} bytes.")),
        other => other.clone(),
    };
    let document = match reference {
        None => parsed,
        Some(pointer) => pointed(parsed, pointer)?,
    };
    JsonSchema::compile(&document, options).map(Definition::Json)
}

/// The document with a part of it at its top. What holds named schemas stays for the part's own references; anything
/// else would hold as well.
fn pointed(document: Value, pointer: &str) -> Result<Value, String> {
    let pointer = pointer.trim_start_matches('#');
    if pointer.is_empty() {
        return Ok(document);
    }
    let part = document.pointer(pointer).cloned();
    let part = part.ok_or_else(|| format!("The pointer '{pointer}' points at nothing in it."))?;
    let mut kept = Map::new();
    for name in ["$schema", "$defs", "definitions", "components"] {
        kept.extend(document.get(name).map(|value| (name.to_owned(), value.clone())));
    }
    match part {
        Value::Object(members) => kept.extend(members),
        other => return Ok(other),
    }
    Ok(Value::Object(kept))
}
