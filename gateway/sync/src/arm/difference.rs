//! What has to be written so that a service is what a folder says.

use std::collections::BTreeMap;

use gateway_model::ResourceSet;
use serde_json::{Map, Value};

use super::lines::differing_lines;
use crate::documents::{ResourceDocument, documents};

/// What is done to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Create,
    Update,
    Delete,
}

/// One step.
#[derive(Clone, Debug)]
pub struct Change {
    pub kind: Kind,
    /// To be written; without members for a deletion.
    pub document: ResourceDocument,
    /// The members that differ, as lines to read; secrets are not shown.
    pub lines: Vec<String>,
}

/// Members that a service never shows: what is there cannot be compared, and is taken to be right.
const UNREADABLE: &[&str] = &["data", "password"];
/// Members that are not printed.
const SECRET: &[&str] =
    &["value", "data", "password", "primaryKey", "secondaryKey", "connectionString", "credentials"];

/// Steps from what a service has to what a folder has, in an order in which each can be done. A member that only the service
/// has is no difference: services add defaults.
pub fn changes(service: &ResourceSet, folder: &ResourceSet, with_deletions: bool) -> Vec<Change> {
    let wanted = documents(folder);
    let there = documents(service);
    let known: BTreeMap<String, &Map<String, Value>> =
        there.iter().map(|(path, members)| (path.to_ascii_lowercase(), members)).collect();
    let mut steps = Vec::new();
    for (path, members) in &wanted {
        match known.get(&path.to_ascii_lowercase()) {
            None => steps.push(step(Kind::Create, path, members, &Map::new())),
            Some(there) if differs(path, members, there) => {
                steps.push(step(Kind::Update, path, members, there));
            }
            Some(_) => {}
        }
    }
    if with_deletions {
        let names: Vec<String> = wanted.iter().map(|(path, _)| path.to_ascii_lowercase()).collect();
        let gone = there.iter().rev().filter(|(path, _)| {
            let lower = path.to_ascii_lowercase();
            // What stands below goes with what is above.
            let parent = lower.rsplitn(3, '/').nth(2).unwrap_or_default().to_owned();
            let has_parent = parent.is_empty() || names.contains(&parent);
            // A folder without people says nothing about them.
            let is_of_people =
                lower.starts_with("users/") || lower.starts_with("groups/") && lower.contains("/users/");
            let is_owned = lower != "policies/policy" && (!is_of_people || !folder.users.is_empty());
            has_parent && !names.contains(&lower) && is_owned
        });
        steps.extend(gone.map(|(path, _)| Change {
            kind: Kind::Delete,
            document: (path.clone(), Map::new()),
            lines: Vec::new(),
        }));
    }
    steps
}

fn differs(path: &str, wanted: &Map<String, Value>, there: &Map<String, Value>) -> bool {
    wanted.iter().any(|(name, value)| {
        let is_unreadable = path.starts_with("certificates/") && UNREADABLE.contains(&name.as_str());
        !is_unreadable && !holds(there.get(name), value)
    })
}

/// Whether a value holds another: objects may have more members.
fn holds(there: Option<&Value>, wanted: &Value) -> bool {
    match (there, wanted) {
        (Some(Value::Object(there)), Value::Object(wanted)) => {
            wanted.iter().all(|(name, value)| holds(there.get(name), value))
        }
        (Some(Value::Array(there)), Value::Array(wanted)) => {
            there.len() == wanted.len()
                && there.iter().zip(wanted).all(|(there, wanted)| holds(Some(there), wanted))
        }
        // Line ends are not kept by every service.
        (Some(Value::String(there)), Value::String(wanted)) => {
            there == wanted || there.replace("\r\n", "\n") == wanted.replace("\r\n", "\n")
        }
        (Some(there), wanted) => there == wanted,
        (None, Value::Array(items)) => items.is_empty(),
        (None, Value::Object(members)) => members.is_empty(),
        (None, wanted) => *wanted == Value::Bool(false) || *wanted == Value::String(String::new()),
    }
}

fn step(kind: Kind, path: &str, wanted: &Map<String, Value>, there: &Map<String, Value>) -> Change {
    let is_text = path.ends_with("policies/policy") || path.starts_with("policyFragments/");
    let text = |members: &Map<String, Value>| -> String {
        if is_text {
            return members.get("value").and_then(Value::as_str).unwrap_or_default().to_owned();
        }
        let shown = wanted.keys().filter_map(|name| Some((name, members.get(name)?)));
        shown
            .map(|(name, value)| {
                if SECRET.contains(&name.as_str()) {
                    format!("{name}: ***\n")
                } else {
                    format!("{name}: {value}\n")
                }
            })
            .collect()
    };
    let lines = differing_lines(&text(there), &text(wanted));
    Change { kind, document: (path.to_owned(), wanted.clone()), lines }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(list: &[(&str, Value)]) -> ResourceSet {
        let mut set = ResourceSet::default();
        for (path, properties) in list {
            let Value::Object(properties) = properties else { panic!("an object") };
            set.insert_document(path, properties).expect("a document");
        }
        set
    }

    #[test]
    fn changes_name_what_differs_and_nothing_else() {
        let api = |url: &str| json!({"displayName": "A", "path": "a", "serviceUrl": url});
        let service = set(&[
            (
                "apis/a",
                json!({"displayName": "A", "path": "a", "serviceUrl": "http://x", "apiRevision": "1"}),
            ),
            ("apis/old", json!({"displayName": "Old", "path": "old"})),
            ("apis/old/operations/o", json!({"displayName": "o", "method": "GET", "urlTemplate": "/"})),
        ]);
        let same = set(&[("apis/a", api("http://x"))]);
        assert!(changes(&service, &same, false).is_empty());
        let folder = set(&[
            ("apis/a", api("http://y")),
            ("apis/a/policies/policy", json!({"format": "rawxml", "value": "<policies />"})),
        ]);
        let steps = changes(&service, &folder, true);
        let shown: Vec<_> = steps.iter().map(|step| (step.kind, step.document.0.as_str())).collect();
        assert_eq!(
            shown,
            [(Kind::Update, "apis/a"), (Kind::Create, "apis/a/policies/policy"), (Kind::Delete, "apis/old")]
        );
        assert_eq!(steps[0].lines, ["- serviceUrl: \"http://x\"", "+ serviceUrl: \"http://y\""]);
    }

    #[test]
    fn secrets_are_not_shown() {
        let folder =
            set(&[("namedValues/n", json!({"displayName": "n", "value": "hidden", "secret": true}))]);
        let lines = changes(&ResourceSet::default(), &folder, false).remove(0).lines.join("\n");
        assert!(!lines.contains("hidden") && lines.contains("value: ***"), "{lines}");
    }
}
