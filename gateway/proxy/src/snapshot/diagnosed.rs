//! Diagnostics and their loggers: what of which API's requests goes where (`self-hosted-gateway.md` §3.5).
//!
//! Logging takes no API out: what is wrong is a warning, and the value that holds without it stands in.

mod rules;
mod sinks;

use std::collections::BTreeMap;
use std::sync::Arc;

use gateway_model::resource::{LogDiagnostic, LoggerType};
use gateway_model::{Diagnostic, LogDiagnosticScope, LoggerId, Resource, ResourceId, ResourceSet};
use gateway_policy::exchange::capture::{AllWanted, Place, Wanted};
use gateway_policy::exchange::correlation::Protocols;
use gateway_telemetry::diagnostic::{LoggerKind, MessageRules, Rules};
use gateway_telemetry::export::Logger;
use rustc_hash::FxHashMap;

use super::documents::References;

/// Loggers that may be in use at once: each takes memory for what waits for it.
const LOGGERS_MAX: usize = 16;

/// The diagnostics that hold for the requests of one API.
#[derive(Debug, Default, PartialEq)]
pub struct Diagnosed {
    pub rules: Vec<Arc<Rules>>,
    /// What they ask for of the messages, together.
    pub wanted: Option<Arc<AllWanted>>,
    /// The fields by which the gateway takes part in traces, together.
    pub protocols: Protocols,
    /// Application id that goes with the older ones.
    pub application: Option<Arc<str>>,
}

/// The diagnostics of a configuration.
#[derive(Debug, Default)]
pub struct Diagnostics {
    /// For APIs without one of their own, and for requests to none.
    global: Option<Arc<Diagnosed>>,
    /// By the API's id, each with its revision.
    apis: FxHashMap<Box<str>, Vec<(Box<str>, Arc<Diagnosed>)>>,
    /// The loggers in use that are sinks of their own.
    pub loggers: Vec<Logger>,
}

impl Diagnostics {
    pub fn is_empty(&self) -> bool {
        self.global.is_none() && self.apis.is_empty()
    }

    /// Those that hold for a revision of an API.
    pub fn of(&self, api: Option<(&str, &str)>) -> Option<&Arc<Diagnosed>> {
        let own = api.and_then(|(id, revision)| {
            let revisions = self.apis.get(id)?;
            revisions.iter().find(|(known, _)| **known == *revision).map(|(_, diagnosed)| diagnosed)
        });
        own.or(self.global.as_ref())
    }
}

/// A diagnostic with what its API-level rules are merged by.
struct Compiled {
    logger: LoggerId,
    rules: Arc<Rules>,
    protocols: Protocols,
    application: Option<Arc<str>>,
}

/// Compiles all of them.
pub fn compile(set: &ResourceSet, references: &References<'_>, found: &mut Vec<Diagnostic>) -> Diagnostics {
    let mut sinks = sinks::Sinks::default();
    let mut global = Vec::new();
    let mut apis: BTreeMap<_, Vec<Compiled>> = BTreeMap::new();
    for diagnostic in set.log_diagnostics.values() {
        let Some(compiled) = compile_one(set, diagnostic, references, &mut sinks, found) else { continue };
        match &diagnostic.scope {
            LogDiagnosticScope::Global => global.push(compiled),
            LogDiagnosticScope::Api(api) => apis.entry(api.clone()).or_default().push(compiled),
        }
    }
    let mut all = Diagnostics {
        global: (!global.is_empty()).then(|| Arc::new(merge(global.iter()))),
        loggers: sinks.loggers,
        ..Diagnostics::default()
    };
    for (id, own) in apis {
        // With the same logger the API's own wins; with another one both hold.
        let others = global.iter().filter(|outer| !own.iter().any(|inner| inner.logger == outer.logger));
        let diagnosed = Arc::new(merge(own.iter().chain(others)));
        let revision = set.apis.get(&id).map_or("1", |api| api.revision());
        let root = id.root();
        all.apis.entry(root.as_str().into()).or_default().push((revision.into(), diagnosed));
    }
    all
}

fn compile_one(
    set: &ResourceSet,
    diagnostic: &LogDiagnostic,
    references: &References<'_>,
    sinks: &mut sinks::Sinks,
    found: &mut Vec<Diagnostic>,
) -> Option<Compiled> {
    let mut warn = |code: &'static str, text: String| {
        let text = format!("diagnostic {}: {text}", diagnostic.id);
        found.push(Diagnostic::warning(code, diagnostic.origin.clone(), text).on(diagnostic.id()));
    };
    if diagnostic.id.as_str().eq_ignore_ascii_case("local") {
        warn("diagnostic-local", "what goes to the local log is set by telemetry.logs.*".to_owned());
        return None;
    }
    // One that is missing is the model's to tell.
    let written = diagnostic.logger_id.as_deref()?;
    let logger = match ResourceId::parse(written) {
        Ok(ResourceId::Logger(id)) => id,
        _ => LoggerId::from(written),
    };
    let resource = set.loggers.get(&logger)?;
    let kind = match resource.logger_type {
        LoggerType::ApplicationInsights => LoggerKind::ApplicationInsights,
        LoggerType::AzureMonitor => LoggerKind::AzureMonitor,
        LoggerType::AzureEventHub => LoggerKind::EventHub,
        LoggerType::Other(_) => return None,
    };
    if let Err(why) = sinks.add(resource, LOGGERS_MAX, &|text| references.expand(text)) {
        warn("logger-unusable", format!("its logger {logger} is not used: {why}"));
        return None;
    }
    let (rules, protocols) = rules::compile(diagnostic, kind, logger.as_str(), &mut warn);
    let application = sinks.application(logger.as_str()).filter(|_| protocols.legacy);
    Some(Compiled { logger, rules: Arc::new(rules), protocols, application })
}

fn merge<'c>(all: impl Iterator<Item = &'c Compiled>) -> Diagnosed {
    let mut merged = Diagnosed::default();
    let mut wanted = AllWanted::default();
    for one in all {
        let Rules { frontend, backend, .. } = &*one.rules;
        for (place, rules) in [
            (Place::FrontendRequest, &frontend.request),
            (Place::FrontendResponse, &frontend.response),
            (Place::BackendRequest, &backend.request),
            (Place::BackendResponse, &backend.response),
        ] {
            want(&mut wanted[place as usize], rules);
        }
        merged.protocols.w3c |= one.protocols.w3c;
        merged.protocols.legacy |= one.protocols.legacy;
        // The API's own comes first.
        merged.application = merged.application.or_else(|| one.application.clone());
        merged.rules.push(Arc::clone(&one.rules));
    }
    merged.wanted = (wanted != AllWanted::default()).then(|| Arc::new(wanted));
    merged
}

fn want(wanted: &mut Wanted, rules: &MessageRules) {
    for name in &rules.headers {
        if !wanted.headers.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            wanted.headers.push(name.clone());
        }
    }
    wanted.body_bytes = wanted.body_bytes.max(rules.body_bytes);
}

#[cfg(test)]
mod tests;
