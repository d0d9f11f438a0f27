//! A backend entity that a policy calls for itself, beside `forward-request`: content safety, embeddings.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gateway_model::BackendId;

use super::choice::{authorization, member_of};
use super::{Backend, Backends, Outcome};
use crate::compile::Compiler;
use crate::compile::arguments::TextArg;
use crate::exchange::Exchange;
use crate::exchange::calls::{Fetches, Purpose};
use crate::fault::Fault;
use crate::message::{Body, Headers, Method, Request, Response, Url, query};
use crate::ports::{OutboundCall, Ports, SendError, Sender, TokenRequest};
use crate::xml::{Attribute, Element};

/// A backend entity that a policy names.
#[derive(Debug)]
pub enum EntityArg {
    Fixed(Arc<Backend>),
    Named(TextArg, Arc<Backends>),
}

impl EntityArg {
    /// Reads the attribute; an unknown entity that is written out is reported.
    pub fn compile(element: &Element, name: &str, c: &mut Compiler<'_>) -> Option<Self> {
        Self::of(element.attribute(name)?, c)
    }

    pub fn of(attribute: &Attribute, c: &mut Compiler<'_>) -> Option<Self> {
        let argument = c.text_of(attribute.value.trim(), attribute.at)?;
        let Some(id) = argument.literal() else { return Some(Self::Named(argument, c.lookup.backends())) };
        let found = c.lookup.backend(id);
        if found.is_none() {
            c.error("backend-missing", attribute.at, format!("The backend '{id}' does not exist."));
        }
        found.map(Self::Fixed)
    }

    /// The entity; one that does not exist is an error of the policy `source`.
    pub fn get(&self, source: &'static str, exchange: &Exchange) -> Result<Arc<Backend>, Fault> {
        match self {
            Self::Fixed(backend) => Ok(Arc::clone(backend)),
            Self::Named(argument, backends) => {
                let id = argument.get(exchange)?;
                backends.get(&BackendId::from(id.trim())).cloned().ok_or_else(|| {
                    let text = format!("The backend '{}' does not exist.", id.trim());
                    Fault::internal(source, "BackendNotFound", text)
                })
            }
        }
    }
}

/// One single backend, with the token that it asks for. It outlives the exchange.
#[derive(Clone, Debug)]
pub struct Callee {
    backend: Arc<Backend>,
    authorization: Option<String>,
    /// Where its calls are noted.
    fetches: Fetches,
}

impl Callee {
    /// The entity, or of a pool the member whose turn it is. `token`: what is asked for where the entity names no
    /// credentials itself.
    pub async fn new(
        entity: &Arc<Backend>,
        token: Option<&TokenRequest>,
        fetches: &Fetches,
        ports: &dyn Ports,
    ) -> Result<Self, Fault> {
        let backend = member_of(entity, ports.now())?;
        let authorization = match backend.managed.as_ref().or(token) {
            Some(wanted) => Some(authorization(wanted, fetches, ports).await?),
            None => None,
        };
        Ok(Self { backend, authorization, fetches: fetches.clone() })
    }

    /// A POST of JSON below the entity's URL. `parameter` is added to the query unless the URL says it already.
    pub fn post(
        &self,
        path: &str,
        parameter: Option<(&str, &str)>,
        json: String,
        timeout: Duration,
    ) -> OutboundCall {
        let backend = &*self.backend;
        let mut url = Url { path: format!("{}{path}", backend.base.path), ..backend.base.clone() };
        if let Some((name, value)) = parameter
            && !query::pairs(&url.query).any(|(own, _)| query::is_named(own, name))
        {
            query::append(&mut url.query, name, value);
        }
        for (name, value) in &backend.query {
            // They are encoded already.
            query::push_part(&mut url.query, &format!("{name}={value}"));
        }
        let mut headers = Headers::new();
        let own = backend.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let token = self.authorization.as_deref().map(|value| ("Authorization", value));
        for (name, value) in [("Content-Type", "application/json")].into_iter().chain(own).chain(token) {
            // A credential that is no field value is left out: the service then says what is missing.
            let _ = headers.set(name, value.as_bytes());
        }
        let request = Request { method: Method::Post, url, headers, body: Body::from(json) };
        OutboundCall {
            tls: backend.tls.clone(),
            proxy: backend.proxy.clone(),
            ..OutboundCall::new(request, timeout).trusted()
        }
    }

    /// Makes a call, notes it, and tells the entity's breaker how it went.
    pub async fn send(&self, call: OutboundCall, sender: &dyn Sender) -> Result<Response, SendError> {
        let (method, url, began) = (call.request.method.clone(), call.request.url.clone(), Instant::now());
        let outcome = sender.send(call).await;
        let status = outcome.as_ref().map_or(0, |response| response.status);
        self.fetches.note(Purpose::AiService, &method, &url, began, status);
        if let Some(breaker) = &self.backend.breaker {
            let noted = match &outcome {
                Ok(response) => Outcome::Answered {
                    status: response.status,
                    retry_after: response.headers.get_str("Retry-After"),
                },
                Err(error) => Outcome::Failed(error.reason),
            };
            breaker.note(noted, Instant::now());
        }
        outcome
    }
}
