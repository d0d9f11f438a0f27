//! The parts of a CSDL document that requests can name.

use std::collections::{HashMap, HashSet};

use uppsala::{Document, NodeId};

use super::Reason;
use crate::markup::{self, elements};

/// A type with its own members; those of the base type come on top.
#[derive(Debug, Default)]
pub struct Structure {
    base: Option<String>,
    /// Values may have members that the type does not name.
    is_open: bool,
    members: HashMap<String, Shape>,
}

/// The type of a member, set or result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Qualified name.
    pub kind: String,
    pub is_collection: bool,
    pub is_navigation: bool,
}

/// A function or action.
#[derive(Clone, Debug)]
struct Operation {
    result: Option<Shape>,
}

/// The metadata of a service.
#[derive(Debug, Default)]
pub struct Model {
    structures: HashMap<String, Structure>,
    /// Entity sets, singletons and imports of the container.
    container: HashMap<String, Option<Shape>>,
    /// Bound and unbound operations by qualified name.
    operations: HashMap<String, Operation>,
    namespaces: HashSet<String>,
    aliases: HashMap<String, String>,
}

/// Base types of a type; a longer chain is a circle.
const BASES_MAX: usize = 32;

impl Model {
    /// Reads an `edmx:Edmx` document.
    pub fn read(text: &str) -> Result<Self, Reason> {
        let document = markup::read(text).map_err(|error| error.to_string())?;
        let root = document.document_element().filter(|root| local(&document, *root) == "Edmx");
        let root = root.ok_or("The document is no OData metadata (edmx:Edmx).")?;
        let mut model = Self::default();
        let services = elements(&document, root).filter(|node| local(&document, *node) == "DataServices");
        let schemas: Vec<_> = services.flat_map(|node| elements(&document, node)).collect();
        for schema in &schemas {
            let namespace = document.get_attribute(*schema, "Namespace").unwrap_or_default();
            model.namespaces.insert(namespace.to_owned());
            if let Some(alias) = document.get_attribute(*schema, "Alias") {
                model.aliases.insert(alias.to_owned(), namespace.to_owned());
            }
        }
        for schema in schemas {
            let namespace = document.get_attribute(schema, "Namespace").unwrap_or_default().to_owned();
            for node in elements(&document, schema) {
                model.add(&document, node, &namespace);
            }
        }
        Ok(model)
    }

    fn add(&mut self, document: &Document<'_>, node: NodeId, namespace: &str) {
        let name = document.get_attribute(node, "Name").unwrap_or_default();
        let qualified = format!("{namespace}.{name}");
        match local(document, node) {
            "EntityType" | "ComplexType" => {
                let structure = self.structure(document, node);
                self.structures.insert(qualified, structure);
            }
            "Function" | "Action" => {
                let result = elements(document, node).find(|child| local(document, *child) == "ReturnType");
                let result = result.map(|result| self.shape(document, result, false));
                self.operations.insert(qualified, Operation { result });
            }
            "EntityContainer" => {
                for child in elements(document, node) {
                    self.add_contained(document, child);
                }
            }
            _ => {}
        }
    }

    fn structure(&self, document: &Document<'_>, node: NodeId) -> Structure {
        let mut structure = Structure {
            base: document.get_attribute(node, "BaseType").map(|base| self.qualified(base)),
            is_open: document.get_attribute(node, "OpenType") == Some("true"),
            members: HashMap::new(),
        };
        for child in elements(document, node) {
            let is_navigation = local(document, child) == "NavigationProperty";
            if (is_navigation || local(document, child) == "Property")
                && let Some(name) = document.get_attribute(child, "Name")
            {
                structure.members.insert(name.to_owned(), self.shape(document, child, is_navigation));
            }
        }
        structure
    }

    fn add_contained(&mut self, document: &Document<'_>, node: NodeId) {
        let name = document.get_attribute(node, "Name").unwrap_or_default().to_owned();
        let attribute = |name| document.get_attribute(node, name).map(|kind| self.qualified(kind));
        let shape = match local(document, node) {
            "EntitySet" => {
                attribute("EntityType").map(|kind| Shape { kind, is_collection: true, is_navigation: true })
            }
            "Singleton" => {
                attribute("Type").map(|kind| Shape { kind, is_navigation: true, ..Shape::default() })
            }
            // Operations are declared in any order: their results are looked up when they are asked for.
            "FunctionImport" => attribute("Function").map(|kind| Shape { kind, ..Shape::default() }),
            "ActionImport" => attribute("Action").map(|kind| Shape { kind, ..Shape::default() }),
            _ => return,
        };
        self.container.insert(name, shape);
    }

    fn shape(&self, document: &Document<'_>, node: NodeId, is_navigation: bool) -> Shape {
        let kind = document.get_attribute(node, "Type").unwrap_or("Edm.Untyped");
        let inner = kind.strip_prefix("Collection(").and_then(|rest| rest.strip_suffix(')'));
        Shape { kind: self.qualified(inner.unwrap_or(kind)), is_collection: inner.is_some(), is_navigation }
    }

    /// A type's name with its namespace in the place of an alias.
    pub fn qualified(&self, name: &str) -> String {
        match name.rsplit_once('.') {
            Some((prefix, local)) => match self.aliases.get(prefix) {
                Some(namespace) => format!("{namespace}.{local}"),
                None => name.to_owned(),
            },
            None => name.to_owned(),
        }
    }

    /// What the container has under a name; `Some(None)` is an operation without a result.
    pub fn contained(&self, name: &str) -> Option<Option<Shape>> {
        let found = self.container.get(name)?;
        Some(match found {
            Some(shape) => match self.operations.get(&shape.kind) {
                Some(operation) => operation.result.clone(),
                None => Some(shape.clone()),
            },
            None => None,
        })
    }

    /// What a bound function or action gives.
    pub fn operation(&self, name: &str) -> Option<Option<Shape>> {
        self.operations.get(&self.qualified(name)).map(|operation| operation.result.clone())
    }

    pub fn is_type(&self, name: &str) -> bool {
        self.structures.contains_key(&self.qualified(name))
    }

    pub fn is_namespace(&self, name: &str) -> bool {
        self.namespaces.contains(name) || self.aliases.contains_key(name)
    }

    /// A member of a type or of its base types. `Err` = there is none; `Ok(None)` = the type is open, or not known, so
    /// that nothing can be said.
    pub fn member(&self, kind: &str, name: &str) -> Result<Option<Shape>, Reason> {
        let mut own = kind.to_owned();
        for _ in 0..BASES_MAX {
            let Some(structure) = self.structures.get(&own) else { break };
            if let Some(shape) = structure.members.get(name) {
                return Ok(Some(shape.clone()));
            }
            if structure.is_open {
                return Ok(None);
            }
            match &structure.base {
                Some(base) => own.clone_from(base),
                None => return Err(format!("The type '{kind}' has no property '{name}'.")),
            }
        }
        if kind.starts_with("Edm.") && kind != "Edm.Untyped" {
            return Err(format!("The type '{kind}' has no property '{name}'."));
        }
        Ok(None)
    }
}

fn local<'d>(document: &'d Document<'_>, node: NodeId) -> &'d str {
    document.element(node).map_or("", |element| &element.name.local_name)
}
