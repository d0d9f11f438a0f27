//! `trace` (`policies.md` C 4.1).

use std::sync::Arc;

use crate::catalogue::{ALL, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::exchange::trace::{Severity, TraceEntry};
use crate::fault::Fault;
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::Ports;
use crate::xml::Element;

pub static TRACE: PolicyDef = PolicyDef {
    element: "trace",
    sections: ALL,
    attributes: &[required("source", Kind::Text), optional("severity", Kind::OneOf(Severity::NAMES))],
    content: Content::TextOrElements(&[
        child("message", (0, 1), &[], Content::Text { expression: true }),
        child(
            "metadata",
            (0, MANY),
            &[required("name", Kind::Text), required("value", Kind::Text).expression()],
            Content::Empty,
        ),
    ]),
    once: false,
    docs: "Notes a message (in `message`, or as older documents have it the text itself), with `metadata` pairs, for the request's trace and log entry. `severity`: verbose \
           (default), information, error. At most 128 notes and 64 KiB of one request are kept.",
    compile,
};

struct Trace {
    source: Arc<str>,
    severity: Severity,
    message: TextArg,
    metadata: Vec<(Arc<str>, TextArg)>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let holder = element.child("message").unwrap_or(element);
    if element.child("message").is_none() && element.text().trim().is_empty() {
        let text =
            "The element 'trace' has incomplete content. List of possible elements expected: 'message'.";
        c.error("xsd", element.at, text);
    }
    let message = c.content(holder);
    let metadata = element
        .elements()
        .filter(|child| &*child.name == "metadata")
        .filter_map(|pair| Some((c.literal(pair, "name")?, c.text(pair, "value")?)))
        .collect();
    let policy = Trace {
        source: c.literal(element, "source")?,
        severity: c.literal(element, "severity").and_then(|text| Severity::parse(&text)).unwrap_or_default(),
        message: message?,
        metadata,
    };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl Policy for Trace {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let message = self.message.get(exchange)?.into_owned();
        let mut metadata = Vec::with_capacity(self.metadata.len());
        for (name, value) in &self.metadata {
            metadata.push((Arc::clone(name), value.get(exchange)?.into_owned()));
        }
        tracing::debug!(
            request = exchange.id_text(),
            source = &*self.source,
            severity = self.severity.as_str(),
            text = message,
            "trace policy"
        );
        exchange.trace.add(TraceEntry {
            source: (*self.source).into(),
            severity: self.severity,
            message,
            metadata,
            elapsed: exchange.elapsed(ports),
        });
        Ok(Flow::Continue)
    }
}
