//! Schemas: of an API, and of the service.

use gateway_model::resource::schema::GRAPHQL_SCHEMA;
use gateway_policy::graphql::Schema;
use gateway_policy::markup;
use serde_json::Value;

use super::{Put, Rules, text};
use crate::arm_error::{ArmError, Detail};
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record, Tree};

pub struct ApiSchema;

/// Findings told of one document.
const DETAILS_MAX: usize = 20;

impl Rules for ApiSchema {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let _ = put;
        let kind = text(properties, "contentType").unwrap_or_default().to_ascii_lowercase();
        if kind.is_empty() {
            return Err(ArmError::field("contentType", "'contentType' must not be empty."));
        }
        let value = properties.get("document").and_then(|document| document.get("value")?.as_str());
        match value {
            Some(value) if kind == GRAPHQL_SCHEMA => check_sdl(value),
            Some(value) if kind.contains("json") => check_json(value),
            Some(value) if kind.contains("xml") => check_xml(value),
            _ => Ok(()),
        }
    }

    fn delete(&self, tx: &mut Transaction<'_>, call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        let api = record.path.split("/schemas/").next().unwrap_or_default();
        for operation in tx.list(&format!("{api}/operations")) {
            let mut properties = operation.properties.clone();
            if !forget_all(properties.values_mut(), record.name()) {
                continue;
            }
            if !call.query.is_true("force") {
                let message = format!(
                    "The schema is used by the operation '{}'. Say force=true to remove its references.",
                    operation.name()
                );
                return Err(ArmError::field("schemaId", message));
            }
            tx.put(&operation.path, properties);
        }
        Ok(())
    }

    fn shown(&self, _tree: &Tree, record: &Record, _call: &Call<'_>) -> Properties {
        succeeded(record)
    }
}

/// Removes references to a schema; whether there were any.
fn forget(value: &mut Value, schema: &str) -> bool {
    match value {
        Value::Object(members) => {
            let refers = members
                .get("schemaId")
                .and_then(Value::as_str)
                .is_some_and(|id| id.eq_ignore_ascii_case(schema));
            if refers {
                members.shift_remove("schemaId");
                members.shift_remove("typeName");
            }
            forget_all(members.values_mut(), schema) || refers
        }
        Value::Array(items) => forget_all(items.iter_mut(), schema),
        _ => false,
    }
}

/// The same for each of several values: all are looked at.
fn forget_all<'v>(values: impl Iterator<Item = &'v mut Value>, schema: &str) -> bool {
    let mut found = false;
    for value in values {
        found |= forget(value, schema);
    }
    found
}

pub struct GlobalSchema;

impl Rules for GlobalSchema {
    fn put(&self, _put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let is_xml = text(properties, "schemaType").is_some_and(|kind| kind.eq_ignore_ascii_case("xml"));
        let member = if is_xml { "value" } else { "document" };
        let held = properties.get("value").or_else(|| properties.get("document"));
        match held {
            None => Err(ArmError::field(member, format!("'{member}' must not be empty."))),
            Some(Value::String(text)) if is_xml => check_xml(text),
            Some(Value::String(text)) => check_json(text),
            Some(_) if is_xml => Err(ArmError::field("value", "An XML schema must be a text.")),
            Some(_) => Ok(()),
        }
    }

    fn shown(&self, _tree: &Tree, record: &Record, _call: &Call<'_>) -> Properties {
        succeeded(record)
    }
}

fn succeeded(record: &Record) -> Properties {
    let mut properties = record.properties.clone();
    properties.insert("provisioningState".to_owned(), Value::from("Succeeded"));
    properties
}

/// Refuses what is no GraphQL schema.
pub fn check_sdl(text: &str) -> Result<(), ArmError> {
    let found = Schema::parse(text).err().unwrap_or_default();
    let details: Vec<Detail> = found
        .iter()
        .take(DETAILS_MAX)
        .map(|finding| {
            let place = format!("line {}, column {}", finding.line, finding.column);
            Detail::new("representation", format!("Parsing error(s): {} ({place})", finding.message))
        })
        .collect();
    if details.is_empty() { Ok(()) } else { Err(ArmError::validation(details)) }
}

fn check_json(text: &str) -> Result<(), ArmError> {
    let read = serde_json::from_str::<serde::de::IgnoredAny>(text);
    read.map(drop).map_err(|error| {
        ArmError::field("representation", format!("Parsing error(s): the schema is no JSON: {error}."))
    })
}

fn check_xml(text: &str) -> Result<(), ArmError> {
    markup::read(text)
        .map(drop)
        .map_err(|error| ArmError::field("representation", format!("XML not well formed: {error}")))
}
