//! The effective policy of an operation in a product: the scopes joined at `<base />` (`policies.md` §3).

use std::sync::Arc;

use super::document::{CompiledDocument, Item};
use super::{Lookup, compile_document};
use crate::backend::Backends;
use crate::certificates::Certificates;
use crate::fault::{Scope, Section};
use crate::pipeline::{Block, Pipeline, Statement};

/// Joins documents, outermost first. A scope without a document is left out: it inherits everything.
pub fn effective(documents: &[&CompiledDocument]) -> Pipeline {
    let block = |section| Block::new(join(documents, section));
    Pipeline {
        inbound: block(Section::Inbound),
        backend: block(Section::Backend),
        outbound: block(Section::Outbound),
        on_error: block(Section::OnError),
    }
}

fn join(documents: &[&CompiledDocument], section: Section) -> Vec<Arc<Statement>> {
    let mut joined: Vec<Arc<Statement>> = Vec::new();
    for document in documents {
        let Some(items) = document.section(section) else { continue };
        let mut next = Vec::with_capacity(items.len() + joined.len());
        for item in items {
            match item {
                Item::Base => next.extend(joined.iter().cloned()),
                Item::Statement(statement) => next.push(Arc::clone(statement)),
            }
        }
        joined = next;
    }
    joined
}

/// The document that stands at the global scope when none is given: requests are forwarded.
pub fn default_global() -> CompiledDocument {
    struct Nothing;
    impl Lookup for Nothing {
        fn event_hub(&self, _: &str) -> Option<Result<Arc<crate::event_hub::EventHub>, String>> {
            None
        }

        fn named_value(&self, _: &str) -> Option<&str> {
            None
        }
        fn fragment(&self, _: &str) -> Option<(&str, Arc<str>)> {
            None
        }
        fn backends(&self) -> Arc<Backends> {
            Arc::default()
        }
        fn certificates(&self) -> Arc<Certificates> {
            Arc::default()
        }
    }
    const TEXT: &str =
        "<policies><inbound /><backend><forward-request /></backend><outbound /><on-error /></policies>";
    let mut findings = Vec::new();
    compile_document(TEXT, "default".into(), Scope::Global, &Nothing, &mut findings)
        .unwrap_or_else(|| unreachable!("the built-in document compiles: {findings:?}"))
}
