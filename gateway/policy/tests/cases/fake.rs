//! The world as policies meet it in a case: own clock, counters and cache, scripted backends.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use gateway_expression::clr::crypto::{Certificate, has_signed};
use gateway_policy::certificates::Certificates;
use gateway_policy::event_hub::{EventHub, HubEvent};
use gateway_policy::exchange::Exchange;
use gateway_policy::exchange::calls::Fetches;
use gateway_policy::fault::Fault;
use gateway_policy::graphql::GraphQlApi;
use gateway_policy::jose::{self, SigningKeys};
use gateway_policy::message::{Response, Url};
use gateway_policy::ports::{
    BufferBudget, Cache, CachingType, Claim, ClientTrust, Concurrency, Counters, ENTRY_BYTES_MAX, Entry,
    Fill, ForwardOptions, Identity, IdentityError, IssuerError, Issuers, LocalFuture, OutboundCall, Ports,
    QuotaDecision, QuotaHit, QuotaUse, QuotaWindow, Quotas, RateDecision, RateLimit, Revocation, SendError,
    Sender, Slot, TokenRequest, TrustError, Vectors, Writer, cosine_distance,
};

use crate::token;
use crate::wire::{Wire, call_options, shown};

/// Entries of a cache by key, each with the time that has passed when it was stored.
type Entries = RefCell<HashMap<String, (Arc<Entry>, Duration)>>;

/// Partition, vector and entry.
type Kept = (String, Arc<[f32]>, Arc<Entry>);

/// All ports of one case; state lives from request to request.
#[derive(Debug)]
pub struct World {
    start: Instant,
    passed: Cell<Duration>,
    hits: RefCell<HashMap<String, VecDeque<(Instant, u64)>>>,
    quotas: RefCell<HashMap<String, (QuotaWindow, QuotaUse)>>,
    at_work: Rc<RefCell<HashMap<String, u64>>>,
    built_in: Rc<Entries>,
    /// Where the case says that there is an external cache.
    pub external: RefCell<Option<Rc<Entries>>>,
    pub wire: Wire,
    vectors: Rc<RefCell<Vec<Kept>>>,
    budget: BufferBudget,
    issuers: RefCell<HashMap<String, Published>>,
    authorities: Vec<Vec<u8>>,
}

/// Keys of an issuer, or why it does not answer.
type Published = Result<Arc<SigningKeys>, String>;

impl World {
    /// Clients may have certificates of the certificate resources that are authorities.
    pub fn new(certificates: Arc<Certificates>) -> Self {
        Self {
            start: Instant::now(),
            passed: Cell::default(),
            hits: RefCell::default(),
            quotas: RefCell::default(),
            at_work: Rc::default(),
            built_in: Rc::default(),
            external: RefCell::default(),
            wire: Wire::default(),
            vectors: Rc::default(),
            budget: BufferBudget::of_one(1000),
            issuers: RefCell::default(),
            authorities: certificates.iter().map(|(_, stored)| stored.certificate.der().to_vec()).collect(),
        }
    }

    /// Time that the case has let pass.
    pub fn passed(&self) -> Duration {
        self.passed.get()
    }

    /// What an issuer's addresses answer from now on.
    pub fn publish(&self, url: &str, published: &BTreeMap<String, String>) {
        let answer = if let Some(reason) = published.get("down") {
            Err(reason.clone())
        } else {
            let keys: Vec<_> = published["keys"].split_whitespace().map(token::jwk).collect();
            let document = serde_json::json!({"keys": keys}).to_string();
            let keys = jose::key_set(document.as_bytes()).unwrap();
            Ok(Arc::new(SigningKeys { issuer: published["issuer"].clone(), keys }))
        };
        self.issuers.borrow_mut().insert(url.to_owned(), answer);
    }

    pub fn advance(&self, duration: Duration) {
        self.passed.set(self.passed.get() + duration);
    }
}

/// Options that are not their defaults.
fn options_text(options: &ForwardOptions) -> String {
    let default = ForwardOptions::default();
    let mut text = String::new();
    if options.timeout != default.timeout {
        text += &format!(" timeout={:?}", options.timeout);
    }
    if let Some(timeout) = options.continue_timeout {
        text += &format!(" continue-timeout={timeout:?}");
    }
    if options.http_version != default.http_version {
        text += &format!(" {:?}", options.http_version);
    }
    for (name, is_set, default) in [
        ("follow-redirects", options.follow_redirects, default.follow_redirects),
        ("buffer-request-body", options.buffer_request_body, default.buffer_request_body),
        ("buffer-response", options.buffer_response, default.buffer_response),
        ("fail-on-error-status-code", options.fail_on_error_status_code, default.fail_on_error_status_code),
    ] {
        if is_set != default {
            text += &format!(" {name}={is_set}");
        }
    }
    text
}

impl Ports for World {
    fn now(&self) -> Instant {
        self.start + self.passed.get()
    }

    fn forward<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        options: ForwardOptions,
    ) -> LocalFuture<'a, Result<(), Fault>> {
        Box::pin(async move {
            exchange.measures.backend_status = 0;
            exchange.response = None;
            let Some(backend) = exchange.destination().cloned() else {
                return Err(Fault::internal("", "BackendConnectionFailure", "The API has no backend."));
            };
            let own = &exchange.request.url;
            let path = format!("{}{}", backend.base.path, own.path);
            let url = Url { path, query: own.query.clone(), ..backend.base.clone() };
            let mut options = options_text(&options);
            if let Some(id) = &backend.id {
                options += &format!(" backend={id}");
            }
            if let Some(proxy) = exchange.proxy.as_ref().or(backend.proxy.as_ref()) {
                options += &format!(" proxy={}:{}", proxy.host, proxy.port);
                options += proxy.authorization.as_deref().map(|_| " with credentials").unwrap_or_default();
            }
            options += &shown(exchange.client_identity.as_deref());
            if let Some(value) = &exchange.backend_authorization {
                options += &format!(" authorization={value}");
            }
            self.wire.record("forward", &url, &mut exchange.request, &options).await;
            match self.wire.answer() {
                Ok(response) => {
                    exchange.measures.backend_status = response.status;
                    exchange.respond(response);
                }
                Err(error) => return Err(Fault::internal("", error.reason, error.message)),
            }
            Ok(())
        })
    }

    fn send(&self, call: OutboundCall) -> LocalFuture<'_, Result<Response, SendError>> {
        self.wire.send(call)
    }

    fn send_one_way(&self, mut call: OutboundCall) {
        let options = call_options(&call);
        let url = call.request.url.clone();
        run_ready(self.wire.record("one-way", &url, &mut call.request, &options));
    }

    fn log_to_event_hub(&self, hub: &Arc<EventHub>, event: HubEvent) {
        self.wire
            .log
            .borrow_mut()
            .push(format!("--- event {} {:?}\n\n{}\n", hub.url, event.partition, event.body));
    }

    fn sender(&self) -> Rc<dyn Sender> {
        Rc::new(self.wire.clone())
    }

    fn sleep(&self, duration: Duration) -> LocalFuture<'_, ()> {
        self.advance(duration);
        self.wire.log.borrow_mut().push(format!("--- waited {duration:?}\n"));
        Box::pin(std::future::ready(()))
    }

    fn counters(&self) -> &dyn Counters {
        self
    }

    fn quotas(&self) -> &dyn Quotas {
        self
    }

    fn concurrency(&self) -> &dyn Concurrency {
        self
    }

    fn cache(&self) -> &dyn Cache {
        self
    }

    fn vectors(&self) -> &dyn Vectors {
        self
    }

    fn publish(&self, topic: &str, event: &Arc<serde_json::Value>) {
        self.wire.log.borrow_mut().push(format!("--- published {}\n\n{event}\n", topic.replace('\0', "/")));
    }

    fn serve_subscriptions(&self, _: &Arc<GraphQlApi>, exchange: &mut Exchange) -> Result<(), Fault> {
        exchange.respond(Response::new(101));
        Ok(())
    }

    fn issuers(&self) -> &dyn Issuers {
        self
    }

    fn identity(&self) -> &dyn Identity {
        self
    }

    fn client_trust(&self) -> &dyn ClientTrust {
        self
    }

    fn buffer_budget(&self) -> &BufferBudget {
        &self.budget
    }
}

/// Runs a future of which nothing waits.
pub fn run_ready<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(std::task::Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("nothing in a case waits"),
    }
}

impl Issuers for World {
    fn keys<'a>(
        &'a self,
        url: &'a str,
        newer_than: Option<&'a Arc<SigningKeys>>,
        _: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<SigningKeys>, IssuerError>> {
        let why = if newer_than.is_some() { " for other keys" } else { "" };
        self.wire.log.borrow_mut().push(format!("--- asked {url}{why}\n"));
        let found =
            self.issuers.borrow().get(url).cloned().unwrap_or_else(|| Err("nobody listens".to_owned()));
        let found = found.map_err(|reason| IssuerError { url: url.to_owned(), reason });
        Box::pin(std::future::ready(found))
    }
}

/// Gives tokens for everything but resources with `refused` in their name.
impl Identity for World {
    fn token<'a>(
        &'a self,
        wanted: &'a TokenRequest,
        _: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<str>, IdentityError>> {
        let TokenRequest { resource, client_id } = wanted;
        let answer = if resource.contains("refused") {
            Err(IdentityError("invalid_resource (400)".to_owned()))
        } else {
            let client = client_id.as_deref().unwrap_or("system");
            Ok(format!("token-of-{client}-for-{}", resource.replace([':', '/'], "-")).into())
        };
        Box::pin(std::future::ready(answer))
    }
}

/// Trusts what an authority has signed; certificate 7 has been revoked.
impl ClientTrust for World {
    fn verify(&self, chain: &[Vec<u8>], _: SystemTime, revocation: Revocation) -> Result<(), TrustError> {
        let leaf = Certificate::parse(&chain[0]).unwrap();
        let signed = |der: &Vec<u8>| has_signed(&Certificate::parse(der).unwrap(), &leaf);
        if !self.authorities.iter().any(signed) {
            return Err(TrustError::Untrusted("its issuer is not trusted".to_owned()));
        }
        if revocation == Revocation::Checked && leaf.serial_number().trim_start_matches('0') == "7" {
            return Err(TrustError::Revoked);
        }
        Ok(())
    }

    fn authorities(&self) -> &[Vec<u8>] {
        &self.authorities
    }
}

impl Counters for World {
    fn hit(&self, key: &str, limit: RateLimit, increment: u64) -> RateDecision {
        let decision = self.peek(key, limit);
        if decision.allowed {
            Counters::add(self, key, limit, increment);
        }
        RateDecision { remaining: self.peek(key, limit).remaining, ..decision }
    }

    fn peek(&self, key: &str, limit: RateLimit) -> RateDecision {
        let now = self.now();
        let mut hits = self.hits.borrow_mut();
        let hits = hits.entry(key.to_owned()).or_default();
        hits.retain(|(at, _)| now < *at + limit.period);
        let total: u64 = hits.iter().map(|(_, count)| count).sum();
        let oldest = hits.front().map(|(at, _)| *at + limit.period - now);
        let allowed = total < limit.calls;
        RateDecision {
            allowed,
            remaining: limit.calls.saturating_sub(total),
            retry_after: oldest.filter(|_| !allowed).unwrap_or_default(),
        }
    }

    fn add(&self, key: &str, _: RateLimit, increment: u64) {
        let now = self.now();
        self.hits.borrow_mut().entry(key.to_owned()).or_default().push_back((now, increment));
    }
}

impl Quotas for World {
    fn take(&self, hits: &[QuotaHit], count: u64) -> QuotaDecision {
        for hit in hits {
            let decision = hit.decide(self.used(&hit.key, hit.window));
            if decision != QuotaDecision::Allowed {
                return decision;
            }
        }
        hits.iter().for_each(|hit| Quotas::add(self, &hit.key, hit.window, QuotaUse { count, bytes: 0 }));
        QuotaDecision::Allowed
    }

    fn used(&self, key: &str, window: QuotaWindow) -> QuotaUse {
        let quotas = self.quotas.borrow();
        quotas.get(key).filter(|(own, _)| *own == window).map(|(_, used)| *used).unwrap_or_default()
    }

    fn add(&self, key: &str, window: QuotaWindow, more: QuotaUse) {
        let used = self.used(key, window);
        let sum = QuotaUse { count: used.count + more.count, bytes: used.bytes + more.bytes };
        self.quotas.borrow_mut().insert(key.to_owned(), (window, sum));
    }
}

struct Place(Rc<RefCell<HashMap<String, u64>>>, String);

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.borrow_mut().get_mut(&self.1).unwrap() -= 1;
    }
}

impl Concurrency for World {
    fn enter(&self, key: &str, max: u64) -> Option<Slot> {
        let mut at_work = self.at_work.borrow_mut();
        let count = at_work.entry(key.to_owned()).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Box::new(Place(Rc::clone(&self.at_work), key.to_owned())))
    }
}

/// Forgets nothing: lifetimes are the caches' business.
impl Vectors for World {
    fn nearest<'a>(
        &'a self,
        partition: &'a str,
        vector: &'a Arc<[f32]>,
        distance_max: f64,
    ) -> LocalFuture<'a, Option<Arc<Entry>>> {
        let vectors = self.vectors.borrow();
        let own = vectors.iter().filter(|(known, _, _)| known == partition);
        let nearest = own
            .map(|(_, known, entry)| (cosine_distance(known, vector), entry))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let found = nearest.filter(|(distance, _)| *distance <= distance_max);
        Box::pin(std::future::ready(found.map(|(_, entry)| Arc::clone(entry))))
    }

    fn vector_writer(&self, partition: &str, vector: &Arc<[f32]>) -> Writer {
        let (vectors, partition, vector) =
            (Rc::clone(&self.vectors), partition.to_owned(), Arc::clone(vector));
        Box::new(move |entry| vectors.borrow_mut().push((partition, vector, Arc::new(entry))))
    }
}

impl World {
    fn entries(&self, caching: CachingType) -> Option<Rc<Entries>> {
        let external = self.external.borrow().clone();
        match caching {
            CachingType::Internal => Some(Rc::clone(&self.built_in)),
            CachingType::External => external,
            CachingType::PreferExternal => external.or_else(|| Some(Rc::clone(&self.built_in))),
        }
    }
}

impl Cache for World {
    fn get<'a>(&'a self, caching: CachingType, key: &'a str) -> LocalFuture<'a, Option<Arc<Entry>>> {
        let found = self.entries(caching).and_then(|entries| {
            let entries = entries.borrow();
            let (entry, stored) = entries.get(key)?;
            let until = *stored + Duration::from_millis(entry.lifetime_ms);
            (self.passed.get() < until).then(|| Arc::clone(entry))
        });
        Box::pin(std::future::ready(found))
    }

    fn writer(&self, caching: CachingType, key: &str) -> Writer {
        let (entries, key, passed) = (self.entries(caching), key.to_owned(), self.passed.get());
        Box::new(move |entry| {
            if let Some(entries) = entries.filter(|_| entry.size_bytes() <= ENTRY_BYTES_MAX) {
                entries.borrow_mut().insert(key, (Arc::new(entry), passed));
            }
        })
    }

    fn remove(&self, caching: CachingType, key: &str) {
        self.entries(caching).into_iter().for_each(|entries| drop(entries.borrow_mut().remove(key)));
    }

    fn claim(&self, _: &str) -> Claim {
        Claim::Mine(Fill::new(drop))
    }

    fn wait<'a>(&'a self, _: &'a str, _: Duration) -> LocalFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}
