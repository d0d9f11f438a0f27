//! Loggers. Their credentials go into secret named values of their own, as Azure does it, and are shown as references.

use serde_json::Value;

use super::reference::{refuse_in_members, refuse_in_policies};
use super::{Put, Rules};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record};

pub struct Logger;

/// Members of `credentials` that are secret.
const SECRETS: &[&str] = &["connectionString", "instrumentationKey"];
/// How the named values made here begin.
const PREFIX: &str = "Logger-Credentials--";

impl Rules for Logger {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let before = put.existing.and_then(|logger| logger.properties.get("credentials")).cloned();
        if let Some(Value::Object(credentials)) = properties.get_mut("credentials") {
            for (member, value) in credentials.iter_mut() {
                let is_secret = SECRETS.iter().any(|known| known.eq_ignore_ascii_case(member));
                let Value::String(text) = value else { continue };
                if is_secret && !text.trim().starts_with("{{") {
                    let kept = before.as_ref().and_then(|before| before.get(member)).and_then(Value::as_str);
                    *text = hidden(put.tx, PREFIX, text, kept);
                }
            }
        }
        if let Some(before) = before {
            let used = properties.get("credentials").cloned().unwrap_or(Value::Null).to_string();
            forget(put.tx, PREFIX, &before, &used);
        }
        super::default_to(properties, "isBuffered", true);
        Ok(())
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        refuse_in_members(tx, record, "logger")?;
        refuse_in_policies(tx, "logger-id", record.name(), "logger")?;
        if let Some(credentials) = record.properties.get("credentials") {
            forget(tx, PREFIX, credentials, "");
        }
        Ok(())
    }
}

/// Puts a secret into a named value, and gives the reference. The same secret keeps the named value that it has.
pub fn hidden(tx: &mut Transaction<'_>, prefix: &str, secret: &str, kept: Option<&str>) -> String {
    let named = kept.and_then(|reference| name(prefix, reference));
    let is_same = named.is_some_and(|name| {
        tx.get(&format!("namedValues/{name}")).is_some_and(|record| record.text("value") == Some(secret))
    });
    if let (true, Some(kept)) = (is_same, kept) {
        return kept.to_owned();
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    let name = format!("{prefix}{}", id.get(..24).unwrap_or(&id));
    let properties = Properties::from_iter([
        ("displayName".to_owned(), Value::from(name.as_str())),
        ("value".to_owned(), Value::from(secret)),
        ("secret".to_owned(), Value::Bool(true)),
    ]);
    tx.put(&format!("namedValues/{name}"), properties);
    format!("{{{{{name}}}}}")
}

/// Removes the named values made here that a value refers to, and a text does not.
pub fn forget(tx: &mut Transaction<'_>, prefix: &str, value: &Value, still_used: &str) {
    match value {
        Value::String(text) => {
            if let Some(name) = name(prefix, text).filter(|_| !still_used.contains(text.as_str())) {
                tx.delete(&format!("namedValues/{name}"));
            }
        }
        Value::Object(members) => members.values().for_each(|member| forget(tx, prefix, member, still_used)),
        _ => {}
    }
}

/// The named value in `{{name}}`, when it was made here.
fn name<'t>(prefix: &str, reference: &'t str) -> Option<&'t str> {
    let name = reference.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    name.starts_with(prefix).then_some(name)
}
