//! `retry` (`policies.md` C §2).

use std::time::Duration;

use uuid::Uuid;

use crate::catalogue::{ALL, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Block, Flow, Needs, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;

/// Most retries of one statement (`policies.md` §10).
const COUNT_MAX: i64 = 50;

const SECONDS: Kind = Kind::Int(0, 86_400);

pub static RETRY: PolicyDef = PolicyDef {
    element: "retry",
    sections: ALL,
    attributes: &[
        required("condition", Kind::Bool).expression(),
        required("count", Kind::Int(1, COUNT_MAX)).expression(),
        required("interval", SECONDS).expression(),
        optional("max-interval", SECONDS).expression(),
        optional("delta", SECONDS).expression(),
        optional("first-fast-retry", Kind::Bool).expression(),
    ],
    content: Content::Policies,
    once: false,
    docs: "Runs its statements, then again while `condition` is true, at most `count` (1–50) more times. Waits \
           `interval` seconds; with `delta` the n-th wait is interval + (n−1)·delta; with `max-interval` too it is \
           interval + (2ⁿ−1)·delta, delta varied by ±20 %, at most `max-interval`. `first-fast-retry` leaves out the \
           first wait. After a failed attempt the condition sees no response; the last attempt's error goes on to \
           on-error. A request may retry 256 times in all.",
    compile,
};

struct Retry {
    condition: BoolArg,
    /// Bodies that the condition reads: those after an attempt, not those before the statement.
    condition_needs: Needs,
    count: IntArg,
    interval: IntArg,
    max_interval: Option<IntArg>,
    delta: Option<IntArg>,
    first_fast_retry: BoolArg,
    block: Block,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let outer = c.take_needs();
    let condition = c.boolean(element, "condition");
    let condition_needs = c.take_needs();
    // An attempt sends the request's body away; what the condition reads of it must be kept before.
    c.need(Needs { request_body: condition_needs.request_body, ..outer });
    let policy = Retry {
        condition: condition.unwrap_or(BoolArg::Literal(false)),
        condition_needs,
        count: c.int(element, "count").unwrap_or(IntArg::Literal(1)),
        interval: c.int(element, "interval").unwrap_or(IntArg::Literal(0)),
        max_interval: c.int(element, "max-interval"),
        delta: c.int(element, "delta"),
        first_fast_retry: c.boolean(element, "first-fast-retry").unwrap_or(BoolArg::Literal(false)),
        block: c.block(element),
    };
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl Retry {
    async fn wants_more(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<bool, Fault> {
        if self.condition_needs.response_body {
            exchange.buffer_response(ports).await?;
        }
        let wanted = self.condition.get(exchange);
        exchange.settle_bodies();
        wanted
    }

    /// The wait before the n-th retry.
    fn wait(&self, n: i64, exchange: &Exchange) -> Result<Duration, Fault> {
        if n == 1 && self.first_fast_retry.get(exchange)? {
            return Ok(Duration::ZERO);
        }
        let seconds =
            |argument: &IntArg| argument.get(exchange).map(|seconds| seconds.clamp(0, 86_400) as f64);
        let interval = seconds(&self.interval)?;
        let delta = self.delta.as_ref().map(seconds).transpose()?;
        let max = self.max_interval.as_ref().map(seconds).transpose()?;
        let wait = match (delta, max) {
            (None, None) => interval,
            (None, Some(max)) => interval.min(max),
            (Some(delta), None) => interval + (n - 1) as f64 * delta,
            (Some(delta), Some(max)) => {
                let varied = delta * (0.8 + 0.4 * fraction());
                (interval + (2f64.powi(n as i32) - 1.0) * varied).min(max)
            }
        };
        Ok(Duration::from_secs_f64(wait))
    }
}

/// A random number in [0, 1).
fn fraction() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    // The upper 48 bits of a version 4 UUID are random.
    (high >> 16) as f64 / (1u64 << 48) as f64
}

impl WaitingPolicy for Retry {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let count = self.count.get(exchange)?.clamp(0, COUNT_MAX);
        let mut retries = 0;
        loop {
            let outcome = self.block.run(exchange, ports).await;
            match &outcome {
                Ok(Flow::Respond) => return outcome,
                Ok(Flow::Continue) => {}
                // What an earlier attempt answered says nothing about this one.
                Err(_) if matches!(exchange.section, Section::Inbound | Section::Backend) => {
                    exchange.response = None;
                }
                // Behind the backend the response is the backend's, not the attempt's.
                Err(_) => {}
            }
            if retries >= count {
                return outcome;
            }
            let again = match self.wants_more(exchange, ports).await {
                Ok(again) => again,
                // A condition that stumbles over the missing response must not hide why it is missing.
                Err(fault) => return outcome.and(Err(fault)),
            };
            if !again {
                return outcome;
            }
            retries += 1;
            exchange.count_retry()?;
            let wait = self.wait(retries, exchange)?;
            if !wait.is_zero() {
                ports.sleep(wait).await;
            }
        }
    }
}
