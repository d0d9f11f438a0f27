//! `send-one-way-request` (`policies.md` C 3.2).

use super::send_request::{CHILDREN, CallTemplate, MODE, TIMEOUT};
use crate::catalogue::{ALL, Content, PolicyDef};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static SEND_ONE_WAY_REQUEST: PolicyDef = PolicyDef {
    element: "send-one-way-request",
    sections: ALL,
    attributes: &[MODE, TIMEOUT],
    content: Content::Sequence(CHILDREN),
    once: false,
    docs: "Sends a request of its own without waiting for the answer; what becomes of it is never an error of the \
           request. Attributes and children as for `send-request`.",
    compile,
};

struct SendOneWayRequest(CallTemplate);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let call = CallTemplate::compile(element, c);
    (c.findings() == before).then(|| Step::waiting(SendOneWayRequest(call)))
}

impl WaitingPolicy for SendOneWayRequest {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        // Waits for a token of the gateway's identity, never for the answer.
        let mut call = self.0.evaluate(exchange, ports).await?;
        exchange.begin_one_way(&mut call);
        ports.send_one_way(call);
        Ok(Flow::Continue)
    }
}
