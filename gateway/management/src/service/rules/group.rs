//! Groups; those of the system stay as they are.

use serde_json::Value;

use super::{Put, Rules, default_to};
use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record, Tree};

pub struct Group;

fn refuse_system(record: &Record) -> Result<(), ArmError> {
    match record.text("type") {
        Some("system") => Err(ArmError::field("groupId", "Groups of the system cannot be changed.")),
        _ => Ok(()),
    }
}

impl Rules for Group {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        put.existing.map(refuse_system).transpose()?;
        default_to(properties, "type", "custom");
        default_to(properties, "builtIn", false);
        Ok(())
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        refuse_system(record)?;
        for product in tx.list("products") {
            tx.delete(&format!("{}/groups/{}", product.path, record.name()));
        }
        Ok(())
    }
}

/// `groups` of a user or product, as `expandGroups=true` asks for them: those that hold a link to it.
pub fn expanded(tree: &Tree, is_of: impl Fn(&Record) -> bool) -> Value {
    let groups = tree.list("groups").filter(|group| is_of(group));
    groups.map(|group| Value::Object(group.properties.clone())).collect()
}
