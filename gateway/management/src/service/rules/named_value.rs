//! Named values: those that are secret are shown by `listValue` only.

use gateway_model::NAME_CHARS_MAX;
use serde_json::Value;

use super::{Fetched, Fetching, Put, Rules, default_to, from_vault, is_listed_by_vault, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{By, Properties, Record, Tree};
use crate::vault;

pub struct NamedValue;

impl Rules for NamedValue {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let name = text(properties, "displayName").unwrap_or_default().to_owned();
        let is_good = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        if name.len() > NAME_CHARS_MAX || !name.chars().all(is_good) {
            let message = "'displayName' may hold letters, digits, '.', '-' and '_' only.";
            return Err(ArmError::field("displayName", message));
        }
        let is_taken = put.tx.list("namedValues").iter().any(|other| {
            !other.path.eq_ignore_ascii_case(put.path)
                && other.text("displayName").is_some_and(|taken| taken.eq_ignore_ascii_case(&name))
        });
        if is_taken {
            let message = format!("Another named value has the display name '{name}'.");
            return Err(ArmError::field("displayName", message));
        }
        if let Some(before) = put.existing.and_then(|existing| existing.text("displayName"))
            && !before.eq_ignore_ascii_case(&name)
        {
            refuse_used(put.tx, before)?;
        }
        if let Fetched::Text(secret) = put.fetched {
            vault::keep(put.path, properties, secret)?;
        }
        if !properties.contains_key("keyVault") && text(properties, "value").is_none() {
            let kept = put.existing.and_then(|existing| existing.properties.get("value")).cloned();
            let kept = kept.ok_or_else(|| ArmError::field("value", "'value' must not be empty."))?;
            properties.insert("value".to_owned(), kept);
        }
        default_to(properties, "secret", false);
        Ok(())
    }

    fn fetch<'a>(&'a self, call: &'a Call<'a>, properties: &'a Properties) -> Fetching<'a> {
        from_vault(call, properties)
    }

    fn is_listed(&self, record: &Record, _tree: &Tree, call: &Call<'_>) -> bool {
        is_listed_by_vault(record, call)
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        refuse_used(tx, record.text("displayName").unwrap_or_default())
    }

    fn shown(&self, _tree: &Tree, record: &Record, _call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        if properties.get("secret") == Some(&Value::Bool(true)) {
            properties.shift_remove("value");
        }
        properties.insert("provisioningState".to_owned(), Value::from("Succeeded"));
        properties
    }
}

/// A named value that a policy, fragment, logger or backend uses must stay.
fn refuse_used(tx: &Transaction<'_>, name: &str) -> Result<(), ArmError> {
    match tx.having(By::NamedValue, name).first() {
        Some(user) => {
            let message = format!("The named value '{name}' is used by '/{}'.", user.path);
            Err(ArmError::field("displayName", message))
        }
        None => Ok(()),
    }
}
