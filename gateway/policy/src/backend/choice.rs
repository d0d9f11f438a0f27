//! Which backend a call goes to, and what its outcome means for the next ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Backend, Outcome};
use crate::exchange::Exchange;
use crate::exchange::calls::Fetches;
use crate::fault::{Fault, envelope};
use crate::message::{Body, Response};
use crate::ports::{ForwardOptions, Ports, TokenRequest};

/// Calls the backend, or a member of the pool, unless its breaker is open: then a 503 of ours is the response.
pub async fn forward(
    exchange: &mut Exchange,
    options: ForwardOptions,
    ports: &dyn Ports,
) -> Result<(), Fault> {
    if let Some(service) = exchange.backend.as_ref().and_then(|backend| backend.fabric.clone()) {
        return super::fabric::forward(&service, exchange, options, ports).await;
    }
    call_unless_open(exchange, options, ports).await
}

async fn call_unless_open(
    exchange: &mut Exchange,
    options: ForwardOptions,
    ports: &dyn Ports,
) -> Result<(), Fault> {
    if let Err(unavailable) = choose(exchange, ports.now()) {
        if options.fail_on_error_status_code {
            let is_pool = exchange.backend.as_ref().is_some_and(|backend| backend.pool.is_some());
            let reason = if is_pool { "BackendPoolUnavailable" } else { "CircuitBreakerOpen" };
            let wait = unavailable.headers.get_str("Retry-After").unwrap_or_default().to_owned();
            let text = unavailable.reason;
            return Err(Fault::new(503, text.clone(), "", reason, text).with_header("Retry-After", wait));
        }
        exchange.respond(*unavailable);
        return Ok(());
    }
    call(exchange, options, ports).await
}

/// Calls the backend that has been settled, and notes how it went.
pub async fn call(exchange: &mut Exchange, options: ForwardOptions, ports: &dyn Ports) -> Result<(), Fault> {
    exchange.backend_authorization = match exchange.destination().and_then(|backend| backend.managed.clone())
    {
        Some(wanted) => Some(authorization(&wanted, exchange.fetches(), ports).await?),
        None => None,
    };
    let outcome = ports.forward(exchange, options).await;
    let fault = outcome.as_ref().err();
    note(exchange, fault.map(|fault| fault.error.reason.as_str()), ports.now());
    outcome
}

/// The token of the gateway's own identity that a backend asks for, as a field.
pub async fn authorization(
    wanted: &TokenRequest,
    fetches: &Fetches,
    ports: &dyn Ports,
) -> Result<String, Fault> {
    match ports.identity().token(wanted, fetches).await {
        Ok(token) => Ok(format!("Bearer {token}")),
        Err(error) => Err(Fault::internal("", "ManagedIdentityTokenFailed", error.to_string())),
    }
}

/// The entity itself, or the member of a pool whose turn it is; 503 where it is left alone for now.
pub fn member_of(entity: &Arc<Backend>, now: Instant) -> Result<Arc<Backend>, Fault> {
    let id = entity.id.as_deref().unwrap_or_default();
    let (what, reason, chosen) = if let Some(pool) = &entity.pool {
        let chosen = pool.choose(None, &[], now).map(|chosen| Arc::clone(chosen.backend));
        (format!("Backend pool '{id}'"), "BackendPoolUnavailable", chosen)
    } else {
        let open = entity.breaker.as_ref().and_then(|breaker| breaker.open_for(now));
        (format!("Backend '{id}'"), "CircuitBreakerOpen", open.map_or_else(|| Ok(Arc::clone(entity)), Err))
    };
    chosen.map_err(|wait| {
        let text = format!("{what} is temporarily unavailable.");
        Fault::new(503, text.clone(), "", reason, text)
            .with_header("Retry-After", whole_seconds(wait).to_string())
    })
}

/// Seconds, rounded up.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Settles the member of a pool that the next call goes to. `Err`: the backend, or every member, is left alone for
/// now; what holds then is a 503 of ours.
fn choose(exchange: &mut Exchange, now: Instant) -> Result<(), Box<Response>> {
    let Some(backend) = exchange.backend.clone() else { return Ok(()) };
    let id = backend.id.as_deref().unwrap_or_default();
    let Some(pool) = &backend.pool else {
        return match backend.breaker.as_ref().and_then(|breaker| breaker.open_for(now)) {
            None => Ok(()),
            Some(wait) => Err(unavailable(&format!("Backend '{id}'"), wait)),
        };
    };
    let token = pool.cookie().and_then(|name| cookie(exchange, name));
    let chosen = pool.choose(token.as_deref(), &exchange.members_tried, now);
    let chosen = chosen.map_err(|wait| unavailable(&format!("Backend pool '{id}'"), wait))?;
    if let Some(member) = &chosen.backend.id {
        exchange.members_tried.push(Arc::clone(member));
    }
    exchange.member = Some(Arc::clone(chosen.backend));
    exchange.affinity = chosen.cookie.map(|(name, value)| format!("{name}={value}; Path=/; HttpOnly"));
    Ok(())
}

/// Tells the backend's breaker how the call went, and gives the client the cookie of its member.
fn note(exchange: &mut Exchange, reason: Option<&str>, now: Instant) {
    if let Some(breaker) = exchange.destination().and_then(|backend: &Arc<Backend>| backend.breaker.clone()) {
        let status = exchange.measures.backend_status;
        let outcome = match (reason, &exchange.response) {
            // `fail-on-error-status-code`: there was an answer.
            (Some(_), _) if status != 0 => Outcome::Answered { status, retry_after: None },
            (Some(reason), _) => Outcome::Failed(reason),
            (None, response) => Outcome::Answered {
                status,
                retry_after: response.as_ref().and_then(|response| response.headers.get_str("Retry-After")),
            },
        };
        breaker.note(outcome, now);
    }
    if let (Some(cookie), Some(response)) = (exchange.affinity.take(), exchange.response.as_mut()) {
        // Made of a cookie name and hex digits; only the size bound could refuse it.
        let _ = response.headers.append("Set-Cookie", cookie.as_bytes());
    }
}

/// 503 with the reason phrase that policies look at (`policies.md` §5.1).
fn unavailable(what: &str, wait: Duration) -> Box<Response> {
    let text = format!("{what} is temporarily unavailable.");
    let mut response = Response::new(503);
    response.body = Body::from(envelope(503, &text, None));
    let seconds = whole_seconds(wait).to_string();
    for (name, value) in [("Content-Type", "application/json"), ("Retry-After", &*seconds)] {
        let _ = response.headers.append(name, value.as_bytes());
    }
    response.reason = text.trim_end_matches('.').to_owned();
    Box::new(response)
}

/// The value of a cookie of the request (RFC 6265 §4.2).
fn cookie(exchange: &Exchange, name: &str) -> Option<String> {
    let lines = exchange.request.headers.get_all("Cookie").filter_map(|line| std::str::from_utf8(line).ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}
