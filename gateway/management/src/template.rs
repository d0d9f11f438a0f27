//! Templates of ARM: what they declare, and the expressions in them (management-api.md §2.9).
//!
//! Nothing here knows of HTTP or of the store: what an expression asks of resources that exist is a [`Need`], which whoever
//! deploys meets before it evaluates again.

mod cost;
mod evaluate;
mod fault;
mod function;
mod object;
mod output;
mod parameter;
mod resource;
mod scope;
mod syntax;

pub use cost::Fuel;
pub use fault::{Fault, Need, Stop};
pub use output::outputs;
pub use parameter::{Parameters, parameters};
pub use resource::{Planned, names, planned};
pub use scope::{Facts, Scope, Surroundings};

use gateway_specification::document::Node;

/// Most members of `parameters`, `variables` and `resources` of a template, and of copies of a loop: ARM's limits.
pub const MEMBERS_MAX: usize = 256;
/// Most outputs.
pub const OUTPUTS_MAX: usize = 64;
/// Most resources of a deployment, and copies of one loop.
pub const RESOURCES_MAX: usize = 800;

/// A template as it was written.
#[derive(Clone, Copy, Debug)]
pub struct Template<'t> {
    pub root: &'t Node,
}

impl<'t> Template<'t> {
    /// Checks what every template has, and the size of its sections.
    pub fn new(root: &'t Node) -> Result<Self, Fault> {
        let template = Self { root };
        if root.as_object().is_none() {
            return Err(Fault::at(root, "template", "The template must be an object."));
        }
        let schema = root.text("$schema").unwrap_or_default();
        if !schema.to_ascii_lowercase().contains("deploymenttemplate.json") {
            let message = format!(
                "The template's '$schema' is '{schema}': only templates of a resource group, \
                 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#', are deployed here."
            );
            return Err(Fault::at(root.get("$schema").unwrap_or(root), "$schema", message));
        }
        if root.text("contentVersion").is_none_or(str::is_empty) {
            return Err(Fault::at(
                root,
                "contentVersion",
                "The template has no 'contentVersion', as in '1.0.0.0'.",
            ));
        }
        let limits = [("parameters", MEMBERS_MAX), ("variables", MEMBERS_MAX), ("outputs", OUTPUTS_MAX)];
        for (section, most) in limits {
            let Some(node) = root.get(section) else { continue };
            let Some(members) = node.as_object() else {
                return Err(Fault::at(
                    node,
                    section,
                    format!("The template's '{section}' must be an object."),
                ));
            };
            if members.len() > most {
                let message = format!("The template has {} {section}; {most} are allowed.", members.len());
                return Err(Fault::at(node, section, message));
            }
        }
        if template.resources().is_none() {
            return Err(Fault::at(
                root,
                "resources",
                "The template must have 'resources': a list or an object.",
            ));
        }
        Ok(template)
    }

    fn resources(self) -> Option<&'t Node> {
        let node = self.root.get("resources")?;
        (node.as_array().is_some() || node.as_object().is_some()).then_some(node)
    }

    /// A member of a section, compared without case.
    pub fn member(self, section: &str, name: &str) -> Option<&'t Node> {
        let members = self.root.get(section)?.as_object()?;
        members.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, node)| node)
    }
}

#[cfg(test)]
mod tests;
