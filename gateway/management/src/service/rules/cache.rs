//! External caches. The connection string goes into a secret named value, as a logger's credentials do.

use serde_json::Value;

use super::logger::{forget, hidden};
use super::{Put, Rules, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record};

pub struct Cache;

const PREFIX: &str = "Cache-Connection--";

impl Rules for Cache {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let before = put.existing.and_then(|cache| cache.text("connectionString"));
        let given = text(properties, "connectionString").unwrap_or_default().to_owned();
        let kept =
            if given.trim().starts_with("{{") { given } else { hidden(put.tx, PREFIX, &given, before) };
        if let Some(before) = before {
            forget(put.tx, PREFIX, &Value::from(before), &kept);
        }
        properties.insert("connectionString".to_owned(), Value::String(kept));
        Ok(())
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        if let Some(connection) = record.properties.get("connectionString") {
            forget(tx, PREFIX, &connection.clone(), "");
        }
        Ok(())
    }
}
