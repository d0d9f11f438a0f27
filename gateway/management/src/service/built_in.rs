//! What every service begins with (management-api.md §1.16).

use serde_json::{Value, json};

use super::rules::subscription::{MASTER, new_key};
use super::rules::user::ADMINISTRATOR;
use super::time;
use super::transaction::Transaction;
use crate::arm_error::ArmError;

/// Writes the subscription `master`, the groups of the system and the administrator.
pub fn seed(tx: &mut Transaction<'_>) -> Result<(), ArmError> {
    let now = time(tx.now());
    let groups = [
        (
            "administrators",
            "Administrators",
            "Administrators is a built-in group. Its members manage the service.",
        ),
        (
            "developers",
            "Developers",
            "Developers is a built-in group. Signed-in users of the portal are its members.",
        ),
        (
            "guests",
            "Guests",
            "Guests is a built-in group. Visitors of the portal who are not signed in are its members.",
        ),
    ];
    for (name, display, description) in groups {
        put(
            tx,
            &format!("groups/{name}"),
            json!({
                "displayName": display, "description": description, "builtIn": true, "type": "system"
            }),
        );
    }
    put(
        tx,
        ADMINISTRATOR,
        json!({
            "firstName": "Administrator", "lastName": "", "email": "admin@localhost", "state": "active",
            "registrationDate": now, "identities": [],
        }),
    );
    tx.put(super::service_resource::PATH, super::service_resource::initial());
    put(tx, "groups/administrators/users/1", json!({}));
    put(
        tx,
        MASTER,
        json!({
            "scope": "/", "displayName": "Built-in all-access subscription", "state": "active", "createdDate": now,
            "allowTracing": false, "primaryKey": new_key(), "secondaryKey": new_key(),
        }),
    );
    Ok(())
}

fn put(tx: &mut Transaction<'_>, path: &str, properties: Value) {
    if let Value::Object(properties) = properties {
        tx.put(path, properties);
    }
}
