//! `set-variable` (`policies.md` B 2.5).

use std::sync::Arc;

use crate::catalogue::{ALL, Content, Kind, PolicyDef, required};
use crate::compile::Compiler;
use crate::compile::arguments::AnyArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static SET_VARIABLE: PolicyDef = PolicyDef {
    element: "set-variable",
    sections: ALL,
    attributes: &[required("name", Kind::Text), required("value", Kind::Text).expression()],
    content: Content::Empty,
    once: false,
    docs: "Sets a context variable for the rest of the request, over all scopes. A literal is a string; an \
           expression keeps the type of its value.",
    compile,
};

struct SetVariable {
    name: Arc<str>,
    value: AnyArg,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let name = c.literal(element, "name")?;
    let value = c.any(element, "value")?;
    Some(Step::sync(SetVariable { name, value }))
}

impl Policy for SetVariable {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let value = self.value.get(exchange)?;
        exchange.set_variable(&self.name, value);
        Ok(Flow::Continue)
    }
}
