//! The configuration in force: routes, keys and pipelines, compiled and read-only.
//!
//! A snapshot is made whole from a `ResourceSet`, then swapped in; a request finishes on the one it began with.

mod address_filters;
mod api;
mod backends;
mod caller;
mod certificates;
mod check;
mod compile;
mod diagnosed;
mod documents;
mod external_cache;
mod graphql;
mod subscriptions;
mod system_operations;

use std::collections::HashMap;
use std::sync::Arc;

use gateway_expression::host::Deployment;
use gateway_model::{ApiId, Diagnostic, PolicyScope, Secret};
use gateway_policy::backend::Backends;
use gateway_policy::compile::CompiledDocument;
use gateway_policy::pipeline::Pipeline;
use gateway_telemetry::{BackendId, HostId};
use rustc_hash::FxHashMap;

pub use address_filters::GlobalFilter;
pub use api::{ApiRoute, Labels, OperationRoute, Pipelines, ProductPipeline};
pub use check::{CertificateInfo, check_certificate, check_policy};
pub use compile::{Compiled, compile};
pub use diagnosed::{Diagnosed, Diagnostics};

use crate::keys::KeyIndex;
use crate::redis::RedisSettings;
use crate::route::Router;

/// Everything a worker needs to serve, of one revision of the configuration.
#[derive(Debug, Default)]
pub struct Snapshot {
    pub revision: u64,
    pub router: Router,
    pub keys: KeyIndex,
    pub deployment: Arc<Deployment>,
    /// The external cache of this gateway's location.
    pub external_cache: Option<Arc<RedisSettings>>,
    /// A host name wants its clients asked for a certificate.
    pub asks_clients: bool,
    /// Policies of requests that match no API.
    pub global: Pipeline,
    /// Address filters that hold for every request.
    pub address_filters: Vec<GlobalFilter>,
    /// The configured host names, lower case.
    hosts: FxHashMap<Box<str>, Host>,
    /// Metric labels of the backend entities.
    backends: FxHashMap<Box<str>, BackendId>,
    /// What goes to which logger.
    pub diagnostics: Diagnostics,
    /// Values of the secret named values, which no trace may show.
    pub secrets: Vec<Secret>,
    /// Backend entities, whose circuit breakers go on in the next snapshot.
    entities: Arc<Backends>,
    /// Compiled documents by scope, kept so that a broken successor leaves the last good one in force.
    documents: HashMap<PolicyScope, Arc<CompiledDocument>>,
    /// Routes by API, for the same reason.
    apis: HashMap<ApiId, Arc<ApiRoute>>,
}

/// A configured host name.
#[derive(Clone, Copy, Debug)]
struct Host {
    /// Metric label.
    label: HostId,
    /// Its clients are asked for a certificate.
    asks_clients: bool,
}

impl Snapshot {
    /// APIs served, broken ones included.
    pub fn api_count(&self) -> usize {
        self.apis.len()
    }

    /// The label of a request's host name.
    pub fn host_label(&self, host: &str) -> HostId {
        if self.hosts.is_empty() {
            HostId::OTHER
        } else {
            self.hosts.get(host).map_or(HostId::OTHER, |known| known.label)
        }
    }

    /// Whether a request came over a connection whose TLS name has other rules on client certificates than its host
    /// (RFC 9110 §15.5.20): what the client showed, or was not asked for, was meant for the other one.
    pub fn is_misdirected(&self, server_name: Option<&str>, host: &str) -> bool {
        let Some(name) = server_name.filter(|name| !self.hosts.is_empty() && *name != host) else {
            return false;
        };
        let asks = |host: &str| {
            self.hosts.get(host).or_else(|| self.hosts.get("*")).is_some_and(|known| known.asks_clients)
        };
        asks(name) != asks(host)
    }

    /// The label of a backend entity; a plain URL has none of its own.
    pub fn backend_label(&self, id: Option<&str>) -> BackendId {
        id.and_then(|id| self.backends.get(id)).copied().unwrap_or(BackendId::OTHER)
    }

    /// APIs that answer 503, each with the reason.
    pub fn unavailable(&self) -> impl Iterator<Item = &str> {
        self.apis.values().filter_map(|route| route.broken.as_deref())
    }

    /// The document in force at a scope.
    pub fn document(&self, scope: &PolicyScope) -> Option<&Arc<CompiledDocument>> {
        self.documents.get(scope)
    }
}

/// Sorts findings for people.
pub(crate) fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    gateway_model::diagnostic::sort(&mut diagnostics);
    diagnostics
}
