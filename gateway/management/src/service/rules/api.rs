//! APIs: revisions, versions, what revisions share (management-api.md §1.16).

use serde_json::{Value, json};

use super::{Put, Rules, default_to, linked, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record, Tree};

pub struct Api;

/// What all revisions of an API have in common.
const SHARED: &[&str] = &[
    "displayName",
    "description",
    "type",
    "path",
    "protocols",
    "apiVersion",
    "apiVersionSetId",
    "subscriptionRequired",
    "subscriptionKeyParameterNames",
];
/// What PUT takes and nothing keeps.
const IMPORT: &[&str] = &["value", "format", "wsdlSelector", "apiType", "translateRequiredQueryParameters"];

/// The path of the API and its revision, where the name says one: `apis/x;rev=2` → (`apis/x`, `2`).
pub fn split(path: &str) -> (&str, Option<&str>) {
    match path.to_ascii_lowercase().rfind(";rev=") {
        Some(at) => (path.get(..at).unwrap_or(path), path.get(at + ";rev=".len()..)),
        None => (path, None),
    }
}

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
        let source = properties.shift_remove("sourceApiId");
        if put.existing.is_none()
            && let Some(Value::String(source)) = source
        {
            copy(put.tx, &source, put.path, properties)?;
        }
        if put.path.len() != root.len() {
            match &current {
                Some(current) => share(current, properties),
                None => return Err(ArmError::not_found("Api")),
            }
        }
        complete(put.tx, properties)?;
        check_path(put.tx, root, properties)?;
        if put.existing.is_none() && text(properties, "type") == Some("websocket") {
            let operation = json!({
                "displayName": "onHandshake", "method": "GET", "urlTemplate": "/", "templateParameters": [], "responses": []
            });
            if let Value::Object(operation) = operation {
                put.tx.put(&format!("{}/operations/onHandshake", put.path), operation);
            }
        }
        if put.path.len() == root.len() {
            for other in revisions(put.tx, root) {
                let mut shared = other.properties.clone();
                for member in SHARED {
                    match properties.get(*member) {
                        Some(value) => shared.insert((*member).to_owned(), value.clone()),
                        None => shared.shift_remove(*member),
                    };
                }
                put.tx.put(&other.path, shared);
            }
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
        }
        Ok(())
    }

    fn shown(&self, _tree: &Tree, record: &Record, _call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        if split(&record.path).1.is_none() {
            properties.insert("isCurrent".to_owned(), Value::Bool(true));
        } else {
            properties.shift_remove("isCurrent");
        }
        properties.insert("provisioningState".to_owned(), Value::from("Succeeded"));
        properties
    }
}

/// The other revisions of an API.
fn revisions(tx: &Transaction<'_>, root: &str) -> Vec<std::sync::Arc<Record>> {
    let within = format!("{};rev=", root.to_ascii_lowercase());
    tx.list("apis").into_iter().filter(|api| api.path.to_ascii_lowercase().starts_with(&within)).collect()
}

fn share(current: &Record, properties: &mut Properties) {
    for member in SHARED {
        match current.properties.get(*member) {
            Some(value) => properties.insert((*member).to_owned(), value.clone()),
            None => properties.shift_remove(*member),
        };
    }
}

/// Takes over everything of another API: its properties where none are given, and all that stands below it.
fn copy(
    tx: &mut Transaction<'_>,
    source: &str,
    path: &str,
    properties: &mut Properties,
) -> Result<(), ArmError> {
    let Some(from) = linked(tx, source) else {
        return Err(ArmError::field("sourceApiId", format!("The API '{source}' does not exist.")));
    };
    if let Some(record) = tx.get(&from) {
        for (member, value) in &record.properties {
            if !properties.contains_key(member) && member != "apiRevisionDescription" {
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

fn complete(tx: &Transaction<'_>, properties: &mut Properties) -> Result<(), ArmError> {
    default_to(properties, "subscriptionRequired", true);
    default_to(properties, "protocols", json!(["https"]));
    default_to(properties, "type", "http");
    if text(properties, "displayName").is_none() {
        return Err(ArmError::field("displayName", "'displayName' must not be empty."));
    }
    if let Some(Value::Object(set)) = properties.shift_remove("apiVersionSet")
        && let Some(Value::String(id)) = set.get("id")
        && let Ok(id) = gateway_model::ResourceId::parse(id)
    {
        default_to(properties, "apiVersionSetId", id.to_string());
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
    let other = tx.list("apis").into_iter().find(|api| {
        split(&api.path).1.is_none()
            && !api.path.eq_ignore_ascii_case(root)
            && place(&api.properties) == wanted
    });
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

/// Makes a revision (`orders;rev=2`) the current one of its API.
pub fn make_current(tx: &mut Transaction<'_>, api: &str, revision: &str) -> Result<(), ArmError> {
    let root = format!("apis/{api}");
    let wanted = format!("apis/{revision}");
    let Some(current) = tx.get(&root) else { return Err(ArmError::not_found("Api")) };
    let number = current.text("apiRevision").unwrap_or("1").to_owned();
    if split(&wanted).1.is_none_or(|revision| revision == number) {
        return Ok(());
    }
    if tx.get(&wanted).is_none() {
        return Err(ArmError::field("apiId", format!("The revision '/{wanted}' does not exist.")));
    }
    let releases: Vec<_> = tx.list(&format!("{root}/releases"));
    let before = format!("{root};rev={number}");
    tx.rename(&root, &before);
    tx.rename(&wanted, &root);
    // Releases belong to the API, not to a revision.
    tx.delete_below(&format!("{before}/releases"));
    for release in releases {
        tx.put(&release.path, release.properties.clone());
    }
    Ok(())
}
