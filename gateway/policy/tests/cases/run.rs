//! Runs a case.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gateway_expression::host;
use gateway_model::resource::{self, ApiSchema, Operation};
use gateway_model::{BackendId, Diagnostic, SchemaId};
use gateway_policy::backend::{Backend, Backends, Breaker, FabricService, Pool};
use gateway_policy::certificates::{Certificates, StoredCertificate};
use gateway_policy::compile::{
    CompiledDocument, Lookup, compile_document, compile_resolver, default_global, effective,
};
use gateway_policy::event_hub::EventHub;
use gateway_policy::exchange::contract::{OperationContract, Schemas};
use gateway_policy::exchange::{Arrival, ClientCertificate, Connection, Ending, Exchange, Protocol};
use gateway_policy::fault::Scope;
use gateway_policy::graphql::{GraphQlApi, Schema};
use gateway_policy::message::{Method, Request, Response, Url};
use gateway_policy::pipeline::Pipeline;
use gateway_policy::policies::cors::Preflight;
use gateway_policy::ports::{Ports, TokenRequest};

use crate::case::{Case, Message, Step};
use crate::fake::{World, run_ready};
use crate::wire::{headers_of, stream};
use crate::{render, token};

/// What comes out of a case, as text.
pub fn run(case: &Case) -> String {
    let lookup = CaseLookup::new(case);
    let mut diagnostics = Vec::new();
    let documents: Vec<_> = case
        .documents
        .iter()
        .filter_map(|(scope, text)| {
            let file = format!("{}.xml", scope.as_str());
            compile_document(text, file.into(), *scope, &lookup, &mut diagnostics)
        })
        .collect();
    let graphql = graphql(case, &lookup, &mut diagnostics);
    let mut out: String =
        diagnostics.iter().map(|diagnostic: &Diagnostic| format!("{diagnostic}\n")).collect();
    if documents.len() < case.documents.len() || graphql.is_none() && case.graphql.is_some() {
        return out;
    }
    let pipeline = joined(&documents);
    let world = World::new(Arc::clone(&lookup.certificates));
    let mut context = Context::new(case, graphql, lookup.backends);
    let requests = case.steps.iter().filter(|step| is_request(step)).count();
    for (step, number) in case.steps.iter().zip(request_numbers(&case.steps)) {
        match step {
            Step::Context(lines) => {
                lines.iter().for_each(|(name, value)| context.set(name, value));
                *world.external.borrow_mut() = (context.get("external-cache") == "yes").then(Rc::default);
            }
            Step::Backend(scripted) => world.wire.script.borrow_mut().push_back(scripted.clone()),
            Step::Issuer(url, published) => world.publish(url, published),
            Step::Wait(seconds) => world.advance(Duration::from_secs(*seconds)),
            Step::Request(message) => {
                out += &heading(requests, number);
                out += &run_ready(answer(message, &pipeline, &context, &world));
            }
            Step::Preflight(message) => {
                out += &heading(requests, number);
                out += &run_ready(preflight(message, &pipeline, &context, &world));
            }
        }
    }
    let left = world.wire.script.borrow().len();
    if left > 0 {
        out += &format!("!!! {left} scripted answers were not asked for\n");
    }
    case.without_tokens(&out)
}

/// The GraphQL API of a case; `None` when a resolver does not compile, or when the case has none.
fn graphql(
    case: &Case,
    lookup: &CaseLookup<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Arc<GraphQlApi>> {
    let mut api = GraphQlApi::new(Schema::parse(case.graphql.as_ref()?).unwrap());
    for (path, text) in &case.resolvers {
        let (owner, field) = path.split_once('/').unwrap();
        let source = compile_resolver(text, "resolver.xml".into(), lookup, diagnostics)?;
        assert!(api.resolve_by(owner, field, Arc::new(source)), "{path} twice");
    }
    Some(Arc::new(api))
}

fn is_request(step: &Step) -> bool {
    matches!(step, Step::Request(_) | Step::Preflight(_))
}

fn heading(requests: usize, number: usize) -> String {
    if requests > 1 { format!("=== request {number}\n") } else { String::new() }
}

fn request_numbers(steps: &[Step]) -> impl Iterator<Item = usize> {
    steps.iter().scan(0, |count, step| {
        *count += usize::from(is_request(step));
        Some(*count)
    })
}

/// The effective policy; scopes that the case leaves out inherit, the global one forwards.
fn joined(documents: &[CompiledDocument]) -> Pipeline {
    let global = default_global();
    let order = [Scope::Global, Scope::Product, Scope::Api, Scope::Operation];
    let of = |scope: Scope| documents.iter().find(|document| document.scope == scope);
    let in_force: Vec<_> = order
        .into_iter()
        .filter_map(|scope| of(scope).or_else(|| (scope == Scope::Global).then_some(&global)))
        .collect();
    effective(&in_force)
}

async fn answer(message: &Message, pipeline: &Pipeline, context: &Context, world: &World) -> String {
    let mut exchange = context.exchange(message, world);
    pipeline.run(&mut exchange, world).await;
    let response = exchange.take_answer(world);
    let mut out: String = world.wire.log.take().concat();
    out += &render::outcome(&mut exchange, response).await;
    exchange.end(&Ending { counters: world, quotas: world, bytes: BYTES });
    out += &world.wire.log.take().concat();
    out += &render::metrics(&exchange);
    out
}

/// What every request and its answer are taken to have, together.
const BYTES: u64 = 700;

/// What `proxy` does with a preflight request.
async fn preflight(message: &Message, pipeline: &Pipeline, context: &Context, world: &World) -> String {
    let mut exchange = context.exchange(message, world);
    let mut response = Response::new(200);
    for cors in pipeline.cors() {
        if let Preflight::Answer(answer) = cors.preflight(&exchange).unwrap() {
            response = *answer;
            break;
        }
    }
    render::outcome(&mut exchange, response).await
}

/// 2024-02-29T13:45:10Z, when every case begins.
const CASE_BEGIN: Duration = Duration::from_secs(1_709_214_310);

struct CaseLookup<'a> {
    case: &'a Case,
    backends: Arc<Backends>,
    schemas: BTreeMap<String, resource::Schema>,
    certificates: Arc<Certificates>,
}

impl<'a> CaseLookup<'a> {
    fn new(case: &'a Case) -> Self {
        let mut backends = HashMap::new();
        let mut pools = Vec::new();
        for (id, written) in &case.backends {
            // A URL, or the resource's properties.
            let entity = if written.starts_with('{') {
                serde_json::from_str(written).unwrap()
            } else {
                gateway_model::Backend { url: written.clone(), ..Default::default() }
            };
            let entity = gateway_model::Backend { id: BackendId::from(id.as_str()), ..entity };
            let cluster = entity.properties.as_ref().and_then(|own| own.service_fabric_cluster.as_ref());
            let fabric = cluster
                .map(|own| Arc::new(FabricService::new(&entity.url, own, &Certificates::default()).unwrap()));
            let has_url = !entity.is_pool() && fabric.is_none();
            let base = if has_url { Url::parse(&entity.url).unwrap() } else { Url::default() };
            let managed = entity.credentials.as_ref().and_then(|own| own.managed_identity.as_ref());
            let managed = managed
                .map(|own| TokenRequest { resource: own.resource.clone(), client_id: own.client_id.clone() });
            let breaker = entity.circuit_breaker.as_ref().map(|own| Arc::new(Breaker::new(own).unwrap()));
            let id = Some(id.as_str().into());
            let backend = Backend { id, breaker, fabric, managed, ..Backend::from_url(base) };
            if entity.is_pool() {
                pools.push((entity, backend));
            } else {
                backends.insert(entity.id, Arc::new(backend));
            }
        }
        for (entity, backend) in pools {
            let pool = Some(Arc::new(Pool::new(&entity, &backends).unwrap()));
            backends.insert(entity.id, Arc::new(Backend { pool, ..backend }));
        }
        let schemas = case.global_schemas.as_ref().map(|text| serde_json::from_str(text).unwrap());
        let mut certificates = Certificates::default();
        for (id, source) in &case.certificates {
            let (file, password) = source.split_once(' ').unwrap_or((source, ""));
            certificates.insert(id, StoredCertificate::read(&token::file(file), password).unwrap());
        }
        Self {
            case,
            backends: Arc::new(backends),
            schemas: schemas.unwrap_or_default(),
            certificates: Arc::new(certificates),
        }
    }
}

impl Lookup for CaseLookup<'_> {
    fn event_hub(&self, logger: &str) -> Option<Result<Arc<EventHub>, String>> {
        let text = self.case.loggers.get(logger)?;
        Some(EventHub::of(&serde_json::from_str(text).unwrap(), &str::to_owned).map(Arc::new))
    }

    fn named_value(&self, name: &str) -> Option<&str> {
        self.case.named_values.get(name).map(String::as_str)
    }

    fn fragment(&self, id: &str) -> Option<(&str, Arc<str>)> {
        self.case.fragments.get(id).map(|text| (text.as_str(), format!("fragment-{id}.xml").into()))
    }

    fn schema(&self, id: &str) -> Option<&resource::Schema> {
        self.schemas.get(id)
    }

    fn backends(&self) -> Arc<Backends> {
        Arc::clone(&self.backends)
    }

    fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.certificates)
    }
}

/// What routing and the key check would have found out.
struct Context {
    values: BTreeMap<String, String>,
    contract: Option<Arc<OperationContract>>,
    graphql: Option<Arc<GraphQlApi>>,
    backends: Arc<Backends>,
}

impl Context {
    fn new(case: &Case, graphql: Option<Arc<GraphQlApi>>, backends: Arc<Backends>) -> Self {
        let mut schemas: BTreeMap<SchemaId, ApiSchema> = BTreeMap::new();
        if let Some(text) = &case.schemas {
            let parsed: BTreeMap<String, ApiSchema> = serde_json::from_str(text).unwrap();
            schemas.extend(parsed.into_iter().map(|(id, schema)| {
                let id = SchemaId::from(id.as_str());
                (id.clone(), ApiSchema { id, ..schema })
            }));
        }
        let contract = case.operation.as_ref().map(|text| {
            let operation: Operation = serde_json::from_str(text).unwrap();
            Arc::new(OperationContract::new(&operation, Arc::new(Schemas::new(schemas.values()))))
        });
        let values = [
            ("ip", "198.51.100.7"),
            ("service-url", "http://backend.test/base"),
            ("api", "orders"),
            ("api-name", "Orders"),
            ("operation", "get-order"),
            ("operation-name", "Get order"),
            ("template", "/orders/{id}"),
        ];
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { values, contract, graphql, backends }
    }

    /// Names: `now` (seconds since 1970, instead of the clock of every case), `client-certificate` (files of `keys/`, leaf
    /// first), `external-cache` (yes, no), `subscription-start` (a time), `ip`, `service-url` (empty = none), `backend` (an entity), `api`, `api-name`, `operation`,
    /// `operation-name`, `template`, `product`, `subscription`, `user`, `groups` (of the user, ids with blanks between),
    /// and `parameter.NAME` for what the template matched.
    fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), value.to_owned());
    }

    fn get(&self, name: &str) -> &str {
        self.values.get(name).map_or("", String::as_str)
    }

    fn client_certificate(&self) -> Option<Arc<ClientCertificate>> {
        let mut files = self.get("client-certificate").split_whitespace().map(token::file);
        let leaf = host::Certificate { der: files.next()?, private_key: None };
        Some(Arc::new(ClientCertificate { leaf, intermediates: files.collect() }))
    }

    fn named<T>(&self, name: &str, make: impl FnOnce(String) -> T) -> Option<Arc<T>> {
        let id = self.get(name);
        (!id.is_empty()).then(|| Arc::new(make(id.to_owned())))
    }

    fn exchange(&self, message: &Message, world: &World) -> Exchange {
        let (method, target) = message.first.split_once(' ').unwrap();
        let ip = self.get("ip");
        let request = Request {
            method: Method::parse(method.as_bytes()).unwrap(),
            url: Url::parse(&format!("http://gateway.test{target}")).unwrap(),
            headers: headers_of(message),
            body: stream(&message.body),
        };
        let connection = Rc::new(Connection {
            peer: ip.parse::<IpAddr>().unwrap(),
            ip: ip.into(),
            protocol: Protocol::Http11,
            tls_version: None,
            server_name: None,
            certificate: self.client_certificate(),
        });
        let arrival = Arrival { connection, received: world.now(), request, deployment: Arc::default() };
        let mut exchange = Exchange::new(arrival);
        let begin = self.get("now").parse().map_or(CASE_BEGIN, Duration::from_secs);
        exchange.timestamp = SystemTime::UNIX_EPOCH + begin + world.passed();
        exchange.id = "00000000-0000-4000-8000-000000000001".parse().unwrap();
        exchange.backend = match (self.get("backend"), self.get("service-url")) {
            ("", "") => None,
            ("", url) => Some(Arc::new(Backend::from_url(Url::parse(url).unwrap()))),
            (id, _) => self.backends.get(&BackendId::from(id)).cloned(),
        };
        let caller = &mut exchange.caller;
        let name = self.get("api-name").to_owned();
        caller.api = self.named("api", |id| host::Api { id, name, ..host::Api::default() });
        let (name, url_template) = (self.get("operation-name").to_owned(), self.get("template").to_owned());
        let operation = |id| host::Operation { id, name, url_template, ..host::Operation::default() };
        caller.operation = self.named("operation", operation);
        caller.operation_contract.clone_from(&self.contract);
        caller.graphql.clone_from(&self.graphql);
        caller.product = self.named("product", |id| host::Product { id, ..host::Product::default() });
        let start_ticks = host::ticks_of(self.get("subscription-start"));
        caller.subscription = self.named("subscription", |id| host::Subscription {
            id,
            start_ticks,
            ..host::Subscription::default()
        });
        let group = |id: &str| host::Group { id: id.to_owned(), name: format!("Group {id}") };
        let groups = self.get("groups").split_whitespace().map(group).collect();
        caller.user = self.named("user", |id| host::User { id, groups, ..host::User::default() });
        for (name, value) in &self.values {
            if let Some(name) = name.strip_prefix("parameter.") {
                exchange.matched_parameters.push((name.into(), value.clone()));
            }
        }
        exchange
    }
}
