//! What an API says about a tag.

use serde_json::Value;

use super::{Put, Rules};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::tree::{Properties, Record, Tree};

pub struct TagDescription;

impl Rules for TagDescription {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        // Those two are the tag's.
        for member in ["tagId", "displayName"] {
            properties.shift_remove(member);
        }
        match put.tx.get(&format!("tags/{}", put.name(1))) {
            Some(_) => Ok(()),
            None => Err(ArmError::not_found("Tag")),
        }
    }

    fn shown(&self, tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        if let Some(tag) = tree.get(&format!("tags/{}", record.name())) {
            let id = format!("{}/{}", call.service_id, tag.path);
            properties.insert("tagId".to_owned(), Value::String(id));
            let name = tag.text("displayName").unwrap_or_default();
            properties.insert("displayName".to_owned(), Value::from(name));
        }
        properties
    }
}
