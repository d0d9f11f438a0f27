//! `mock-response` (`policies.md` B 2.14).

use std::sync::Arc;

use crate::catalogue::{Content, Kind, PolicyDef, optional};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::exchange::contract::Mock;
use crate::fault::{Fault, Section};
use crate::message::{Body, Headers, Response};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static MOCK_RESPONSE: PolicyDef = PolicyDef {
    element: "mock-response",
    sections: &[Section::Inbound, Section::Outbound, Section::OnError],
    attributes: &[
        optional("status-code", Kind::Int(200, 999)),
        optional("content-type", Kind::Text),
        optional("index", Kind::Int(0, 10_000)),
    ],
    content: Content::Empty,
    once: false,
    docs: "Ends the pipeline with a response made from the operation's description: the response for `status-code` \
           (default 200), in `content-type` or its first one, the example number `index` (from 0, default 0), else \
           a sample made from the JSON schema, else an empty body.",
    compile,
};

struct MockResponse {
    status: u16,
    content_type: Option<Arc<str>>,
    index: usize,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let number =
        |name, default| c.literal(element, name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (status, index) = (number("status-code", 200), number("index", 0));
    let content_type = c.literal(element, "content-type").filter(|text| !text.is_empty());
    if let Some(text) = &content_type
        && let Err(error) = Headers::new().append("Content-Type", text.as_bytes())
    {
        c.error("header-invalid", element.at, error);
        return None;
    }
    Some(Step::sync(MockResponse { status: status as u16, content_type, index }))
}

impl Policy for MockResponse {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let content_type = self.content_type.as_deref();
        let contract = exchange.caller.operation_contract.as_deref();
        let mock = contract.map(|contract| contract.mock(self.status, content_type, self.index));
        let Mock { content_type: described, body } = mock.unwrap_or_default();
        let mut response = Response::new(self.status);
        if let Some(shown) = described.as_deref().or(content_type) {
            let set = response.headers.set("Content-Type", shown.as_bytes());
            set.map_err(|error| Fault::invalid_value("mock-response", error))?;
        }
        response.body = Body::from(body);
        exchange.respond(response);
        Ok(Flow::Respond)
    }
}
