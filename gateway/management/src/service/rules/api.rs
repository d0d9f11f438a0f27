//! APIs: revisions, versions, what revisions share (management-api.md §1.16).

use serde_json::{Value, json};

use super::{Fetched, Fetching, Put, Rules, default_to, linked, text};
use crate::arm_error::ArmError;
use crate::service::transaction::Transaction;
use crate::service::{Call, import};
use crate::tree::{By, Properties, Record, Tree, api_path};

mod revision;
mod version_set;

pub use revision::{addressed, make_current, split};
use revision::{revisions, share, spread};

pub struct Api;

/// What PUT takes and nothing keeps.
const IMPORT: &[&str] = &["value", "format", "wsdlSelector", "apiType", "translateRequiredQueryParameters"];

impl Rules for Api {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        for member in IMPORT {
            properties.shift_remove(*member);
        }
        let (root, revision) = split(put.path);
        let current = put.tx.get(root);
        let revision = match (revision, &current) {
            (Some(revision), _) => revision.to_owned(),
            (None, Some(current)) => current.text("apiRevision").unwrap_or("1").to_owned(),
            (None, None) => text(properties, "apiRevision").unwrap_or("1").to_owned(),
        };
        properties.insert("apiRevision".to_owned(), Value::String(revision));
        properties.shift_remove("isCurrent");
        let source = properties.shift_remove("sourceApiId");
        if put.existing.is_none()
            && let Some(Value::String(source)) = source
        {
            copy(put.tx, &source, put.path, properties)?;
        }
        if put.path.len() != root.len() {
            match &current {
                Some(current) => share(&current.properties, properties),
                None => return Err(ArmError::not_found("Api")),
            }
        }
        let imported = match put.fetched {
            Fetched::Definition(imported) => Some(imported),
            _ => None,
        };
        if let Some(imported) = imported {
            import::fill(properties, imported);
        }
        // The type of an API does not change by being left out.
        if let Some(kept) = put.existing.and_then(|existing| existing.text("type")) {
            default_to(properties, "type", kept);
        }
        complete(put.tx, properties)?;
        check_path(put.tx, root, properties)?;
        if let Some(imported) = imported {
            import::apply(put.tx, put.path, imported);
        }
        if put.existing.is_none() && text(properties, "type") == Some("websocket") {
            let operation = json!({
                "displayName": "onHandshake", "method": "GET", "urlTemplate": "/", "templateParameters": [], "responses": []
            });
            if let Value::Object(operation) = operation {
                put.tx.put(&format!("{}/operations/onHandshake", put.path), operation);
            }
        }
        if put.path.len() == root.len() {
            spread(put.tx, root, properties);
        }
        Ok(())
    }

    fn delete(&self, tx: &mut Transaction<'_>, call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        let (root, revision) = split(&record.path);
        if revision.is_none() {
            let others = revisions(tx, root);
            if !others.is_empty() && !call.query.is_true("deleteRevisions") {
                return Err(ArmError::field("apiId", "Cannot delete the current revision of an API."));
            }
            for other in others {
                tx.delete(&other.path);
            }
            for collection in ["products", "gateways"] {
                for holder in tx.list(collection) {
                    tx.delete(&format!("{}/apis/{}", holder.path, record.name()));
                }
            }
            for subscription in tx.having(By::Opens, root) {
                tx.delete(&subscription.path);
            }
        }
        Ok(())
    }

    fn shown(&self, tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        properties.insert("isCurrent".to_owned(), Value::Bool(split(&record.path).1.is_none()));
        default_to(&mut properties, "isOnline", true);
        if let Some(set) = version_set::shown(tree, &properties, call) {
            properties.insert("apiVersionSet".to_owned(), set);
        }
        properties.insert("provisioningState".to_owned(), Value::from("Succeeded"));
        properties
    }

    fn fetch<'a>(&'a self, call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
        Box::pin(import::fetch(call, properties))
    }
}

/// Takes over everything of another API: its properties where none are given, and all that stands below it.
fn copy(
    tx: &mut Transaction<'_>,
    source: &str,
    path: &str,
    properties: &mut Properties,
) -> Result<(), ArmError> {
    let source_path = addressed(&|path| tx.get(path), source.trim_matches('/'), false);
    let Some(from) = linked(tx, &source_path) else {
        return Err(ArmError::field("sourceApiId", format!("The API '{source}' does not exist.")));
    };
    if let Some(record) = tx.get(&from) {
        for (member, value) in &record.properties {
            let is_own = matches!(member.as_str(), "apiRevision" | "apiRevisionDescription");
            if !properties.contains_key(member) && !is_own {
                properties.insert(member.clone(), value.clone());
            }
        }
    }
    for record in tx.below(&from) {
        let rest = record.path.get(from.len()..).unwrap_or_default();
        if !rest.starts_with("/releases/") {
            tx.put(&format!("{path}{rest}"), record.properties.clone());
        }
    }
    Ok(())
}

fn complete(tx: &mut Transaction<'_>, properties: &mut Properties) -> Result<(), ArmError> {
    default_to(properties, "subscriptionRequired", true);
    default_to(properties, "protocols", json!(["https"]));
    default_to(properties, "type", "http");
    if text(properties, "displayName").is_none() {
        return Err(ArmError::field("displayName", "'displayName' must not be empty."));
    }
    if let Some(Value::Object(set)) = properties.shift_remove("apiVersionSet")
        && !properties.contains_key("apiVersionSetId")
    {
        let id = version_set::of_inline(tx, &set)?;
        properties.insert("apiVersionSetId".to_owned(), Value::String(id));
    }
    let set = text(properties, "apiVersionSetId");
    if let Some(set) = set
        && linked(tx, set).is_none()
    {
        return Err(ArmError::field("apiVersionSetId", format!("The version set '{set}' does not exist.")));
    }
    if set.is_none() && text(properties, "apiVersion").is_some_and(|version| !version.is_empty()) {
        return Err(ArmError::field("apiVersion", "'apiVersion' needs an 'apiVersionSetId'."));
    }
    Ok(())
}

/// Path and version together are unique over the current revisions.
fn check_path(tx: &Transaction<'_>, root: &str, properties: &Properties) -> Result<(), ArmError> {
    let place = |properties: &Properties| {
        let member = |name| text(properties, name).unwrap_or_default().trim_matches('/').to_ascii_lowercase();
        (member("path"), member("apiVersion"), member("apiVersionSetId"))
    };
    let wanted = place(properties);
    let same_path = tx.having(By::ApiPath, &api_path(text(properties, "path")));
    let other = same_path
        .into_iter()
        .find(|api| !api.path.eq_ignore_ascii_case(root) && place(&api.properties) == wanted);
    match other {
        Some(other) => {
            let name = root.rsplit('/').next().unwrap_or_default();
            let message = format!(
                "Can not create API '{name}' with the same Path '{}' as the API '{}'.",
                wanted.0,
                other.name()
            );
            Err(ArmError::field("path", message))
        }
        None => Ok(()),
    }
}
