//! The resources of a template: which there are, what they are called, what comes first.

use std::collections::{BTreeSet, HashMap, HashSet};

use gateway_specification::document::{Node, Value as Written};
use serde_json::{Map, Value};

use super::evaluate::Frame;
use super::fault::{Fault, Stop};
use super::object::{count, evaluated, evaluated_value};
use super::scope::{Scope, resource_id};
use super::{RESOURCES_MAX, Template};

/// Members of a resource that are the template's, and no part of what is sent.
const OWN: &[&str] = &[
    "apiVersion",
    "asserts",
    "comments",
    "condition",
    "copy",
    "dependsOn",
    "existing",
    "import",
    "metadata",
    "name",
    "options",
    "resourceGroup",
    "resources",
    "scope",
    "subscriptionId",
    "type",
];
/// Resources inside resources.
const DEPTH_MAX: usize = 5;

/// A resource to be deployed, or one that exists and is referred to.
#[derive(Clone, Debug)]
pub struct Planned<'t> {
    pub node: &'t Node,
    /// `resources[2]`.
    pub path: String,
    /// `Microsoft.ApiManagement/service/apis`.
    pub kind: String,
    /// `apim1/orders`.
    pub name: String,
    pub id: String,
    pub version: String,
    /// Places in the plan of what comes before it.
    pub after: Vec<usize>,
    /// Name and index of the loop that it is an item of.
    item: Option<(String, u64)>,
    /// What it is called in `dependsOn`: symbol, name of its loop.
    aliases: Vec<String>,
    /// Its place in the plan is that of a resource inside which it stands.
    parent: Option<usize>,
    /// Only referred to.
    pub is_existing: bool,
    /// Its condition is false.
    pub is_left_out: bool,
}

impl Planned<'_> {
    fn frame(&self) -> Frame<'_> {
        match &self.item {
            Some((name, index)) => Frame::Loop { name, index: *index, outer: &Frame::Root },
            None => Frame::Root,
        }
    }

    /// What is sent: every member that is not the template's.
    pub fn body(&self, scope: &Scope<'_>) -> Result<Value, Stop> {
        let mut body = Map::new();
        for (name, member) in self.node.as_object().into_iter().flatten() {
            if !OWN.iter().any(|own| own.eq_ignore_ascii_case(name)) {
                let path = format!("{}.{name}", self.path);
                body.insert(name.clone(), evaluated(scope, member, &self.frame(), &path)?);
            }
        }
        Ok(Value::Object(body))
    }

    /// A member of `properties`, evaluated.
    pub fn property(&self, scope: &Scope<'_>, name: &str) -> Result<Option<Value>, Stop> {
        let node = self.node.get("properties").and_then(|properties| properties.get(name));
        let path = format!("{}.properties.{name}", self.path);
        node.map(|node| evaluated(scope, node, &self.frame(), &path)).transpose()
    }

    /// A member of the resource that is a text.
    pub fn member(&self, scope: &Scope<'_>, name: &str) -> Result<Option<String>, Stop> {
        self.node
            .get(name)
            .map(|node| text(scope, node, &self.frame(), &format!("{}.{name}", self.path)))
            .transpose()
    }

    /// A fault about it.
    pub fn fault(&self, message: impl Into<String>) -> Fault {
        Fault::at(self.node, &self.path, message)
    }
}

/// All resources of a template, with what comes before each. Nothing is asked of resources for it.
pub fn planned<'t>(template: Template<'t>, scope: &Scope<'_>) -> Result<Vec<Planned<'t>>, Fault> {
    let mut plan = Plan { scope, resources: Vec::new() };
    let static_only = |stop| match stop {
        Stop::Fault(fault) => fault,
        Stop::Need(need) => Fault::new(format!(
            "The template function 'reference' is not expected here: name, type, condition, copy and dependsOn of resources \
             cannot depend on '{}'.",
            need.id()
        )),
    };
    let node = template.resources();
    match node.map(|node| &node.value) {
        Some(Written::Array(items)) => {
            for (index, item) in items.iter().enumerate() {
                let path = format!("resources[{index}]");
                plan.resource(item, path.clone(), None, None, 0)
                    .map_err(|stop| static_only(stop.placed(item, &path)))?;
            }
        }
        Some(Written::Object(members)) => {
            for (symbol, item) in members {
                let path = format!("resources.{symbol}");
                plan.resource(item, path.clone(), Some(symbol), None, 0)
                    .map_err(|stop| static_only(stop.placed(item, &path)))?;
            }
        }
        _ => {}
    }
    plan.refuse_twice()?;
    let called = called(&plan.resources);
    for at in 0..plan.resources.len() {
        let after = plan.dependencies(at, &called).map_err(static_only)?;
        if let Some(resource) = plan.resources.get_mut(at) {
            resource.after = after;
        }
    }
    refuse_circles(&plan.resources)?;
    Ok(plan.resources)
}

/// Ids by what `reference` may call the resources, in lower case.
pub fn names(resources: &[Planned<'_>]) -> HashMap<String, String> {
    let mut names = HashMap::new();
    for resource in resources {
        let short = [resource.name.clone(), format!("{}/{}", resource.kind, resource.name)];
        let all = resource.aliases.iter().chain(&short);
        for name in all {
            names.entry(name.to_ascii_lowercase()).or_insert_with(|| resource.id.clone());
        }
    }
    names
}

struct Plan<'t, 's, 'x> {
    scope: &'s Scope<'x>,
    resources: Vec<Planned<'t>>,
}

/// What a resource stands inside of.
#[derive(Clone, Copy)]
struct Parent<'p> {
    at: usize,
    kind: &'p str,
    name: &'p str,
}

impl<'t> Plan<'t, '_, '_> {
    /// Adds a resource, each item of its loop, and what stands inside.
    fn resource(
        &mut self,
        node: &'t Node,
        path: String,
        symbol: Option<&str>,
        parent: Option<Parent<'_>>,
        depth: usize,
    ) -> Result<(), Stop> {
        if depth > DEPTH_MAX {
            return Err(
                Fault::at(node, path, format!("Resources are nested more than {DEPTH_MAX} deep.")).into()
            );
        }
        let Some(copy) = node.get("copy") else {
            return self.one(node, path, symbol, None, parent, depth);
        };
        let name = copy.text("name").map(str::to_owned).or_else(|| symbol.map(str::to_owned));
        let name = name.ok_or_else(|| Fault::at(copy, &path, "The loop of a resource has no 'name'."))?;
        let frame = Frame::Root;
        for index in 0..count(self.scope, copy, &frame, &format!("{path}.copy"))? {
            let path = format!("{path}[{index}]");
            self.one(node, path, symbol, Some((name.clone(), index)), parent, depth)?;
        }
        Ok(())
    }

    fn one(
        &mut self,
        node: &'t Node,
        path: String,
        symbol: Option<&str>,
        item: Option<(String, u64)>,
        parent: Option<Parent<'_>>,
        depth: usize,
    ) -> Result<(), Stop> {
        let mut resource = self.read(node, path, item, parent)?;
        if let Some(symbol) = symbol {
            resource.aliases.push(symbol.to_owned());
            if let Some((_, index)) = &resource.item {
                resource.aliases.push(format!("{symbol}[{index}]"));
            }
        }
        if let Some((name, _)) = &resource.item {
            resource.aliases.push(name.clone());
        }
        if self.resources.len() >= RESOURCES_MAX {
            return Err(resource
                .fault(format!("The template has more than {RESOURCES_MAX} resources."))
                .into());
        }
        let (kind, name, path) = (resource.kind.clone(), resource.name.clone(), resource.path.clone());
        let at = self.resources.len();
        self.resources.push(resource);
        let inside = node.get("resources").and_then(Node::as_array).unwrap_or_default();
        for (index, child) in inside.iter().enumerate() {
            let path = format!("{path}.resources[{index}]");
            self.resource(child, path, None, Some(Parent { at, kind: &kind, name: &name }), depth + 1)?;
        }
        Ok(())
    }

    fn read(
        &self,
        node: &'t Node,
        path: String,
        item: Option<(String, u64)>,
        parent: Option<Parent<'_>>,
    ) -> Result<Planned<'t>, Stop> {
        let frame = match &item {
            Some((name, index)) => Frame::Loop { name, index: *index, outer: &Frame::Root },
            None => Frame::Root,
        };
        let member = |name: &str| -> Result<String, Stop> {
            let found = node
                .get(name)
                .ok_or_else(|| Fault::at(node, &path, format!("The resource has no '{name}'.")))?;
            text(self.scope, found, &frame, &format!("{path}.{name}"))
        };
        let (mut kind, mut name) = (member("type")?, member("name")?);
        if let Some(parent) = parent
            && !kind.split('/').next().is_some_and(|first| first.contains('.'))
        {
            kind = format!("{}/{kind}", parent.kind);
            name = format!("{}/{name}", parent.name);
        }
        let version = member("apiVersion")?;
        let is_existing = node.get("existing").and_then(Node::as_bool).unwrap_or_default();
        let is_left_out = match node.get("condition") {
            None => parent
                .is_some_and(|parent| self.resources.get(parent.at).is_some_and(|above| above.is_left_out)),
            Some(condition) => {
                match evaluated_value(self.scope, condition, &frame, &format!("{path}.condition"))? {
                    Value::Bool(is) => !is,
                    other => {
                        let message = format!(
                            "The 'condition' must be true or false; it is {}.",
                            super::function::kind_of(&other)
                        );
                        return Err(Fault::at(condition, &path, message).into());
                    }
                }
            }
        };
        let id = self.id(node, &kind, &name, &frame, &path)?;
        let parent = parent.map(|parent| parent.at);
        Ok(Planned {
            node,
            path,
            kind,
            name,
            id,
            version,
            item,
            parent,
            is_existing,
            is_left_out,
            after: Vec::new(),
            aliases: Vec::new(),
        })
    }

    fn id(&self, node: &Node, kind: &str, name: &str, frame: &Frame<'_>, path: &str) -> Result<String, Stop> {
        if node.get("scope").is_some() {
            let message = "A resource with a 'scope' of its own is not deployed here.";
            return Err(Fault::at(node, path, message).into());
        }
        let around = self.scope.surroundings;
        let other = |member: &str, own: &str| match node.get(member) {
            Some(written) => text(self.scope, written, frame, &format!("{path}.{member}")),
            None => Ok(own.to_owned()),
        };
        let subscription = other("subscriptionId", &around.subscription)?;
        let group = other("resourceGroup", &around.group)?;
        let names: Vec<&str> = name.split('/').collect();
        resource_id(&format!("/subscriptions/{subscription}/resourceGroups/{group}"), kind, &names).ok_or_else(|| {
            let message = format!(
                "The template resource '{name}' for type '{kind}' at line '{}' and column '{}' has incorrect segment lengths. \
                 A nested resource type must have identical number of segments as its resource name. A root resource type \
                 must have segment length one greater than its resource name.",
                node.origin.line, node.origin.column
            );
            Fault::at(node, path, message).into()
        })
    }

    fn refuse_twice(&self) -> Result<(), Fault> {
        let mut seen = HashSet::new();
        for resource in
            self.resources.iter().filter(|resource| !resource.is_existing && !resource.is_left_out)
        {
            if !seen.insert(resource.id.to_ascii_lowercase()) {
                let message = format!(
                    "The resource '{}' at line '{}' and column '{}' is defined multiple times in a template.",
                    resource.id, resource.node.origin.line, resource.node.origin.column
                );
                return Err(resource.fault(message));
            }
        }
        Ok(())
    }

    /// What `dependsOn` says, and the resource above where the template has it as well.
    fn dependencies(&self, at: usize, called: &Called) -> Result<Vec<usize>, Stop> {
        let Some(resource) = self.resources.get(at) else { return Ok(Vec::new()) };
        let above = resource.id.rsplitn(3, '/').nth(2).unwrap_or_default().to_ascii_lowercase();
        let above = called.get(&above).into_iter().flatten().copied();
        let mut after: BTreeSet<usize> = above.chain(resource.parent).collect();
        let written = resource.node.get("dependsOn").and_then(Node::as_array).unwrap_or_default();
        if written.len() > RESOURCES_MAX {
            return Err(resource.fault(format!("'dependsOn' has more than {RESOURCES_MAX} items.")).into());
        }
        let mut seen = HashSet::new();
        for (index, node) in written.iter().enumerate() {
            let path = format!("{}.dependsOn[{index}]", resource.path);
            let wanted = text(self.scope, node, &resource.frame(), &path)?.to_ascii_lowercase();
            match called.get(&wanted) {
                Some(places) if seen.insert(wanted.clone()) => after.extend(places),
                Some(_) => {}
                None if is_left_out(&wanted, self) => {}
                None => {
                    let message = format!("The resource '{wanted}' is not defined in the template.");
                    return Err(Fault::at(node, path, message).into());
                }
            }
        }
        after.remove(&at);
        Ok(after.into_iter().collect())
    }
}

/// Places in the plan by what `dependsOn` may call them, in lower case.
type Called = HashMap<String, Vec<usize>>;

fn called(resources: &[Planned<'_>]) -> Called {
    let mut called = Called::new();
    for (at, resource) in resources.iter().enumerate() {
        let own =
            [resource.id.clone(), resource.name.clone(), format!("{}/{}", resource.kind, resource.name)];
        for name in own.iter().chain(&resource.aliases) {
            let places = called.entry(name.to_ascii_lowercase()).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    called
}

/// A loop of no items is defined, and has nothing to wait for.
fn is_left_out(name: &str, plan: &Plan<'_, '_, '_>) -> bool {
    let Some(node) = plan.scope.template.resources() else { return false };
    let is_it = |node: &Node| {
        node.get("copy").and_then(|copy| copy.text("name")).is_some_and(|it| it.eq_ignore_ascii_case(name))
    };
    match &node.value {
        Written::Array(items) => items.iter().any(is_it),
        Written::Object(members) => {
            members.iter().any(|(symbol, node)| symbol.eq_ignore_ascii_case(name) || is_it(node))
        }
        _ => false,
    }
}

fn text(scope: &Scope<'_>, node: &Node, frame: &Frame<'_>, path: &str) -> Result<String, Stop> {
    match evaluated_value(scope, node, frame, path)? {
        Value::String(text) => Ok(text),
        other => {
            let message = format!("A text is expected, not {}.", super::function::kind_of(&other));
            Err(Fault::at(node, path, message).into())
        }
    }
}

/// Refuses resources that wait for one another.
fn refuse_circles(resources: &[Planned<'_>]) -> Result<(), Fault> {
    let mut done = vec![false; resources.len()];
    loop {
        let is_ready = |at: &usize| {
            !done.get(*at).copied().unwrap_or(true)
                && resources
                    .get(*at)
                    .is_some_and(|it| it.after.iter().all(|before| done.get(*before) == Some(&true)))
        };
        let ready: Vec<usize> = (0..resources.len()).filter(is_ready).collect();
        if ready.is_empty() {
            break;
        }
        for at in ready {
            if let Some(done) = done.get_mut(at) {
                *done = true;
            }
        }
    }
    let stuck = resources.iter().zip(&done).find(|(_, done)| !**done).map(|(resource, _)| resource);
    stuck.map_or(Ok(()), |resource| {
        Err(resource.fault(format!("Circular dependency detected on resource: '{}'.", resource.id)))
    })
}
