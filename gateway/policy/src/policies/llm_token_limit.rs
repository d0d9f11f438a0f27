//! `llm-token-limit` and `azure-openai-token-limit` (`policies.md` A 1.6).

mod period;
mod report;

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::{Ending, Exchange};
use crate::fault::{Fault, Section};
use crate::llm::TokenMeter;
use crate::pipeline::{Flow, Needs, Policy, Step};
use crate::ports::{Ports, QuotaUse, QuotaWindow, RateLimit};
use crate::xml::Element;
use period::Period;
use report::Report;

pub static LLM_TOKEN_LIMIT: PolicyDef = PolicyDef {
    element: "llm-token-limit",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: false,
    docs: "Allows each value of `counter-key` so many tokens of a language model: `tokens-per-minute` in any minute \
           (429 beyond), `token-quota` in each `token-quota-period` of UTC (403 beyond), or both. Prompt and completion \
           count, as the answer's `usage` reports them: chat completions, completions, responses and embeddings of \
           OpenAI, messages of Anthropic, Gemini. A stream that reports nothing is counted here as it goes by, with \
           o200k_base, or cl100k_base for models up to GPT-4. With `estimate-prompt-tokens` the prompt is counted \
           before it is sent, and refused when it does not fit (an image counts 1,200). Without it a call is refused \
           only once the limit has been reached, so that concurrent calls can overshoot. Headers of a streamed answer \
           show the estimate. The request's Accept-Encoding is not sent on, so that the answer can be read. Quotas are \
           kept as those of `quota-by-key`.",
    compile: |element, c| compile("llm-token-limit", element, c),
};

pub static AZURE_OPENAI_TOKEN_LIMIT: PolicyDef = PolicyDef {
    element: "azure-openai-token-limit",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: false,
    docs: "The same as `llm-token-limit`.",
    compile: |element, c| compile("azure-openai-token-limit", element, c),
};

const ATTRIBUTES: &[AttributeDef] = &[
    required("counter-key", Kind::Text).expression(),
    optional("tokens-per-minute", Kind::Int(1, i32::MAX as i64)).expression(),
    optional("token-quota", Kind::Int(1, i64::MAX)).expression(),
    optional("token-quota-period", Kind::OneOf(Period::NAMES)),
    optional("estimate-prompt-tokens", Kind::Bool).expression(),
    optional("estimate-prompt-token", Kind::Bool).expression(),
    optional("retry-after-header-name", Kind::Text),
    optional("retry-after-variable-name", Kind::Text),
    optional("remaining-tokens-header-name", Kind::Text),
    optional("remaining-tokens-variable-name", Kind::Text),
    optional("remaining-quota-tokens-header-name", Kind::Text),
    optional("remaining-quota-tokens-variable-name", Kind::Text),
    optional("tokens-consumed-header-name", Kind::Text),
    optional("tokens-consumed-variable-name", Kind::Text),
];

struct TokenLimit {
    element: &'static str,
    counter_key: TextArg,
    per_minute: Option<IntArg>,
    quota: Option<(IntArg, Period)>,
    estimate: BoolArg,
    report: Report,
}

fn compile(name: &'static str, element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let estimate = ["estimate-prompt-tokens", "estimate-prompt-token"].map(|name| c.boolean(element, name));
    let estimate = estimate.into_iter().flatten().next();
    if estimate.is_none() && c.findings() == before {
        c.error("xsd", element.at, "The required attribute 'estimate-prompt-tokens' is missing.");
    }
    let per_minute = c.int(element, "tokens-per-minute");
    let quota = c.int(element, "token-quota");
    let period = c.literal(element, "token-quota-period").and_then(|name| Period::named(&name));
    if quota.is_some() != period.is_some() {
        c.error("xsd", element.at, "The attributes 'token-quota' and 'token-quota-period' come together.");
    }
    if per_minute.is_none() && quota.is_none() {
        let text = format!("The element '{name}' needs the attribute 'tokens-per-minute' or 'token-quota'.");
        c.error("xsd", element.at, text);
    }
    let counter_key = c.text(element, "counter-key");
    let policy = TokenLimit {
        element: name,
        counter_key: counter_key?,
        per_minute,
        quota: quota.zip(period),
        estimate: estimate?,
        report: Report::compile(element, c),
    };
    c.need(Needs { request_body: true, response_body: false });
    (c.findings() == before).then(|| Step::sync(Shared(Arc::new(policy))))
}

/// What one request runs into.
struct Account {
    /// Counter and limit of the minute.
    minute: Option<(String, RateLimit)>,
    /// Counter, window and size of the quota.
    quota: Option<(String, QuotaWindow, u64)>,
    /// Counted before the request was sent.
    prepaid: u64,
}

const MINUTE: Duration = Duration::from_mins(1);

impl TokenLimit {
    fn account(&self, exchange: &Exchange) -> Result<Account, Fault> {
        let key = format!("t\0{}", self.counter_key.get(exchange)?);
        let minute = match &self.per_minute {
            None => None,
            Some(tokens) => {
                let calls = tokens.get(exchange)?.max(0).unsigned_abs();
                Some((format!("\0\0{key}"), RateLimit { calls, period: MINUTE }))
            }
        };
        let quota = match &self.quota {
            None => None,
            Some((tokens, period)) => {
                let window = period.window(exchange.unix_seconds());
                Some((
                    format!("{key}\0{}", period.name()),
                    window,
                    tokens.get(exchange)?.max(0).unsigned_abs(),
                ))
            }
        };
        Ok(Account { minute, quota, prepaid: 0 })
    }

    /// Refuses a request whose prompt, of `wanted` tokens at least, does not fit.
    fn check(
        &self,
        account: &Account,
        wanted: u64,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<(), Fault> {
        if let Some((key, limit)) = &account.minute {
            if wanted > limit.calls {
                return Err(self.report.never_fits(self.element, wanted, limit.calls));
            }
            // Full once so much is used that the prompt has no room.
            let room = RateLimit { calls: limit.calls + 1 - wanted.max(1), ..*limit };
            let decision = ports.counters().peek(key, room);
            if !decision.allowed {
                return Err(self.report.too_many(self.element, decision.retry_after, exchange));
            }
        }
        if let Some((key, window, quota)) = &account.quota {
            let used = ports.quotas().used(key, *window).count;
            if used.saturating_add(wanted.max(1)) > *quota {
                let left = window.end.unwrap_or(i64::MAX).saturating_sub(exchange.unix_seconds());
                return Err(self.report.quota_exceeded(self.element, left.max(1).unsigned_abs(), exchange));
            }
        }
        Ok(())
    }
}

impl Account {
    /// Counts what has been used beyond what was counted before.
    fn settle(&self, meter: &TokenMeter, ending: &Ending<'_>) {
        let more = meter.usage().map_or(0, |usage| usage.total).saturating_sub(self.prepaid);
        if more == 0 {
            return;
        }
        if let Some((key, limit)) = &self.minute {
            ending.counters.add(key, *limit, more);
        }
        if let Some((key, window, _)) = &self.quota {
            ending.quotas.add(key, *window, QuotaUse { count: more, bytes: 0 });
        }
    }

    /// Tokens left of the minute and of the quota when `used` more are taken off.
    fn left(&self, used: u64, ports: &dyn Ports) -> (Option<u64>, Option<u64>) {
        let minute = self
            .minute
            .as_ref()
            .map(|(key, limit)| ports.counters().peek(key, *limit).remaining.saturating_sub(used));
        let quota = self.quota.as_ref().map(|(key, window, quota)| {
            quota.saturating_sub(ports.quotas().used(key, *window).count).saturating_sub(used)
        });
        (minute, quota)
    }
}

/// Shared with the work put off until the answer is there.
struct Shared(Arc<TokenLimit>);

impl Policy for Shared {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let policy = &self.0;
        let mut account = policy.account(exchange)?;
        let estimates = policy.estimate.get(exchange)?;
        let meter = TokenMeter::of(exchange);
        let estimate = if estimates || meter.prompt().is_streaming { meter.prompt_tokens() } else { 0 };
        policy.check(&account, if estimates { estimate } else { 0 }, exchange, ports)?;
        if estimates {
            account.prepaid = estimate;
            if let Some((key, limit)) = &account.minute {
                ports.counters().add(key, *limit, estimate);
            }
            if let Some((key, window, _)) = &account.quota {
                ports.quotas().add(key, *window, QuotaUse { count: estimate, bytes: 0 });
            }
        }
        policy.report.write(account.left(0, ports), estimate, exchange)?;
        let account = Rc::new(account);
        let (policy, answered, seen) = (Arc::clone(policy), Rc::clone(&account), Rc::clone(&meter));
        meter.when_answered(move |exchange, ports| {
            let used = seen.usage().map_or(answered.prepaid, |usage| usage.total).max(answered.prepaid);
            let left = answered.left(used - answered.prepaid, ports);
            // A name that cannot be a field has been refused with the estimate above.
            let _ = policy.report.write(left, used, exchange);
        });
        exchange.at_end.push(Box::new(move |ending, _| account.settle(&meter, ending)));
        Ok(Flow::Continue)
    }
}
