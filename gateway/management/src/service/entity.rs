//! One resource: GET, HEAD, PUT, PATCH, DELETE, the same for every kind.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::{Value, json};

use super::rules::Put;
use super::transaction::Transaction;
use super::{Answer, Call, Outcome, shown};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::etag;
use crate::tree::{Properties, Record, Tree};

/// The kind of the resource that a call is about.
pub fn kind(call: &Call<'_>) -> Result<&'static Kind, ArmError> {
    Kind::of(&call.path).ok_or_else(|| ArmError::not_found("Resource"))
}

/// The resource that a call is about; the 404 names the first of its parents that is missing.
pub fn find(tree: &Tree, path: &str) -> Result<Arc<Record>, ArmError> {
    let exists = |path: &str| tree.get(path).is_some();
    parents(&exists, path)?;
    let entity = Kind::of(path).map_or("Resource", |kind| kind.entity);
    tree.get(path).cloned().ok_or_else(|| ArmError::not_found(entity))
}

/// Checks that everything above a path exists.
pub fn parents(exists: &dyn Fn(&str) -> bool, path: &str) -> Result<(), ArmError> {
    let segments: Vec<&str> = path.split('/').collect();
    for end in (2..segments.len()).step_by(2) {
        let Some(above) = segments.get(..end) else { break };
        let above = above.join("/");
        if !exists(&above) {
            return Err(ArmError::not_found(Kind::of(&above).map_or("Resource", |kind| kind.entity)));
        }
    }
    Ok(())
}

pub fn get(call: &Call<'_>) -> Outcome {
    let kind = kind(call)?;
    if kind.rules.is_link() {
        return Err(ArmError::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "MethodNotAllowed",
            "The requested resource does not support http method 'GET'.",
        ));
    }
    let tree = call.service.tree();
    let record = match find(&tree, &call.path) {
        Err(error) => Arc::new(kind.rules.default(&call.path).ok_or(error)?),
        Ok(record) => record,
    };
    if call.if_none_match.as_deref().is_some_and(|given| etag::matches(given, record.version)) {
        return Ok(Answer::new(StatusCode::NOT_MODIFIED, Some(record.version), None));
    }
    let body = shown::resource(call, kind, &tree, &record);
    Ok(Answer::ok(body).with_etag(record.version))
}

pub fn head(call: &Call<'_>) -> Outcome {
    let kind = kind(call)?;
    let tree = call.service.tree();
    let record = match find(&tree, &call.path) {
        Err(error) => Arc::new(kind.rules.default(&call.path).ok_or(error)?),
        Ok(record) => record,
    };
    if kind.rules.is_link() && !kind.collection.starts_with("gateways") {
        return Ok(Answer::no_content());
    }
    Ok(Answer::new(StatusCode::OK, Some(record.version), None))
}

pub async fn put(call: &Call<'_>) -> Outcome {
    let kind = kind(call)?;
    name(&call.path)?;
    let mut properties = call.properties()?;
    let mut details = Vec::new();
    kind.put.read(&mut properties, false, &mut details);
    if !details.is_empty() {
        return Err(ArmError::validation(details));
    }
    let fetched = kind.rules.fetch(call, &properties).await?;
    shown::shorten(call, &mut properties, kind.ids)?;
    let (record, is_new) = call
        .plane
        .write(&call.service, call.author(), |tx| {
            parents(&|path| tx.get(path).is_some(), &call.path)?;
            let existing = tx.get(&call.path);
            precondition(call, existing.as_deref(), true)?;
            let mut properties = properties.clone();
            let put = Put {
                tx,
                call,
                path: &call.path,
                existing: existing.as_deref(),
                fetched: &fetched,
                is_patch: false,
            };
            kind.rules.put(put, &mut properties)?;
            Ok((tx.put(&call.path, properties), existing.is_none()))
        })
        .await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok(written(call, kind, &record, status))
}

pub async fn patch(call: &Call<'_>) -> Outcome {
    let kind = kind(call)?;
    let mut properties = call.properties()?;
    let mut details = Vec::new();
    kind.patch.read(&mut properties, true, &mut details);
    if !details.is_empty() {
        return Err(ArmError::validation(details));
    }
    let fetched = kind.rules.fetch(call, &properties).await?;
    shown::shorten(call, &mut properties, kind.ids)?;
    let record = call
        .plane
        .write(&call.service, call.author(), |tx| {
            let existing = existing(tx, call, kind)?;
            precondition(call, Some(&existing), false)?;
            let mut merged = existing.properties.clone();
            merged.retain(|member, _| !(properties.contains_key(member) && kind.rules.replaces(member)));
            merge(&mut merged, &properties);
            let put = Put {
                tx,
                call,
                path: &call.path,
                existing: Some(&existing),
                fetched: &fetched,
                is_patch: true,
            };
            kind.rules.put(put, &mut merged)?;
            Ok(tx.put(&call.path, merged))
        })
        .await?;
    Ok(written(call, kind, &record, StatusCode::OK))
}

pub async fn delete(call: &Call<'_>) -> Outcome {
    let kind = kind(call)?;
    let existed = call
        .plane
        .write(&call.service, call.author(), |tx| {
            let Some(record) = tx.get(&call.path) else { return Ok(false) };
            precondition(call, Some(&record), false)?;
            kind.rules.delete(tx, call, &record)?;
            tx.delete(&call.path);
            Ok(true)
        })
        .await?;
    // Old and new clients of DELETE api and DELETE user agree on 204 only (management-api.md §1.2).
    let is_silent = !existed || matches!(kind.collection, "apis" | "users");
    Ok(if is_silent { Answer::no_content() } else { Answer::new(StatusCode::OK, None, None) })
}

fn existing(tx: &Transaction<'_>, call: &Call<'_>, kind: &Kind) -> Result<Arc<Record>, ArmError> {
    parents(&|path| tx.get(path).is_some(), &call.path)?;
    tx.get(&call.path).ok_or_else(|| ArmError::not_found(kind.entity))
}

fn written(call: &Call<'_>, kind: &Kind, record: &Arc<Record>, status: StatusCode) -> Answer {
    let tree = call.service.tree();
    let body = shown::written(call, kind, &tree, record);
    Answer::new(status, Some(record.version), Some(body))
}

/// `If-Match` and `If-None-Match` of a write; absence means whatever (management-api.md §2.4).
fn precondition(call: &Call<'_>, existing: Option<&Record>, may_create: bool) -> Result<(), ArmError> {
    if let Some(given) = &call.if_match {
        match existing {
            Some(record) if !etag::matches(given, record.version) => return Err(ArmError::precondition()),
            None if !(may_create && given.trim() == "*") => return Err(ArmError::precondition()),
            _ => {}
        }
    }
    if call.if_none_match.as_deref().is_some_and(|given| given.trim() == "*") && existing.is_some() {
        return Err(ArmError::precondition());
    }
    Ok(())
}

/// Checks the last segment of a path.
fn name(path: &str) -> Result<(), ArmError> {
    let name = path.rsplit('/').next().unwrap_or_default();
    gateway_model::check_name(name)
        .map_err(|error| ArmError::field("name", format!("The name '{name}' cannot be used: {error}.")))
}

/// JSON merge patch (RFC 7396): `null` removes, objects merge, everything else replaces.
pub fn merge(into: &mut Properties, patch: &Properties) {
    for (name, value) in patch {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {
                into.shift_remove(name);
            }
            (Some(Value::Object(into)), Value::Object(patch)) => merge(into, patch),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

/// A body that is only a value: `{"value": …}`.
pub fn value(text: &str) -> Value {
    json!({ "value": text })
}
