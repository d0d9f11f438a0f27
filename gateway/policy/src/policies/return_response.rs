//! `return-response` (`policies.md` B 2.13).

use std::sync::Arc;

use super::set_body::SetBody;
use super::set_header::SetHeader;
use super::set_status::SetStatus;
use super::{set_body, set_header, set_status};
use crate::catalogue::{ALL, Content, Kind, MANY, PolicyDef, child, optional};
use crate::compile::Compiler;
use crate::exchange::{Exchange, stored_response};
use crate::fault::Fault;
use crate::message::Response;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static RETURN_RESPONSE: PolicyDef = PolicyDef {
    element: "return-response",
    sections: ALL,
    attributes: &[optional("response-variable-name", Kind::Text)],
    content: Content::Sequence(&[
        child("set-status", (0, 1), set_status::ATTRIBUTES, Content::Empty),
        child("set-header", (0, MANY), set_header::ATTRIBUTES, set_header::CONTENT),
        child("set-body", (0, 1), set_body::ATTRIBUTES, set_body::CONTENT),
    ]),
    once: false,
    docs: "Ends the pipeline with a response: 200 and empty, or the one in `response-variable-name`, changed by the \
           children. No further statement runs, outbound neither.",
    compile,
};

struct ReturnResponse {
    variable: Option<Arc<str>>,
    status: Option<SetStatus>,
    headers: Vec<SetHeader>,
    body: Option<SetBody>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let policy = ReturnResponse {
        variable: c.literal(element, "response-variable-name"),
        status: element.child("set-status").and_then(|child| SetStatus::compile(child, c)),
        headers: element
            .elements()
            .filter(|child| &*child.name == "set-header")
            .filter_map(|child| SetHeader::compile(child, c))
            .collect(),
        body: element.child("set-body").and_then(|child| SetBody::compile(child, c)),
    };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl ReturnResponse {
    fn base(&self, exchange: &Exchange) -> Result<Response, Fault> {
        let Some(name) = &self.variable else { return Ok(Response::new(200)) };
        exchange
            .variable(name)
            .and_then(stored_response::from_value)
            .ok_or_else(|| Fault::expression(&format!("The variable '{name}' does not hold a response.")))
    }
}

impl Policy for ReturnResponse {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let mut response = self.base(exchange)?;
        if let Some(status) = &self.status {
            (response.status, response.reason) = status.evaluate(exchange)?;
        }
        for header in &self.headers {
            header.evaluate(exchange)?.apply(&mut response.headers)?;
        }
        if let Some(body) = &self.body {
            response.body = body.evaluate(exchange)?;
        }
        exchange.respond(response);
        Ok(Flow::Respond)
    }
}
