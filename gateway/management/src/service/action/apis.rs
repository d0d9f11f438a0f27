//! APIs: revisions, products.

use std::sync::Arc;

use serde_json::{Value, json};

use super::super::filter::Filter;
use super::super::rules::api::split;
use super::super::{Call, Outcome, entity, list, time};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::Record;

/// All revisions of an API, the newest first.
pub fn revisions(call: &Call<'_>) -> Outcome {
    let filter =
        call.query.get("$filter").map(|text| Filter::parse(text, call.operation.filter)).transpose()?;
    let tree = call.service.tree();
    let (root, _) = split(call.above(1));
    let current = entity::find(&tree, root)?;
    let others = tree.starting("apis", &format!("{};rev=", current.name()));
    let mut all: Vec<&Arc<Record>> = others.chain([&current]).collect();
    let number = |api: &Record| api.text("apiRevision").and_then(|text| text.parse::<u64>().ok());
    all.sort_by_key(|api| std::cmp::Reverse((number(api), api.created)));
    let items = all.into_iter().map(|api| revision(api, &current.path, Arc::ptr_eq(api, &current)));
    let items = items.filter(|item| filter.as_ref().is_none_or(|filter| filter.accepts(item)));
    list::values_page(call, items.collect())
}

fn revision(api: &Record, root: &str, is_current: bool) -> Value {
    let number = api.text("apiRevision").unwrap_or("1");
    let path = api.text("path").unwrap_or_default().trim_matches('/');
    json!({
        "apiId": format!("/{root};rev={number}"), "apiRevision": number,
        "createdDateTime": time(api.created), "updatedDateTime": time(api.modified),
        "description": api.text("apiRevisionDescription"), "privateUrl": format!("/{path};rev={number}"),
        "isOnline": api.properties.get("isOnline").cloned().unwrap_or(Value::Bool(true)), "isCurrent": is_current,
    })
}

/// The products that hold an API.
pub fn products(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let api = entity::find(&tree, call.above(1))?;
    let (root, _) = split(&api.path);
    let holds = |product: &&Arc<Record>| tree.get(&format!("{}/{root}", product.path)).is_some();
    let kind = Kind::of_collection("products").ok_or_else(|| ArmError::not_found("Resource"))?;
    let records = tree.list("products").filter(holds);
    list::records_page(call, kind, &tree, records)
}
