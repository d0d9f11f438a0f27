//! Outputs of a template.

use gateway_specification::document::Node;
use serde_json::{Map, Value};

use super::Template;
use super::evaluate::Frame;
use super::fault::{Fault, Stop};
use super::object::{copied, evaluated};
use super::parameter::Declaration;
use super::scope::Scope;

/// Most bytes of all outputs: they are kept with the deployment.
const BYTES_MAX: usize = 1024 * 1024;

/// `{"a": {"type": "String", "value": "x"}}`; secure ones without their value.
pub fn outputs(template: Template<'_>, scope: &Scope<'_>) -> Result<Map<String, Value>, Stop> {
    let mut made = Map::new();
    let mut bytes = 0;
    for (name, node) in template.root.get("outputs").and_then(Node::as_object).into_iter().flatten() {
        let path = format!("outputs.{name}");
        let is_wanted =
            node.get("condition").map(|node| evaluated(scope, node, &Frame::Root, &path)).transpose()?;
        if is_wanted == Some(Value::Bool(false)) {
            continue;
        }
        let declaration = Declaration::of(template, node, &path)?;
        let value = match (node.get("value"), node.get("copy")) {
            (Some(value), _) => evaluated(scope, value, &Frame::Root, &format!("{path}.value"))?,
            (None, Some(copy)) => copied(scope, copy, &Frame::Root, &format!("{path}.copy"))?,
            (None, None) => return Err(Fault::at(node, &path, "The output has no 'value'.").into()),
        };
        bytes += value.to_string().len();
        if bytes > BYTES_MAX {
            return Err(
                Fault::at(node, &path, format!("The outputs have more than {BYTES_MAX} bytes.")).into()
            );
        }
        made.insert(name.clone(), declaration.shown(&value));
    }
    Ok(made)
}
