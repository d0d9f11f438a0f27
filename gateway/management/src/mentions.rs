//! What a document refers to by name, found in its texts.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use crate::tree::{Properties, Record};

/// Collections whose records documents name.
pub const NAMED: &[&str] =
    &["policyFragments", "backends", "loggers", "certificates", "schemas", "namedValues"];

/// Longest name that is looked for.
const NAME_BYTES_MAX: usize = 300;

/// Names in the texts of documents, by hash. A name that is there by chance costs a document too many, never one too few.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// What stands between quotes, slashes, brackets and the like, without case.
    words: HashSet<u64>,
    /// `{{name}}`.
    named_values: HashSet<u64>,
    /// An attribute with an id holds an expression: it may name anything.
    pub is_dynamic: bool,
    /// An expression reads `context.Deployment.Certificates`.
    pub reads_certificates: bool,
}

impl Mentions {
    pub fn of(properties: &Properties) -> Self {
        let mut mentions = Self::default();
        properties.values().for_each(|value| mentions.value(value));
        mentions
    }

    pub fn add(&mut self, other: &Self) {
        self.words.extend(&other.words);
        self.named_values.extend(&other.named_values);
        self.is_dynamic |= other.is_dynamic;
        self.reads_certificates |= other.reads_certificates;
    }

    pub fn names(&self, name: &str) -> bool {
        self.words.contains(&hash(name))
    }

    pub fn names_value(&self, display_name: &str) -> bool {
        self.named_values.contains(&hash(display_name))
    }

    /// Whether a record of one of the collections in [`NAMED`] is named.
    pub fn names_record(&self, collection: &str, record: &Record) -> bool {
        match collection {
            "namedValues" => self.names_value(record.text("displayName").unwrap_or(record.name())),
            "policyFragments" => self.names(record.name()),
            "certificates" => {
                self.is_dynamic
                    || self.reads_certificates
                    || self.names(record.name())
                    || record.text("thumbprint").is_some_and(|thumbprint| self.names(thumbprint))
            }
            _ => self.is_dynamic || self.names(record.name()),
        }
    }

    /// Whether other mentions name the same, of what has one of these names.
    pub fn agree(&self, other: &Self, names: &HashSet<u64>) -> bool {
        let differs = |one: &HashSet<u64>, other: &HashSet<u64>| {
            one.symmetric_difference(other).any(|name| names.contains(name))
        };
        (self.is_dynamic, self.reads_certificates) == (other.is_dynamic, other.reads_certificates)
            && !differs(&self.words, &other.words)
            && !differs(&self.named_values, &other.named_values)
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter().for_each(|item| self.value(item)),
            Value::Object(members) => members.values().for_each(|member| self.value(member)),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        for word in text.split(['"', '\'', '/', '<', '>', '(', ')', '=', ',', ';', '&']) {
            let word = word.trim();
            if !word.is_empty() && word.len() <= NAME_BYTES_MAX {
                self.words.insert(hash(word));
            }
        }
        let mut rest = text;
        while let Some((_, from)) = rest.split_once("{{") {
            rest = from;
            if let Some((name, _)) = from.split_once("}}")
                && name.len() <= NAME_BYTES_MAX
            {
                self.named_values.insert(hash(name.trim()));
            }
        }
        self.is_dynamic |= has_dynamic_id(text);
        self.reads_certificates |= text.contains("Deployment.Certificates");
    }
}

/// `backend-id="@(…)"`, `thumbprint='@{…}'` and their like.
fn has_dynamic_id(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        let before = before.strip_suffix(['"', '\'']).unwrap_or(before).trim_end();
        let attribute = before.strip_suffix('=').unwrap_or_default().trim_end();
        let is_named = |end: &str| {
            let tail = attribute.get(attribute.len().saturating_sub(end.len())..);
            tail.is_some_and(|tail| tail.eq_ignore_ascii_case(end))
        };
        is_named("id") || is_named("thumbprint")
    })
}

/// What a record of one of the collections in [`NAMED`] is named by.
pub fn names_of(record: &Record) -> impl Iterator<Item = u64> {
    let others = ["displayName", "thumbprint"].into_iter().filter_map(|member| record.text(member));
    others.chain([record.name()]).map(hash)
}

fn hash(name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for byte in name.bytes() {
        byte.to_ascii_lowercase().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: &str) -> Mentions {
        match json!({ "value": value }) {
            Value::Object(properties) => Mentions::of(&properties),
            _ => Mentions::default(),
        }
    }

    #[test]
    fn mentions_find_names_in_attributes_paths_and_braces() {
        let text =
            "<set-backend-service backend-id=\"My Backend\"/><set-header name='x'>{{ Key-1 }}</set-header>";
        let mentions = of(text);
        assert!(mentions.names("my backend") && mentions.names_value("key-1"));
        assert!(!mentions.names("other") && !mentions.names_value("key") && !mentions.is_dynamic);
        assert!(of("/loggers/insights").names("Insights"));
        assert!(of("@(context.Deployment.Certificates[\"a\"])").reads_certificates);
    }

    #[test]
    fn mentions_know_ids_that_are_expressions() {
        for text in
            ["<a backend-id=\"@(x)\"/>", "<a backend-id = '@{return x;}'/>", "<a thumbprint=\"@(x)\"/>"]
        {
            assert!(of(text).is_dynamic, "{text}");
        }
        for text in ["<a value=\"@(x)\"/>", "<a backend-id=\"b\" value=\"@(x)\"/>", "me@example.org"] {
            assert!(!of(text).is_dynamic, "{text}");
        }
    }
}
