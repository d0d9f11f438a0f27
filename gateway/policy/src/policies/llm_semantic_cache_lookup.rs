//! `llm-semantic-cache-lookup` and `azure-openai-semantic-cache-lookup` (`policies.md` B 3.7).

mod embedding;
mod question;

use crate::backend::EntityArg;
use crate::catalogue::{AttributeDef, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{TextArg, evaluate};
use crate::exchange::trace::{Severity, TraceEntry};
use crate::exchange::{CacheUse, Exchange, SemanticPlan};
use crate::fault::{Fault, Section};
use crate::message::Method;
use crate::pipeline::{Flow, Needs, Step, WaitingPolicy};
use crate::ports::Ports;
use crate::xml::Element;
use gateway_expression::{Expected, Expression, is_expression};
use question::Question;

/// The elements that store what these looked for in vain.
const STORES: &[&str] = &["llm-semantic-cache-store", "azure-openai-semantic-cache-store"];

pub static LLM_SEMANTIC_CACHE_LOOKUP: PolicyDef = PolicyDef {
    element: "llm-semantic-cache-lookup",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: CONTENT,
    once: true,
    docs: "Answers a call to a language model with the answer to an earlier one that meant the same: the texts of the \
           dialog become a vector by the embeddings API at the backend entity `embeddings-backend-id` (its whole URL), and \
           the nearest vector of an earlier call is a hit when its cosine distance is at most `score-threshold`: 0 is the \
           same, lower is stricter. Calls are compared only within the same API, operation, product and path, with the same \
           parameters besides the dialog, and the same values of `vary-by`. `ignore-system-messages` leaves what the \
           application says out of the comparison; a dialog of more than `max-message-count` messages, or with images, goes \
           past the cache. A hit skips the backend and goes on behind the store. Vectors are in the external cache \
           where its Redis has the search module, else in the gateway itself: 2,000 answers or 32 MiB. Whatever goes wrong \
           is a miss, told by the trace.",
    compile: |element, c| compile("llm-semantic-cache-lookup", element, c),
};

pub static AZURE_OPENAI_SEMANTIC_CACHE_LOOKUP: PolicyDef = PolicyDef {
    element: "azure-openai-semantic-cache-lookup",
    sections: &[Section::Inbound],
    attributes: ATTRIBUTES,
    content: CONTENT,
    once: true,
    docs: "The same as `llm-semantic-cache-lookup`.",
    compile: |element, c| compile("azure-openai-semantic-cache-lookup", element, c),
};

const ATTRIBUTES: &[AttributeDef] = &[
    required("score-threshold", Kind::Double).expression(),
    required("embeddings-backend-id", Kind::Text),
    required("embeddings-backend-auth", Kind::OneOf(&["system-assigned"])),
    optional("ignore-system-messages", Kind::Bool),
    optional("max-message-count", Kind::Int(1, i32::MAX as i64)),
    optional("cache-id", Kind::Text),
];
const CONTENT: Content =
    Content::Elements(&[child("vary-by", (0, MANY), &[], Content::Text { expression: true })]);

struct SemanticCacheLookup {
    element: &'static str,
    threshold: Threshold,
    embeddings: EntityArg,
    ignore_system: bool,
    messages_max: usize,
    cache_id: String,
    vary_by: Vec<TextArg>,
}

enum Threshold {
    Literal(f64),
    Expression(Expression),
}

fn compile(name: &'static str, element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let score = element.attribute("score-threshold")?;
    let threshold = if is_expression(&score.value) {
        c.expression(&score.value, Expected::Double, score.at).map(Threshold::Expression)
    } else {
        let value: f64 = score.value.trim().parse().ok()?;
        if !(0.0..=1.0).contains(&value) {
            c.error("xsd", score.at, format!("The score-threshold {value} is not between 0.0 and 1.0."));
        }
        Some(Threshold::Literal(value))
    };
    let count = c.literal(element, "max-message-count").and_then(|text| text.parse().ok());
    let vary_by = element.elements().filter_map(|child| c.content(child)).collect();
    let policy = SemanticCacheLookup {
        element: name,
        threshold: threshold?,
        embeddings: EntityArg::compile(element, "embeddings-backend-id", c)?,
        ignore_system: c.literal_bool(element, "ignore-system-messages", false),
        messages_max: count.unwrap_or(usize::MAX),
        cache_id: c.literal(element, "cache-id").map(|id| id.to_string()).unwrap_or_default(),
        vary_by,
    };
    c.need(Needs { request_body: true, response_body: false });
    (c.findings() == before).then(|| Step::waiting(policy))
}

impl SemanticCacheLookup {
    fn threshold(&self, exchange: &Exchange) -> Result<f64, Fault> {
        match &self.threshold {
            Threshold::Literal(value) => Ok(*value),
            Threshold::Expression(expression) => evaluate(expression, exchange)?
                .to_text()
                .parse()
                .map_err(|_| Fault::expression("The score-threshold is no number.")),
        }
    }

    fn question(&self, exchange: &Exchange) -> Result<Option<Question>, Fault> {
        if exchange.request.method != Method::Post || exchange.upgrade {
            return Ok(None);
        }
        let mut vary_by = vec![self.cache_id.clone()];
        for argument in &self.vary_by {
            vary_by.push(argument.get(exchange)?.into_owned());
        }
        Ok(Question::read(exchange, self.ignore_system, self.messages_max, &vary_by))
    }
}

impl WaitingPolicy for SemanticCacheLookup {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let threshold = self.threshold(exchange)?;
        let Some(question) = self.question(exchange)? else { return Ok(Flow::Continue) };
        let entity = self.embeddings.get(self.element, exchange)?;
        exchange.settle_bodies();
        exchange.count_call()?;
        let vector = match embedding::of(&question.text, &entity, exchange.fetches(), ports).await {
            Ok(vector) => vector,
            Err(reason) => {
                let elapsed = exchange.elapsed(ports);
                exchange.trace.add(TraceEntry {
                    source: self.element.into(),
                    severity: Severity::Information,
                    message: format!("The cache is not asked: {reason}"),
                    metadata: Vec::new(),
                    elapsed,
                });
                return Ok(Flow::Continue);
            }
        };
        let found = ports.vectors().nearest(&question.partition, &vector, threshold).await;
        if let Some(cached) = found.as_ref().and_then(|entry| entry.response()) {
            exchange.measures.cache = CacheUse::Hit;
            exchange.cache.resume_after = STORES;
            exchange.respond(cached.to_response());
            return Ok(Flow::Respond);
        }
        exchange.measures.cache = CacheUse::Miss;
        // What is kept must be readable for every client.
        exchange.request.headers.remove("Accept-Encoding");
        exchange.cache.semantic = Some(Box::new(SemanticPlan { partition: question.partition, vector }));
        Ok(Flow::Continue)
    }
}
