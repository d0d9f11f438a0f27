//! Tagged things: `apisByTags`, `operationsByTags`, `productsByTags`, `tagResources`.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::super::filter::Filter;
use super::super::rules::api::split;
use super::super::{Call, Outcome, entity, list};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{Record, Tree};

/// A kind of tagged thing: name of its member, and what of its properties is shown.
#[derive(Clone, Copy)]
struct Thing {
    member: &'static str,
    shown: &'static [&'static str],
}

const API: Thing = Thing {
    member: "api",
    shown: &[
        "description",
        "apiRevision",
        "apiVersion",
        "apiVersionSetId",
        "isCurrent",
        "path",
        "protocols",
        "serviceUrl",
        "subscriptionRequired",
        "type",
        "apiRevisionDescription",
        "apiVersionDescription",
    ],
};
const OPERATION: Thing = Thing { member: "operation", shown: &["description", "method", "urlTemplate"] };
const PRODUCT: Thing = Thing {
    member: "product",
    shown: &[
        "description",
        "terms",
        "subscriptionRequired",
        "approvalRequired",
        "subscriptionsLimit",
        "state",
    ],
};

/// APIs with their tags: one item for each tag of each API.
pub fn apis(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let current: Vec<_> = tree.list("apis").filter(|api| split(&api.path).1.is_none()).cloned().collect();
    let all = call.query.is_true("includeNotTaggedApis");
    page(call, items(call, &tree, API, &current, all))
}

/// Operations of an API with their tags.
pub fn operations(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let api = entity::find(&tree, call.above(1))?;
    let all = call.query.is_true("includeNotTaggedOperations");
    page(call, items(call, &tree, OPERATION, &operations_of(&tree, &api), all))
}

/// Products with their tags.
pub fn products(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let products: Vec<_> = tree.list("products").cloned().collect();
    let all = call.query.is_true("includeNotTaggedProducts");
    page(call, items(call, &tree, PRODUCT, &products, all))
}

/// Everything that has a tag.
pub fn resources(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let apis: Vec<_> = tree.list("apis").filter(|api| split(&api.path).1.is_none()).cloned().collect();
    let operations: Vec<_> = apis.iter().flat_map(|api| operations_of(&tree, api)).collect();
    let products: Vec<_> = tree.list("products").cloned().collect();
    let mut all = items(call, &tree, API, &apis, false);
    all.extend(items(call, &tree, OPERATION, &operations, false));
    all.extend(items(call, &tree, PRODUCT, &products, false));
    page(call, all)
}

fn operations_of(tree: &Tree, api: &Record) -> Vec<Arc<Record>> {
    tree.list(&format!("{}/operations", api.path)).cloned().collect()
}

/// An item, and what a filter sees of it.
type Item = (Value, Value);

fn items(call: &Call<'_>, tree: &Tree, thing: Thing, records: &[Arc<Record>], untagged: bool) -> Vec<Item> {
    let mut items = Vec::new();
    for record in records {
        let shown = shown(call, tree, thing, record);
        let tags = tree.list(&format!("{}/tags", record.path));
        let tags: Vec<_> = tags.filter_map(|link| tree.get(&format!("tags/{}", link.name()))).collect();
        if tags.is_empty() && untagged {
            items.push(item(thing, None, &shown));
        }
        items.extend(tags.into_iter().map(|tag| {
            let id = format!("{}/{}", call.service_id, tag.path);
            item(thing, Some(json!({"id": id, "name": tag.text("displayName")})), &shown)
        }));
    }
    items
}

fn item(thing: Thing, tag: Option<Value>, shown: &Map<String, Value>) -> Item {
    let mut item = Map::new();
    item.extend(tag.map(|tag| ("tag".to_owned(), tag)));
    item.insert(thing.member.to_owned(), Value::Object(shown.clone()));
    // A filter names a member of the thing as it is, and those of tag and thing by their paths.
    let mut seen = shown.clone();
    seen.insert("displayName".to_owned(), shown.get("name").cloned().unwrap_or_default());
    seen.insert("aid".to_owned(), shown.get("id").cloned().unwrap_or_default());
    seen.extend(item.clone());
    (Value::Object(item), Value::Object(seen))
}

fn shown(call: &Call<'_>, tree: &Tree, thing: Thing, record: &Record) -> Map<String, Value> {
    let properties = Kind::of(&record.path).map(|kind| kind.rules.shown(tree, record, call));
    let properties = properties.unwrap_or_default();
    let mut shown = Map::from_iter([
        ("id".to_owned(), Value::from(format!("{}/{}", call.service_id, record.path))),
        ("name".to_owned(), properties.get("displayName").cloned().unwrap_or_default()),
    ]);
    for member in thing.shown {
        if let Some(value) = properties.get(*member) {
            shown.insert((*member).to_owned(), value.clone());
        }
    }
    if thing.member == "operation"
        && let Some(api) = record.path.split("/operations/").next().and_then(|path| tree.get(path))
    {
        let said = [("apiName", "displayName"), ("apiRevision", "apiRevision"), ("apiVersion", "apiVersion")];
        for (member, of_api) in said {
            if let Some(value) = api.properties.get(of_api) {
                shown.insert(member.to_owned(), value.clone());
            }
        }
    }
    shown
}

fn page(call: &Call<'_>, items: Vec<Item>) -> Outcome {
    let filter: Result<Option<Filter>, ArmError> =
        call.query.get("$filter").map(|text| Filter::parse(text, "")).transpose();
    let filter = filter?;
    let fits = |seen: &Value| filter.as_ref().is_none_or(|filter| filter.accepts(seen));
    let items = items.into_iter().filter(|(_, seen)| fits(seen)).map(|(item, _)| item);
    list::values_page(call, items.collect())
}
