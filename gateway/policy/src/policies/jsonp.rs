//! `jsonp` (`policies.md` B 4.2).

use crate::catalogue::{Content, Kind, PolicyDef, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::exchange::payload::is_json;
use crate::fault::{Fault, Section};
use crate::message::{Body, query};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static JSONP: PolicyDef = PolicyDef {
    element: "jsonp",
    sections: &[Section::Outbound],
    attributes: &[required("callback-parameter-name", Kind::Text).expression()],
    content: Content::Empty,
    once: true,
    docs: "Where the request's query names a callback, the JSON body becomes a call of it: `name(body);`, as \
           application/javascript. Without the parameter, and for other content, nothing happens. A callback that is no \
           JavaScript identifier (dots between identifiers are allowed) is refused with 400.",
    compile,
};

struct Jsonp {
    parameter: TextArg,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    Some(Step::waiting(Jsonp { parameter: c.text(element, "callback-parameter-name")? }))
}

impl WaitingPolicy for Jsonp {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let parameter = self.parameter.get(exchange)?.into_owned();
        let asked =
            query::pairs(&exchange.original_url.query).find(|(name, _)| query::is_named(name, &parameter));
        let Some(callback) = asked.map(|(_, value)| query::decode(value).into_owned()) else {
            return Ok(Flow::Continue);
        };
        if !is_callback(&callback) {
            let text =
                format!("Value of callback parameter {parameter} is not a valid JavaScript identifier.");
            return Err(Fault::new(400, text.clone(), "jsonp", "CallbackParameterInvalid", text));
        }
        if !is_json(exchange.payload_type()) {
            return Ok(Flow::Continue);
        }
        exchange.buffer_payload(ports).await?;
        let body = format!("{callback}({});", exchange.payload_text());
        exchange.set_payload(Body::from(body), Some("application/javascript"));
        Ok(Flow::Continue)
    }
}

/// Whether a script may call it: identifiers (ECMAScript §12.7) with dots between.
fn is_callback(text: &str) -> bool {
    let is_start = |c: char| c.is_alphabetic() || matches!(c, '$' | '_');
    let is_identifier = |part: &str| {
        let mut chars = part.chars();
        chars.next().is_some_and(is_start) && chars.all(|c| is_start(c) || c.is_numeric())
    };
    text.len() <= 256 && text.split('.').all(is_identifier)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callback_is_an_identifier() {
        for good in ["f", "$", "_a1", "jQuery110_5", "angular.callbacks._0", "é"] {
            assert!(is_callback(good), "{good}");
        }
        for bad in
            ["", "1a", "a b", "a(", "alert(1)//", "a..b", ".a", "a-b", "a\n", "<script>", &"a".repeat(300)]
        {
            assert!(!is_callback(bad), "{bad}");
        }
    }
}
