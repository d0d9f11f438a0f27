//! An exchange and its policies, with a backend that answers at once.

use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use anyhow::ensure;
use gateway_policy::event_hub::{EventHub, HubEvent};
use gateway_policy::exchange::calls::Fetches;
use gateway_policy::exchange::{Arrival, Connection, Exchange, Protocol};
use gateway_policy::fault::Fault;
use gateway_policy::graphql::GraphQlApi;
use gateway_policy::jose::SigningKeys;
use gateway_policy::message::{Body, Request, Response};
use gateway_policy::pipeline::Pipeline;
use gateway_policy::ports::{
    BufferBudget, Cache, ClientTrust, Concurrency, Counters, ForwardOptions, Identity, IdentityError,
    IssuerError, Issuers, LocalFuture, OutboundCall, Ports, Quotas, SendError, Sender, TokenRequest, Vectors,
};
use gateway_proxy::ports::caches::{Caches, SharedCaches};
use gateway_proxy::ports::client_trust::ClientAuthorities;
use gateway_proxy::ports::concurrency::AtWork;
use gateway_proxy::ports::counters::RateCounters;
use gateway_proxy::ports::quotas::QuotaCounters;
use gateway_proxy::upstream::{Roots, UpstreamShared};
use serde_json::Value;

use crate::heads;
use crate::prepared::Prepared;
use crate::timing::Measure;

/// Ports without a network.
pub struct Still {
    counters: RateCounters,
    quotas: QuotaCounters,
    at_work: AtWork,
    caches: Caches,
    budget: BufferBudget,
    authorities: ClientAuthorities,
    /// Keys of the one issuer there is.
    issued: Option<Arc<SigningKeys>>,
}

/// One issuer at most, whose keys are at hand.
impl Issuers for Still {
    fn keys<'a>(
        &'a self,
        url: &'a str,
        _: Option<&'a Arc<SigningKeys>>,
        _: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<SigningKeys>, IssuerError>> {
        let reason = "there is no network".to_owned();
        let keys = self.issued.clone().ok_or_else(|| IssuerError { url: url.to_owned(), reason });
        Box::pin(ready(keys))
    }
}

/// Nor to the gateway.
impl Identity for Still {
    fn token<'a>(
        &'a self,
        _: &'a TokenRequest,
        _: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<str>, IdentityError>> {
        Box::pin(ready(Err(IdentityError("there is no network".to_owned()))))
    }
}

impl Still {
    fn new() -> Self {
        Self::with_issuer(None)
    }

    pub fn with_issuer(issued: Option<Arc<SigningKeys>>) -> Self {
        let shared = UpstreamShared::new(Roots::none());
        Self {
            counters: RateCounters::default(),
            quotas: QuotaCounters::default(),
            at_work: AtWork::default(),
            caches: Caches::new(Arc::new(SharedCaches::default()), shared.tls),
            budget: BufferBudget::default(),
            authorities: ClientAuthorities::default(),
            issued,
        }
    }
}

impl Ports for Still {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn forward<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        _: ForwardOptions,
    ) -> LocalFuture<'a, Result<(), Fault>> {
        Box::pin(async {
            exchange.respond(Response::new(200));
            Ok(())
        })
    }

    fn send(&self, _: OutboundCall) -> LocalFuture<'_, Result<Response, SendError>> {
        Box::pin(ready(Ok(Response::new(200))))
    }

    fn send_one_way(&self, _: OutboundCall) {}

    fn sender(&self) -> Rc<dyn Sender> {
        Rc::new(Answers)
    }

    fn sleep(&self, _: Duration) -> LocalFuture<'_, ()> {
        Box::pin(ready(()))
    }

    fn counters(&self) -> &dyn Counters {
        &self.counters
    }

    fn quotas(&self) -> &dyn Quotas {
        &self.quotas
    }

    fn concurrency(&self) -> &dyn Concurrency {
        &self.at_work
    }

    fn cache(&self) -> &dyn Cache {
        &self.caches
    }

    fn vectors(&self) -> &dyn Vectors {
        &self.caches
    }

    fn issuers(&self) -> &dyn Issuers {
        self
    }

    fn identity(&self) -> &dyn Identity {
        self
    }

    fn client_trust(&self) -> &dyn ClientTrust {
        &self.authorities
    }

    fn publish(&self, _: &str, _: &Arc<Value>) {}

    fn serve_subscriptions(&self, _: &Arc<GraphQlApi>, _: &mut Exchange) -> Result<(), Fault> {
        Ok(())
    }

    fn log_to_event_hub(&self, _: &Arc<EventHub>, _: HubEvent) {}

    fn buffer_budget(&self) -> &BufferBudget {
        &self.budget
    }
}

/// Answers every call at once.
struct Answers;

impl Sender for Answers {
    fn send(&self, _: OutboundCall) -> LocalFuture<'static, Result<Response, SendError>> {
        Box::pin(ready(Ok(Response::new(200))))
    }
}

/// A request of W4, routed and admitted.
pub fn exchange(prepared: &Prepared, connection: &Rc<Connection>) -> anyhow::Result<Exchange> {
    let head = heads::example()?;
    let request = Request { method: head.method, url: head.url, headers: head.headers, body: Body::Empty };
    let mut exchange = Exchange::new(Arrival {
        connection: Rc::clone(connection),
        received: Instant::now(),
        request,
        deployment: Arc::clone(&prepared.snapshot.deployment),
    });
    exchange.caller.api = Some(Arc::clone(&prepared.api.info));
    exchange.caller.operation = Some(Arc::clone(&prepared.operation.info));
    exchange.caller.subscription = Some(Arc::clone(&prepared.subscription));
    exchange.matched_parameters.push(("id".into(), "42".to_owned()));
    Ok(exchange)
}

pub fn connection() -> Rc<Connection> {
    Rc::new(Connection {
        peer: [127, 0, 0, 1].into(),
        ip: "127.0.0.1".into(),
        protocol: Protocol::Http11,
        tls_version: None,
        server_name: None,
        certificate: None,
    })
}

pub fn run(pipeline: &Pipeline, exchange: &mut Exchange, ports: &Still) -> bool {
    let ended = pin!(pipeline.run(exchange, ports)).poll(&mut Context::from_waker(Waker::noop()));
    ended.is_ready()
}

pub fn rows(prepared: &Prepared, measure: &mut Measure<'_>) -> anyhow::Result<()> {
    let (ports, connection) = (Still::new(), connection());
    let policies = &*prepared.operation.pipelines.none;
    let mut example = exchange(prepared, &connection)?;
    ensure!(run(policies, &mut example, &ports), "the pipeline waits for something");
    let status = example.response.as_ref().map(|response| response.status);
    ensure!(status == Some(200), "the policies answer {status:?}: {:?}", example.last_error);
    ensure!(example.request.url.path == "/v2/items/42", "not rewritten: {}", example.request.url.path);
    let make = || exchange(prepared, &connection).ok();
    measure("head and exchange", &mut || {
        black_box(make());
    });
    measure("head and exchange, forwarded", &mut || {
        if let Some(mut exchange) = make() {
            black_box(run(&prepared.snapshot.global, &mut exchange, &ports));
        }
    });
    measure("head and exchange, policies of W4", &mut || {
        if let Some(mut exchange) = make() {
            black_box(run(policies, &mut exchange, &ports));
        }
    });
    Ok(())
}
