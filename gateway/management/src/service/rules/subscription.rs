//! Subscriptions and their keys (management-api.md §1.16).

use serde_json::Value;

use super::{Put, Rules, default_to, linked, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{By, Properties, Record, name_of, opens};

pub struct Subscription;

/// The subscription to everything that is always there.
pub const MASTER: &str = "subscriptions/master";

impl Rules for Subscription {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        check_scope(put.tx, properties)?;
        if let Some(owner) = text(properties, "ownerId")
            && linked(put.tx, owner).is_none()
        {
            return Err(ArmError::field("ownerId", format!("The user '{owner}' does not exist.")));
        }
        for member in ["primaryKey", "secondaryKey"] {
            let kept = put.existing.and_then(|existing| existing.text(member)).map(str::to_owned);
            default_to(properties, member, kept.unwrap_or_else(new_key));
        }
        check_keys(put.tx, put.path, properties)?;
        default_to(properties, "state", "submitted");
        default_to(properties, "allowTracing", false);
        let created = match put.existing.and_then(|existing| existing.text("createdDate")) {
            Some(kept) => kept.to_owned(),
            None => crate::service::time(put.tx.now()),
        };
        properties.insert("createdDate".to_owned(), Value::String(created));
        Ok(())
    }

    fn delete(&self, _tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        if record.path.eq_ignore_ascii_case(MASTER) {
            return Err(ArmError::field("sid", "The built-in subscription cannot be deleted."));
        }
        Ok(())
    }

    fn is_shown_as_kept(&self) -> bool {
        true
    }

    fn derived(&self, record: &Record, field: &str) -> Option<Value> {
        if field.eq_ignore_ascii_case("userId") {
            return record.text("ownerId").map(|id| name_of(id).into());
        }
        let product = opens(record).strip_prefix("products/").map(Value::from);
        product.filter(|_| field.eq_ignore_ascii_case("productId"))
    }

    fn shows_secrets_on_write(&self) -> bool {
        true
    }
}

/// 32 lower-case hex digits, as Azure makes them.
pub fn new_key() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

fn check_scope(tx: &Transaction<'_>, properties: &Properties) -> Result<(), ArmError> {
    let scope = text(properties, "scope").unwrap_or_default().trim_end_matches('/');
    let is_whole = scope.is_empty() || scope.eq_ignore_ascii_case("/apis");
    if is_whole || linked(tx, scope).is_some() {
        return Ok(());
    }
    Err(ArmError::field("scope", format!("The scope '{scope}' does not exist.")))
}

/// Keys are unique in the service, and the two of a subscription differ.
fn check_keys(tx: &Transaction<'_>, path: &str, properties: &Properties) -> Result<(), ArmError> {
    let keys = ["primaryKey", "secondaryKey"].map(|member| text(properties, member).unwrap_or_default());
    if keys[0] == keys[1] {
        return Err(ArmError::field("secondaryKey", "The primary and the secondary key must differ."));
    }
    let taken = keys.iter().flat_map(|key| tx.having(By::Key, key));
    if taken.into_iter().any(|other| !other.path.eq_ignore_ascii_case(path)) {
        return Err(ArmError::field("primaryKey", "Another subscription has this key."));
    }
    Ok(())
}
