//! `quota` (`policies.md` A 1.3).

use gateway_expression::host;

use super::narrower::Narrower;
use super::quota_by_key::{BANDWIDTH, CALLS, Limit, PERIOD, UNIX_EPOCH_SECONDS, charge_bytes, refusal};
use crate::catalogue::{AttributeDef, Content, Kind, MANY, PolicyDef, child, optional};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::fault::{Fault, Scope, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{Ports, QuotaHit};
use crate::xml::Element;

pub static QUOTA: PolicyDef = PolicyDef {
    element: "quota",
    sections: &[Section::Inbound],
    attributes: &[CALLS, BANDWIDTH, PERIOD],
    content: Content::Elements(&[child(
        "api",
        (0, MANY),
        NARROWER,
        Content::Elements(&[child("operation", (0, MANY), NARROWER, Content::Empty)]),
    )]),
    once: true,
    docs: "Allows a subscription so many `calls`, or so much `bandwidth` (KB of 1,024 bytes: requests and answers, \
           heads included), or both, in each window of `renewal-period` seconds; 0 is a window that never ends. Windows \
           follow each other from the start of the subscription. `api` and `operation` children, named by `id` or \
           `name`, have counters of their own; their `renewal-period` is the parent's unless given. Beyond: 403 with \
           Retry-After. Nothing happens without a subscription. Product scope only. Counts are kept as those of \
           `quota-by-key`.",
    compile,
};

const NARROWER: &[AttributeDef] = &[
    optional("id", Kind::Text),
    optional("name", Kind::Text),
    CALLS,
    BANDWIDTH,
    optional("renewal-period", Kind::Int(0, i32::MAX as i64)),
];

struct Quota {
    limit: Limit,
    apis: Vec<Narrower<Limit>>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    if c.scope != Scope::Product {
        let text = format!("Policy is not allowed in the '{}' scope. Allowed: product.", c.scope.as_str());
        c.error("policy-scope", element.at, text);
    }
    let limit = Limit::compile(element, 0, c);
    let apis = Narrower::compile_all(element, c, &|element, c| Limit::compile(element, limit.period, c));
    (c.findings() == before).then(|| Step::sync(Quota { limit, apis }))
}

impl Quota {
    /// Every window that applies.
    fn hits(&self, subscription: &host::Subscription, exchange: &Exchange) -> Vec<QuotaHit> {
        let anchor = anchor(subscription);
        let now = exchange.unix_seconds();
        let product = exchange.caller.product.as_ref().map_or("", |product| &product.id);
        let key = format!("s\0{}\0{product}", subscription.id);
        let mut hits = vec![self.limit.hit(&key, anchor, now)];
        Narrower::visit(&self.apis, &exchange.caller, &mut |limit, place| {
            hits.push(limit.hit(&format!("{key}\0{place}"), anchor, now));
        });
        hits
    }
}

/// When the subscription's windows begin, seconds since 1970.
fn anchor(subscription: &host::Subscription) -> i64 {
    let ticks = subscription.start_ticks.unwrap_or(subscription.created_ticks);
    ticks / 10_000_000 - UNIX_EPOCH_SECONDS
}

impl Policy for Quota {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let Some(subscription) = exchange.caller.subscription.clone() else { return Ok(Flow::Continue) };
        let hits = self.hits(&subscription, exchange);
        let decision = ports.quotas().take(&hits, 1);
        if let Some(fault) = refusal("quota", decision, exchange.unix_seconds()) {
            return Err(fault);
        }
        for hit in hits {
            charge_bytes(exchange, hit);
        }
        Ok(Flow::Continue)
    }
}
