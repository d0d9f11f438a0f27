//! `http-data-source` (`policies.md` C 5.1): the root of a resolver's document.

use std::time::Duration;

use super::send_request::CallTemplate;
use super::{authentication_certificate, set_body, set_header, set_method};
use crate::catalogue::{ChildDef, Content, MANY, PolicyDef, child};
use crate::compile::Compiler;
use crate::compile::arguments::IntArg;
use crate::exchange::Exchange;
use crate::exchange::calls::Purpose;
use crate::fault::{Fault, Section};
use crate::pipeline::{Block, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static HTTP_DATA_SOURCE: PolicyDef = PolicyDef {
    element: "http-data-source",
    // It is the root of a document of its own.
    sections: &[],
    attributes: &[],
    content: Content::Sequence(&[
        child("http-request", (1, 1), &[], Content::Sequence(REQUEST)),
        child("backend", (0, 1), &[], Content::SomePolicies(&["forward-request"])),
        child("http-response", (0, 1), &[], Content::SomePolicies(RESPONSE)),
    ]),
    once: false,
    docs: "Answers a field of a GraphQL API by an HTTP call. `http-request` makes it, with the field's arguments in \
           `context.GraphQL.Arguments` and as the body `{\"arguments\": …}`, and the object it belongs to in \
           `context.GraphQL.Parent`; an `include-fragment` in it stands for what the fragment holds; `backend` may hold a `forward-request` for its timeout (default 300 s); \
           `http-response` shapes the answer, which is the field's value: JSON, or text. An answer of 400 or more \
           without `http-response`, and a call that fails, is a field error. A request may ask 256 data sources.",
    compile: |element, c| {
        // `Compiler::statement_into` finds no section for it, so this is never called.
        HttpDataSource::compile(element, c);
        None::<Step>
    },
};

const REQUEST: &[ChildDef] = &[
    child("set-method", (1, 1), &[], set_method::CONTENT),
    child("set-url", (1, 1), &[], Content::Text { expression: true }),
    child("set-header", (0, MANY), set_header::ATTRIBUTES, set_header::CONTENT),
    child("set-body", (0, 1), set_body::ATTRIBUTES, set_body::CONTENT),
    child("authentication-certificate", (0, 1), authentication_certificate::ATTRIBUTES, Content::Empty),
];

const RESPONSE: &[&str] =
    &["set-body", "xml-to-json", "find-and-replace", "publish-event", "include-fragment"];

/// A compiled data source.
#[derive(Debug)]
pub struct HttpDataSource {
    call: CallTemplate,
    /// Seconds.
    timeout: IntArg,
    response: Option<Block>,
}

impl HttpDataSource {
    /// Compiles the element; findings go to the compiler.
    pub fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Self> {
        let request = element.child("http-request")?;
        c.section = Section::Inbound;
        let call = c.within(request, 1, |c| CallTemplate::compile(request, c));
        let forward = element.child("backend").and_then(|backend| backend.child("forward-request"));
        let timeout = forward.and_then(|forward| c.int(forward, "timeout")).unwrap_or(IntArg::Literal(300));
        c.section = Section::Outbound;
        let response = element.child("http-response").map(|shape| c.within(shape, 1, |c| c.block(shape)));
        Some(Self { call, timeout, response })
    }

    /// Makes the call and shapes its answer, which is the exchange's response afterwards.
    pub async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<(), Fault> {
        exchange.section = Section::Inbound;
        let mut call = self.call.evaluate(exchange, ports).await?;
        call.timeout = Duration::from_secs(self.timeout.get(exchange)?.max(0).unsigned_abs());
        let answer = exchange.call(Purpose::DataSource, call, ports).await;
        let answer =
            answer.map_err(|error| Fault::internal("http-data-source", error.reason, error.message))?;
        let status = answer.status;
        exchange.respond(answer);
        exchange.section = Section::Outbound;
        match &self.response {
            Some(shape) => shape.run(exchange, ports).await.map(drop),
            None if status >= 400 => {
                let text = format!("The data source answered {status}.");
                Err(Fault::internal("http-data-source", format!("HTTP status {status}"), text))
            }
            None => Ok(()),
        }
    }
}
