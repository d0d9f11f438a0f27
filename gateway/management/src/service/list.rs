//! Lists: filter, count, pages.

use std::sync::Arc;

use serde_json::{Value, json};

use super::filter::Filter;
use super::{Answer, Call, Outcome, entity, shown};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{Record, Tree};

/// Items of a page that the client does not size.
const PAGE: usize = 100;
/// Items of the largest page.
const PAGE_MAX: usize = 1_000;

/// A collection of a kind.
pub fn collection(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let above = call.path.rsplit_once('/').map_or("", |(above, _)| above);
    if !above.is_empty() {
        entity::find(&tree, above)?;
    }
    let kind = Kind::of_collection(&call.path).ok_or_else(|| ArmError::not_found("Resource"))?;
    let records =
        tree.list(&call.path).filter(|record| kind.rules.is_listed(record, &tree, call)).cloned().collect();
    records_page(call, kind, &tree, records)
}

/// A page of records of one kind.
pub fn records_page(call: &Call<'_>, kind: &Kind, tree: &Tree, records: Vec<Arc<Record>>) -> Outcome {
    let filter =
        call.query.get("$filter").map(|text| Filter::parse(text, call.operation.filter)).transpose()?;
    let shown = |record: &Arc<Record>| shown::resource(call, kind, tree, record);
    match filter {
        None => {
            let (skip, top) = window(call)?;
            let count = records.len();
            let items = records.iter().skip(skip).take(top).map(shown).collect();
            Ok(page(call, items, count, skip, top))
        }
        Some(filter) => {
            values_page(call, records.iter().map(shown).filter(|item| filter.accepts(item)).collect())
        }
    }
}

/// A page of items that are made already, after the filter.
pub fn filtered_page(call: &Call<'_>, mut items: Vec<Value>) -> Outcome {
    if let Some(text) = call.query.get("$filter") {
        let filter = Filter::parse(text, call.operation.filter)?;
        items.retain(|item| filter.accepts(item));
    }
    values_page(call, items)
}

/// A page of items that are made already.
pub fn values_page(call: &Call<'_>, items: Vec<Value>) -> Outcome {
    let (skip, top) = window(call)?;
    let count = items.len();
    let items = items.into_iter().skip(skip).take(top).collect();
    Ok(page(call, items, count, skip, top))
}

fn window(call: &Call<'_>) -> Result<(usize, usize), ArmError> {
    let number = |name: &str| {
        call.query.get(name).map(|text| {
            let bad = || ArmError::field(name, format!("'{name}' must be a whole number; it is '{text}'."));
            text.parse::<usize>().map_err(|_| bad())
        })
    };
    let skip = number("$skip").transpose()?.unwrap_or(0);
    let top = number("$top").transpose()?.unwrap_or(PAGE);
    if top == 0 {
        return Err(ArmError::field("$top", "'$top' must be at least 1."));
    }
    Ok((skip, top.min(PAGE_MAX)))
}

fn page(call: &Call<'_>, items: Vec<Value>, count: usize, skip: usize, top: usize) -> Answer {
    let end = skip.saturating_add(items.len());
    let mut body = json!({"value": items, "count": count});
    if end < count && top > 0 {
        let query = call.query.with("$skip", &end.to_string());
        body["nextLink"] = Value::String(format!("{}{}/{}?{query}", call.base, call.service_id, call.path));
    }
    Answer::ok(body)
}
