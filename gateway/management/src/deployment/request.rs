//! The body of a deployment: `{"properties": {"mode", "template", "parameters"}}`.

use gateway_specification::document::{self, Node, Syntax};
use hyper::StatusCode;
use serde_json::{Map, Value};

use super::invalid;
use crate::arm_error::ArmError;
use crate::template::{Fault, Template};

/// The mode that leaves alone what the template does not name.
pub const INCREMENTAL: &str = "Incremental";

/// What is to be deployed.
#[derive(Clone, Debug)]
pub struct Request {
    pub template: Node,
    /// `{"a": {"value": "x"}}`.
    pub parameters: Map<String, Value>,
    /// `Incremental` or `Complete`.
    pub mode: &'static str,
    /// Whether a what-if shows more than ids (`whatIfSettings.resultFormat`).
    pub shows_payloads: bool,
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
        let mode = mode(properties.text("mode"))?;
        let format = properties.get("whatIfSettings").and_then(|settings| settings.text("resultFormat"));
        let shows_payloads = !format.is_some_and(|format| format.eq_ignore_ascii_case("ResourceIdOnly"));
        let template =
            properties.get("template").ok_or_else(|| refuse("The request has no 'properties.template'."))?;
        Template::new(template).map_err(|fault| invalid(&fault))?;
        let parameters = match properties.get("parameters").map(Node::to_json) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(given)) => of_file(given),
            Some(_) => return Err(refuse("'properties.parameters' must be an object.")),
        };
        Ok(Self { template: template.clone(), parameters, mode, shows_payloads })
    }
}

/// `mode` as ARM writes it; `Incremental` where nothing is said.
fn mode(written: Option<&str>) -> Result<&'static str, ArmError> {
    const MODES: [&str; 2] = [INCREMENTAL, "Complete"];
    let Some(written) = written else { return Ok(INCREMENTAL) };
    let known = MODES.into_iter().find(|known| known.eq_ignore_ascii_case(written));
    known.ok_or_else(|| {
        refuse(&format!("The deployment mode '{written}' is not one of '{}'.", MODES.join("', '")))
    })
}

/// Deployments inside others leave alone what they do not name, as in ARM.
pub fn check_inner_mode(mode: Option<&str>) -> Result<(), ArmError> {
    match mode {
        Some(mode) if !mode.eq_ignore_ascii_case(INCREMENTAL) => {
            Err(refuse(&format!("A deployment inside another has the mode '{INCREMENTAL}', not '{mode}'.")))
        }
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
