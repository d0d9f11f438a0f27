//! `llm-emit-token-metric` and `azure-openai-emit-token-metric` (`policies.md` C 4.3).

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::emit_metric::{BACKEND_ID, DIMENSION, Dimension, NAMESPACE, namespace};
use crate::catalogue::{AttributeDef, Content, PolicyDef};
use crate::compile::Compiler;
use crate::exchange::Exchange;
use crate::exchange::metric::{Metric, Metrics};
use crate::fault::{Fault, Section};
use crate::llm::{TokenMeter, Usage};
use crate::pipeline::{Flow, Needs, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

/// Dimensions besides those with a value of their own (`policies.md` §10).
const CUSTOM_MAX: usize = 5;

pub static LLM_EMIT_TOKEN_METRIC: PolicyDef = PolicyDef {
    element: "llm-emit-token-metric",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: CONTENT,
    once: false,
    docs: "Adds the tokens of a language model's answer to the metrics Total Tokens, Prompt Tokens and Completion Tokens \
           of `namespace` (default API Management), as `emit-metric` does. Dimensions are those of `emit-metric` and \
           Backend ID; at most 5 with a value of their own. Tokens are counted as `llm-token-limit` counts them, those of \
           a stream once its last byte has gone by. Without an answer of a model there is no metric.",
    compile,
};

pub static AZURE_OPENAI_EMIT_TOKEN_METRIC: PolicyDef = PolicyDef {
    element: "azure-openai-emit-token-metric",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: CONTENT,
    once: false,
    docs: "The same as `llm-emit-token-metric`.",
    compile,
};

const ATTRIBUTES: &[AttributeDef] = &[NAMESPACE];
const CONTENT: Content = Content::Elements(&[DIMENSION]);

struct EmitTokenMetric {
    namespace: Arc<str>,
    dimensions: Vec<Dimension>,
    /// The metrics' names, total first.
    names: [Arc<str>; 3],
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let policy = EmitTokenMetric {
        namespace: namespace(element, c),
        dimensions: Dimension::compile_all(element, CUSTOM_MAX, &[BACKEND_ID], c),
        names: ["Total Tokens", "Prompt Tokens", "Completion Tokens"].map(Into::into),
    };
    c.need(Needs { request_body: true, response_body: false });
    (c.findings() == before).then(|| Step::sync(Shared(Arc::new(policy))))
}

/// Values of the dimensions, by name.
type Values = Vec<(Arc<str>, String)>;

impl EmitTokenMetric {
    fn emit(&self, usage: Usage, dimensions: &Values, metrics: &mut Metrics) {
        for (name, tokens) in self.names.iter().zip([usage.total, usage.prompt, usage.completion]) {
            metrics.add(Metric {
                namespace: Arc::clone(&self.namespace),
                name: Arc::clone(name),
                value: tokens as f64,
                dimensions: dimensions.clone(),
            });
        }
    }
}

/// Shared with the work put off until the answer is out.
struct Shared(Arc<EmitTokenMetric>);

impl Policy for Shared {
    fn apply(&self, exchange: &mut Exchange, _: &dyn Ports) -> Result<Flow, Fault> {
        let policy = &self.0;
        let values = Rc::new(RefCell::new(Dimension::evaluate_all(&policy.dimensions, exchange)?));
        let meter = TokenMeter::of(exchange);
        let (answered, own) = (Rc::clone(&values), Arc::clone(policy));
        // Which backend is known by then.
        meter.when_answered(move |exchange, _| {
            Dimension::read_again(&own.dimensions, &mut answered.borrow_mut(), exchange);
        });
        let policy = Arc::clone(policy);
        exchange.at_end.push(Box::new(move |_, metrics| {
            if let Some(usage) = meter.usage() {
                policy.emit(usage, &values.borrow(), metrics);
            }
        }));
        Ok(Flow::Continue)
    }
}
