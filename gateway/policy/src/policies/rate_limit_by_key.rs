//! `rate-limit-by-key` (`policies.md` A 1.2).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use gateway_expression::Value;

use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{Ports, RateDecision, RateLimit};
use crate::xml::Element;

/// Longest window, seconds (`policies.md` §10).
pub const RENEWAL_PERIOD_MAX: i64 = 300;

pub static RATE_LIMIT_BY_KEY: PolicyDef = PolicyDef {
    element: "rate-limit-by-key",
    sections: &[Section::Inbound],
    attributes: &[
        required("calls", Kind::Int(1, i32::MAX as i64)).expression(),
        required("renewal-period", Kind::Int(1, RENEWAL_PERIOD_MAX)).expression(),
        required("counter-key", Kind::Text).expression(),
        optional("increment-condition", Kind::Bool).expression(),
        optional("increment-count", Kind::Int(0, i32::MAX as i64)).expression(),
        optional("increment-after-response", Kind::Bool),
        RETRY_AFTER_HEADER,
        RETRY_AFTER_VARIABLE,
        REMAINING_HEADER,
        REMAINING_VARIABLE,
        TOTAL_HEADER,
    ],
    content: Content::Empty,
    once: false,
    docs: "Allows `calls` in any window of `renewal-period` seconds (at most 300) for each value of `counter-key`; \
           one counter per key over all scopes. Beyond it: 429 with Retry-After. With an expression in \
           `increment-condition` or `increment-count`, or with `increment-after-response`, the call is counted after \
           the response, so that the limit is felt one call late.",
    compile,
};

pub const RETRY_AFTER_HEADER: AttributeDef = optional("retry-after-header-name", Kind::Text);
pub const RETRY_AFTER_VARIABLE: AttributeDef = optional("retry-after-variable-name", Kind::Text);
pub const REMAINING_HEADER: AttributeDef = optional("remaining-calls-header-name", Kind::Text);
pub const REMAINING_VARIABLE: AttributeDef = optional("remaining-calls-variable-name", Kind::Text);
pub const TOTAL_HEADER: AttributeDef = optional("total-calls-header-name", Kind::Text);

/// Where a rate policy writes what it found out; shared with `rate-limit`.
#[derive(Debug)]
pub struct Report {
    retry_after_header: Arc<str>,
    retry_after_variable: Option<Arc<str>>,
    remaining_header: Option<Arc<str>>,
    remaining_variable: Option<Arc<str>>,
    total_header: Option<Arc<str>>,
}

impl Report {
    /// Reads the attributes.
    pub fn compile(element: &Element, c: &Compiler<'_>) -> Self {
        Self {
            retry_after_header: c
                .literal(element, "retry-after-header-name")
                .unwrap_or_else(|| "Retry-After".into()),
            retry_after_variable: c.literal(element, "retry-after-variable-name"),
            remaining_header: c.literal(element, "remaining-calls-header-name"),
            remaining_variable: c.literal(element, "remaining-calls-variable-name"),
            total_header: c.literal(element, "total-calls-header-name"),
        }
    }

    /// Writes the figures of a call that was let through.
    pub fn passed(&self, calls: u64, remaining: u64, exchange: &mut Exchange) -> Result<(), Fault> {
        if let Some(name) = &self.remaining_variable {
            exchange.set_variable(name, Value::I32(remaining.min(i32::MAX as u64) as i32));
        }
        let lines = [(&self.remaining_header, remaining), (&self.total_header, calls)];
        for (name, number) in lines {
            if let Some(name) = name {
                let headers = exchange.answer_headers.get_or_insert_default();
                headers
                    .set(name, number.to_string().as_bytes())
                    .map_err(|error| Fault::invalid_value("rate-limit", error))?;
            }
        }
        Ok(())
    }

    /// The fault of a call that was not.
    pub fn refused(&self, source: &'static str, decision: RateDecision, exchange: &mut Exchange) -> Fault {
        let seconds = whole_seconds(decision.retry_after);
        if let Some(name) = &self.retry_after_variable {
            exchange.set_variable(name, Value::I32(seconds.min(i32::MAX as u64) as i32));
        }
        let public = format!("Rate limit is exceeded. Try again in {seconds} seconds.");
        Fault::new(429, public, source, "RateLimitExceeded", "Rate limit is exceeded")
            .with_header(Cow::Owned(self.retry_after_header.to_string()), seconds.to_string())
    }
}

/// Rounded up, so that a client that waits as told is let through; at least 1.
fn whole_seconds(duration: Duration) -> u64 {
    (duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1)
}

struct RateLimitByKey {
    calls: IntArg,
    renewal_period: IntArg,
    counter_key: TextArg,
    increment_condition: BoolArg,
    increment_count: IntArg,
    /// An expression decides about counting, so it runs after the response.
    postponed: bool,
    report: Report,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let calls = c.int(element, "calls");
    let renewal_period = c.int(element, "renewal-period");
    let counter_key = c.text(element, "counter-key");
    let condition = c.boolean(element, "increment-condition").unwrap_or(BoolArg::Literal(true));
    let count = c.int(element, "increment-count").unwrap_or(IntArg::Literal(1));
    let postponed = matches!(condition, BoolArg::Expression(_))
        || matches!(count, IntArg::Expression(_))
        || c.literal_bool(element, "increment-after-response", false);
    let policy = RateLimitByKey {
        calls: calls?,
        renewal_period: renewal_period?,
        counter_key: counter_key?,
        increment_condition: condition,
        increment_count: count,
        postponed,
        report: Report::compile(element, c),
    };
    (c.findings() == before).then(|| Step::sync(Shared(Arc::new(policy))))
}

/// Shared with the work put off to the end of the request.
struct Shared(Arc<RateLimitByKey>);

impl RateLimitByKey {
    fn limit(&self, exchange: &Exchange) -> Result<RateLimit, Fault> {
        let calls = self.calls.get(exchange)?.max(0).unsigned_abs();
        let seconds = self.renewal_period.get(exchange)?;
        if !(1..=RENEWAL_PERIOD_MAX).contains(&seconds) {
            let text = format!("renewal-period {seconds} is not between 1 and {RENEWAL_PERIOD_MAX} seconds.");
            return Err(Fault::expression(&text));
        }
        Ok(RateLimit { calls, period: Duration::from_secs(seconds.unsigned_abs()) })
    }

    fn increment(&self, exchange: &Exchange) -> Result<u64, Fault> {
        if !self.increment_condition.get(exchange)? {
            return Ok(0);
        }
        Ok(self.increment_count.get(exchange)?.max(0).unsigned_abs())
    }
}

impl Policy for Shared {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let policy = &self.0;
        let limit = policy.limit(exchange)?;
        let key = policy.counter_key.get(exchange)?;
        let decision = if policy.postponed {
            ports.counters().peek(&key, limit)
        } else {
            ports.counters().hit(&key, limit, policy.increment(exchange)?)
        };
        if !decision.allowed {
            exchange.limited_by_address = *key == *exchange.connection.ip;
            return Err(policy.report.refused("rate-limit-by-key", decision, exchange));
        }
        policy.report.passed(limit.calls, decision.remaining, exchange)?;
        if policy.postponed {
            let (policy, key) = (Arc::clone(policy), key.into_owned());
            exchange.deferred.push(Box::new(move |exchange, ports| {
                // The response has gone out: an expression that throws now has nobody to tell but the counter.
                if let Ok(increment @ 1..) = policy.increment(exchange) {
                    ports.counters().add(&key, limit, increment);
                }
            }));
        }
        Ok(Flow::Continue)
    }
}
