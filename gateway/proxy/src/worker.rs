//! A worker's answer to one request: status pages, routing, policies, the closed event.

mod correlate;
mod diagnose;
mod record;
mod service;
mod upstream_figures;

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use gateway_expression::host::Deployment;
use gateway_policy::event_hub::{EventHub, HubEvent};
use gateway_policy::exchange::capture::Place;
use gateway_policy::exchange::{Arrival, Exchange};
use gateway_policy::fault::{Fault, envelope};
use gateway_policy::graphql::GraphQlApi;
use gateway_policy::message::{Body, Response, Scheme};
use gateway_policy::ports::{
    BufferBudget, Cache, ClientTrust, Concurrency, Counters, ForwardOptions, Identity, Issuers, LocalFuture,
    OutboundCall, Ports, Quotas, SendError, Sender, Vectors, boxed,
};
use gateway_telemetry::Telemetry;
use serde_json::Value;

use crate::abuse::Abuse;
use crate::admit::admit;
use crate::debug::Debug;
use crate::ports::caches::{Caches, SharedCaches};
use crate::ports::client_trust::ClientAuthorities;
use crate::ports::concurrency::AtWork;
use crate::ports::counters::RateCounters;
use crate::ports::event_hubs::EventHubs;
use crate::ports::identity::IdentityTokens;
use crate::ports::issuers::IssuerCache;
use crate::ports::quotas::QuotaCounters;
use crate::ports::topics::Topics;
use crate::preflight;
use crate::service::{Call, Handled};
use crate::snapshot::Snapshot;
use crate::subscriptions;
use crate::tunnel::Tunnel;
use crate::upstream::{Calls, Upstream};

pub use record::Record;
use upstream_figures::UpstreamFigures;

/// What all workers share: read-only but for sharded or atomic counters and the built-in cache.
pub struct Shared {
    /// `None` until the first configuration is in force.
    pub snapshot: ArcSwapOption<Snapshot>,
    pub telemetry: Arc<Telemetry>,
    pub counters: Arc<RateCounters>,
    pub quotas: Arc<QuotaCounters>,
    pub at_work: AtWork,
    pub caches: Arc<SharedCaches>,
    pub issuers: IssuerCache,
    pub identity: IdentityTokens,
    pub client_authorities: ClientAuthorities,
    pub budget: BufferBudget,
    /// Trust `X-Forwarded-Proto` when an API's scheme is matched.
    pub forwarded_proto: bool,
    /// Whom the kernel path is told about, where it takes advice.
    pub abuse: Option<Abuse>,
    /// Who may have requests traced, and the traces.
    pub debug: Debug,
    /// Port of the Dapr sidecar.
    pub dapr_port: u16,
    /// Events of GraphQL subscriptions.
    pub topics: Topics,
    /// Requests under way, by worker.
    pub in_flight: Box<[InFlight]>,
}

/// Requests under way on one worker; on a cache line of its own, since every request writes it twice.
#[derive(Debug, Default)]
#[repr(align(64))]
pub struct InFlight(AtomicU64);

impl Shared {
    /// Requests under way on all workers.
    pub fn requests_in_flight(&self) -> u64 {
        self.in_flight.iter().map(|worker| worker.0.load(Relaxed)).sum()
    }

    fn count_in_flight(&self, worker: usize, change: impl Fn(&AtomicU64)) {
        if let Some(counter) = self.in_flight.get(worker) {
            change(&counter.0);
        }
    }
}

/// One worker thread's service.
pub struct Worker {
    pub index: usize,
    pub shared: Arc<Shared>,
    pub upstream: Rc<Upstream>,
    event_hubs: Rc<EventHubs>,
    caches: Caches,
    no_deployment: Arc<Deployment>,
    figures: UpstreamFigures,
    /// Itself, for what outlives the request that began it.
    own: Weak<Self>,
}

impl Worker {
    pub fn new(index: usize, shared: Arc<Shared>, upstream: Rc<Upstream>) -> Rc<Self> {
        let event_hubs = EventHubs::new(Rc::clone(&upstream), Arc::clone(&shared), index);
        let caches = Caches::new(Arc::clone(&shared.caches), upstream.tls());
        let (no_deployment, figures) = (Arc::default(), UpstreamFigures::default());
        Rc::new_cyclic(|own| Self {
            index,
            shared,
            upstream,
            event_hubs,
            caches,
            no_deployment,
            figures,
            own: Weak::clone(own),
        })
    }

    /// Answers one request: the response, the backend's side of an upgrade, and the record that closes the event.
    async fn answer(self: Rc<Self>, call: Call) -> Handled<Record> {
        let snapshot = self.shared.snapshot.load_full();
        self.caches.follow(snapshot.as_ref().and_then(|snapshot| snapshot.external_cache.as_ref()));
        let is_status = is_status_path(&call.request.url.path);
        let deployment = snapshot.as_ref().map_or(&self.no_deployment, |snapshot| &snapshot.deployment);
        let Call { connection, request, received, upgrade, .. } = call;
        let deployment = Arc::clone(deployment);
        let arrival = Arrival { connection, received, request, deployment };
        // The record comes first: a client that leaves while we wait drops this future, and the event with it.
        let mut record = Record::begin(Arc::clone(&self.shared), self.index, arrival);
        record.exchange().upgrade = upgrade;
        if self.shared.telemetry.sends_traces() {
            correlate::begin(record.exchange());
        }
        match &snapshot {
            Some(snapshot) if !is_status => {
                self.run(snapshot, &mut record).await;
                // What was answered before an API was looked for is everybody's.
                self.diagnose(snapshot, &mut record);
            }
            Some(_) => record.exchange().respond(Response::new(200)),
            None if is_status => record.exchange().respond(Response::new(503)),
            None => record.exchange().respond(no_configuration()),
        }
        let (mut response, tunnel) = self.close(record.exchange());
        if let Some(capture) = &mut record.exchange().capture {
            capture.take(Place::FrontendResponse, &response.headers, &mut response.body);
        }
        if let Some(tracer) = record.exchange().tracer.take() {
            let secrets = snapshot.as_ref().map_or(&[][..], |snapshot| snapshot.secrets.as_slice());
            self.shared.debug.finish(record.exchange(), &tracer, secrets, &mut response);
        }
        record.answered(response.status);
        Handled { response, close: false, tunnel, token: record }
    }

    async fn run(&self, snapshot: &Snapshot, record: &mut Record) {
        let exchange = record.exchange();
        let (name, host) = (&exchange.connection.server_name, &exchange.original_url.host);
        let is_misdirected = snapshot.is_misdirected(name.as_deref(), host);
        record.labels().host = snapshot.host_label(host);
        if is_misdirected {
            return record.exchange().respond(misdirected());
        }
        match preflight::answer(snapshot, record.exchange()) {
            None => {}
            Some(Ok(response)) => return record.exchange().respond(response),
            Some(Err(fault)) => return snapshot.global.fail(record.exchange(), fault, self).await,
        }
        let scheme = self.client_scheme(record.exchange());
        let admitted = admit(snapshot, record.exchange(), scheme);
        self.diagnose(snapshot, record);
        match admitted {
            Ok(admission) => {
                record.labels().route = admission.label;
                self.shared.debug.begin(record.exchange());
                admission.pipeline.run(record.exchange(), self).await;
            }
            Err(refusal) => {
                record.labels().route = refusal.label;
                let pipeline = refusal.pipeline.as_deref().unwrap_or(&snapshot.global);
                pipeline.fail(record.exchange(), refusal.fault, self).await;
            }
        }
        let backend = record.exchange().destination().and_then(|backend| backend.id.clone());
        record.labels().backend = snapshot.backend_label(backend.as_deref());
    }

    /// Begins what the diagnostics of the request ask for, once.
    fn diagnose(&self, snapshot: &Snapshot, record: &mut Record) {
        if !snapshot.diagnostics.is_empty()
            && !record.is_diagnosed()
            && self.shared.telemetry.reads_requests()
        {
            let diagnosed = diagnose::begin(snapshot, record.exchange());
            record.diagnose(diagnosed);
        }
    }

    /// The scheme the client used, as far as it can be trusted.
    fn client_scheme(&self, exchange: &Exchange) -> Scheme {
        let told = self
            .shared
            .forwarded_proto
            .then(|| exchange.request.headers.get_str("X-Forwarded-Proto"))
            .flatten();
        match told {
            Some("https") => Scheme::Https,
            Some("http") => Scheme::Http,
            _ => exchange.original_url.scheme,
        }
    }

    /// The response as it goes out, and the backend's side of an upgrade.
    fn close(&self, exchange: &mut Exchange) -> (Response, Option<Tunnel>) {
        let mut response = exchange.take_answer(self);
        if let Some(applications) = &exchange.applications {
            applications.answer(&mut response.headers);
        }
        let tunnel = exchange.tunnel.take().and_then(|tunnel| tunnel.downcast().ok()).map(|tunnel| *tunnel);
        (response, tunnel)
    }
}

/// `self-hosted-gateway.md` §2.5: 200 and empty once a configuration is in force, 503 before.
fn is_status_path(path: &str) -> bool {
    matches!(path, "/status-0123456789abcdef" | "/internal-status-0123456789abcdef")
}

/// For a host of other TLS rules than the connection's (P-12).
fn misdirected() -> Response {
    let mut response = Response::new(421);
    let _ = response.headers.append("Content-Type", b"application/json");
    let message =
        "The host of the request has other rules on client certificates than the name of the TLS connection.";
    response.body = Body::from(envelope(421, message, None));
    response
}

/// Without a configuration nothing is ever 200 or 404 (F-03).
fn no_configuration() -> Response {
    let mut response = Response::new(503);
    let _ = response.headers.append("Content-Type", b"application/json");
    let _ = response.headers.append("Retry-After", b"10");
    response.body = Body::from(envelope(503, "The gateway has no configuration yet.", None));
    response
}

impl Ports for Worker {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn forward<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        options: ForwardOptions,
    ) -> LocalFuture<'a, Result<(), Fault>> {
        correlate::tell_backend(exchange);
        if exchange.capture.is_none() && exchange.applications.is_none() {
            return boxed(|| self.upstream.forward(exchange, options));
        }
        Box::pin(async move {
            diagnose::backend_request(exchange);
            self.upstream.forward(exchange, options).await?;
            diagnose::backend_response(exchange);
            Ok(())
        })
    }

    fn send(&self, call: OutboundCall) -> LocalFuture<'_, Result<Response, SendError>> {
        Box::pin(self.upstream.call(call))
    }

    fn send_one_way(&self, call: OutboundCall) {
        self.upstream.send_one_way(call);
    }

    fn sender(&self) -> Rc<dyn Sender> {
        Rc::new(Calls(Rc::clone(&self.upstream)))
    }

    fn sleep(&self, duration: Duration) -> LocalFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn counters(&self) -> &dyn Counters {
        &*self.shared.counters
    }

    fn quotas(&self) -> &dyn Quotas {
        &*self.shared.quotas
    }

    fn concurrency(&self) -> &dyn Concurrency {
        &self.shared.at_work
    }

    fn cache(&self) -> &dyn Cache {
        &self.caches
    }

    fn vectors(&self) -> &dyn Vectors {
        &self.caches
    }

    fn log_to_event_hub(&self, hub: &Arc<EventHub>, event: HubEvent) {
        self.event_hubs.log(hub, event);
    }

    fn publish(&self, topic: &str, event: &Arc<Value>) {
        self.shared.topics.publish(topic, event);
    }

    fn serve_subscriptions(&self, api: &Arc<GraphQlApi>, exchange: &mut Exchange) -> Result<(), Fault> {
        if let Some(worker) = self.own.upgrade() {
            subscriptions::accept(worker, api, exchange)?;
        }
        Ok(())
    }

    fn dapr_port(&self) -> u16 {
        self.shared.dapr_port
    }

    fn issuers(&self) -> &dyn Issuers {
        self
    }

    fn identity(&self) -> &dyn Identity {
        self
    }

    fn client_trust(&self) -> &dyn ClientTrust {
        &self.shared.client_authorities
    }

    fn buffer_budget(&self) -> &BufferBudget {
        &self.shared.budget
    }
}
