//! Values of a template: objects and lists whose texts are expressions, and loops in them.

use gateway_specification::document::{Node, Value as Written};
use serde_json::{Map, Value};

use super::RESOURCES_MAX;
use super::evaluate::{Frame, evaluate};
use super::fault::{Fault, Stop};
use super::scope::Scope;
use super::syntax::{self, Text};

/// A value, with everything in it evaluated and paid for.
pub fn evaluated(scope: &Scope<'_>, node: &Node, frame: &Frame<'_>, path: &str) -> Result<Value, Stop> {
    let value = evaluated_value(scope, node, frame, path)?;
    scope.fuel.pay(&value).map_err(|message| Stop::from(message).placed(node, path))?;
    Ok(value)
}

/// The same for what is paid for by others.
pub(super) fn evaluated_value(
    scope: &Scope<'_>,
    node: &Node,
    frame: &Frame<'_>,
    path: &str,
) -> Result<Value, Stop> {
    scope.inside(|| parts(scope, node, frame, path)).map_err(|stop| stop.placed(node, path))
}

fn parts(scope: &Scope<'_>, node: &Node, frame: &Frame<'_>, path: &str) -> Result<Value, Stop> {
    match &node.value {
        Written::String(written) => {
            // Reading costs as well: a long text in a loop is read each time.
            scope.fuel.pay_bytes(written.len()).map_err(|message| Stop::from(message).placed(node, path))?;
            let value = match syntax::text(written) {
                Ok(Text::Literal(text)) => Ok(Value::from(text)),
                Ok(Text::Expression(expression)) => evaluate(scope, &expression, frame),
                Err(message) => Err(message.into()),
            };
            value.map_err(|stop| stop.placed(node, path))
        }
        Written::Array(items) => {
            let items = items.iter().enumerate();
            let items =
                items.map(|(index, item)| evaluated_value(scope, item, frame, &format!("{path}[{index}]")));
            Ok(Value::Array(items.collect::<Result<_, _>>()?))
        }
        Written::Object(members) => {
            let mut made = Map::new();
            for (name, member) in members {
                match (name.as_str(), member.as_array()) {
                    ("copy", Some(loops)) if loops.iter().all(is_loop) => {
                        for (index, copy) in loops.iter().enumerate() {
                            let path = format!("{path}.copy[{index}]");
                            let name = copy.text("name").unwrap_or_default().to_owned();
                            made.insert(name, copied(scope, copy, frame, &path)?);
                        }
                    }
                    _ => {
                        let name = member_name(scope, name, member, frame, path)?;
                        let value = evaluated_value(scope, member, frame, &format!("{path}.{name}"))?;
                        made.insert(name, value);
                    }
                }
            }
            Ok(Value::Object(made))
        }
        _ => Ok(node.to_json()),
    }
}

/// The name of a member may be an expression too.
fn member_name(
    scope: &Scope<'_>,
    name: &str,
    member: &Node,
    frame: &Frame<'_>,
    path: &str,
) -> Result<String, Stop> {
    if !name.starts_with('[') {
        return Ok(name.to_owned());
    }
    let value = match syntax::text(name) {
        Ok(Text::Literal(text)) => return Ok(text.to_owned()),
        Ok(Text::Expression(expression)) => evaluate(scope, &expression, frame),
        Err(message) => Err(message.into()),
    };
    match value.map_err(|stop| stop.placed(member, path))? {
        Value::String(name) => Ok(name),
        other => {
            let message = format!(
                "The name of a member must be a text; '{name}' is {}.",
                super::function::kind_of(&other)
            );
            Err(Fault::at(member, path, message).into())
        }
    }
}

fn is_loop(node: &Node) -> bool {
    ["name", "count", "input"].iter().all(|member| node.get(member).is_some())
}

/// The items of a loop: `{"name", "count", "input"}`.
pub(super) fn copied(scope: &Scope<'_>, copy: &Node, outer: &Frame<'_>, path: &str) -> Result<Value, Stop> {
    let name = copy.text("name").unwrap_or_default();
    let input = copy.get("input").ok_or_else(|| Fault::at(copy, path, "The loop has no 'input'."))?;
    let count = count(scope, copy, outer, path)?;
    let item = |index| {
        let frame = Frame::Loop { name, index, outer };
        let item = evaluated_value(scope, input, &frame, &format!("{path}.input"))?;
        scope.fuel.pay(&item).map_err(|message| Stop::from(message).placed(input, path))?;
        Ok::<_, Stop>(item)
    };
    Ok(Value::Array((0..count).map(item).collect::<Result<_, _>>()?))
}

/// How often a loop runs.
pub(super) fn count(scope: &Scope<'_>, copy: &Node, frame: &Frame<'_>, path: &str) -> Result<u64, Stop> {
    let node = copy.get("count").ok_or_else(|| Fault::at(copy, path, "The loop has no 'count'."))?;
    let value = evaluated_value(scope, node, frame, &format!("{path}.count"))?;
    let count = value.as_u64().filter(|count| *count <= RESOURCES_MAX as u64);
    count.ok_or_else(|| {
        let message = format!(
            "The 'count' of a loop must be a whole number from 0 to {RESOURCES_MAX}; it is '{value}'."
        );
        Fault::at(node, path, message).into()
    })
}
