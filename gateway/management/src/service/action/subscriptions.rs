//! Subscriptions by product and by owner.

use std::sync::Arc;

use super::super::{Call, Outcome, entity, list};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{By, Record, Tree};

/// Subscriptions to a product.
pub fn of_product(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let product = entity::find(&tree, call.above(1))?;
    let opened = tree.having(By::Opens, &product.path);
    list::records_page(call, kind()?, &tree, opened)
}

/// Subscriptions of a user.
pub fn of_owner(call: &Call<'_>, tree: &Tree, user: &Record) -> Outcome {
    let owner = format!("/{}", user.path);
    let owns = |record: &&Arc<Record>| {
        record.text("ownerId").is_some_and(|text| text.trim_end_matches('/').eq_ignore_ascii_case(&owner))
    };
    list::records_page(call, kind()?, tree, tree.list("subscriptions").filter(owns))
}

fn kind() -> Result<&'static Kind, ArmError> {
    Kind::of_collection("subscriptions").ok_or_else(|| ArmError::not_found("Resource"))
}
