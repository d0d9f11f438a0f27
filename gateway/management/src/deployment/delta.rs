//! What is different between two documents, as a what-if tells it.

use serde_json::{Value, json};

/// The members that differ, by path (`properties.displayName`): `propertyChangeType` is `Create`, `Delete`, `Modify`, or `Array` with
/// its items as children.
pub fn delta(before: &Value, after: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    compare("", Some(before), Some(after), &mut found);
    found
}

fn compare(path: &str, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Value>) {
    let there = |value: Option<&Value>| value.is_some_and(|value| !value.is_null());
    match (before, after) {
        _ if before == after || !there(before) && !there(after) => {}
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, old.get(name), new.get(name), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            let items = (0..old.len().max(new.len())).filter_map(|at| item(at, old.get(at), new.get(at)));
            let children: Vec<Value> = items.collect();
            found.push(json!({
                "path": path, "propertyChangeType": "Array", "before": old, "after": new, "children": children,
            }));
        }
        _ => {
            let kind = match (there(before), there(after)) {
                (false, _) => "Create",
                (_, false) => "Delete",
                _ => "Modify",
            };
            found.push(json!({"path": path, "propertyChangeType": kind, "before": before, "after": after}));
        }
    }
}

/// An item of a list; what differs inside of it are its children.
fn item(at: usize, before: Option<&Value>, after: Option<&Value>) -> Option<Value> {
    let mut inside = Vec::new();
    compare("", before, after, &mut inside);
    if inside.is_empty() {
        return None;
    }
    if before.is_some_and(Value::is_object) && after.is_some_and(Value::is_object) {
        return Some(json!({
            "path": at.to_string(), "propertyChangeType": "Modify", "before": before, "after": after, "children": inside,
        }));
    }
    inside.into_iter().next().map(|mut one| {
        one["path"] = Value::from(at.to_string());
        one
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delta_names_what_differs_by_path() {
        let before =
            json!({"a": 1, "b": {"c": "x", "gone": true}, "l": [1, {"k": 1}, 3], "n": null, "same": [1]});
        let after = json!({"a": 2, "b": {"c": "x", "new": {}}, "l": [1, {"k": 2}], "same": [1]});
        let shown: Vec<(String, String)> = delta(&before, &after)
            .iter()
            .map(|it| {
                (it["path"].as_str().unwrap_or_default().to_owned(), it["propertyChangeType"].to_string())
            })
            .collect();
        let expected = [("a", "Modify"), ("b.gone", "Delete"), ("b.new", "Create"), ("l", "Array")];
        assert_eq!(shown, expected.map(|(path, kind)| (path.to_owned(), format!("\"{kind}\""))));
        let list = delta(&before, &after).pop().unwrap_or_default();
        assert_eq!(
            list["children"],
            json!([
                {"path": "1", "propertyChangeType": "Modify", "before": {"k": 1}, "after": {"k": 2},
                 "children": [{"path": "k", "propertyChangeType": "Modify", "before": 1, "after": 2}]},
                {"path": "2", "propertyChangeType": "Delete", "before": 3, "after": null},
            ])
        );
        assert!(delta(&before, &before).is_empty());
    }
}
