//! `quota-by-key` (`policies.md` A 1.4), and what it shares with `quota`.

use std::sync::Arc;

use gateway_expression::host::ticks_of;

use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{Ports, QuotaDecision, QuotaHit, QuotaUse, QuotaWindow};
use crate::xml::Element;

/// Shortest window, seconds; 0 is the window without end.
const RENEWAL_PERIOD_MIN: u64 = 300;

pub static QUOTA_BY_KEY: PolicyDef = PolicyDef {
    element: "quota-by-key",
    sections: &[Section::Inbound],
    attributes: &[
        CALLS,
        BANDWIDTH,
        PERIOD,
        required("counter-key", Kind::Text).expression(),
        optional("increment-condition", Kind::Bool).expression(),
        optional("increment-count", Kind::Int(0, i32::MAX as i64)).expression(),
        optional("first-period-start", Kind::Text),
    ],
    content: Content::Empty,
    once: false,
    docs: "Allows each value of `counter-key` so many `calls`, or so much `bandwidth` (KB of 1,024 bytes: requests and \
           answers, heads included), or both, in each window of `renewal-period` seconds: at least 300, or 0 for a \
           window that never ends. Windows follow each other from `first-period-start` on (`yyyy-MM-ddTHH:mm:ssZ`, \
           default the year 1). Beyond: 403 with Retry-After. One counter per key and period over all scopes, which \
           counts a request once. With an expression in `increment-condition` or `increment-count` the request is \
           counted after the response. Counts survive a restart where `state.folder` is set, and are shared by all \
           gateways of a Redis server where `state.redis` is set.",
    compile,
};

pub const CALLS: AttributeDef = optional("calls", Kind::Int(1, i32::MAX as i64));
pub const BANDWIDTH: AttributeDef = optional("bandwidth", Kind::Int(1, i32::MAX as i64));
pub const PERIOD: AttributeDef = required("renewal-period", Kind::Int(0, i32::MAX as i64));

/// Seconds from 0001-01-01 to 1970-01-01.
pub const UNIX_EPOCH_SECONDS: i64 = 62_135_596_800;

/// What a window allows.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub calls: Option<u64>,
    pub bytes: Option<u64>,
    /// Seconds; 0 = without end.
    pub period: u64,
}

impl Limit {
    /// Reads the attributes, which the schema check has seen; `period` where the element has none.
    pub fn compile(element: &Element, period: u64, c: &mut Compiler<'_>) -> Self {
        let number = |name| c.literal(element, name).and_then(|text| text.parse::<u64>().ok());
        let limit = Self {
            calls: number("calls"),
            bytes: number("bandwidth").map(|kilobytes| kilobytes.saturating_mul(1024)),
            period: number("renewal-period").unwrap_or(period),
        };
        if limit.calls.is_none() && limit.bytes.is_none() {
            let text = format!("The element '{}' needs the attribute 'calls' or 'bandwidth'.", element.name);
            c.error("xsd", element.at, text);
        }
        limit
    }

    /// The window at hand of a counter whose windows begin at `anchor`.
    pub fn hit(&self, key: &str, anchor: i64, now: i64) -> QuotaHit {
        QuotaHit {
            // Counters of different periods cannot be one.
            key: format!("{key}\0{}", self.period),
            window: QuotaWindow::around(now, anchor, self.period),
            count_max: self.calls,
            bytes_max: self.bytes,
        }
    }
}

/// The fault of a decision that is not "allowed".
pub fn refusal(source: &'static str, decision: QuotaDecision, now: i64) -> Option<Fault> {
    let (what, window) = match decision {
        QuotaDecision::Allowed => return None,
        QuotaDecision::CountExceeded(window) => ("call volume", window),
        QuotaDecision::BytesExceeded(window) => ("bandwidth", window),
    };
    let left = window.end.map(|end| end.saturating_sub(now).max(1).unsigned_abs());
    let again =
        left.map_or_else(String::new, |left| format!(" Quota will be replenished in {}.", time_span(left)));
    let message = format!("Out of {what} quota.{again}");
    let fault = Fault::new(403, message.clone(), source, "QuotaExceeded", message);
    Some(match left {
        Some(left) => fault.with_header("Retry-After", left.to_string()),
        None => fault,
    })
}

/// .NET's default text of a `TimeSpan`: `[d.]hh:mm:ss`.
fn time_span(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days == 0 { clock } else { format!("{days}.{clock}") }
}

/// Adds the bytes of the request and of its answer once they are known.
pub fn charge_bytes(exchange: &mut Exchange, hit: QuotaHit) {
    exchange.at_end.push(Box::new(move |ending, _| {
        ending.quotas.add(&hit.key, hit.window, QuotaUse { count: 0, bytes: ending.bytes });
    }));
}

struct QuotaByKey {
    limit: Limit,
    anchor: i64,
    counter_key: TextArg,
    increment_condition: BoolArg,
    increment_count: IntArg,
    /// An expression decides about counting, so it runs after the response.
    postponed: bool,
}

/// Shared with the work put off to the end of the request.
struct Shared(Arc<QuotaByKey>);

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let limit = Limit::compile(element, 0, c);
    if (1..RENEWAL_PERIOD_MIN).contains(&limit.period) {
        let text = format!("The 'renewal-period' is 0 or at least {RENEWAL_PERIOD_MIN} seconds.");
        c.error(
            "xsd",
            element.attribute("renewal-period").map_or(element.at, |attribute| attribute.at),
            text,
        );
    }
    let condition = c.boolean(element, "increment-condition").unwrap_or(BoolArg::Literal(true));
    let count = c.int(element, "increment-count").unwrap_or(IntArg::Literal(1));
    let postponed = matches!(condition, BoolArg::Expression(_)) || matches!(count, IntArg::Expression(_));
    let anchor = first_period_start(element, c);
    let counter_key = c.text(element, "counter-key");
    let policy = QuotaByKey {
        limit,
        anchor: anchor?,
        counter_key: counter_key?,
        increment_condition: condition,
        increment_count: count,
        postponed,
    };
    (c.findings() == before).then(|| Step::sync(Shared(Arc::new(policy))))
}

/// `yyyy-MM-ddTHH:mm:ssZ` as seconds since 1970.
fn first_period_start(element: &Element, c: &mut Compiler<'_>) -> Option<i64> {
    let Some(attribute) = element.attribute("first-period-start") else { return Some(-UNIX_EPOCH_SECONDS) };
    let ticks = ticks_of(attribute.value.trim());
    if ticks.is_none() {
        let text =
            format!("The 'first-period-start' {:?} is no time like 2024-01-31T00:00:00Z.", attribute.value);
        c.error("xsd", attribute.at, text);
    }
    ticks.map(|ticks| ticks / 10_000_000 - UNIX_EPOCH_SECONDS)
}

impl QuotaByKey {
    fn increment(&self, exchange: &Exchange) -> Result<Option<u64>, Fault> {
        if !self.increment_condition.get(exchange)? {
            return Ok(None);
        }
        Ok(Some(self.increment_count.get(exchange)?.max(0).unsigned_abs()))
    }

    /// Counts a request that has been let through, unless another statement has counted it under this key.
    fn settle(&self, hit: QuotaHit, count: u64, exchange: &mut Exchange, ports: &dyn Ports) {
        if !exchange.count_in_quota(&hit.key) {
            return;
        }
        ports.quotas().add(&hit.key, hit.window, QuotaUse { count, bytes: 0 });
        charge_bytes(exchange, hit);
    }
}

impl Policy for Shared {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let policy = &self.0;
        let key = format!("k\0{}", policy.counter_key.get(exchange)?);
        let now = exchange.unix_seconds();
        let mut hit = policy.limit.hit(&key, policy.anchor, now);
        let increment = if policy.postponed { None } else { policy.increment(exchange)? };
        let is_new = increment.is_some() && exchange.count_in_quota(&hit.key);
        let count = if is_new { increment.unwrap_or(0) } else { 0 };
        if let (Some(own), false) = (increment, is_new) {
            // Another statement has counted this request already: it does not stand in its own way.
            hit.count_max = hit.count_max.map(|max| max.saturating_add(own));
        }
        let decision = ports.quotas().take(std::slice::from_ref(&hit), count);
        if let Some(fault) = refusal("quota-by-key", decision, now) {
            return Err(fault);
        }
        if policy.postponed {
            let policy = Arc::clone(policy);
            exchange.deferred.push(Box::new(move |exchange, ports| {
                // The response is made: an expression that throws now has nobody to tell but the counter.
                if let Ok(Some(count)) = policy.increment(exchange) {
                    policy.settle(hit, count, exchange, ports);
                }
            }));
        } else if is_new {
            charge_bytes(exchange, hit);
        }
        Ok(Flow::Continue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_span_matches_the_captured_texts() {
        assert_eq!(time_span(7 * 3600 + 80), "07:01:20");
        assert_eq!(time_span(20 * 86_400 + 9 * 3600 + 58 * 60 + 55), "20.09:58:55");
    }
}
