//! Policy documents of a revision, each compiled once.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gateway_expression::Options;
use gateway_model::resource::{Parameter, Schema};
use gateway_model::{Diagnostic, FragmentId, LoggerId, Operation, PolicyScope, ResourceSet, SchemaId};
use gateway_policy::backend::Backends;
use gateway_policy::certificates::Certificates;
use gateway_policy::compile::{CompiledDocument, Lookup, compile_document};
use gateway_policy::event_hub::EventHub;
use gateway_policy::fault::Scope;

/// What documents refer to, over one resource set.
pub struct References<'a> {
    set: &'a ResourceSet,
    named_values: BTreeMap<String, &'a str>,
    backends: &'a Arc<Backends>,
    certificates: &'a Arc<Certificates>,
    expressions: &'a Options,
    lower: RefCell<String>,
    /// The one operation that documents are for, where there is one.
    operation: Option<&'a Operation>,
}

impl<'a> References<'a> {
    pub fn new(
        set: &'a ResourceSet,
        backends: &'a Arc<Backends>,
        certificates: &'a Arc<Certificates>,
        expressions: &'a Options,
    ) -> Self {
        let named_values = set
            .named_values_by_display_name()
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.value.as_ref()?.expose())))
            .collect();
        Self {
            set,
            named_values,
            backends,
            certificates,
            expressions,
            lower: RefCell::default(),
            operation: None,
        }
    }

    /// The value of the named value that a text refers to as a whole. A reference to nothing stays as it is; credentials
    /// then do not fit, which is told.
    pub fn expand(&self, text: &str) -> String {
        let name = text.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
        let value = name.and_then(|name| self.named_value(name.trim()));
        value.unwrap_or(text).to_owned()
    }

    /// For the document of one operation.
    #[must_use]
    pub fn of_operation(self, operation: Option<&'a Operation>) -> Self {
        Self { operation, ..self }
    }
}

impl Lookup for References<'_> {
    fn named_value(&self, name: &str) -> Option<&str> {
        let mut lower = self.lower.borrow_mut();
        lower.clear();
        lower.push_str(name);
        lower.make_ascii_lowercase();
        self.named_values.get(lower.as_str()).copied()
    }

    fn fragment(&self, id: &str) -> Option<(&str, Arc<str>)> {
        let scope = PolicyScope::Fragment(FragmentId::from(id));
        self.set.policy(&scope).map(|document| (&*document.text, Arc::clone(&document.origin.file)))
    }

    fn schema(&self, id: &str) -> Option<&Schema> {
        self.set.schemas.get(&SchemaId::from(id))
    }

    fn event_hub(&self, logger: &str) -> Option<Result<Arc<EventHub>, String>> {
        let logger = self.set.loggers.get(&LoggerId::from(logger))?;
        Some(EventHub::of(logger, &|text| self.expand(text)).map(Arc::new))
    }

    fn backends(&self) -> Arc<Backends> {
        Arc::clone(self.backends)
    }

    fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(self.certificates)
    }

    fn expressions(&self) -> Options {
        self.expressions.clone()
    }

    fn has_template_parameter(&self, name: &str) -> Option<bool> {
        let parameters = &self.operation?.template_parameters;
        let is_it = |known: &Parameter| known.name.trim_start_matches('*').eq_ignore_ascii_case(name);
        Some(parameters.iter().any(is_it))
    }
}

/// Documents by scope; `None` where a document stands that does not compile.
pub type Documents = HashMap<PolicyScope, Option<Arc<CompiledDocument>>>;

/// Compiles every document of the set. Findings inside an API's documents name the API.
pub fn compile_all(
    set: &ResourceSet,
    references: &References<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Documents {
    let mut documents = Documents::new();
    for document in set.policies.values() {
        let Some(scope) = scope_of(&document.scope) else { continue };
        let mut findings = Vec::new();
        let file = Arc::clone(&document.origin.file);
        let compiled = compile_document(&document.text, file, scope, references, &mut findings);
        diagnostics.extend(findings.into_iter().map(|finding| finding.on(document.scope.resource())));
        documents.insert(document.scope.clone(), compiled.map(Arc::new));
    }
    documents
}

/// The scope by which a document is compiled; none for those that are compiled with something else.
pub(super) fn scope_of(scope: &PolicyScope) -> Option<Scope> {
    match scope {
        PolicyScope::Global => Some(Scope::Global),
        PolicyScope::Product(_) => Some(Scope::Product),
        PolicyScope::Api(_) => Some(Scope::Api),
        PolicyScope::Operation(..) => Some(Scope::Operation),
        // Resolvers are compiled with their schema.
        PolicyScope::Fragment(_) | PolicyScope::Resolver(..) => None,
    }
}
