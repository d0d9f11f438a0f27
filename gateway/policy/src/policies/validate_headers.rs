//! `validate-headers` (`policies.md` B 1.3).

use std::sync::Arc;

use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::exchange::contract::parameter::Place;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::validation::finding::{Action, conclude};
use crate::validation::parameters::{Actions, Values, add, check, without_contract};
use crate::xml::Element;

pub static VALIDATE_HEADERS: PolicyDef = PolicyDef {
    element: "validate-headers",
    sections: &[Section::Outbound, Section::OnError],
    attributes: &[
        required("specified-header-action", Action::DATATYPE).expression(),
        required("unspecified-header-action", Action::DATATYPE).expression(),
        optional("errors-variable-name", Kind::Text),
    ],
    content: Content::Elements(&[child(
        "header",
        (0, MANY),
        &[required("name", Kind::Text), required("action", Action::DATATYPE).expression()],
        Content::Empty,
    )]),
    once: true,
    docs: "Checks the response's header fields against those that the operation's description names for its status. \
           `header` overrides the action of one: ignore, detect (noted in the trace and in the variable), prevent (502 \
           as well). Fields that every response has, such as Content-Type, count unless they are named.",
    compile,
};

struct ValidateHeaders {
    actions: Actions,
    variable: Option<Arc<str>>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let actions = Actions {
        specified: c.text(element, "specified-header-action")?,
        unspecified: c.text(element, "unspecified-header-action")?,
        own: Actions::own_of(element, c)?,
    };
    Some(Step::sync(ValidateHeaders { actions, variable: c.literal(element, "errors-variable-name") }))
}

impl Policy for ValidateHeaders {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let Some(response) = &exchange.response else { return Ok(Flow::Continue) };
        let Some(contract) = exchange.caller.operation_contract.clone() else {
            let finding = without_contract(Action::of(&self.actions.specified, exchange)?);
            return conclude("validate-headers", vec![finding], self.variable.as_ref(), exchange);
        };
        let mut headers = Values::new();
        for (name, value) in response.headers.iter() {
            add(&mut headers, name, String::from_utf8_lossy(value).into_owned(), true);
        }
        let known = contract.response(response.status).map_or(&[][..], |response| &response.headers);
        let place = (Place::ResponseHeader, contract.schemas());
        let findings = check(&headers, known, place, &self.actions, exchange)?;
        conclude("validate-headers", findings, self.variable.as_ref(), exchange)
    }
}
