//! Tags on APIs, operations and products.

use super::{Put, Rules};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::tree::{Properties, Record, Tree};

pub struct TagLink;

impl Rules for TagLink {
    fn put(&self, put: Put<'_, '_, '_>, _properties: &mut Properties) -> Result<(), ArmError> {
        let name = put.path.rsplit('/').next().unwrap_or_default();
        match put.tx.get(&format!("tags/{name}")) {
            Some(_) => Ok(()),
            None => Err(ArmError::not_found("Tag")),
        }
    }

    fn shown(&self, tree: &Tree, record: &Record, _call: &Call<'_>) -> Properties {
        tree.get(&format!("tags/{}", record.name())).map(|tag| tag.properties.clone()).unwrap_or_default()
    }
}
