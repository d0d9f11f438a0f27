//! `wait` (`policies.md` C §2).

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Mutex;

use crate::catalogue::{Content, Kind, PolicyDef, optional};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Block, Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

/// Statements side by side; each of them may make calls, so there cannot be more than a request may make.
const CHILDREN_MAX: usize = 64;

pub static WAIT: PolicyDef = PolicyDef {
    element: "wait",
    sections: &[Section::Inbound, Section::Outbound, Section::Backend],
    attributes: &[optional("for", Kind::OneOf(&["all", "any"])).expression()],
    content: Content::SomePolicies(&["send-request", "cache-lookup-value", "choose"]),
    once: false,
    docs: "Runs its statements side by side and waits until all are done, or, with `for=\"any\"`, until the first is: \
           the others are cancelled. They share the variables. The first error ends the policy, with `any` too. A \
           statement inside `choose` that waits for anything but a call holds the others up until it is done.",
    compile,
};

struct Wait {
    wait_for: Option<TextArg>,
    block: Block,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let policy = Wait { wait_for: c.text(element, "for"), block: c.block(element) };
    let count = policy.block.statements().len();
    if count == 0 || count > CHILDREN_MAX {
        let text = format!("The element 'wait' must have 1 to {CHILDREN_MAX} statements.");
        c.error("xsd", element.at, text);
    }
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl Wait {
    fn is_any(&self, exchange: &Exchange) -> Result<bool, Fault> {
        let Some(argument) = &self.wait_for else { return Ok(false) };
        match &*argument.get(exchange)? {
            "any" => Ok(true),
            "all" => Ok(false),
            other => {
                Err(Fault::expression(&format!("The value '{other}' of 'for' is neither 'all' nor 'any'.")))
            }
        }
    }
}

impl WaitingPolicy for Wait {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let any = self.is_any(exchange)?;
        let shared = Mutex::new(exchange);
        let mut running: FuturesUnordered<_> =
            self.block.statements().iter().map(|statement| statement.run_beside(&shared, ports)).collect();
        while let Some(done) = running.next().await {
            // Whoever is still running is dropped with the list.
            if done? == Flow::Respond {
                return Ok(Flow::Respond);
            }
            if any {
                break;
            }
        }
        Ok(Flow::Continue)
    }
}
