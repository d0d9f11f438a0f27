//! Running the effective policy over one exchange (`policies.md` §4).
//!
//! ```text
//! inbound ──► backend ──► outbound ──► answer
//!    │           │            │           ▲
//!    └── fault ──┴────────────┴─► on-error┘      return-response leaves from anywhere to the answer
//! ```
//!
//! Statements that need no waiting run as plain calls; a future is made only for those that wait.

use std::fmt;
use std::net::IpAddr;
use std::ops::{BitOrAssign, Range};
use std::sync::Arc;

use gateway_expression::Expression;
use gateway_model::Origin;
use tokio::sync::Mutex;

use crate::exchange::Exchange;
use crate::exchange::tracer::{Before, Traced, Tracer};
use crate::fault::{Fault, Scope, Section, envelope};
use crate::llm;
use crate::message::{Body, Response};
use crate::policies::cors::Cors;
use crate::policies::cross_domain::{self, CrossDomain};
use crate::ports::{LocalFuture, Ports, boxed};

/// Where the pipeline goes behind a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    Continue,
    /// The response stands: nothing else runs, outbound neither (`return-response`).
    Respond,
}

/// A policy that needs no waiting.
pub trait Policy: Send + Sync {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault>;

    /// What it says about callers' addresses, if that is all it does and no expression has a part in it.
    fn address_filter(&self) -> Option<AddressFilter> {
        None
    }
}

/// Callers that are let through, or refused, by the address of their connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFilter {
    /// Only those in the ranges are let through; else they are the ones refused.
    pub allows: bool,
    /// Both ends included, of one family.
    pub ranges: Vec<(IpAddr, IpAddr)>,
}

/// A policy that waits: for the network, a timer, or its own statements.
pub trait AsyncPolicy: Send + Sync {
    fn apply<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<Flow, Fault>>;

    /// The same beside others (`wait`). Those that make calls hold the exchange only while they read or change it; as
    /// written here it is held all the time.
    fn apply_beside<'a, 'e: 'a>(
        &'a self,
        exchange: &'a SharedExchange<'e>,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<Flow, Fault>> {
        Box::pin(async move { self.apply(&mut **exchange.lock().await, ports).await })
    }
}

/// A policy that waits and is one async function. One that has a way of its own to run beside others is an
/// [`AsyncPolicy`] itself.
pub trait WaitingPolicy: Send + Sync {
    fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> impl Future<Output = Result<Flow, Fault>>;
}

impl<P: WaitingPolicy> AsyncPolicy for P {
    fn apply<'a>(
        &'a self,
        exchange: &'a mut Exchange,
        ports: &'a dyn Ports,
    ) -> LocalFuture<'a, Result<Flow, Fault>> {
        boxed(|| self.run(exchange, ports))
    }
}

/// An exchange that statements side by side take in turn.
pub type SharedExchange<'e> = Mutex<&'e mut Exchange>;

/// How a statement runs.
pub enum Step {
    Sync(Box<dyn Policy>),
    Async(Box<dyn AsyncPolicy>),
    /// `cors` also answers preflight requests before the pipeline runs.
    Cors(Arc<Cors>),
    /// `cross-domain` answers requests that no API has, before any is looked for.
    CrossDomain(CrossDomain),
}

impl Step {
    pub fn sync(policy: impl Policy + 'static) -> Self {
        Self::Sync(Box::new(policy))
    }

    pub fn waiting(policy: impl AsyncPolicy + 'static) -> Self {
        Self::Async(Box::new(policy))
    }
}

/// Message bodies that a statement reads; only these are buffered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub request_body: bool,
    pub response_body: bool,
}

impl Needs {
    pub fn of(expression: &Expression) -> Self {
        let needs = expression.needs();
        Self { request_body: needs.request_body, response_body: needs.response_body }
    }

    pub fn any(self) -> bool {
        self.request_body || self.response_body
    }
}

impl BitOrAssign for Needs {
    fn bitor_assign(&mut self, other: Self) {
        self.request_body |= other.request_body;
        self.response_body |= other.response_body;
    }
}

/// A compiled statement, shared by every effective policy it stands in.
pub struct Statement {
    /// Policy element.
    pub element: &'static str,
    /// `id` attribute.
    pub id: Option<Arc<str>>,
    pub scope: Scope,
    /// `choose[3]/when[2]`.
    pub path: Arc<str>,
    pub origin: Origin,
    /// Bytes of its file that the statement takes up, for `gateway explain`.
    pub span: Range<usize>,
    pub needs: Needs,
    /// Whether it runs on the handshake of a WebSocket.
    pub on_handshake: bool,
    pub step: Step,
}

impl Statement {
    fn is_skipped(&self, exchange: &Exchange) -> bool {
        exchange.upgrade && !self.on_handshake
    }

    fn waits(&self) -> bool {
        self.needs.any() || matches!(self.step, Step::Async(_))
    }

    /// Completes a fault with the place it happened at; what an inner statement said stays.
    fn place(&self, mut fault: Fault, section: Section) -> Fault {
        let error = &mut *fault.error;
        if error.source.is_empty() {
            self.element.clone_into(&mut error.source);
        }
        if error.scope.is_empty() {
            self.scope.as_str().clone_into(&mut error.scope);
            section.as_str().clone_into(&mut error.section);
            if error.path.is_empty() {
                (*self.path).clone_into(&mut error.path);
            }
            error.policy_id = self.id.as_deref().unwrap_or_default().to_owned();
        }
        fault
    }

    fn run_sync(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        if exchange.tracer.is_none() {
            return self.run_sync_untraced(exchange, ports);
        }
        let before = Before::of(exchange);
        let result = self.run_sync_untraced(exchange, ports);
        Tracer::note(exchange, self.traced(), before, &result);
        result
    }

    fn traced(&self) -> Traced<'_> {
        Traced { element: self.element, path: &self.path, scope: self.scope.as_str(), needs: self.needs }
    }

    fn run_sync_untraced(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let section = exchange.section;
        let result = match &self.step {
            Step::Sync(policy) => policy.apply(exchange, ports),
            Step::Cors(cors) => cors.apply(exchange),
            Step::CrossDomain(policy) => Ok(policy.apply(exchange)),
            // `Block::is_sync` lets no waiting statement come here.
            Step::Async(_) => Ok(Flow::Continue),
        };
        result.map_err(|fault| self.place(fault, section))
    }

    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let section = exchange.section;
        let before = exchange.tracer.as_ref().map(|_| Before::of(exchange));
        let result = self.run_unplaced(exchange, ports).await;
        let result = result.map_err(|fault| self.place(fault, section));
        if let Some(before) = before {
            Tracer::note(exchange, self.traced(), before, &result);
        }
        result
    }

    /// Runs beside other statements.
    pub async fn run_beside(&self, exchange: &SharedExchange<'_>, ports: &dyn Ports) -> Result<Flow, Fault> {
        let Step::Async(policy) = &self.step else {
            return self.run(&mut **exchange.lock().await, ports).await;
        };
        let before;
        let section = {
            let exchange = &mut **exchange.lock().await;
            let section = exchange.section;
            before = exchange.tracer.as_ref().map(|_| Before::of(exchange));
            self.buffer_needs(exchange, ports).await.map_err(|fault| self.place(fault, section))?;
            section
        };
        let result = policy.apply_beside(exchange, ports).await;
        let result = result.map_err(|fault| self.place(fault, section));
        if self.needs.any() {
            exchange.lock().await.settle_bodies();
        }
        if let Some(before) = before {
            Tracer::note(&mut **exchange.lock().await, self.traced(), before, &result);
        }
        result
    }

    async fn buffer_needs(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<(), Fault> {
        if self.needs.request_body {
            exchange.buffer_request(ports).await?;
        }
        if self.needs.response_body {
            exchange.buffer_response(ports).await?;
        }
        Ok(())
    }

    async fn run_unplaced(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        self.buffer_needs(exchange, ports).await?;
        let result = match &self.step {
            Step::Async(policy) => policy.apply(exchange, ports).await,
            Step::Sync(policy) => policy.apply(exchange, ports),
            Step::Cors(cors) => cors.apply(exchange),
            Step::CrossDomain(policy) => Ok(policy.apply(exchange)),
        };
        if self.needs.any() {
            exchange.settle_bodies();
        }
        result
    }
}

impl fmt::Debug for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.path, self.origin)
    }
}

/// Statements in order.
#[derive(Debug, Default)]
pub struct Block {
    statements: Vec<Arc<Statement>>,
    is_sync: bool,
}

impl Block {
    pub fn new(statements: Vec<Arc<Statement>>) -> Self {
        let is_sync = !statements.iter().any(|statement| statement.waits());
        Self { statements, is_sync }
    }

    pub fn statements(&self) -> &[Arc<Statement>] {
        &self.statements
    }

    /// Whether no statement waits, so that `run_sync` does all.
    pub fn is_sync(&self) -> bool {
        self.is_sync
    }

    /// Runs a block in which nothing waits.
    pub fn run_sync(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        for statement in &self.statements {
            if statement.is_skipped(exchange) {
                continue;
            }
            if statement.run_sync(exchange, ports)? == Flow::Respond {
                return Ok(Flow::Respond);
            }
        }
        Ok(Flow::Continue)
    }

    /// Runs beside other statements, its own in order.
    pub async fn run_beside(&self, exchange: &SharedExchange<'_>, ports: &dyn Ports) -> Result<Flow, Fault> {
        for statement in &self.statements {
            if statement.run_beside(exchange, ports).await? == Flow::Respond {
                return Ok(Flow::Respond);
            }
        }
        Ok(Flow::Continue)
    }

    pub async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        if self.is_sync {
            return self.run_sync(exchange, ports);
        }
        self.run_from(0, exchange, ports).await
    }

    /// Runs what stands behind the statement of one of those elements; all, where none is.
    async fn run_behind(
        &self,
        elements: &[&str],
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<Flow, Fault> {
        let at = self.statements.iter().position(|statement| elements.contains(&statement.element));
        self.run_from(at.map_or(0, |at| at + 1), exchange, ports).await
    }

    async fn run_from(
        &self,
        first: usize,
        exchange: &mut Exchange,
        ports: &dyn Ports,
    ) -> Result<Flow, Fault> {
        for statement in self.statements.iter().skip(first) {
            if statement.is_skipped(exchange) {
                continue;
            }
            let flow = if statement.waits() {
                statement.run(exchange, ports).await?
            } else {
                statement.run_sync(exchange, ports)?
            };
            if flow == Flow::Respond {
                return Ok(Flow::Respond);
            }
        }
        Ok(Flow::Continue)
    }
}

/// The effective policy of one operation in one product, or in none.
#[derive(Debug, Default)]
pub struct Pipeline {
    pub inbound: Block,
    pub backend: Block,
    pub outbound: Block,
    pub on_error: Block,
}

impl Pipeline {
    /// The statements of a section.
    pub fn block(&self, section: Section) -> &Block {
        match section {
            Section::Inbound => &self.inbound,
            Section::Backend => &self.backend,
            Section::Outbound => &self.outbound,
            Section::OnError => &self.on_error,
        }
    }

    /// Runs the policies; afterwards `exchange.response` is the answer.
    pub async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) {
        for section in [Section::Inbound, Section::Backend, Section::Outbound] {
            exchange.enter(section, !self.block(section).statements.is_empty());
            if section == Section::Outbound && exchange.response.is_none() {
                // Nothing forwarded the request: the service goes on with an empty 200 (C 1.1).
                exchange.respond(Response::new(200));
            }
            match self.block(section).run(exchange, ports).await {
                Ok(Flow::Continue) => {}
                Ok(Flow::Respond) => return self.resume(exchange, ports).await,
                Err(fault) => return self.fail(exchange, fault, ports).await,
            }
            if section == Section::Backend
                && let Err(fault) = behind_backend(exchange, ports).await
            {
                return self.fail(exchange, fault, ports).await;
            }
        }
    }

    /// After a response of the cache: outbound from behind the statement that stored it. Any other response goes out.
    async fn resume(&self, exchange: &mut Exchange, ports: &dyn Ports) {
        let stores = std::mem::take(&mut exchange.cache.resume_after);
        if stores.is_empty() {
            return;
        }
        exchange.enter(Section::Outbound, true);
        if let Err(fault) = self.outbound.run_behind(stores, exchange, ports).await {
            self.fail(exchange, fault, ports).await;
        }
    }

    /// Answers a fault: the error answer is made, then `on-error` runs once and may change it. A fault inside
    /// `on-error` ends processing with its own answer.
    pub async fn fail(&self, exchange: &mut Exchange, fault: Fault, ports: &dyn Ports) {
        record(exchange, fault);
        exchange.enter(Section::OnError, !self.on_error.statements.is_empty());
        if let Err(fault) = self.on_error.run(exchange, ports).await {
            record(exchange, fault);
        }
    }

    /// The `cors` statements that stand directly in inbound, outermost first, for preflight requests.
    pub fn cors(&self) -> impl Iterator<Item = &Cors> {
        self.inbound.statements.iter().filter_map(|statement| match &statement.step {
            Step::Cors(cors) => Some(&**cors),
            Step::Sync(_) | Step::Async(_) | Step::CrossDomain(_) => None,
        })
    }

    /// What `cross-domain` answers to a request for the path, whatever APIs there are.
    pub fn cross_domain(&self, path: &str) -> Option<Response> {
        // The path first: every request comes by here, and nearly none asks for the file.
        if path != cross_domain::PATH {
            return None;
        }
        self.inbound.statements.iter().find_map(|statement| match &statement.step {
            Step::CrossDomain(policy) => Some(policy.answer()),
            Step::Sync(_) | Step::Async(_) | Step::Cors(_) => None,
        })
    }
}

/// What inbound has put off until the backend's answer is there.
async fn behind_backend(exchange: &mut Exchange, ports: &dyn Ports) -> Result<(), Fault> {
    llm::read_answer(exchange, ports).await?;
    for work in std::mem::take(&mut exchange.after_backend) {
        work.run(exchange, ports).await?;
    }
    Ok(())
}

/// Puts the fault into `LastError` and makes its answer the response.
fn record(exchange: &mut Exchange, mut fault: Fault) {
    if fault.error.section.is_empty() {
        exchange.section.as_str().clone_into(&mut fault.error.section);
    }
    let activity = (fault.status == 500).then(|| exchange.id_text());
    let body = envelope(fault.status, &fault.public, activity);
    let mut response = Response::new(fault.status);
    response.body = Body::from(body);
    // The names are our own tokens; a value that could break the message is left out rather than sent.
    let _ = response.headers.append("Content-Type", b"application/json");
    for (name, value) in &fault.headers {
        let _ = response.headers.append(name, value.as_bytes());
    }
    exchange.respond(response);
    exchange.error_elapsed_ms = exchange.received.elapsed().as_millis() as u64;
    exchange.last_error = Some(*fault.error);
}
