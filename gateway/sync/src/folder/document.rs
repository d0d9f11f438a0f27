//! One file → typed properties: text, JSON, override, substitution, shape.

use std::sync::Arc;

use gateway_model::{Diagnostic, Origin};
use gateway_specification::document::{self, Node, Object, Syntax, Value};
use serde::de::DeserializeOwned;

use super::environment::Environment;
use super::substitute::substitute;

/// The text of a file.
pub(super) fn text<'a>(file: &Arc<str>, content: &'a [u8]) -> Result<&'a str, Diagnostic> {
    std::str::from_utf8(content).map_err(|error| {
        let good = content.get(..error.valid_up_to()).and_then(|good| std::str::from_utf8(good).ok());
        let good = good.unwrap_or_default();
        let origin = Origin::start(file.clone()).advance(good, good.len());
        Diagnostic::error("file-not-utf8", origin, "the file is not UTF-8")
    })
}

/// The tree of a JSON or YAML file; warnings go to `found`.
pub(super) fn tree(
    file: &Arc<str>,
    content: &[u8],
    syntax: Syntax,
    found: &mut Vec<Diagnostic>,
) -> Result<Node, Diagnostic> {
    let document = document::parse(text(file, content)?, file, syntax)?;
    found.extend(document.warnings);
    Ok(document.root)
}

/// What stands under `properties`. Without that member: nothing, which is good for links.
pub(super) fn properties(root: Node) -> Result<Option<Node>, Diagnostic> {
    let Value::Object(mut members) = root.value else {
        return Err(Diagnostic::error("document-shape", root.origin, "the document must be an object"));
    };
    match members.shift_remove("properties") {
        None | Some(Node { value: Value::Null, .. }) => Ok(None),
        Some(properties @ Node { value: Value::Object(_), .. }) => Ok(Some(properties)),
        Some(other) => Err(Diagnostic::error("document-shape", other.origin, "properties must be an object")),
    }
}

/// Replaces the tokens of all texts; a token without value is an error at its text.
pub(super) fn resolve(node: &mut Node, env: &Environment, found: &mut Vec<Diagnostic>) {
    node.visit_texts_mut(&mut |text, origin| {
        let (replaced, unresolved) = substitute(text, env);
        for token in unresolved {
            found.push(missing_variable(&token.name, origin.clone()));
        }
        if let Some(replaced) = replaced {
            *text = replaced;
        }
    });
}

/// The finding about a token without value.
pub(super) fn missing_variable(name: &str, origin: Origin) -> Diagnostic {
    let message = format!("environment variable {name} of '{{#[{name}]#}}' is not set");
    Diagnostic::error("variable-missing", origin, message)
}

/// Typed properties; `mandatory` members must be there and not null.
pub(super) fn typed<T: DeserializeOwned>(properties: &Node, mandatory: &[&str]) -> Result<T, Diagnostic> {
    for name in mandatory {
        if properties.get(name).is_none_or(|member| member.value == Value::Null) {
            let message = format!("'{name}' is missing");
            return Err(Diagnostic::error("member-missing", properties.origin.clone(), message));
        }
    }
    properties.deserialize().map_err(|error| {
        let origin = error.origin.unwrap_or_else(|| properties.origin.clone());
        Diagnostic::error("document-shape", origin, error.message)
    })
}

/// Properties without members.
pub(super) fn no_properties(file: &Arc<str>) -> Node {
    Node { value: Object::new().into(), origin: Origin::start(file.clone()) }
}
