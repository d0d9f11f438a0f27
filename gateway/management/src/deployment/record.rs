//! What is kept of deployments, and how it is shown.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::KIND;
use super::run::{Outcome, Step};
use crate::arm_error::ArmError;
use crate::plane::{Author, Plane};
use crate::template::Surroundings;
use crate::tree::{Properties, Record};

/// Deployments kept of one group; the oldest go, as in ARM.
const KEPT_MAX: usize = 800;

fn collection(subscription: &str, group: &str) -> String {
    format!("deployments/{subscription}/{group}")
}

/// A deployment by the path of a call.
pub fn find(plane: &Plane, subscription: &str, group: &str, name: &str) -> Option<Arc<Record>> {
    plane.directory.tree().get(&format!("{}/{name}", collection(subscription, group))).cloned()
}

/// Deployments of a group, the last one first.
pub fn all(plane: &Plane, subscription: &str, group: &str) -> Vec<Arc<Record>> {
    let mut all: Vec<_> = plane.directory.tree().list(&collection(subscription, group)).cloned().collect();
    all.sort_by_key(|record| std::cmp::Reverse((record.modified, record.version)));
    all
}

/// Forgets a deployment; what it made stays. Whether it was there.
pub async fn remove(plane: &Plane, author: Author<'_>, record: &Record) -> Result<bool, ArmError> {
    plane
        .write(&plane.directory, author, |tx| {
            let existed = tx.get(&record.path).is_some();
            tx.delete(&record.path);
            Ok(existed)
        })
        .await
}

/// Keeps what came of a deployment; whether there was none of its name.
pub async fn keep(plane: &Plane, author: Author<'_>, outcome: &Outcome) -> Result<bool, ArmError> {
    let around = &outcome.surroundings;
    let collection = collection(&around.subscription, &around.group);
    plane
        .write(&plane.directory, author, |tx| {
            let path = format!("{collection}/{}", around.deployment);
            let is_new = tx.get(&path).is_none();
            tx.put(&path, properties(outcome, tx.now()));
            let mut kept = tx.list(&collection);
            kept.sort_by_key(|record| (record.modified, record.version));
            for oldest in kept.iter().take(kept.len().saturating_sub(KEPT_MAX)) {
                tx.delete(&oldest.path);
            }
            Ok(is_new)
        })
        .await
}

/// The deployment as the answer has it under `properties`, and its operations.
pub fn properties(outcome: &Outcome, now: i64) -> Properties {
    let around = &outcome.surroundings;
    let is_done = |step: &&Step| step.error.is_none();
    let made: Vec<Value> = outcome.steps.iter().filter(is_done).map(|step| json!({"id": step.id})).collect();
    let mut properties = json!({
        "parameters": outcome.parameters,
        "mode": around.mode,
        "provisioningState": if outcome.error.is_some() { "Failed" } else { "Succeeded" },
        "timestamp": crate::service::time(now),
        "duration": format!("PT{}S", now.saturating_sub(around.now).max(0)),
        "correlationId": uuid::Uuid::new_v4().to_string(),
        "providers": providers(&outcome.steps),
        "dependencies": outcome.plan,
        "outputs": outcome.outputs,
        "outputResources": made,
    });
    if let Some(error) = &outcome.error {
        properties["error"] = error.clone();
    }
    let steps = outcome.steps.iter().enumerate().map(|(at, step)| operation(at, step, now));
    properties["operations"] = steps.collect();
    match properties {
        Value::Object(properties) => properties,
        _ => Map::new(),
    }
}

fn providers(steps: &[Step]) -> Value {
    let mut kinds: Vec<(&str, &str)> = steps.iter().filter_map(|step| step.kind.split_once('/')).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut providers: Vec<Value> = Vec::new();
    for (namespace, kind) in kinds {
        let kind = json!({"resourceType": kind, "locations": [Value::Null]});
        match providers.last_mut().filter(|last| last["namespace"] == namespace) {
            Some(last) => {
                last["resourceTypes"].as_array_mut().into_iter().for_each(|kinds| kinds.push(kind.clone()));
            }
            None => providers.push(json!({"namespace": namespace, "resourceTypes": [kind]})),
        }
    }
    Value::Array(providers)
}

fn operation(at: usize, step: &Step, now: i64) -> Value {
    let status = match (&step.error, step.status) {
        (Some(error), _) => json!({"error": error}),
        (None, _) => Value::Null,
    };
    let code = hyper::StatusCode::from_u16(step.status).ok().and_then(|status| status.canonical_reason());
    json!({
        "operationId": format!("{:016X}", at + 1),
        "properties": {
            "provisioningOperation": "Create",
            "provisioningState": if step.error.is_some() { "Failed" } else { "Succeeded" },
            "timestamp": crate::service::time(now),
            "duration": "PT0S",
            "statusCode": code.unwrap_or_default().replace(' ', ""),
            "statusMessage": status,
            "targetResource": {"id": step.id, "resourceType": step.kind, "resourceName": step.name},
        },
    })
}

fn id(around: &Surroundings) -> String {
    format!("{}/providers/{KIND}/{}", around.group_id(), around.deployment)
}

/// A deployment in ARM's envelope. Its operations are shown by a list of their own.
pub fn shown(around: &Surroundings, properties: &Properties) -> Value {
    let mut properties = properties.clone();
    properties.shift_remove("operations");
    json!({"id": id(around), "name": around.deployment, "type": KIND, "properties": properties})
}

/// The operations of a deployment.
pub fn operations(record: &Record) -> impl Iterator<Item = &Value> {
    record.properties.get("operations").and_then(Value::as_array).into_iter().flatten()
}

/// One of them, in ARM's envelope.
pub fn shown_operation(around: &Surroundings, operation: &Value) -> Value {
    let name = operation["operationId"].as_str().unwrap_or_default();
    json!({
        "id": format!("{}/operations/{name}", id(around)), "operationId": name, "properties": operation["properties"],
    })
}
