//! Subscriptions by product and by owner.

use super::super::{Call, Outcome, entity, list};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{Record, Tree};

/// Subscriptions to a product.
pub fn of_product(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let product = entity::find(&tree, call.above(1))?;
    let scope = format!("/{}", product.path);
    by_member(call, &tree, "scope", &scope)
}

/// Subscriptions whose member has a value.
pub fn by_member(call: &Call<'_>, tree: &Tree, member: &str, value: &str) -> Outcome {
    let fits = |record: &Record| {
        record.text(member).is_some_and(|text| text.trim_end_matches('/').eq_ignore_ascii_case(value))
    };
    let records = tree.list("subscriptions").filter(|record| fits(record)).cloned().collect();
    list::records_page(
        call,
        Kind::of_collection("subscriptions").ok_or_else(|| ArmError::not_found("Resource"))?,
        tree,
        records,
    )
}
