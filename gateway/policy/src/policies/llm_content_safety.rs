//! `llm-content-safety` (`policies.md` C 6.1).

mod gate;
mod service;

use std::sync::Arc;

use crate::backend::{Callee, EntityArg};
use crate::catalogue::{Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg, TextArg};
use crate::exchange::{AfterBackend, Exchange};
use crate::fault::{Fault, Section};
use crate::llm::{Dialog, answer_text};
use crate::pipeline::{Flow, Needs, Step, WaitingPolicy};
use crate::ports::{LocalFuture, Ports, TokenRequest};
use crate::xml::Element;
use gate::Windows;
use service::{Analysis, CHARACTERS_MAX, CategoryRule, OUTPUT_TYPES, Verdict};

const SOURCE: &str = "llm-content-safety";
/// What the token is for where the backend entity names no credentials.
const RESOURCE: &str = "https://cognitiveservices.azure.com";
/// Windows of one answer.
const WINDOWS_MAX: usize = 1_000;

pub static LLM_CONTENT_SAFETY: PolicyDef = PolicyDef {
    element: SOURCE,
    sections: &[Section::Inbound, Section::Outbound],
    attributes: &[
        required("backend-id", Kind::Text).expression(),
        optional("shield-prompt", Kind::Bool).expression(),
        optional("enforce-on-completions", Kind::Bool).expression(),
        optional("window-size", Kind::Int(1, CHARACTERS_MAX as i64)).expression(),
        optional("window-overlap-size", Kind::Int(0, CHARACTERS_MAX as i64)).expression(),
    ],
    content: Content::Sequence(&[
        child(
            "categories",
            (0, 1),
            &[optional("output-type", Kind::OneOf(OUTPUT_TYPES))],
            Content::Elements(&[child(
                "category",
                (1, MANY),
                &[
                    required("name", Kind::OneOf(&["Hate", "SelfHarm", "Sexual", "Violence"])),
                    required("threshold", Kind::Int(0, 7)),
                ],
                Content::Empty,
            )]),
        ),
        child(
            "blocklists",
            (0, 1),
            &[],
            Content::Elements(&[child("id", (1, MANY), &[], Content::Text { expression: true })]),
        ),
    ]),
    once: false,
    docs: "Has the texts of a call to a language model (inbound) or of its answer (outbound) judged by Azure AI Content \
           Safety at the backend entity `backend-id`, with the entity's credentials or a token of the gateway's own \
           identity. Blocked with 403 when a category's severity is `threshold` or more, when a blocklist of the \
           service matches, or, with `shield-prompt`, when the prompt is an attack. `enforce-on-completions`: the inbound \
           policy judges the answer too. An answer is judged in windows of `window-size` characters (default 10,000), each \
           beginning with the last `window-overlap-size` of the one before; a streamed answer is held back until its \
           window has passed, and ends where one does not. A prompt of more than 10,000 characters: 403. Without a \
           judgement nothing passes: 500, reason ContentSafetyUnavailable, or the end of the stream.",
    compile,
};

struct ContentSafety {
    backend: EntityArg,
    shield_prompt: BoolArg,
    on_completions: BoolArg,
    window: IntArg,
    overlap: IntArg,
    output_type: Arc<str>,
    categories: Vec<CategoryRule>,
    blocklists: Vec<TextArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let categories = element.child("categories");
    let rules = categories.into_iter().flat_map(Element::elements).filter_map(|category| {
        let threshold = c.literal(category, "threshold")?.parse().ok()?;
        Some(CategoryRule { name: c.literal(category, "name")?, threshold })
    });
    let rules: Vec<_> = rules.collect();
    let ids: Vec<_> = element.child("blocklists").into_iter().flat_map(Element::elements).collect();
    let policy = ContentSafety {
        backend: EntityArg::compile(element, "backend-id", c)?,
        shield_prompt: c.boolean_or(element, "shield-prompt", false)?,
        on_completions: c.boolean_or(element, "enforce-on-completions", false)?,
        window: c.int(element, "window-size").unwrap_or(IntArg::Literal(CHARACTERS_MAX as i64)),
        overlap: c.int(element, "window-overlap-size").unwrap_or(IntArg::Literal(0)),
        output_type: categories
            .and_then(|categories| c.literal(categories, "output-type"))
            .unwrap_or_else(|| OUTPUT_TYPES[0].into()),
        categories: rules,
        blocklists: ids.into_iter().filter_map(|id| c.content(id)).collect(),
    };
    if c.section == Section::Inbound {
        c.need(Needs { request_body: true, response_body: false });
    }
    let is_sound = c.findings() == before;
    let shields = !matches!(policy.shield_prompt, BoolArg::Literal(false));
    if policy.categories.is_empty() && policy.blocklists.is_empty() && !shields {
        let text = "The policy 'llm-content-safety' asks for nothing: it has no categories, no blocklists and no shield.";
        c.warning("content-safety-empty", element.at, text);
    }
    is_sound.then(|| Step::waiting(Shared(Arc::new(policy))))
}

impl ContentSafety {
    async fn callee(&self, exchange: &Exchange, ports: &dyn Ports) -> Result<Callee, Fault> {
        let backend = self.backend.get(SOURCE, exchange)?;
        let names_credentials = !backend.headers.is_empty() || !backend.query.is_empty();
        let token = TokenRequest { resource: RESOURCE.to_owned(), client_id: None };
        Callee::new(&backend, (!names_credentials).then_some(&token), exchange.fetches(), ports).await
    }

    /// What is asked of the service about a text; `None` where nothing is.
    fn analysis(&self, exchange: &Exchange) -> Result<Option<Analysis>, Fault> {
        if self.categories.is_empty() && self.blocklists.is_empty() {
            return Ok(None);
        }
        let mut blocklists = Vec::with_capacity(self.blocklists.len());
        for id in &self.blocklists {
            blocklists.push(id.get(exchange)?.into_owned());
        }
        let output_type = Arc::clone(&self.output_type);
        Ok(Some(Analysis { categories: self.categories.clone(), blocklists, output_type }))
    }

    fn windows(&self, exchange: &Exchange) -> Result<Windows, Fault> {
        let size = self.window.get(exchange)?;
        let overlap = self.overlap.get(exchange)?;
        if !(1..=CHARACTERS_MAX as i64).contains(&size) || !(0..size).contains(&overlap) {
            let text = format!(
                "window-size must be 1 to {CHARACTERS_MAX} and window-overlap-size smaller than it, not {size} and {overlap}."
            );
            return Err(Fault::expression(&text));
        }
        Ok(Windows { size: size as usize, overlap: overlap as usize })
    }

    async fn judge_prompt(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<(), Fault> {
        let text = Dialog::read(exchange.request.body.buffered()).text();
        let (shields, analysis) = (self.shield_prompt.get(exchange)?, self.analysis(exchange)?);
        if text.trim().is_empty() || (!shields && analysis.is_none()) {
            return Ok(());
        }
        if text.chars().count() > CHARACTERS_MAX {
            let detail = format!("The prompt has more than {CHARACTERS_MAX} characters.");
            return Err(blocked("Request", detail));
        }
        let callee = self.callee(exchange, ports).await?;
        if shields {
            exchange.count_call()?;
            let answer = callee.send(service::shield(&callee, &text), &*ports.sender()).await;
            settle("Request", service::shield_verdict(answer))?;
        }
        if let Some(analysis) = analysis {
            exchange.count_call()?;
            let answer = callee.send(analysis.call(&callee, &text), &*ports.sender()).await;
            settle("Request", analysis.verdict(answer))?;
        }
        Ok(())
    }

    /// Judges the answer: at once where it is one document, else as it streams by.
    async fn judge_answer(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<(), Fault> {
        let (windows, analysis) = (self.windows(exchange)?, self.analysis(exchange)?);
        let Some(analysis) = analysis else { return Ok(()) };
        let Some(response) =
            exchange.response.as_ref().filter(|response| (200..300).contains(&response.status))
        else {
            return Ok(());
        };
        let content_type = response.headers.get_str("Content-Type").unwrap_or_default().to_ascii_lowercase();
        let is_stream = content_type.starts_with("text/event-stream");
        if !is_stream && !content_type.contains("json") {
            return Ok(());
        }
        let callee = self.callee(exchange, ports).await?;
        exchange.count_call()?;
        if is_stream {
            if let Some(response) = exchange.response.as_mut() {
                let body = std::mem::take(&mut response.body);
                response.body = gate::hold(body, windows, analysis, callee, ports.sender());
                response.headers.remove("Content-Length");
            }
            return Ok(());
        }
        exchange.buffer_response(ports).await?;
        let body = exchange.response.as_ref().map_or(&[][..], |response| response.body.buffered());
        let text = serde_json::from_slice(body).map(|document| answer_text(&document)).unwrap_or_default();
        let pieces = windows.of(&text);
        if pieces.len() > WINDOWS_MAX {
            return Err(blocked("Response", format!("The answer has more than {WINDOWS_MAX} windows.")));
        }
        for piece in pieces.into_iter().filter(|piece| !piece.trim().is_empty()) {
            let answer = callee.send(analysis.call(&callee, piece), &*ports.sender()).await;
            settle("Response", analysis.verdict(answer))?;
        }
        Ok(())
    }
}

/// 403, the client is not told why.
fn blocked(whose: &str, detail: String) -> Fault {
    Fault::new(403, format!("{whose} failed content safety check."), SOURCE, "ContentBlocked", detail)
}

fn settle(whose: &str, verdict: Verdict) -> Result<(), Fault> {
    match verdict {
        Verdict::Passed => Ok(()),
        Verdict::Blocked(detail) => Err(blocked(whose, detail)),
        Verdict::Unknown(reason) => Err(Fault::internal(SOURCE, "ContentSafetyUnavailable", reason)),
    }
}

/// Shared with the work put off until the backend has answered.
struct Shared(Arc<ContentSafety>);

impl WaitingPolicy for Shared {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        if exchange.section == Section::Outbound {
            self.0.judge_answer(exchange, ports).await?;
            return Ok(Flow::Continue);
        }
        self.0.judge_prompt(exchange, ports).await?;
        if self.0.on_completions.get(exchange)? {
            // A compressed answer could not be read.
            exchange.request.headers.remove("Accept-Encoding");
            exchange.after_backend.push(Arc::<ContentSafety>::clone(&self.0));
        }
        Ok(Flow::Continue)
    }
}

impl AfterBackend for ContentSafety {
    fn run<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<(), Fault>> {
        Box::pin(self.judge_answer(exchange, ports))
    }
}
