//! `validate-status-code` (`policies.md` B 1.4).

use std::sync::Arc;

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::validation::finding::{Action, Finding, conclude};
use crate::xml::Element;

pub static VALIDATE_STATUS_CODE: PolicyDef = PolicyDef {
    element: "validate-status-code",
    sections: &[Section::Outbound, Section::OnError],
    attributes: &[
        required("unspecified-status-code-action", Action::DATATYPE).expression(),
        optional("errors-variable-name", Kind::Text),
    ],
    content: Content::Elements(&[child(
        "status-code",
        (0, MANY),
        &[required("code", Kind::Int(100, 999)), required("action", Action::DATATYPE)],
        Content::Empty,
    )]),
    once: true,
    docs: "Checks the response's status against those that the operation's description names. A status that it does not \
           name gets the action of its `status-code` child, else `unspecified-status-code-action`: ignore, detect (noted \
           in the trace and in the variable), prevent (502 as well).",
    compile,
};

struct ValidateStatusCode {
    unspecified: TextArg,
    codes: Vec<(u16, Action)>,
    variable: Option<Arc<str>>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let code = |child: &Element| {
        let code = child.attribute("code")?.value.trim().parse().ok()?;
        Some((code, Action::parse(child.attribute("action")?.value.trim())?))
    };
    Some(Step::sync(ValidateStatusCode {
        unspecified: c.text(element, "unspecified-status-code-action")?,
        codes: element.elements().filter_map(code).collect(),
        variable: c.literal(element, "errors-variable-name"),
    }))
}

impl Policy for ValidateStatusCode {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let Some(status) = exchange.response.as_ref().map(|response| response.status) else {
            return Ok(Flow::Continue);
        };
        let contract = exchange.caller.operation_contract.as_deref();
        if contract.is_some_and(|contract| contract.response(status).is_some()) {
            return Ok(Flow::Continue);
        }
        let own = self.codes.iter().find(|(code, _)| *code == status).map(|(_, action)| *action);
        let action = match own {
            Some(action) => action,
            None => Action::of(&self.unspecified, exchange)?,
        };
        let details = format!("Response status code {status} is not allowed.");
        let finding = Finding::internal(status.to_string(), ("StatusCode", "Unspecified"), details, action);
        conclude("validate-status-code", vec![finding], self.variable.as_ref(), exchange)
    }
}
