//! Releases: one that names a revision makes it the current one.

use serde_json::Value;

use super::{Put, Rules, text};
use crate::arm_error::ArmError;
use crate::service::{Call, time};
use crate::tree::{Properties, Record, Tree};

pub struct Release;

impl Rules for Release {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let api = put.name(0).to_owned();
        let id = text(properties, "apiId").unwrap_or_default().to_owned();
        let before = put.existing.and_then(|existing| existing.text("apiId"));
        if put.is_patch && before == Some(&id) {
            // Only the notes change: an older release must not bring its revision back.
            return Ok(());
        }
        let revision = id.strip_prefix("/apis/").filter(|revision| {
            let (root, _) = super::api::split(revision);
            root.eq_ignore_ascii_case(&api)
        });
        if let Some(revision) = revision {
            super::api::make_current(put.tx, &api, revision)
        } else {
            let message = format!("The revision '{id}' is none of the API '{api}'.");
            Err(ArmError::field("apiId", message))
        }
    }

    fn shown(&self, _tree: &Tree, record: &Record, _call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        for (member, seconds) in [("createdDateTime", record.created), ("updatedDateTime", record.modified)] {
            properties.insert(member.to_owned(), Value::String(time(seconds)));
        }
        properties
    }
}
