//! `llm-semantic-cache-store` and `azure-openai-semantic-cache-store` (`policies.md` B 3.8).

use std::time::Duration;

use super::cache_store::{Keeper, note_uncached, unsuitable};
use crate::catalogue::{AttributeDef, Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg};
use crate::exchange::Exchange;
use crate::fault::{Fault, Section};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static LLM_SEMANTIC_CACHE_STORE: PolicyDef = PolicyDef {
    element: "llm-semantic-cache-store",
    sections: &[Section::Outbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: true,
    docs: "Keeps the answer of a call that `llm-semantic-cache-lookup` did not find, for `duration` seconds, as `cache-store` \
           does: only a 200, unless `cache-response` says true or false; a streamed answer once its last byte has gone by. \
           A failure of the cache changes nothing.",
    compile: |element, c| compile("llm-semantic-cache-store", element, c),
};

pub static AZURE_OPENAI_SEMANTIC_CACHE_STORE: PolicyDef = PolicyDef {
    element: "azure-openai-semantic-cache-store",
    sections: &[Section::Outbound],
    attributes: ATTRIBUTES,
    content: Content::Empty,
    once: true,
    docs: "The same as `llm-semantic-cache-store`.",
    compile: |element, c| compile("azure-openai-semantic-cache-store", element, c),
};

const ATTRIBUTES: &[AttributeDef] = &[
    required("duration", Kind::Int(1, i32::MAX as i64)).expression(),
    optional("cache-response", Kind::Bool).expression(),
];

struct SemanticCacheStore {
    element: &'static str,
    duration: IntArg,
    cache_response: Option<BoolArg>,
}

fn compile(name: &'static str, element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let duration = c.int(element, "duration");
    let cache_response = c.boolean(element, "cache-response");
    let policy = SemanticCacheStore { element: name, duration: duration?, cache_response };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl Policy for SemanticCacheStore {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let Some(plan) = exchange.cache.semantic.take() else { return Ok(Flow::Continue) };
        let seconds = self.duration.get(exchange)?.max(0).unsigned_abs();
        let wanted = self.cache_response.as_ref().map(|argument| argument.get(exchange)).transpose()?;
        let stored_ms = exchange.unix_ms(ports);
        let Some(response) = exchange.response.as_mut() else { return Ok(Flow::Continue) };
        let reason = if seconds == 0 { Some("the duration is 0") } else { unsuitable(response, wanted) };
        if let Some(reason) = reason {
            note_uncached(self.element, reason, exchange, ports);
            return Ok(Flow::Continue);
        }
        let writer = ports.vectors().vector_writer(&plan.partition, &plan.vector);
        Keeper::new(response, stored_ms, Duration::from_secs(seconds), writer, None).keep(response);
        Ok(Flow::Continue)
    }
}
