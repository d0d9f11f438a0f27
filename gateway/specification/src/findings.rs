//! Findings about a definition: errors one by one, what is not kept once a kind.

use std::collections::BTreeMap;

use gateway_model::{ApiId, Diagnostic, Origin, ResourceId, diagnostic};

/// Collects findings about the definition of one API.
#[derive(Debug)]
pub(crate) struct Findings {
    api: ApiId,
    list: Vec<Diagnostic>,
    noted: BTreeMap<&'static str, (usize, Origin)>,
}

/// Most findings kept; a definition that is wrong throughout is not worth more.
const FINDINGS_MAX: usize = 200;

impl Findings {
    pub(crate) fn new(api: ApiId) -> Self {
        Self { api, list: Vec::new(), noted: BTreeMap::new() }
    }

    pub(crate) fn push(&mut self, finding: Diagnostic) {
        if self.list.len() < FINDINGS_MAX {
            self.list.push(finding.on(ResourceId::Api(self.api.clone())));
        }
    }

    pub(crate) fn error(&mut self, code: &'static str, origin: &Origin, message: impl Into<String>) {
        self.push(Diagnostic::error(code, origin.clone(), message));
    }

    pub(crate) fn warning(&mut self, code: &'static str, origin: &Origin, message: impl Into<String>) {
        self.push(Diagnostic::warning(code, origin.clone(), message));
    }

    /// Counts something that an operation cannot keep as written; `what` is a sentence in the plural.
    pub(crate) fn note(&mut self, what: &'static str, origin: &Origin) {
        let (count, first) = self.noted.entry(what).or_insert_with(|| (0, origin.clone()));
        *count += 1;
        if origin < first {
            *first = origin.clone();
        }
    }

    /// All findings, in file order.
    pub(crate) fn finish(mut self) -> Vec<Diagnostic> {
        for (what, (count, first)) in std::mem::take(&mut self.noted) {
            let message = format!("{what} (found {count}, here the first)");
            self.list.push(
                Diagnostic::warning("definition-dropped", first, message)
                    .on(ResourceId::Api(self.api.clone())),
            );
        }
        diagnostic::sort(&mut self.list);
        self.list
    }
}
