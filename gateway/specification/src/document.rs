//! JSON and YAML as one tree in which every value knows where it was written.
//!
//! Limits (reliability-security.md §4.3): [`DOCUMENT_BYTES_MAX`], [`DEPTH_MAX`], [`ALIAS_FACTOR_MAX`]. A member
//! written twice: the last one counts and a warning says so. A tree that was read is at most as deep as the
//! limit, so that walking it by recursion is safe.

use std::sync::Arc;

use gateway_model::{Diagnostic, Origin};
use indexmap::IndexMap;
use serde_json::Number;

mod deserialize;
mod json;
mod yaml;

pub use deserialize::ShapeError;

/// Largest document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Deepest nesting of objects and arrays.
pub const DEPTH_MAX: usize = 100;
/// Most text that aliases of a YAML document may add, as a multiple of its size.
pub const ALIAS_FACTOR_MAX: usize = 10;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// RFC 8259.
    Json,
    /// JSON as ARM templates are written: with comments, names without quotes, a comma before the end, and texts of several
    /// lines.
    Template,
    /// YAML 1.2, core schema, with merge keys; one document.
    Yaml,
}

impl Syntax {
    /// JSON if the first character is a brace, YAML otherwise.
    pub fn sniff(text: &str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        if text.trim_start().starts_with('{') { Self::Json } else { Self::Yaml }
    }
}

/// A value and where it was written. An object or array that is the value of a member has the place of the
/// member's name, because in YAML that is where a reader looks for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Its place.
    pub origin: Origin,
}

/// Members of an object, in the order written.
pub type Object = IndexMap<String, Node>;

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Node>),
    /// An object.
    Object(Object),
}

/// A document that could be read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The outermost value.
    pub root: Node,
    /// What is odd about it; no errors.
    pub warnings: Vec<Diagnostic>,
}

/// Reads a document. The error is the first thing that stops reading.
pub fn parse(text: &str, file: &Arc<str>, syntax: Syntax) -> Result<Document, Diagnostic> {
    if text.len() > DOCUMENT_BYTES_MAX {
        let message = format!("the document has {} bytes; {DOCUMENT_BYTES_MAX} are allowed", text.len());
        return Err(Diagnostic::error("document-limit", Origin::start(file.clone()), message));
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match syntax {
        Syntax::Json => json::parse(text, file, false),
        Syntax::Template => json::parse(text, file, true),
        Syntax::Yaml => yaml::parse(text, file),
    }
}

/// The finding about a member written twice.
fn duplicate_member(name: &str, origin: Origin) -> Diagnostic {
    Diagnostic::warning(
        "duplicate-member",
        origin,
        format!("'{name}' is written twice here; the last one counts"),
    )
}

impl Node {
    /// The members, if this is an object.
    pub fn as_object(&self) -> Option<&Object> {
        match &self.value {
            Value::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Array(elements) => Some(elements),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    /// Text, number or truth value as text: YAML writers leave quotes out.
    pub fn to_text(&self) -> Option<String> {
        match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// A member of an object.
    pub fn get(&self, name: &str) -> Option<&Node> {
        self.as_object()?.get(name)
    }

    /// The text of a member.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The same value without places.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => serde_json::Value::Bool(*value),
            Value::Number(number) => serde_json::Value::Number(number.clone()),
            Value::String(text) => serde_json::Value::String(text.clone()),
            Value::Array(elements) => elements.iter().map(Self::to_json).collect(),
            Value::Object(members) => {
                members.iter().map(|(name, member)| (name.clone(), member.to_json())).collect()
            }
        }
    }

    /// What the value would about take in memory as text: names, texts and 16 bytes a value.
    pub fn weight(&self) -> usize {
        const NODE_BYTES: usize = 16;
        NODE_BYTES
            + match &self.value {
                Value::String(text) => text.len(),
                Value::Array(elements) => elements.iter().map(Self::weight).sum(),
                Value::Object(members) => {
                    members.iter().map(|(name, member)| name.len() + member.weight()).sum()
                }
                _ => 0,
            }
    }

    /// How deep objects and arrays are nested; 0 for a scalar.
    pub fn depth(&self) -> usize {
        match &self.value {
            Value::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Value::Object(members) => 1 + members.values().map(Self::depth).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// Lays `over` over this value: objects are merged member by member, all else is replaced. `null` removes
    /// nothing: it replaces, like any value.
    pub fn merge(&mut self, over: Node) {
        match (&mut self.value, over) {
            (Value::Object(members), Node { value: Value::Object(over), .. }) => {
                for (name, node) in over {
                    match members.get_mut(&name) {
                        Some(member) => member.merge(node),
                        None => {
                            members.insert(name, node);
                        }
                    }
                }
            }
            (_, over) => *self = over,
        }
    }

    /// Calls `visit` on every text below, member names not included.
    pub fn visit_texts_mut(&mut self, visit: &mut impl FnMut(&mut String, &Origin)) {
        match &mut self.value {
            Value::String(text) => visit(text, &self.origin),
            Value::Array(elements) => {
                for element in elements {
                    element.visit_texts_mut(visit);
                }
            }
            Value::Object(members) => {
                for member in members.values_mut() {
                    member.visit_texts_mut(visit);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Node {
        parse(text, &"f".into(), Syntax::Json)
            .map_or_else(|error| panic!("{error}"), |document| document.root)
    }

    #[test]
    fn merge_goes_into_objects_and_replaces_all_else() {
        let mut base = json(r#"{"a":{"b":1,"c":[1,2]},"d":"x"}"#);
        base.merge(json(r#"{"a":{"c":[3],"e":null},"d":{"y":1}}"#));
        assert_eq!(base.to_json().to_string(), r#"{"a":{"b":1,"c":[3],"e":null},"d":{"y":1}}"#);
    }

    #[test]
    fn documents_over_the_size_limit_are_refused() {
        let text = " ".repeat(DOCUMENT_BYTES_MAX + 1);
        for syntax in [Syntax::Json, Syntax::Yaml] {
            let error = parse(&text, &"f".into(), syntax).err().map(|error| error.code);
            assert_eq!(error, Some("document-limit"));
        }
    }
}
