//! What expressions can see.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::evaluate::Frame;
use super::fault::{Fault, Need, Stop};
use super::object::evaluated_value;
use super::{Fuel, Parameters, Template};

/// Answers that were fetched for expressions.
pub type Facts = HashMap<Need, Value>;

/// Where a deployment takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    pub subscription: String,
    pub group: String,
    /// Name of the deployment.
    pub deployment: String,
    /// `Incremental` or `Complete`.
    pub mode: &'static str,
    pub tenant: String,
    /// `http://127.0.0.1:8082`.
    pub base: String,
    /// Seconds since 1970.
    pub now: i64,
}

impl Surroundings {
    /// Id of the group.
    pub fn group_id(&self) -> String {
        format!("/subscriptions/{}/resourceGroups/{}", self.subscription, self.group)
    }
}

/// Id of a resource below a scope; `None` where a type and names do not have the same number of parts.
pub fn resource_id(scope: &str, kind: &str, names: &[&str]) -> Option<String> {
    let (provider, types) = kind.split_once('/')?;
    let types: Vec<&str> = types.split('/').collect();
    if types.len() != names.len() || types.iter().chain(names).any(|part| part.is_empty()) {
        return None;
    }
    let pairs: Vec<String> = types.iter().zip(names).map(|(kind, name)| format!("{kind}/{name}")).collect();
    Some(format!("{scope}/providers/{provider}/{}", pairs.join("/")))
}

/// A template with the values of its parameters.
#[derive(Debug)]
pub struct Scope<'s> {
    /// Declares variables and functions.
    pub template: Template<'s>,
    pub parameters: &'s Parameters,
    pub surroundings: &'s Surroundings,
    pub fuel: &'s Fuel,
    pub facts: &'s Facts,
    /// Ids of resources by symbol, or by name where the template has none; in lower case.
    pub resources: &'s HashMap<String, String>,
    /// Values of variables; `None` while one is evaluated.
    variables: RefCell<HashMap<String, Option<Arc<Value>>>>,
    /// Evaluations inside one another.
    depth: Cell<usize>,
}

/// Most evaluations inside one another: the stack is finite.
const DEPTH_MAX: usize = 160;

impl<'s> Scope<'s> {
    pub fn new(
        template: Template<'s>,
        parameters: &'s Parameters,
        surroundings: &'s Surroundings,
        fuel: &'s Fuel,
        facts: &'s Facts,
        resources: &'s HashMap<String, String>,
    ) -> Self {
        let (variables, depth) = (RefCell::default(), Cell::default());
        Self { template, parameters, surroundings, fuel, facts, resources, variables, depth }
    }

    /// Evaluates something inside of what is evaluated.
    pub fn inside<T>(&self, evaluate: impl FnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
        let depth = self.depth.get() + 1;
        if depth > DEPTH_MAX {
            return Err(format!("Values and expressions are nested more than {DEPTH_MAX} deep.").into());
        }
        self.depth.set(depth);
        let made = evaluate();
        self.depth.set(depth - 1);
        made
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Result<Arc<Value>, Stop> {
        let found = self.parameters.get(name);
        found.ok_or_else(|| format!("The template parameter '{name}' is not found.").into())
    }

    /// The value of a variable; evaluated when it is first asked for.
    pub fn variable(&self, name: &str) -> Result<Arc<Value>, Stop> {
        let key = name.to_ascii_lowercase();
        match self.variables.borrow().get(&key) {
            Some(Some(known)) => return Ok(Arc::clone(known)),
            Some(None) => return Err(format!("The template variable '{name}' refers to itself.").into()),
            None => {}
        }
        self.variables.borrow_mut().insert(key.clone(), None);
        let made = self.make_variable(name).map(Arc::new);
        let mut variables = self.variables.borrow_mut();
        match &made {
            Ok(value) => drop(variables.insert(key, Some(Arc::clone(value)))),
            Err(_) => drop(variables.remove(&key)),
        }
        made
    }

    fn make_variable(&self, name: &str) -> Result<Value, Stop> {
        let path = format!("variables.{name}");
        if let Some(node) = self.template.member("variables", name) {
            return evaluated_value(self, node, &Frame::Root, &path);
        }
        // `copy` beside variables makes variables of its loops.
        let loops = self.template.member("variables", "copy").and_then(|copy| copy.as_array());
        let made = loops
            .into_iter()
            .flatten()
            .find(|copy| copy.text("name").is_some_and(|it| it.eq_ignore_ascii_case(name)));
        match made {
            Some(copy) => super::object::copied(self, copy, &Frame::Root, &path),
            None => Err(Fault::new(format!("The template variable '{name}' is not found.")).into()),
        }
    }

    /// `resourceGroup()`.
    pub fn resource_group(&self) -> Value {
        json!({
            "id": self.surroundings.group_id(), "name": self.surroundings.group, "location": "local", "tags": {},
            "type": "Microsoft.Resources/resourceGroups", "properties": {"provisioningState": "Succeeded"},
        })
    }

    /// `subscription()`.
    pub fn subscription(&self) -> Value {
        let id = &self.surroundings.subscription;
        json!({
            "id": format!("/subscriptions/{id}"), "subscriptionId": id, "displayName": "gateway",
            "tenantId": self.surroundings.tenant,
        })
    }

    /// `deployment()`.
    pub fn deployment(&self) -> Value {
        json!({
            "name": self.surroundings.deployment,
            "properties": {"mode": self.surroundings.mode, "provisioningState": "Accepted", "template": self.template.root.to_json()},
        })
    }

    /// `environment()`.
    pub fn environment(&self) -> Value {
        let base = &self.surroundings.base;
        json!({
            "name": "gateway", "portal": "", "resourceManager": base,
            "authentication": {"loginEndpoint": base, "audiences": [base], "tenant": "common", "identityProvider": "AAD"},
            "suffixes": {},
        })
    }
}
