//! Calls that are made for an exchange beside the backend's, and the times of the sections, for the closed event.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use super::correlation::application;
use crate::exchange::Exchange;
use crate::fault::Section;
use crate::message::{Method, Response, Url};
use crate::ports::{OutboundCall, Ports, SendError};

/// Fetches that are noted of one request.
const FETCHES_MAX: usize = 32;

/// A call of a policy that has ended, or one that nobody waits for.
#[derive(Clone, Debug)]
pub struct SentCall {
    pub purpose: Purpose,
    pub method: Box<str>,
    pub url: Url,
    /// 0 when no answer came.
    pub status: u16,
    /// Nobody waits for its answer; what is known of it stands here.
    pub one_way: Option<Rc<OneWayEnd>>,
    /// Application id that the answer told.
    pub application: Option<Box<str>>,
    pub span: [u8; 8],
    /// From receipt of the request.
    pub started: Duration,
    pub elapsed: Duration,
}

/// What became of a call that nobody waits for: status, 0 where no answer came, and how long it took.
#[derive(Debug)]
pub struct OneWayEnd {
    began: Instant,
    end: Cell<Option<(u16, Duration)>>,
}

impl OneWayEnd {
    /// It has ended.
    pub fn set(&self, status: u16) {
        self.end.set(Some((status, self.began.elapsed())));
    }

    /// `None` while it is under way.
    pub fn get(&self) -> Option<(u16, Duration)> {
        self.end.get()
    }
}

/// What a call is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SendRequest,
    SendOneWayRequest,
    /// A message for a queue or a topic of Service Bus.
    ServiceBus,
    /// The sidecar.
    Dapr,
    /// A field of a synthetic GraphQL API.
    DataSource,
    /// Content safety, embeddings.
    AiService,
    /// Where a partition of a Service Fabric cluster is.
    ServiceFabric,
    /// A token of the gateway's own identity.
    Token,
    /// Signing keys of an issuer.
    Keys,
}

/// One HTTP call on behalf of an exchange, by somebody who knows no more of it than this list.
#[derive(Clone, Debug)]
pub struct Fetch {
    pub purpose: Purpose,
    pub method: Box<str>,
    pub url: String,
    /// 0 when no answer came.
    pub status: u16,
    pub began: Instant,
    pub elapsed: Duration,
}

/// What had to be fetched for an exchange; what was at hand is not among it. Clones are one list.
#[derive(Clone, Debug, Default)]
pub struct Fetches(Rc<RefCell<Vec<Fetch>>>);

impl Fetches {
    /// Notes a call that has ended.
    pub fn note(&self, purpose: Purpose, method: &Method, url: &Url, began: Instant, status: u16) {
        let mut all = self.0.borrow_mut();
        if all.len() < FETCHES_MAX {
            let (method, url, elapsed) = (method.as_str().into(), url.to_string(), began.elapsed());
            all.push(Fetch { purpose, method, url, status, began, elapsed });
        }
    }

    /// All so far.
    pub fn list(&self) -> Vec<Fetch> {
        self.0.borrow().clone()
    }
}

/// One that is under way.
#[derive(Debug)]
pub struct Begun {
    purpose: Purpose,
    method: Box<str>,
    url: Url,
    span: [u8; 8],
    at: Instant,
}

/// When a section began, and whether it has statements.
#[derive(Clone, Copy, Debug)]
pub struct SectionBegin {
    pub section: Section,
    pub at: Instant,
    pub has_statements: bool,
}

impl Exchange {
    /// Goes into a section. Its time is noted where somebody wants it.
    pub fn enter(&mut self, section: Section, has_statements: bool) {
        self.section = section;
        if let Some(sections) = &mut self.sections {
            sections.push(SectionBegin { section, at: Instant::now(), has_statements });
        }
    }

    /// Makes a call as a part of the exchange's trace.
    pub async fn call(
        &mut self,
        purpose: Purpose,
        mut call: OutboundCall,
        ports: &dyn Ports,
    ) -> Result<Response, SendError> {
        let begun = self.begin_call(purpose, &mut call);
        let outcome = ports.send(call).await;
        self.end_call(begun, outcome.as_ref());
        outcome
    }

    /// Notes a call that is about to be made, and tells the other side its place in the trace.
    pub fn begin_call(&self, purpose: Purpose, call: &mut OutboundCall) -> Begun {
        let span = self.correlation.map(|correlation| {
            let span = correlation.child_span(self.calls.into());
            correlation.tell(span, &mut call.request.headers);
            span
        });
        if let Some(applications) = &self.applications {
            applications.tell(&mut call.request.headers);
        }
        Begun {
            purpose,
            method: call.request.method.as_str().into(),
            url: call.request.url.clone(),
            span: span.unwrap_or_default(),
            at: Instant::now(),
        }
    }

    /// Notes what became of it.
    pub fn end_call(&mut self, begun: Begun, outcome: Result<&Response, &SendError>) {
        let Begun { purpose, method, url, span, at } = begun;
        let answered = outcome.ok();
        self.sent_calls.push(SentCall {
            purpose,
            method,
            url,
            status: answered.map_or(0, |response| response.status),
            one_way: None,
            application: answered.and_then(|response| application(&response.headers)),
            span,
            started: at.saturating_duration_since(self.received),
            elapsed: at.elapsed(),
        });
    }

    /// Notes a call that is about to be made and that nobody waits for.
    pub fn begin_one_way(&mut self, call: &mut OutboundCall) {
        let Begun { purpose, method, url, span, at } = self.begin_call(Purpose::SendOneWayRequest, call);
        let end = Rc::new(OneWayEnd { began: at, end: Cell::new(None) });
        call.end = Some(Rc::clone(&end));
        self.sent_calls.push(SentCall {
            purpose,
            method,
            url,
            status: 0,
            one_way: Some(end),
            application: None,
            span,
            started: at.saturating_duration_since(self.received),
            elapsed: Duration::ZERO,
        });
    }

    /// Where ports note what they fetch for this exchange.
    pub fn fetches(&self) -> &Fetches {
        self.fetches.get_or_init(Fetches::default)
    }

    /// What they have fetched so far.
    pub fn fetched(&self) -> Vec<Fetch> {
        self.fetches.get().map(Fetches::list).unwrap_or_default()
    }
}
