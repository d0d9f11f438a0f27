//! `rate-limit` (`policies.md` A 1.1).

use std::time::Duration;

use gateway_expression::host;

use super::narrower::Narrower;
use super::rate_limit_by_key::{
    REMAINING_HEADER, REMAINING_VARIABLE, RENEWAL_PERIOD_MAX, RETRY_AFTER_HEADER, RETRY_AFTER_VARIABLE,
    Report, TOTAL_HEADER,
};
use crate::catalogue::{AttributeDef, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::fault::{Fault, Scope, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{Hit, Ports, RateLimit as Limit};
use crate::xml::Element;

pub static RATE_LIMIT: PolicyDef = PolicyDef {
    element: "rate-limit",
    sections: &[Section::Inbound],
    attributes: &[
        CALLS,
        PERIOD,
        RETRY_AFTER_HEADER,
        RETRY_AFTER_VARIABLE,
        REMAINING_HEADER,
        REMAINING_VARIABLE,
        TOTAL_HEADER,
    ],
    content: Content::Elements(&[child(
        "api",
        (0, MANY),
        NARROWER,
        Content::Elements(&[child("operation", (0, MANY), NARROWER, Content::Empty)]),
    )]),
    once: true,
    docs: "Allows a subscription `calls` in any window of `renewal-period` seconds (at most 300); nothing happens \
           without a subscription. `api` and `operation` children, named by `id` or `name`, have counters of their \
           own: a call passes when all that apply have room, and counts in all of them. Beyond: 429 with \
           Retry-After. Not at global scope.",
    compile,
};

const CALLS: AttributeDef = required("calls", Kind::Int(1, i32::MAX as i64));
const PERIOD: AttributeDef = required("renewal-period", Kind::Int(1, RENEWAL_PERIOD_MAX));
const NARROWER: &[AttributeDef] = &[optional("id", Kind::Text), optional("name", Kind::Text), CALLS, PERIOD];

struct RateLimit {
    scope: Scope,
    limit: Limit,
    apis: Vec<Narrower<Limit>>,
    report: Report,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    if c.scope == Scope::Global {
        c.error("policy-scope", element.at, "Policy is not allowed in the 'global' scope.");
    }
    let policy = RateLimit {
        scope: c.scope,
        limit: limit(element, c),
        apis: Narrower::compile_all(element, c, &|element, c| limit(element, c)),
        report: Report::compile(element, c),
    };
    (c.findings() == before).then(|| Step::sync(policy))
}

fn limit(element: &Element, c: &Compiler<'_>) -> Limit {
    // The schema check has seen both numbers.
    let number = |name| c.literal(element, name).and_then(|text| text.parse::<u64>().ok()).unwrap_or(1);
    Limit { calls: number("calls"), period: Duration::from_secs(number("renewal-period")) }
}

impl RateLimit {
    /// Every limit that applies, each with the name of its counter.
    fn hits(&self, subscription: &host::Subscription, exchange: &Exchange) -> Vec<Hit> {
        let caller = &exchange.caller;
        let api_id = caller.api.as_deref().map_or("", |api| &api.id);
        let operation_id = caller.operation.as_deref().map_or("", |operation| &operation.id);
        let place = match self.scope {
            Scope::Product => caller.product.as_ref().map_or("", |product| &product.id),
            Scope::Global | Scope::Api | Scope::Operation | Scope::Resolver => api_id,
        };
        // A NUL keeps these apart from the keys of `rate-limit-by-key`, which are texts of authors.
        let mut key = format!("\0{}\0{}\0{place}", subscription.id, self.scope.as_str());
        if self.scope == Scope::Operation {
            key = format!("{key}\0{operation_id}");
        }
        let mut hits = Vec::with_capacity(1 + self.apis.len());
        Narrower::visit(&self.apis, caller, &mut |limit, place| {
            hits.push(Hit { key: format!("{key}\0{place}"), limit: *limit });
        });
        hits.push(Hit { key, limit: self.limit });
        hits
    }
}

impl Policy for RateLimit {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let Some(subscription) = exchange.caller.subscription.clone() else { return Ok(Flow::Continue) };
        let hits = self.hits(&subscription, exchange);
        let decision = ports.counters().hit_all(&hits);
        if !decision.allowed {
            return Err(self.report.refused("rate-limit", decision, exchange));
        }
        self.report.passed(self.limit.calls, decision.remaining, exchange)?;
        Ok(Flow::Continue)
    }
}
