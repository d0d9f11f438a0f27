//! The functions of `XPath` 1.0.

use super::parser::Expression;
use super::{Context, Evaluation, Selected, Value, error};
use crate::clr::exception::Result;

impl Evaluation {
    pub(super) fn call(
        &mut self,
        name: &str,
        arguments: &[Expression],
        context: &Context<'_>,
    ) -> Result<Value> {
        let mut values = Vec::with_capacity(arguments.len());
        for argument in arguments {
            values.push(self.value(argument, context)?);
        }
        let own = || context.item.value();
        let text = |place: usize| values.get(place).map_or_else(own, Value::text);
        let named = || match values.first() {
            Some(Value::Nodes(nodes)) => nodes.first().map(Selected::local_name).unwrap_or_default(),
            _ => context.item.local_name(),
        };
        Ok(match (name, values.as_slice()) {
            ("position", []) => Value::Number(context.position as f64),
            ("last", []) => Value::Number(context.size as f64),
            ("count", [Value::Nodes(nodes)]) => Value::Number(nodes.len() as f64),
            ("sum", [Value::Nodes(nodes)]) => {
                Value::Number(nodes.iter().map(|node| Value::Text(node.value()).number()).sum())
            }
            ("not", [value]) => Value::Truth(!value.truth()),
            ("true", []) => Value::Truth(true),
            ("false", []) => Value::Truth(false),
            ("boolean", [value]) => Value::Truth(value.truth()),
            ("number", [value]) => Value::Number(value.number()),
            ("string", [] | [_]) => Value::Text(text(0)),
            ("contains", [a, b]) => Value::Truth(a.text().contains(&b.text())),
            ("starts-with", [a, b]) => Value::Truth(a.text().starts_with(&b.text())),
            ("substring-before", [a, b]) => {
                let (whole, part) = (a.text(), b.text());
                Value::Text(whole.split_once(&part).map_or(String::new(), |(before, _)| before.to_owned()))
            }
            ("substring-after", [a, b]) => {
                let (whole, part) = (a.text(), b.text());
                Value::Text(whole.split_once(&part).map_or(String::new(), |(_, behind)| behind.to_owned()))
            }
            ("concat", [_, _, ..]) => Value::Text(values.iter().map(Value::text).collect()),
            ("string-length", [] | [_]) => Value::Number(text(0).encode_utf16().count() as f64),
            ("normalize-space", [] | [_]) => {
                Value::Text(text(0).split_ascii_whitespace().collect::<Vec<_>>().join(" "))
            }
            ("local-name" | "name", [] | [Value::Nodes(_)]) => Value::Text(named()),
            _ => {
                let problem = format!("'{name}()' has an invalid argument or is not a known function.");
                return Err(error(&problem));
            }
        })
    }
}
