//! What must hold of a schema before it may meet a message: its references stay inside of it, none leads back to
//! itself without going down in the message, and one value is never tested by too many schemas at once.

use std::collections::HashMap;

use serde_json::Value;

use super::json_rewrite::{LIST, NAMED, ONE};

/// Schemas that may test one value of a message, all branches together.
const COST_MAX: u64 = 10_000;

/// Schemas inside each other.
const DEPTH_MAX: usize = 200;

/// Keywords whose schemas test the same value as the schema they stand in.
const SAME_VALUE: &[&str] = &["allOf", "anyOf", "else", "if", "not", "oneOf", "then"];

/// Checks a document.
pub fn check(document: &Value) -> Result<(), String> {
    let mut walk = Walk { document, costs: HashMap::new(), open: Vec::new() };
    walk.schema(document, 0)?;
    // Named schemas may be reached by a reference only; those that none reaches are not compiled either.
    Ok(())
}

struct Walk<'d> {
    document: &'d Value,
    /// Costs by the address of the schema, which stays while the document is borrowed.
    costs: HashMap<*const Value, u64>,
    /// Schemas that wait for the costs of those inside them.
    open: Vec<*const Value>,
}

impl<'d> Walk<'d> {
    /// The cost of testing one value by the schema.
    fn schema(&mut self, schema: &'d Value, depth: usize) -> Result<u64, String> {
        let Value::Object(members) = schema else { return Ok(1) };
        let address = std::ptr::from_ref(schema);
        if let Some(cost) = self.costs.get(&address) {
            return Ok(*cost);
        }
        if self.open.contains(&address) {
            return Err("The schema refers back to itself without going down in the message.".to_owned());
        }
        if depth > DEPTH_MAX {
            return Err(format!("Schemas are nested more than {DEPTH_MAX} deep."));
        }
        self.open.push(address);
        let mut cost: u64 = 1;
        if let Some(target) = self.target(schema)? {
            cost = cost.saturating_add(self.schema(target, depth + 1)?);
        }
        for (name, value) in members {
            for inner in schemas_in(name, value, SAME_VALUE) {
                cost = cost.saturating_add(self.schema(inner, depth + 1)?);
            }
            if name == "dependentSchemas" {
                for inner in schemas_in(name, value, NAMED) {
                    cost = cost.saturating_add(self.schema(inner, depth + 1)?);
                }
            }
        }
        if cost > COST_MAX {
            return Err(format!("More than {COST_MAX} schemas would test one value of a message."));
        }
        self.open.pop();
        self.costs.insert(address, cost);
        self.below(members, depth)?;
        Ok(cost)
    }

    /// Schemas that test values below the one at hand: a way around through them goes down in the message.
    fn below(&mut self, members: &'d serde_json::Map<String, Value>, depth: usize) -> Result<(), String> {
        let outer = std::mem::take(&mut self.open);
        for (name, value) in members {
            let is_same_value = SAME_VALUE.contains(&name.as_str());
            let keywords = [ONE, LIST, NAMED].into_iter().filter(|_| !is_same_value);
            for inner in keywords.flat_map(|keywords| schemas_in(name, value, keywords)) {
                self.schema(inner, depth + 1)?;
            }
        }
        self.open = outer;
        Ok(())
    }

    /// What the schema's `$ref` points at.
    fn target(&self, schema: &Value) -> Result<Option<&'d Value>, String> {
        for keyword in ["$dynamicRef", "$recursiveRef"] {
            if schema.get(keyword).is_some() {
                return Err(format!("The keyword '{keyword}' is not supported."));
            }
        }
        let Some(Value::String(reference)) = schema.get("$ref") else { return Ok(None) };
        let pointer =
            reference.strip_prefix('#').filter(|pointer| pointer.is_empty() || pointer.starts_with('/'));
        let Some(pointer) = pointer else {
            return Err(format!("The reference '{reference}' does not point into the schema itself (#/…)."));
        };
        let decoded = percent_encoding::percent_decode_str(pointer).decode_utf8_lossy();
        let target = self.document.pointer(&decoded);
        target.map(Some).ok_or_else(|| format!("The reference '{reference}' points at nothing."))
    }
}

/// The schemas that a keyword of the kind holds.
fn schemas_in<'v>(name: &str, value: &'v Value, keywords: &[&str]) -> Vec<&'v Value> {
    if !keywords.contains(&name) {
        return Vec::new();
    }
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) if NAMED.contains(&name) => members.values().collect(),
        Value::Object(_) => vec![value],
        _ => Vec::new(),
    }
}
