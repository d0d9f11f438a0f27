//! Parameters: what is declared, what is given, what it must be.

use std::collections::HashMap;
use std::sync::Arc;

use gateway_specification::document::{Node, Object};
use serde_json::{Map, Value, json};

use super::evaluate::Frame;
use super::fault::{Fault, Stop};
use super::object::evaluated;
use super::scope::Scope;
use super::{Facts, Fuel, Surroundings, Template};

/// References from one definition to the next.
const REFERENCES_MAX: usize = 16;

/// Values of parameters, by name in lower case.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    values: HashMap<String, Arc<Value>>,
    /// As an answer shows them: `{"a": {"type": "String", "value": "x"}}`, secure ones without their value.
    pub shown: Map<String, Value>,
}

impl Parameters {
    pub fn get(&self, name: &str) -> Option<Arc<Value>> {
        self.values.get(&name.to_ascii_lowercase()).cloned()
    }
}

/// Checks given values, `{"a": {"value": "x"}}` evaluated, against a template, and completes them with defaults.
pub fn parameters(
    template: Template<'_>,
    given: &Map<String, Value>,
    surroundings: &Surroundings,
    fuel: &Fuel,
) -> Result<Parameters, Fault> {
    let none = Object::new();
    let declared = template.root.get("parameters").and_then(Node::as_object).unwrap_or(&none);
    let is_declared = |name: &String| declared.keys().any(|known| known.eq_ignore_ascii_case(name));
    let unknown: Vec<&str> = given.keys().filter(|name| !is_declared(name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = declared.keys().map(String::as_str).collect();
        let message = format!(
            "The template parameters '{}' in the parameters file are not valid; they are not present in the original \
             template and can therefore not be provided at deployment time. The only supported parameters for this \
             template are '{}'.",
            unknown.join(", "),
            known.join(", ")
        );
        return Err(Fault::at(template.root, "parameters", message));
    }
    let mut parameters = Parameters::default();
    for (name, node) in declared {
        let path = format!("parameters.{name}");
        let declaration = Declaration::of(template, node, &path)?;
        let written =
            given.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let value = match written
            .map(|written| given_value(name, written))
            .transpose()
            .map_err(|e| e.placed(node, &path))?
        {
            Some(value) => value,
            None => default(template, &declaration, &parameters, surroundings, fuel, &path)?,
        };
        declaration.check(name, &value).map_err(|message| Fault::at(node, &path, message))?;
        parameters.shown.insert(name.clone(), declaration.shown(&value));
        parameters.values.insert(name.to_ascii_lowercase(), Arc::new(value));
    }
    Ok(parameters)
}

fn given_value(name: &str, written: &Value) -> Result<Value, Fault> {
    if let Some(value) = written.get("value") {
        return Ok(value.clone());
    }
    let message = match written.get("reference") {
        Some(_) => format!(
            "The parameter '{name}' refers to a key vault: those are not read here. Give its value, as one of a secure type."
        ),
        None => format!("The parameter '{name}' must be an object with a 'value'."),
    };
    Err(Fault::new(message))
}

fn default(
    template: Template<'_>,
    declaration: &Declaration<'_>,
    known: &Parameters,
    surroundings: &Surroundings,
    fuel: &Fuel,
    path: &str,
) -> Result<Value, Fault> {
    let Some(node) = declaration.member("defaultValue") else {
        if declaration.is_nullable() {
            return Ok(Value::Null);
        }
        let message = format!(
            "The value for the template parameter '{}' at line '{}' and column '{}' is not provided.",
            path.trim_start_matches("parameters."),
            declaration.node.origin.line,
            declaration.node.origin.column
        );
        return Err(Fault::at(declaration.node, path, message));
    };
    let (facts, none) = (Facts::new(), HashMap::new());
    let scope = Scope::new(template, known, surroundings, fuel, &facts, &none);
    evaluated(&scope, node, &Frame::Default, &format!("{path}.defaultValue")).map_err(|stop| match stop {
        Stop::Fault(fault) => fault,
        Stop::Need(_) => Fault::at(node, path, "The default of a parameter cannot ask for a resource."),
    })
}

/// What a template says of a parameter or an output, with the definitions that it refers to.
pub struct Declaration<'t> {
    node: &'t Node,
    definition: Option<&'t Node>,
    /// As in answers: `String`, `SecureObject`.
    pub kind: &'static str,
}

/// Types, as they are compared and as they are shown.
const KINDS: &[(&str, &str)] = &[
    ("string", "String"),
    ("securestring", "SecureString"),
    ("int", "Int"),
    ("bool", "Bool"),
    ("object", "Object"),
    ("secureobject", "SecureObject"),
    ("array", "Array"),
];

impl<'t> Declaration<'t> {
    pub fn of(template: Template<'t>, node: &'t Node, path: &str) -> Result<Self, Fault> {
        let mut definition = None;
        let mut at = node;
        for _ in 0..REFERENCES_MAX {
            let Some(reference) = at.text("$ref") else { break };
            let name = reference.strip_prefix("#/definitions/");
            let found = name.and_then(|name| template.member("definitions", name));
            at = found.ok_or_else(|| {
                Fault::at(node, path, format!("'{reference}' names no definition of the template."))
            })?;
            definition = Some(at);
        }
        let written = at.text("type").unwrap_or_default();
        let known = KINDS.iter().find(|(kind, _)| kind.eq_ignore_ascii_case(written));
        let Some((_, kind)) = known else {
            let names: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
            let message = format!("The type '{written}' is none of {}.", names.join(", "));
            return Err(Fault::at(node, path, message));
        };
        Ok(Self { node, definition, kind })
    }

    /// A value as answers show it: a secure one is not.
    pub fn shown(&self, value: &Value) -> Value {
        if self.is_secure() { json!({"type": self.kind}) } else { json!({"type": self.kind, "value": value}) }
    }

    fn is_secure(&self) -> bool {
        self.kind.starts_with("Secure")
    }

    fn is_nullable(&self) -> bool {
        self.member("nullable").and_then(Node::as_bool).unwrap_or_default()
    }

    fn member(&self, name: &str) -> Option<&'t Node> {
        self.node.get(name).or_else(|| self.definition?.get(name))
    }

    fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        let fits = match (self.kind, value) {
            (_, Value::Null) => self.is_nullable(),
            ("String" | "SecureString", Value::String(_))
            | ("Bool", Value::Bool(_))
            | ("Array", Value::Array(_)) => true,
            ("Object" | "SecureObject", Value::Object(_)) => true,
            ("Int", Value::Number(number)) => number.is_i64(),
            _ => false,
        };
        if !fits {
            let found = super::function::kind_of(value);
            return Err(format!(
                "The value of the template parameter '{name}' must be of type '{}'; it is {found}.",
                self.kind
            ));
        }
        let allowed = self.member("allowedValues").map(Node::to_json);
        if let Some(Value::Array(allowed)) = allowed
            && !value.is_null()
            && !allowed.iter().any(|known| is_allowed(known, value, &allowed))
        {
            let known: Vec<String> = allowed.iter().map(super::function::to_text).collect();
            // A secure value is never repeated.
            let shown = if self.is_secure() {
                String::new()
            } else {
                format!(" '{}'", super::function::to_text(value))
            };
            return Err(format!(
                "The provided value{shown} for the template parameter '{name}' is not valid. The parameter value is not \
                 part of the allowed value(s): '{}'.",
                known.join(",")
            ));
        }
        self.check_bounds(name, value)
    }

    fn check_bounds(&self, name: &str, value: &Value) -> Result<(), String> {
        let (size, least, most) = match value {
            Value::Number(number) => (number.as_i64(), "minValue", "maxValue"),
            Value::String(text) => (i64::try_from(text.chars().count()).ok(), "minLength", "maxLength"),
            Value::Array(items) => (i64::try_from(items.len()).ok(), "minLength", "maxLength"),
            _ => return Ok(()),
        };
        let bound = |member: &str| self.member(member).and_then(|node| node.to_json().as_i64());
        let Some(size) = size else { return Ok(()) };
        let wrong = if bound(least).is_some_and(|least| size < least) {
            least
        } else if bound(most).is_some_and(|most| size > most) {
            most
        } else {
            return Ok(());
        };
        Err(format!(
            "The value of the template parameter '{name}' is outside its '{wrong}' of {}.",
            bound(wrong).unwrap_or_default()
        ))
    }
}

/// One of the allowed values, or a list of some of them.
fn is_allowed(known: &Value, value: &Value, all: &[Value]) -> bool {
    known == value || value.as_array().is_some_and(|items| items.iter().all(|item| all.contains(item)))
}
