//! Lists: filter, count, pages.

use std::sync::Arc;

use serde_json::{Value, json};

use super::filter::Filter;
use super::narrow::{Kept, candidates};
use super::{Answer, Call, Outcome, entity, shown};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{Record, Tree};

/// Items of a page that the client does not size.
const PAGE: usize = 100;
/// Items of the largest page.
const PAGE_MAX: usize = 1_000;

/// Records of a large collection that are looked at before a change may come between.
const BATCH: usize = 1_000;

/// A collection of a kind.
pub fn collection(call: &Call<'_>) -> Outcome {
    let above = call.path.rsplit_once('/').map_or("", |(above, _)| above);
    if !above.is_empty() {
        entity::find(&call.service.tree(), above)?;
    }
    let kind = Kind::of_collection(&call.path).ok_or_else(|| ArmError::not_found("Resource"))?;
    let mut page = Page::new(call)?;
    let found = page.filter.as_ref().and_then(|filter| candidates(&call.service.tree(), &call.path, filter));
    if let Some(found) = found {
        let tree = call.service.tree();
        found
            .iter()
            .filter(|record| kind.rules.is_listed(record, &tree, call))
            .for_each(|record| page.offer_record(kind, &tree, record));
        return Ok(page.answer());
    }
    let mut last: Option<String> = None;
    loop {
        let tree = call.service.tree();
        let mut looked_at = 0;
        for record in tree.after(&call.path, last.as_deref()).take(BATCH) {
            looked_at += 1;
            if kind.rules.is_listed(record, &tree, call) {
                page.offer_record(kind, &tree, record);
            }
            if looked_at == BATCH {
                last = Some(record.name().to_owned());
            }
        }
        if looked_at < BATCH {
            return Ok(page.answer());
        }
    }
}

/// A page of records of one kind.
pub fn records_page<'r>(
    call: &Call<'_>,
    kind: &Kind,
    tree: &Tree,
    records: impl Iterator<Item = &'r Arc<Record>>,
) -> Outcome {
    let mut page = Page::new(call)?;
    records.for_each(|record| page.offer_record(kind, tree, record));
    Ok(page.answer())
}

/// A page while it is filled: what is not on it is counted, and made only where a filter has to see it.
struct Page<'c, 'q> {
    call: &'c Call<'q>,
    filter: Option<Filter>,
    skip: usize,
    top: usize,
    count: usize,
    items: Vec<Value>,
}

impl<'c, 'q> Page<'c, 'q> {
    fn new(call: &'c Call<'q>) -> Result<Self, ArmError> {
        let filter = call.query.get("$filter").map(|text| Filter::parse(text, call.operation.filter));
        let (skip, top) = window(call)?;
        Ok(Self { call, filter: filter.transpose()?, skip, top, count: 0, items: Vec::new() })
    }

    /// Takes a record, if the filter does: an answer is made of what is on the page, and of what the filter must see whole.
    fn offer_record(&mut self, kind: &Kind, tree: &Tree, record: &Arc<Record>) {
        let mut made = None;
        if let Some(filter) = &self.filter {
            let fits = if kind.rules.is_shown_as_kept() {
                filter.accepts(&Kept { record, kind, call: self.call })
            } else {
                filter.accepts(made.insert(shown::resource(self.call, kind, tree, record)))
            };
            if !fits {
                return;
            }
        }
        if self.count >= self.skip && self.items.len() < self.top {
            self.items.push(made.unwrap_or_else(|| shown::resource(self.call, kind, tree, record)));
        }
        self.count += 1;
    }

    fn answer(self) -> Answer {
        page(self.call, self.items, self.count, self.skip, self.top)
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
