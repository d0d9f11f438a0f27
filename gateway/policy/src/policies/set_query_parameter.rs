//! `set-query-parameter` (`policies.md` B 2.2).

use crate::catalogue::{ALL, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::message::query;
use crate::pipeline::{Flow, Policy, Step};
use crate::policies::set_header::ExistsAction;
use crate::ports::Ports;
use crate::xml::Element;

pub static SET_QUERY_PARAMETER: PolicyDef = PolicyDef {
    element: "set-query-parameter",
    sections: ALL,
    attributes: &[
        required("name", Kind::Text).expression(),
        optional("exists-action", Kind::OneOf(ExistsAction::NAMES)).expression(),
    ],
    content: Content::Elements(&[child("value", (0, MANY), &[], Content::Text { expression: true })]),
    once: false,
    docs: "Sets, appends or deletes a query parameter of the request. `exists-action`: override (default), skip, \
           append, delete. Each value becomes an occurrence of its own, encoded; a null value is left out. Names \
           compare without case.",
    compile,
};

struct SetQueryParameter {
    name: TextArg,
    exists_action: Option<TextArg>,
    values: Vec<TextArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let name = c.text(element, "name");
    let exists_action = c.text(element, "exists-action");
    let values: Vec<TextArg> = element.elements().filter_map(|value| c.content(value)).collect();
    let literal = exists_action.as_ref().map_or(Some("override"), TextArg::literal);
    if values.is_empty() && literal.is_some_and(|action| action != "delete") {
        c.error("xsd", element.at, "The element 'set-query-parameter' has incomplete content. List of possible elements expected: 'value'.");
    }
    let policy = SetQueryParameter { name: name?, exists_action, values };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl Policy for SetQueryParameter {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let name = self.name.get(exchange)?;
        let action = ExistsAction::of(self.exists_action.as_ref(), exchange)?;
        let mut added = String::new();
        if action != ExistsAction::Delete {
            for value in &self.values {
                if let Some(value) = value.get_non_null(exchange)? {
                    refuse_controls(&name)?;
                    refuse_controls(&value)?;
                    query::append(&mut added, &name, &value);
                }
            }
        }
        let url = &mut exchange.request.url;
        match action {
            ExistsAction::Skip if query::contains(&url.query, &name) => return Ok(Flow::Continue),
            ExistsAction::Override | ExistsAction::Delete => url.query = query::remove(&url.query, &name),
            ExistsAction::Skip | ExistsAction::Append => {}
        }
        if !added.is_empty() {
            query::push_part(&mut url.query, &added);
        }
        Ok(Flow::Continue)
    }
}

/// Line breaks and NUL in a query are an attack even when encoded.
fn refuse_controls(text: &str) -> Result<(), Fault> {
    if text.contains(['\r', '\n', '\0']) {
        return Err(Fault::invalid_value(
            "set-query-parameter",
            "the query parameter contains a line break or NUL",
        ));
    }
    Ok(())
}
