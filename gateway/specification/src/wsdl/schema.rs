//! What messages of a WSDL are made of: the part of XML Schema that becomes JSON and back.

use std::collections::HashMap;

use crate::xml::{Node, local};

/// Elements inside one another; recursion never ends, and is refused.
const DEPTH_MAX: usize = 24;
/// Fields of all messages of a document.
const FIELDS_MAX: usize = 10_000;

/// An element of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub name: String,
    /// Empty for none.
    pub namespace: String,
    pub is_list: bool,
    /// May be left out.
    pub is_optional: bool,
    pub holds: Holds,
}

/// What an element holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Holds {
    Text,
    /// A number or a truth value: JSON has it without quotes.
    Bare,
    Fields(Vec<Field>),
}

/// The schemas of a document.
pub struct Schemas<'x> {
    elements: HashMap<&'x str, (Node<'x>, Node<'x>)>,
    types: HashMap<&'x str, (Node<'x>, Node<'x>)>,
    fields: usize,
}

impl<'x> Schemas<'x> {
    pub fn of(root: Node<'x>) -> Self {
        let (mut elements, mut types) = (HashMap::new(), HashMap::new());
        for schema in root.all("types").flat_map(|types| types.all("schema").collect::<Vec<_>>()) {
            for node in schema.elements() {
                let Some(name) = node.attribute("name") else { continue };
                match node.name() {
                    "element" => drop(elements.insert(name, (node, schema))),
                    "complexType" | "simpleType" => drop(types.insert(name, (node, schema))),
                    _ => {}
                }
            }
        }
        Self { elements, types, fields: 0 }
    }

    /// A global element.
    pub fn element(&mut self, name: &str) -> Result<Field, String> {
        let (node, schema) = self.found(name)?;
        self.field(node, schema, true, 0)
    }

    fn found(&self, name: &str) -> Result<(Node<'x>, Node<'x>), String> {
        let found = self.elements.get(local(name)).copied();
        found.ok_or_else(|| format!("no schema of the document has the element '{name}'"))
    }

    fn field(
        &mut self,
        node: Node<'x>,
        schema: Node<'x>,
        is_global: bool,
        depth: usize,
    ) -> Result<Field, String> {
        self.fields += 1;
        let name = node.attribute("name").or(node.attribute("ref")).unwrap_or_default();
        if depth > DEPTH_MAX || self.fields > FIELDS_MAX {
            return Err(format!(
                "the element '{name}' is deeper than {DEPTH_MAX}, refers to itself, or is one of more than {FIELDS_MAX}"
            ));
        }
        let is_list = node.attribute("maxOccurs").is_some_and(|most| most != "0" && most != "1");
        let is_optional =
            node.attribute("minOccurs") == Some("0") || node.attribute("nillable") == Some("true");
        if let Some(reference) = node.attribute("ref") {
            let (node, schema) = self.found(reference)?;
            return Ok(Field { is_list, is_optional, ..self.field(node, schema, true, depth + 1)? });
        }
        let form = node.attribute("form").or_else(|| schema.attribute("elementFormDefault"));
        let namespace =
            if is_global || form == Some("qualified") { schema.attribute("targetNamespace") } else { None };
        let inside = node.elements().find(|it| matches!(it.name(), "complexType" | "simpleType"));
        let holds = match (inside, node.attribute("type")) {
            (Some(inside), _) => self.of_type(inside, schema, depth)?,
            (None, Some(name)) => self.named(name, depth)?,
            (None, None) => Holds::Text,
        };
        Ok(Field {
            name: name.to_owned(),
            namespace: namespace.unwrap_or_default().to_owned(),
            is_list,
            is_optional,
            holds,
        })
    }

    /// A type by name: one of the document, else one that XML Schema has.
    fn named(&mut self, name: &str, depth: usize) -> Result<Holds, String> {
        match self.types.get(local(name)).copied() {
            Some((node, schema)) => self.of_type(node, schema, depth),
            None => Ok(built_in(local(name))),
        }
    }

    fn of_type(&mut self, node: Node<'x>, schema: Node<'x>, depth: usize) -> Result<Holds, String> {
        if depth > DEPTH_MAX {
            return Err(format!("types are nested more than {DEPTH_MAX} deep, or refer to themselves"));
        }
        if node.name() == "simpleType" {
            let base = node.first("restriction").and_then(|restriction| restriction.attribute("base"));
            return base.map_or(Ok(Holds::Text), |base| self.named(base, depth + 1));
        }
        if node.first("simpleContent").is_some() {
            return Ok(Holds::Text);
        }
        let mut fields = Vec::new();
        self.members(node, schema, false, depth, &mut fields)?;
        Ok(Holds::Fields(fields))
    }

    /// Elements of a content model; of a choice each may be left out.
    fn members(
        &mut self,
        node: Node<'x>,
        schema: Node<'x>,
        is_choice: bool,
        depth: usize,
        fields: &mut Vec<Field>,
    ) -> Result<(), String> {
        if depth > DEPTH_MAX {
            return Err(format!("content is nested more than {DEPTH_MAX} deep, or refers to itself"));
        }
        for inner in node.elements() {
            match inner.name() {
                "element" => {
                    let field = self.field(inner, schema, false, depth + 1)?;
                    fields.push(Field { is_optional: field.is_optional || is_choice, ..field });
                }
                "sequence" | "all" | "complexContent" | "restriction" => {
                    self.members(inner, schema, is_choice, depth + 1, fields)?;
                }
                "choice" => self.members(inner, schema, true, depth + 1, fields)?,
                "extension" => {
                    if let Some(base) = inner.attribute("base")
                        && let Holds::Fields(of_base) = self.named(base, depth + 1)?
                    {
                        fields.extend(of_base);
                    }
                    self.members(inner, schema, is_choice, depth + 1, fields)?;
                }
                // Attributes and what may be anything have no place in the JSON.
                _ => {}
            }
        }
        Ok(())
    }
}

fn built_in(name: &str) -> Holds {
    const BARE: &[&str] = &[
        "boolean",
        "byte",
        "decimal",
        "double",
        "float",
        "int",
        "integer",
        "long",
        "negativeInteger",
        "nonNegativeInteger",
        "nonPositiveInteger",
        "positiveInteger",
        "short",
        "unsignedByte",
        "unsignedInt",
        "unsignedLong",
        "unsignedShort",
    ];
    if BARE.contains(&name) { Holds::Bare } else { Holds::Text }
}
