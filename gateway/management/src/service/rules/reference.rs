//! Who refers to a resource: what is referred to stays.

use crate::arm_error::ArmError;
use crate::service::transaction::Transaction;
use crate::tree::{By, Record, mention};

/// Refuses when a policy or fragment names `name` by an attribute (`backend-id`), literally.
pub fn refuse_in_policies(
    tx: &Transaction<'_>,
    attribute: &str,
    name: &str,
    entity: &str,
) -> Result<(), ArmError> {
    let users = tx.having(By::Attribute, &mention::attribute_value(attribute, name));
    users.first().map_or(Ok(()), |user| Err(used(entity, name, user)))
}

/// Refuses when another record holds the id of the resource.
pub fn refuse_in_members(tx: &Transaction<'_>, record: &Record, entity: &str) -> Result<(), ArmError> {
    let users = tx.having(By::Id, &format!("/{}", record.path));
    let user = users.iter().find(|other| other.path != record.path);
    user.map_or(Ok(()), |user| Err(used(entity, record.name(), user)))
}

/// The refusal.
pub fn used(entity: &str, name: &str, user: &Record) -> ArmError {
    ArmError::field("id", format!("The {entity} '{name}' is used by '/{}'.", user.path))
}
