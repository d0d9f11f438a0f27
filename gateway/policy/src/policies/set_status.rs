//! `set-status` (`policies.md` B 2.4).

use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::Response;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static SET_STATUS: PolicyDef = PolicyDef {
    element: "set-status",
    sections: ALL,
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: false,
    docs: "Sets the status code (200–999) and the reason phrase of the response; without `reason` the standard \
           phrase of the code is sent.",
    compile,
};

/// Attributes of the element, also as a child of `return-response`.
pub const ATTRIBUTES: &[crate::catalogue::AttributeDef] =
    &[required("code", Kind::Int(200, 999)).expression(), optional("reason", Kind::Text).expression()];

/// A compiled `set-status`.
#[derive(Debug)]
pub struct SetStatus {
    code: IntArg,
    reason: Option<TextArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    SetStatus::compile(element, c).map(Step::sync)
}

impl SetStatus {
    /// Compiles the element; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let code = c.int(element, "code");
        let reason = c.text(element, "reason");
        Some(Self { code: code?, reason })
    }

    /// The status code and reason phrase.
    pub fn evaluate(&self, exchange: &Exchange) -> Result<(u16, String), Fault> {
        let code = self.code.get(exchange)?;
        let code = u16::try_from(code)
            .ok()
            .filter(|code| (200..1000).contains(code))
            .ok_or_else(|| Fault::invalid_value("set-status", format!("{code} is not a status code")))?;
        let reason = match &self.reason {
            Some(reason) => reason.get(exchange)?.into_owned(),
            None => String::new(),
        };
        if reason.bytes().any(|byte| byte < b' ' && byte != b'\t') {
            return Err(Fault::invalid_value("set-status", "the reason contains control characters"));
        }
        Ok((code, reason))
    }
}

impl Policy for SetStatus {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let (status, reason) = self.evaluate(exchange)?;
        let response = exchange.response.get_or_insert_with(|| Response::new(status));
        response.status = status;
        response.reason = reason;
        Ok(Flow::Continue)
    }
}
