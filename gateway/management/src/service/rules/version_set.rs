//! Version sets.

use super::{Put, Rules, text};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record};

pub struct VersionSet;

/// What a versioning scheme needs.
pub fn check(properties: &Properties) -> Result<(), ArmError> {
    let needed = match text(properties, "versioningScheme").map(str::to_ascii_lowercase).as_deref() {
        Some("segment") => return Ok(()),
        Some("header") => "versionHeaderName",
        Some("query") => "versionQueryName",
        _ => "versioningScheme",
    };
    if text(properties, needed).is_none_or(str::is_empty) {
        let message = format!("'{needed}' must not be empty for this versioning scheme.");
        return Err(ArmError::field(needed, message));
    }
    Ok(())
}

impl Rules for VersionSet {
    fn put(&self, _put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        check(properties)
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        let id = format!("/{}", record.path);
        let user = tx
            .list("apis")
            .into_iter()
            .find(|api| api.text("apiVersionSetId").is_some_and(|set| set.eq_ignore_ascii_case(&id)));
        match user {
            Some(api) => {
                let message = format!("The version set is used by the API '{}'.", api.name());
                Err(ArmError::field("versionSetId", message))
            }
            None => Ok(()),
        }
    }
}
