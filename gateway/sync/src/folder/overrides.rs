//! `configuration.<env>.yaml`: properties laid over those of the folder (management-api.md §4.2).

use std::collections::{BTreeMap, BTreeSet};

use gateway_model::{Diagnostic, Origin};
use gateway_specification::document::{Node, Value};

/// Properties by address, such as `apis/stock/operations/get-item/policies/policy`.
#[derive(Debug, Default)]
pub(super) struct Overrides {
    items: BTreeMap<String, Node>,
    used: BTreeSet<String>,
}

/// Members of the file that are not lists of resources.
const SETTINGS: [&str; 1] = ["apimservicename"];

impl Overrides {
    /// Takes the file apart.
    pub(super) fn of(root: Node, found: &mut Vec<Diagnostic>) -> Self {
        let mut overrides = Self::default();
        match root.value {
            Value::Null => {}
            Value::Object(sections) => {
                for (section, node) in sections {
                    if !SETTINGS.contains(&section.to_ascii_lowercase().as_str()) {
                        overrides.section(&section, node, found);
                    }
                }
            }
            _ => found.push(shape(&root.origin, "the file must be a mapping of sections")),
        }
        overrides
    }

    fn section(&mut self, address: &str, node: Node, found: &mut Vec<Diagnostic>) {
        let items = match node.value {
            Value::Array(items) => items,
            Value::Null => return,
            _ => {
                found.push(shape(
                    &node.origin,
                    &format!("'{address}' must be a list of {{name, properties}}"),
                ));
                return;
            }
        };
        for item in items {
            let Some(name) = item.get("name").and_then(Node::to_text) else {
                found.push(shape(&item.origin, &format!("an item of '{address}' needs a name")));
                continue;
            };
            let item_address = format!("{address}/{name}");
            let Value::Object(members) = item.value else { continue };
            for (member, node) in members {
                match member.as_str() {
                    "name" => {}
                    "properties" => self.add(&item_address, node, found),
                    nested => self.section(&format!("{item_address}/{nested}"), node, found),
                }
            }
        }
    }

    fn add(&mut self, address: &str, properties: Node, found: &mut Vec<Diagnostic>) {
        if properties.as_object().is_none() {
            found.push(shape(&properties.origin, &format!("properties of '{address}' must be a mapping")));
            return;
        }
        match self.items.get_mut(&address.to_ascii_lowercase()) {
            Some(first) => first.merge(properties),
            None => {
                self.items.insert(address.to_ascii_lowercase(), properties);
            }
        }
    }

    /// The properties to lay over those of the resource at an address.
    pub(super) fn take(&mut self, address: &str) -> Option<Node> {
        let address = address.to_ascii_lowercase();
        let node = self.items.get(&address).cloned()?;
        self.used.insert(address);
        Some(node)
    }

    /// Overrides of resources that are not in the folder.
    pub(super) fn unused(&self) -> Vec<Diagnostic> {
        self.items
            .iter()
            .filter(|(address, _)| !self.used.contains(*address))
            .map(|(address, node)| {
                let message = format!("'{address}' is not in the folder: nothing to override");
                Diagnostic::warning("override-unused", node.origin.clone(), message)
            })
            .collect()
    }
}

fn shape(origin: &Origin, message: &str) -> Diagnostic {
    Diagnostic::error("override-shape", origin.clone(), message)
}
