//! Subscriptions by product and by owner.

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
    list::records_page(call, kind()?, tree, tree.having(By::Owner, user.name()))
}

fn kind() -> Result<&'static Kind, ArmError> {
    Kind::of_collection("subscriptions").ok_or_else(|| ArmError::not_found("Resource"))
}
