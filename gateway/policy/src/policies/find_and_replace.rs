//! `find-and-replace` (`policies.md` B 2.8).

use bytes::Bytes;
use memchr::memmem::Finder;

use crate::catalogue::{ALL, Content, Kind, PolicyDef, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::message::Body;
use crate::pipeline::{Flow, Needs, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static FIND_AND_REPLACE: PolicyDef = PolicyDef {
    element: "find-and-replace",
    sections: ALL,
    attributes: &[required("from", Kind::Text).expression(), required("to", Kind::Text).expression()],
    content: Content::Empty,
    once: false,
    docs: "Replaces every occurrence of `from` in the text of the request body (inbound, backend) or response body \
           (outbound, on-error) by `to`: plain text, case-sensitive. An empty `from` is an error. The body is \
           buffered.",
    compile,
};

struct FindAndReplace {
    from: TextArg,
    to: TextArg,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let from = c.text(element, "from");
    let to = c.text(element, "to");
    if from.as_ref().and_then(TextArg::literal).is_some_and(str::is_empty) {
        let at = element.attribute("from").map_or(element.at, |attribute| attribute.at);
        c.error("xsd", at, "The 'from' attribute is invalid - it must not be empty.");
        return None;
    }
    c.need(Needs { request_body: edits_request(c.section), response_body: !edits_request(c.section) });
    Some(Step::sync(FindAndReplace { from: from?, to: to? }))
}

fn edits_request(section: Section) -> bool {
    matches!(section, Section::Inbound | Section::Backend)
}

impl Policy for FindAndReplace {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let from = self.from.get(exchange)?;
        let to = self.to.get(exchange)?;
        if from.is_empty() {
            return Err(Fault::expression("String cannot be of zero length. (Parameter 'oldValue')"));
        }
        let in_request = edits_request(exchange.section);
        let body = if in_request {
            exchange.request.body.buffered()
        } else {
            exchange.response.as_ref().map_or(&[][..], |response| response.body.buffered())
        };
        let Some(replaced) = replace(body, from.as_bytes(), to.as_bytes()) else { return Ok(Flow::Continue) };
        let body = Body::from(Bytes::from(replaced));
        if in_request {
            exchange.set_request_body(body);
        } else {
            exchange.set_response_body(body);
        }
        Ok(Flow::Continue)
    }
}

/// The text with all replacements; `None` when there is nothing to replace.
fn replace(text: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let finder = Finder::new(from);
    let mut out = Vec::new();
    let mut done = 0;
    for at in finder.find_iter(text) {
        out.extend_from_slice(text.get(done..at).unwrap_or_default());
        out.extend_from_slice(to);
        done = at + from.len();
    }
    if done == 0 {
        return None;
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default());
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn replace_is_that_of_strings(text in "[ab]{0,20}", from in "[ab]{1,3}", to in "[abc]{0,3}") {
            let replaced = replace(text.as_bytes(), from.as_bytes(), to.as_bytes());
            let expected = text.contains(&from).then(|| text.replace(&from, &to).into_bytes());
            assert_eq!(replaced, expected);
        }
    }
}
