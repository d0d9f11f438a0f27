//! `forward-request`: the exchange's request to its backend (`policies.md` C 1.1).

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use gateway_policy::backend::{Backend, BackendTls};
use gateway_policy::exchange::Exchange;
use gateway_policy::fault::Fault;
use gateway_policy::message::{Body, Response};
use gateway_policy::ports::ForwardOptions;

use super::Upstream;
use super::counters::UpstreamCounters;
use super::failure::UpstreamError;
use super::http1::Outcome;
use super::redirect::{self, REDIRECTS_MAX, Redirect};
use super::request::Outgoing;
use super::transmit::Manner;
use super::tunnel::UpgradedConnection;
use crate::tunnel::Tunnel;

impl Upstream {
    /// Sends the request and sets `exchange.response`, or `exchange.tunnel` as well after a 101. On a fault there
    /// is no response. Dropping the future abandons the call and closes its connection.
    pub async fn forward(&self, exchange: &mut Exchange, options: ForwardOptions) -> Result<(), Fault> {
        exchange.response = None;
        exchange.measures.backend_status = 0;
        let begin = Instant::now();
        if exchange.measures.backend.is_zero() {
            exchange.measures.backend_began = begin.saturating_duration_since(exchange.received);
        }
        let outcome = self.forward_in_time(exchange, options).await;
        exchange.measures.backend += begin.elapsed();
        let response = match outcome {
            Ok(Outcome::Response(response)) => response,
            Ok(Outcome::Upgraded(response, connection)) => {
                let tunnel = Tunnel(Box::new(UpgradedConnection::new(connection)));
                exchange.tunnel = Some(Box::new(tunnel));
                response
            }
            Err(error) => {
                exchange.measures.backend_status = 0;
                error.count(&self.counters);
                return Err(error.into_fault());
            }
        };
        exchange.measures.backend_status = response.status;
        if options.fail_on_error_status_code && (400..=599).contains(&response.status) {
            return Err(error_status(&response));
        }
        exchange.respond(response);
        Ok(())
    }

    async fn forward_in_time(
        &self,
        exchange: &mut Exchange,
        options: ForwardOptions,
    ) -> Result<Outcome, UpstreamError> {
        let backend = Arc::clone(exchange.destination().ok_or(UpstreamError::NoBackend)?);
        if options.buffer_request_body {
            let buffered = Box::pin(exchange.request.body.buffer(&self.settings.budget)).await;
            buffered.map_err(UpstreamError::RequestBody)?;
        }
        let mut body = exchange.request.body.take_or_share();
        let abandoned = Abandoned(Some(&self.counters));
        let mut deadline = self.deadlines.after(options.timeout);
        let work = pin!(self.forward_to(&backend, exchange, &mut body, options));
        let outcome = deadline.bound(work).await;
        abandoned.disarm();
        outcome.unwrap_or(Err(UpstreamError::Timeout(options.timeout)))
    }

    async fn forward_to(
        &self,
        backend: &Backend,
        exchange: &Exchange,
        body: &mut Body,
        options: ForwardOptions,
    ) -> Result<Outcome, UpstreamError> {
        let outgoing = Outgoing::forward(exchange, backend, &self.settings.trusted_proxies)?;
        let own = exchange
            .client_identity
            .as_ref()
            .map(|identity| BackendTls { identity: Some(Arc::clone(identity)), ..backend.tls.clone() });
        let manner = Manner {
            tls: own.as_ref().unwrap_or(&backend.tls),
            proxy: outgoing.proxy,
            version: options.http_version,
            // A bare URL may have been put together by an expression; an entity is the operator's word.
            guarded: backend.id.is_none(),
            gather: options.buffer_response,
            continue_timeout: options
                .continue_timeout
                .filter(|_| exchange.request.headers.contains("expect")),
            spoken: &exchange.backend_protocol,
        };
        let outcome = self.transmit(&outgoing, body, manner).await?;
        match outcome {
            Outcome::Response(response) if options.follow_redirects => {
                Box::pin(self.follow(response, &outgoing, body, manner)).await
            }
            outcome => Ok(outcome),
        }
    }

    /// Follows redirects until a response is none, may not be followed, or there were too many: that one is the
    /// caller's. Another host than the operator's is subject to the rules of X-09 and gets no credentials.
    async fn follow(
        &self,
        mut response: Response,
        first: &Outgoing<'_>,
        body: &mut Body,
        manner: Manner<'_>,
    ) -> Result<Outcome, UpstreamError> {
        let strict = BackendTls::default();
        let (mut method, mut from, mut foreign) = (first.method.clone(), first.url(), false);
        for _ in 0..REDIRECTS_MAX {
            let redirect = redirect::of(&response, &from, &method).map_err(UpstreamError::Redirect)?;
            let Some(Redirect { to, method: next, keeps_body }) = redirect else { break };
            if !keeps_body {
                *body = Body::Empty;
            } else if matches!(body, Body::Consumed) {
                // The body was streamed and cannot be sent again: the caller sees the redirect.
                break;
            }
            self.counters.redirected.increment();
            // Once away, always a stranger: the way back may not bring the credentials back.
            foreign |= redirect::is_foreign(first.to, &to);
            let outgoing = first.redirected(&next, &to, foreign)?;
            let manner = if foreign { Manner { tls: &strict, guarded: true, ..manner } } else { manner };
            match self.transmit(&outgoing, body, manner).await? {
                Outcome::Response(next) => response = next,
                upgraded @ Outcome::Upgraded(..) => return Ok(upgraded),
            }
            (method, from) = (next, to);
        }
        Ok(Outcome::Response(response))
    }
}

/// `fail-on-error-status-code`: 400–599 of the backend leads to `on-error` with that status.
fn error_status(response: &Response) -> Fault {
    let message = format!("the backend answered {} {}", response.status, response.reason_text());
    let public = response.reason_text().to_owned();
    Fault::new(response.status, public, "forward-request", "BackendErrorStatusCode", message)
}

/// Counts a call whose future is dropped before it is done: the client has gone.
struct Abandoned<'a>(Option<&'a UpstreamCounters>);

impl Abandoned<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if let Some(counters) = self.0 {
            counters.abandoned.increment();
        }
    }
}
