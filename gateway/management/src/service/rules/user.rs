//! Users.

use serde_json::{Value, json};

use super::group::expanded;
use super::{Put, Rules, default_to, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{By, Properties, Record, Tree};

pub struct User;

/// The administrator that is always there.
pub const ADMINISTRATOR: &str = "users/1";

impl Rules for User {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let email = text(properties, "email").unwrap_or_default().to_owned();
        if !email.contains('@') {
            return Err(ArmError::field("email", format!("'{email}' is no e-mail address.")));
        }
        let is_taken = put.tx.list("users").iter().any(|other| {
            !other.path.eq_ignore_ascii_case(put.path)
                && other.text("email").is_some_and(|taken| taken.eq_ignore_ascii_case(&email))
        });
        if is_taken {
            return Err(ArmError::field("email", format!("Another user has the e-mail address '{email}'.")));
        }
        for ignored in ["appType", "confirmation"] {
            properties.shift_remove(ignored);
        }
        if let (None, Some(kept)) =
            (properties.get("password"), put.existing.and_then(|user| user.properties.get("password")))
        {
            properties.insert("password".to_owned(), kept.clone());
        }
        default_to(properties, "state", "active");
        default_to(properties, "identities", json!([{"provider": "Basic", "id": email}]));
        let registered = match put.existing.and_then(|user| user.text("registrationDate")) {
            Some(kept) => kept.to_owned(),
            None => crate::service::time(put.tx.now()),
        };
        properties.insert("registrationDate".to_owned(), Value::String(registered));
        if put.existing.is_none() {
            let member = format!("groups/developers/users/{}", put.name(0));
            put.tx.put(&member, Properties::new());
        }
        Ok(())
    }

    fn shown(&self, tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        if call.query.is_true("expandGroups") {
            let member =
                |group: &Record| tree.get(&format!("{}/users/{}", group.path, record.name())).is_some();
            properties.insert("groups".to_owned(), expanded(tree, member));
        }
        properties
    }

    fn delete(&self, tx: &mut Transaction<'_>, call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        if record.path.eq_ignore_ascii_case(ADMINISTRATOR) {
            return Err(ArmError::field("userId", "The administrator of the service cannot be deleted."));
        }
        for subscription in tx.having(By::Owner, record.name()) {
            if !call.query.is_true("deleteSubscriptions") {
                let message =
                    "The user has subscriptions. Delete them first, or say deleteSubscriptions=true.";
                return Err(ArmError::field("userId", message));
            }
            tx.delete(&subscription.path);
        }
        for group in tx.list("groups") {
            tx.delete(&format!("{}/users/{}", group.path, record.name()));
        }
        Ok(())
    }
}
