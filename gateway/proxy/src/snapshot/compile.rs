//! A resource set becomes a snapshot. All findings at once; a broken resource takes only its own API out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use gateway_expression::Options;
use gateway_expression::host::{Deployment, Product};
use gateway_model::{
    Api, ApiId, Diagnostic, PolicyScope, ProductId, Resource, ResourceSet, VersioningScheme, diagnostic,
};
use gateway_policy::compile::{CompiledDocument, default_global, effective};
use gateway_policy::exchange::contract::{OperationContract, Schemas};
use gateway_policy::graphql::GraphQlApi;
use gateway_policy::pipeline::Pipeline;
use gateway_telemetry::Registry;

use super::documents::{Documents, References, compile_all};
use super::{
    ApiRoute, Host, Labels, OperationRoute, Pipelines, ProductPipeline, Snapshot, address_filters, backends,
    caller, certificates, diagnosed, external_cache, graphql, subscriptions, system_operations,
};
use crate::route::{Address, OperationTable, Router, Template, VersionPlace};

/// A new snapshot and what is wrong with its resources.
#[derive(Debug)]
pub struct Compiled {
    pub snapshot: Snapshot,
    /// In the order of the files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Compiles a resource set. `found` are the source's own findings; APIs they name as broken, and those that do not
/// compile, keep the version they have in `previous`, or answer 503 if they never had one. Expressions are compiled as
/// the options say.
pub fn compile(
    set: &ResourceSet,
    found: Vec<Diagnostic>,
    deployment: Deployment,
    expressions: &Options,
    previous: Option<&Snapshot>,
    registry: &Registry,
) -> Compiled {
    let mut diagnostics = found;
    let certificates = Arc::new(certificates::compile(set, &mut diagnostics));
    let deployment = Deployment { certificates: certificates::for_expressions(&certificates), ..deployment };
    let known = previous.map(|p| &*p.entities);
    let entities = Arc::new(backends::compile(set, known, &certificates, &mut diagnostics));
    let references = References::new(set, &entities, &certificates, expressions);
    let documents = compile_all(set, &references, &mut diagnostics);
    let graphql = graphql::compile_all(set, &references, &mut diagnostics);
    let keys = subscriptions::compile(set, &mut diagnostics);
    let logging = diagnosed::compile(set, &references, &mut diagnostics);
    let external_cache = external_cache::compile(set, &deployment.region, &mut diagnostics);
    let (documents, broken_scopes) = settle(documents, previous);
    let mut compiler = Compiler {
        set,
        previous,
        registry,
        global: documents.get(&PolicyScope::Global).cloned().unwrap_or_else(|| Arc::new(default_global())),
        products: set.products.values().map(|p| (p.id.clone(), caller::product(set, p))).collect(),
        documents,
        graphql,
        broken_scopes,
        diagnostics,
    };
    let mut snapshot = Snapshot {
        revision: set.revision,
        keys,
        deployment: Arc::new(deployment),
        external_cache,
        asks_clients: set.gateway_hostnames.values().any(|hostname| hostname.negotiate_client_certificate),
        global: effective(&[&compiler.global]),
        diagnostics: logging,
        ..Snapshot::default()
    };
    for hostname in set.gateway_hostnames.values() {
        let name = hostname.hostname.to_ascii_lowercase();
        let host =
            Host { label: registry.intern_host(&name), asks_clients: hostname.negotiate_client_certificate };
        snapshot.hosts.insert(name.as_str().into(), host);
    }
    for backend in set.backends.keys() {
        snapshot.backends.insert(backend.as_str().into(), registry.intern_backend(backend.as_str()));
    }
    // Short values stand for themselves by chance, masking them would garble the rest.
    let secrets =
        set.named_values.values().filter(|named| named.secret).filter_map(|named| named.value.clone());
    snapshot.secrets = secrets.filter(|secret| secret.expose().len() >= 4).collect();
    snapshot.entities = Arc::clone(&entities);
    compiler.apis(&mut snapshot.router, &mut snapshot.apis);
    snapshot.address_filters = address_filters::find(&snapshot.global, &snapshot.apis);
    snapshot.documents = compiler.documents;
    Compiled { snapshot, diagnostics: super::sorted(compiler.diagnostics) }
}

/// Documents in force: the new ones, or the last good ones of those that do not compile. Also the scopes that have
/// neither.
fn settle(
    documents: Documents,
    previous: Option<&Snapshot>,
) -> (HashMap<PolicyScope, Arc<CompiledDocument>>, Vec<PolicyScope>) {
    let mut settled = HashMap::new();
    let mut broken = Vec::new();
    for (scope, document) in documents {
        let document = document.or_else(|| previous.and_then(|p| p.documents.get(&scope).cloned()));
        match document {
            Some(document) => {
                settled.insert(scope, document);
            }
            None => broken.push(scope),
        }
    }
    (settled, broken)
}

struct Compiler<'a> {
    set: &'a ResourceSet,
    previous: Option<&'a Snapshot>,
    registry: &'a Registry,
    global: Arc<CompiledDocument>,
    products: BTreeMap<ProductId, Arc<Product>>,
    documents: HashMap<PolicyScope, Arc<CompiledDocument>>,
    graphql: HashMap<ApiId, Arc<GraphQlApi>>,
    broken_scopes: Vec<PolicyScope>,
    diagnostics: Vec<Diagnostic>,
}

impl Compiler<'_> {
    fn apis(&mut self, router: &mut Router, routes: &mut HashMap<ApiId, Arc<ApiRoute>>) {
        let addresses: Vec<_> = self.set.apis.values().map(|api| self.address(api)).collect();
        let mut built = Vec::with_capacity(addresses.len());
        for api in self.set.apis.values() {
            built.push(self.route(api));
        }
        // Findings about operations are in now: what they name is broken as well.
        let broken: HashMap<ApiId, String> = diagnostic::broken_apis(&self.diagnostics)
            .into_iter()
            .map(|(id, finding)| (id, format!("{} ({})", id_text(finding), finding.origin)))
            .collect();
        for ((api, address), route) in self.set.apis.values().zip(addresses).zip(built) {
            if !api.is_online {
                continue;
            }
            let reason = self.broken_by(api).or_else(|| broken.get(&api.id).cloned());
            let route = match reason {
                None => Arc::new(route),
                Some(reason) => self.last_good_or_broken(route, &reason),
            };
            if router.add(&address, Arc::clone(&route)) {
                routes.insert(api.id.clone(), route);
            } else if !broken.contains_key(&api.id) {
                // The model's own check says it first, with the other API's place.
                let text = format!(
                    "another API is already reached at path {:?} in this version and revision",
                    api.path
                );
                let finding = Diagnostic::error("duplicate-path", api.origin.clone(), text).on(api.id());
                self.diagnostics.push(finding);
            }
        }
    }

    /// An outer document without a last good version takes out every API that runs under it.
    fn broken_by(&self, api: &Api) -> Option<String> {
        let products = caller::products_of(self.set, &api.id);
        self.broken_scopes
            .iter()
            .find(|scope| match scope {
                PolicyScope::Global => true,
                PolicyScope::Product(product) => products.contains(product),
                PolicyScope::Api(id) | PolicyScope::Operation(id, _) => *id == api.id,
                PolicyScope::Fragment(_) | PolicyScope::Resolver(..) => false,
            })
            .map(|scope| format!("policy of {scope}"))
    }

    fn last_good_or_broken(&self, mut route: ApiRoute, reason: &str) -> Arc<ApiRoute> {
        let last_good = self.previous.and_then(|previous| previous.apis.get(&route.id));
        if let Some(last_good) = last_good.filter(|last_good| last_good.broken.is_none()) {
            return Arc::clone(last_good);
        }
        let text = format!("API {} is unavailable: its configuration does not compile: {reason}", route.id);
        route.broken = Some(text.into());
        Arc::new(route)
    }

    fn address(&self, api: &Api) -> Address {
        let set = api.version_set().and_then(|id| self.set.version_sets.get(&id));
        let version = set.zip(api.api_version.as_deref().filter(|version| !version.is_empty()));
        let version = version.map(|(set, identifier)| {
            let place = match set.versioning_scheme {
                // An unknown scheme has been reported by the set's own check.
                VersioningScheme::Segment | VersioningScheme::Other(_) => VersionPlace::Segment,
                VersioningScheme::Query => {
                    VersionPlace::Query(set.version_query_name.as_deref().unwrap_or("api-version").into())
                }
                VersioningScheme::Header => {
                    VersionPlace::Header(set.version_header_name.as_deref().unwrap_or("Api-Version").into())
                }
            };
            (place, identifier.to_owned())
        });
        Address {
            path: api.path.clone(),
            version,
            revision: api.revision().to_owned(),
            is_current: api.is_current(),
        }
    }

    fn route(&mut self, api: &Api) -> ApiRoute {
        let products = caller::products_of(self.set, &api.id.root());
        let api_document = self.documents.get(&PolicyScope::Api(api.id.clone())).cloned();
        let shared = Arc::new(self.pipelines(&products, api_document.as_deref(), None));
        let mut operations = OperationTable::default();
        let set = self.set;
        let schemas = Arc::new(Schemas::new(set.schemas_of(&api.id)));
        let own = set.operations_of(&api.id).next().is_some();
        let system = if own { Vec::new() } else { system_operations::of(api) };
        for operation in set.operations_of(&api.id).chain(&system) {
            let template = match Template::parse(&operation.url_template) {
                Ok(template) => template,
                Err(error) => {
                    let text = format!("operation {}: {error}: {:?}", operation.id, operation.url_template);
                    let finding = Diagnostic::error("url-template", operation.origin.clone(), text);
                    self.diagnostics.push(finding.on(operation.id()));
                    continue;
                }
            };
            let scope = PolicyScope::Operation(api.id.clone(), operation.id.clone());
            let pipelines = match self.documents.get(&scope).cloned() {
                None => Arc::clone(&shared),
                Some(own) => Arc::new(self.pipelines(&products, api_document.as_deref(), Some(&own))),
            };
            let labels = self.labels(api, operation.id.as_str(), &pipelines);
            let contract = Arc::new(OperationContract::new(operation, Arc::clone(&schemas)));
            let info = Arc::new(caller::operation(operation));
            let route = OperationRoute { info, contract, pipelines, labels };
            operations.add(&operation.method, operation.id.as_str(), template, Arc::new(route));
        }
        ApiRoute {
            id: api.id.clone(),
            info: Arc::new(caller::api(api)),
            protocols: api.protocols().to_vec(),
            api_type: api.api_type.clone(),
            graphql: self.graphql.get(&api.id).cloned(),
            subscription_required: api.subscription_required,
            operations,
            backend: backends::service_url(api, &mut self.diagnostics),
            pipelines: shared,
            products,
            label: self.registry.intern(api.id.root().as_str(), "", None),
            broken: None,
        }
    }

    fn labels(&self, api: &Api, operation: &str, pipelines: &Pipelines) -> Labels {
        let root = api.id.root();
        let intern = |product| self.registry.intern(root.as_str(), operation, product);
        Labels {
            none: intern(None),
            by_product: pipelines.by_product.iter().map(|entry| intern(Some(entry.id.as_str()))).collect(),
        }
    }

    fn pipelines(
        &self,
        products: &[ProductId],
        api: Option<&CompiledDocument>,
        operation: Option<&CompiledDocument>,
    ) -> Pipelines {
        let join = |product: Option<&CompiledDocument>| -> Arc<Pipeline> {
            let scopes = [Some(&*self.global), product, api, operation];
            let documents: Vec<_> = scopes.into_iter().flatten().collect();
            Arc::new(effective(&documents))
        };
        let by_product = products
            .iter()
            .filter_map(|id| {
                let document = self.documents.get(&PolicyScope::Product(id.clone()));
                let info = Arc::clone(self.products.get(id)?);
                let is_open = !info.subscription_required;
                Some(ProductPipeline {
                    id: id.clone(),
                    info,
                    is_open,
                    pipeline: join(document.map(|d| &**d)),
                })
            })
            .collect();
        Pipelines { none: join(None), by_product }
    }
}

/// The resource that a finding is about, for a person.
fn id_text(finding: &Diagnostic) -> String {
    finding.resource.as_ref().map_or_else(|| finding.code.to_owned(), ToString::to_string)
}
