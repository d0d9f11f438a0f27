//! The body of a deployment: `{"properties": {"mode", "template", "parameters"}}`.

use gateway_specification::document::{self, Node, Syntax};
use hyper::StatusCode;
use serde_json::{Map, Value};

use super::invalid;
use crate::arm_error::ArmError;
use crate::template::{Fault, Template};

/// What is to be deployed.
#[derive(Clone, Debug)]
pub struct Request {
    pub template: Node,
    /// `{"a": {"value": "x"}}`.
    pub parameters: Map<String, Value>,
}

impl Request {
    /// Reads a body. Clients send templates as they were written, with comments and names without quotes.
    pub fn read(text: &str) -> Result<Self, ArmError> {
        let document = document::parse(text, &"request".into(), Syntax::Template).map_err(|error| {
            let (line, column) = (error.origin.line, error.origin.column);
            let message = format!(
                "The request content was invalid and could not be deserialized: {} (line {line}, column {column}).",
                error.message
            );
            ArmError::new(StatusCode::BAD_REQUEST, "InvalidRequestContent", message)
        })?;
        let properties = document.root.get("properties");
        let properties = properties.ok_or_else(|| refuse("The request has no 'properties'."))?;
        for link in ["templateLink", "parametersLink"] {
            if properties.get(link).is_some_and(|link| link.as_object().is_some()) {
                return Err(refuse(&format!("'{link}' is not followed: send the content itself.")));
            }
        }
        check_mode(properties.text("mode"))?;
        let template =
            properties.get("template").ok_or_else(|| refuse("The request has no 'properties.template'."))?;
        Template::new(template).map_err(|fault| invalid(&fault))?;
        let parameters = match properties.get("parameters").map(Node::to_json) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(given)) => of_file(given),
            Some(_) => return Err(refuse("'properties.parameters' must be an object.")),
        };
        Ok(Self { template: template.clone(), parameters })
    }
}

/// Only what is said is done: what a template leaves out stays.
pub fn check_mode(mode: Option<&str>) -> Result<(), ArmError> {
    match mode {
        Some(mode) if !mode.eq_ignore_ascii_case("Incremental") => Err(refuse(&format!(
            "The deployment mode '{mode}' is not offered: 'Incremental' is, which deletes nothing that the template leaves out."
        ))),
        _ => Ok(()),
    }
}

/// Parameters, or a whole parameters file with them inside.
fn of_file(given: Map<String, Value>) -> Map<String, Value> {
    match (given.contains_key("$schema"), given.get("parameters")) {
        (true, Some(Value::Object(inner))) => inner.clone(),
        _ => given,
    }
}

fn refuse(message: &str) -> ArmError {
    ArmError::new(
        StatusCode::BAD_REQUEST,
        "InvalidRequestContent",
        format!("The request content was invalid: {message}"),
    )
}

impl Request {
    /// The template, which was checked when it was read.
    pub fn template(&self) -> Result<Template<'_>, ArmError> {
        Template::new(&self.template).map_err(|fault: Fault| invalid(&fault))
    }
}
