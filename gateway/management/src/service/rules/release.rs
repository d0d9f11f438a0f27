//! Releases: one that names a revision makes it the current one.

use serde_json::Value;

use super::{Put, Rules, text};
use crate::arm_error::ArmError;
use crate::service::time;
use crate::tree::Properties;

pub struct Release;

impl Rules for Release {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let api = put.name(0).to_owned();
        let id = text(properties, "apiId").unwrap_or_default().to_owned();
        if let Some(revision) = id.strip_prefix("/apis/") {
            let root = revision.split(";rev=").next().unwrap_or_default();
            if !root.eq_ignore_ascii_case(&api) {
                let message = format!("The revision '{id}' is none of the API '{api}'.");
                return Err(ArmError::field("apiId", message));
            }
            super::api::make_current(put.tx, &api, revision)?;
        }
        let created = put.existing.and_then(|existing| existing.text("createdDateTime"));
        let created = created.map_or_else(|| time(put.tx.now()), str::to_owned);
        properties.insert("createdDateTime".to_owned(), Value::String(created));
        properties.insert("updatedDateTime".to_owned(), Value::String(time(put.tx.now())));
        Ok(())
    }
}
