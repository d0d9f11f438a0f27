//! Who refers to a resource: what is referred to stays.

use serde_json::Value;

use crate::arm_error::ArmError;
use crate::service::transaction::Transaction;
use crate::tree::Record;

/// Refuses when a policy or fragment names `name` by an attribute (`backend-id`), literally.
pub fn refuse_in_policies(
    tx: &Transaction<'_>,
    attribute: &str,
    names: &[&str],
    entity: &str,
) -> Result<(), ArmError> {
    let documents = tx.below("").into_iter().filter(|record| {
        let path = record.path.to_ascii_lowercase();
        path.ends_with("policies/policy") || path.starts_with("policyfragments/")
    });
    let user = documents.into_iter().find(|record| {
        let text = record.text("value").unwrap_or_default();
        names.iter().any(|name| names_by(text, attribute, name))
    });
    user.map_or(Ok(()), |user| Err(used(entity, names, &user)))
}

/// Refuses when a record of a collection pattern (`gateways/{}/hostnameConfigurations`) names the resource in a member.
pub fn refuse_in_members(
    tx: &Transaction<'_>,
    member: &str,
    record: &Record,
    entity: &str,
) -> Result<(), ArmError> {
    let id = format!("/{}", record.path);
    let user = tx.below("").into_iter().find(|other| {
        other.path != record.path && other.properties.get(member).is_some_and(|value| holds(value, &id))
    });
    user.map_or(Ok(()), |user| Err(used(entity, &[record.name()], &user)))
}

/// Whether a value is the id, or has it somewhere inside.
pub fn holds(value: &Value, id: &str) -> bool {
    match value {
        Value::String(text) => {
            let known = gateway_model::ResourceId::parse(text).map(|id| id.to_string());
            known.unwrap_or_else(|_| text.clone()).eq_ignore_ascii_case(id)
        }
        Value::Array(items) => items.iter().any(|item| holds(item, id)),
        Value::Object(members) => members.values().any(|member| holds(member, id)),
        _ => false,
    }
}

/// The refusal.
pub fn used(entity: &str, names: &[&str], user: &Record) -> ArmError {
    let name = names.first().copied().unwrap_or_default();
    ArmError::field("id", format!("The {entity} '{name}' is used by '/{}'.", user.path))
}

/// Whether a text has `attribute = "name"`, in either quotes and however spaced.
fn names_by(text: &str, attribute: &str, name: &str) -> bool {
    text.match_indices(attribute).any(|(at, found)| {
        let rest = text.get(at + found.len()..).unwrap_or_default().trim_start();
        let value = rest.strip_prefix('=').map(str::trim_start).unwrap_or_default();
        let Some(quote) = value.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else {
            return false;
        };
        let inner = value.get(1..).unwrap_or_default();
        inner.split(quote).next().is_some_and(|written| written.trim().eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_by_reads_attributes_in_either_quotes() {
        for (text, expected) in [
            (r#"<set-backend-service backend-id="b1" />"#, true),
            ("<set-backend-service backend-id = 'B1' />", true),
            (r#"<set-backend-service backend-id="b10" />"#, false),
            ("<set-backend-service backend-id=b1 />", false),
            ("backend-id", false),
        ] {
            assert_eq!(names_by(text, "backend-id", "b1"), expected, "{text}");
        }
    }
}
