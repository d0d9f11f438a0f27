//! What each statement did to the exchange, for a request that is traced (`policies.md` §12). Nothing here runs for
//! others. What is noted holds secrets as they are: whoever shows it masks them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_expression::host::Host;
use serde_json::{Map, Value, json};

use super::Exchange;
use crate::fault::{Fault, Section};
use crate::message::{Body, Headers};
use crate::pipeline::Needs;

/// Statements noted of one request, and bytes of their texts.
const ENTRIES_MAX: usize = 1000;
const BYTES_MAX: usize = 512 << 10;
/// Longest text shown of one value.
const VALUE_BYTES_MAX: usize = 4 << 10;

/// The trace of one request.
#[derive(Debug, Default)]
pub struct Tracer {
    entries: Vec<Entry>,
    bytes: usize,
    dropped: u64,
}

/// One statement that has run.
#[derive(Debug)]
pub struct Entry {
    pub section: Section,
    /// Element name.
    pub source: &'static str,
    /// Since receipt of the request, when it was done.
    pub elapsed: Duration,
    pub data: Value,
}

/// A statement as a trace names it.
#[derive(Clone, Copy, Debug)]
pub struct Traced<'a> {
    pub element: &'static str,
    pub path: &'a Arc<str>,
    pub scope: &'static str,
    pub needs: Needs,
}

/// The exchange before a statement.
#[derive(Debug)]
pub struct Before {
    begin: Instant,
    section: Section,
    facts: Map<String, Value>,
    notes: usize,
}

impl Before {
    pub fn of(exchange: &Exchange) -> Self {
        let (begin, section) = (Instant::now(), exchange.section);
        Self { begin, section, facts: facts(exchange), notes: exchange.trace.len() }
    }
}

impl Tracer {
    /// Notes what the statement changed.
    pub fn note<T>(
        exchange: &mut Exchange,
        statement: Traced<'_>,
        before: Before,
        result: &Result<T, Fault>,
    ) {
        let elapsed = exchange.received.elapsed();
        let now = facts(exchange);
        let mut data = json!({
            "path": &**statement.path, "scope": statement.scope, "duration": span(before.begin.elapsed()),
        });
        let buffers = buffered(statement.needs, &before.facts, &now);
        let changes: Map<String, Value> =
            now.into_iter().filter(|(name, value)| before.facts.get(name) != Some(value)).collect();
        if !changes.is_empty() {
            data["changed"] = Value::Object(changes);
        }
        if !buffers.is_empty() {
            data["buffers"] = json!(buffers);
        }
        let notes = exchange.trace.since(before.notes);
        if !notes.is_empty() {
            data["messages"] = notes
                .iter()
                .map(|note| {
                    let metadata = note.metadata.iter().map(|(name, value)| (name.to_string(), json!(value)));
                    json!({
                        "source": &*note.source, "severity": note.severity.as_str(), "message": note.message,
                        "metadata": metadata.collect::<Map<_, _>>(),
                    })
                })
                .collect();
        }
        if let Err(fault) = result {
            data["error"] = json!({ "reason": fault.error.reason, "message": fault.error.message });
        }
        let Some(tracer) = &mut exchange.tracer else { return };
        tracer.bytes += data.to_string().len();
        if tracer.entries.len() >= ENTRIES_MAX || tracer.bytes > BYTES_MAX {
            tracer.dropped += 1;
            return;
        }
        tracer.entries.push(Entry { section: before.section, source: statement.element, elapsed, data });
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Statements that did not fit.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }
}

/// Messages whose bodies the statement needed whole: its expressions, or what it does with a body that was streaming.
fn buffered(needs: Needs, before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<&'static str> {
    let text = |facts: &Map<String, Value>, name: &str| facts.get(name)?.as_str().map(str::to_owned);
    let is_now = |name: &str| {
        text(before, name).is_some_and(|body| body == "streaming")
            && text(now, name).is_some_and(|body| body.starts_with("buffered"))
    };
    let mut names = Vec::new();
    if needs.request_body || is_now("request.body") {
        names.push("request");
    }
    if needs.response_body || is_now("response.body") {
        names.push("response");
    }
    names
}

/// `hh:mm:ss.fffffff`, as the service writes spans.
pub fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    format!(
        "{:02}:{:02}:{:02}.{:07}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60,
        time.subsec_nanos() / 100
    )
}

/// What a statement may change, by name.
fn facts(exchange: &Exchange) -> Map<String, Value> {
    let mut facts = Map::new();
    let request = &exchange.request;
    let mut add = |name: &str, value: Value| {
        facts.insert(name.to_owned(), value);
    };
    add("request.method", request.method.as_str().into());
    add("request.url", request.url.to_string().into());
    add("request.headers", headers(&request.headers));
    add("request.body", body(&request.body));
    if let Some(backend) = exchange.destination().or(exchange.backend.as_ref()) {
        let id = backend.id.as_deref().map_or_else(|| backend.base.to_string(), str::to_owned);
        add("backend", id.into());
    }
    if let Some(response) = &exchange.response {
        add("response.status", format!("{} {}", response.status, response.reason_text()).into());
        add("response.headers", headers(&response.headers));
        add("response.body", body(&response.body));
    }
    exchange.variables(&mut |name, value| {
        add(&format!("variables.{name}"), cut(&value.to_text()).into());
    });
    facts
}

fn headers(headers: &Headers) -> Value {
    let each = headers
        .iter()
        .map(|(name, value)| json!({ "name": name, "value": cut(&String::from_utf8_lossy(value)) }));
    each.collect()
}

fn body(body: &Body) -> Value {
    match body {
        Body::Empty => "empty".into(),
        Body::Bytes(bytes) => format!("buffered, {} bytes", bytes.len()).into(),
        Body::Stream(_) => "streaming".into(),
        Body::Consumed => "consumed".into(),
    }
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(VALUE_BYTES_MAX)]
}
