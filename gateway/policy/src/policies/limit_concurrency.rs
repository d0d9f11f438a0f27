//! `limit-concurrency` (`policies.md` A 1.5).

use crate::catalogue::{ALL, Content, Kind, PolicyDef, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::fault::Fault;
use crate::pipeline::{Block, Flow, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

pub static LIMIT_CONCURRENCY: PolicyDef = PolicyDef {
    element: "limit-concurrency",
    sections: ALL,
    attributes: &[
        required("key", Kind::Text).expression(),
        required("max-count", Kind::Int(1, i32::MAX as i64)),
    ],
    content: Content::Policies,
    once: false,
    docs: "Runs the statements inside for at most `max-count` requests with the same `key` at a time; one more gets \
           429 at once. The place is given back when the statements are done: a response body that still streams does \
           not hold it. Counted over the workers of one gateway process.",
    compile,
};

struct LimitConcurrency {
    key: TextArg,
    max_count: u64,
    block: Block,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let key = c.text(element, "key");
    // The schema check has seen the number.
    let max_count = c.literal(element, "max-count").and_then(|text| text.parse().ok()).unwrap_or(1);
    let block = c.block(element);
    let policy = LimitConcurrency { key: key?, max_count, block };
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl WaitingPolicy for LimitConcurrency {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let key = self.key.get(exchange)?;
        exchange.settle_bodies();
        let Some(_slot) = ports.concurrency().enter(&key, self.max_count) else {
            let text = "Concurrency limit is exceeded. Try again later.";
            let detail = format!("All {} places under this key are taken.", self.max_count);
            return Err(Fault::new(429, text, "limit-concurrency", "ConcurrencyLimitExceeded", detail));
        };
        self.block.run(exchange, ports).await
    }
}
