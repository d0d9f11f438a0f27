//! What the diagnostics of a request ask for while it is under way, and what was seen for them.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;

use gateway_policy::exchange::Exchange;
use gateway_policy::exchange::capture::{Capture, Place, Seen};
use gateway_policy::exchange::correlation::application;
use gateway_telemetry::diagnostic::{Message, Messages};
use gateway_telemetry::redact;

use super::correlate;
use crate::snapshot::{Diagnosed, Snapshot};

/// A shorter value is no secret worth a message that nobody can read.
const SECRET_BYTES_MIN: usize = 6;

/// Finds the diagnostics that hold for the request, and begins what they ask for.
pub fn begin(snapshot: &Snapshot, exchange: &mut Exchange) -> Option<Arc<Diagnosed>> {
    let api = exchange.caller.api.as_ref();
    let diagnosed = snapshot.diagnostics.of(api.map(|api| (&*api.id, &*api.revision)))?;
    if diagnosed.protocols.any() {
        correlate::join(exchange, diagnosed.protocols);
    }
    if diagnosed.protocols.legacy {
        correlate::name(exchange, diagnosed.application.clone());
    }
    if let Some(wanted) = &diagnosed.wanted {
        let mut capture = Box::new(Capture::new(Arc::clone(wanted)));
        let request = &mut exchange.request;
        capture.take(Place::FrontendRequest, &request.headers, &mut request.body);
        exchange.capture = Some(capture);
    }
    Some(Arc::clone(diagnosed))
}

/// The request as it goes to the backend.
pub fn backend_request(exchange: &mut Exchange) {
    if let Some(capture) = &mut exchange.capture {
        let request = &mut exchange.request;
        capture.take(Place::BackendRequest, &request.headers, &mut request.body);
    }
}

/// The backend's answer.
pub fn backend_response(exchange: &mut Exchange) {
    if let (Some(applications), Some(response)) = (&mut exchange.applications, &exchange.response) {
        applications.backend = application(&response.headers);
    }
    if let (Some(capture), Some(response)) = (&mut exchange.capture, &mut exchange.response) {
        capture.take(Place::BackendResponse, &response.headers, &mut response.body);
    }
}

/// What was seen, without secrets.
pub fn messages(exchange: &Exchange) -> Option<Arc<Messages>> {
    let capture = exchange.capture.as_ref()?;
    let of = |place| capture.seen(place).map(|seen| message(exchange, seen)).unwrap_or_default();
    Some(Arc::new(Messages {
        frontend_request: of(Place::FrontendRequest),
        frontend_response: of(Place::FrontendResponse),
        backend_request: of(Place::BackendRequest),
        backend_response: of(Place::BackendResponse),
    }))
}

/// The message of the error without the values of secret fields: `check-header` says which value it does not allow.
pub fn error_message(exchange: &Exchange) -> Cow<'_, str> {
    let Some(error) = &exchange.last_error else { return Cow::default() };
    let (key_header, _) = key_names(exchange);
    let mut message = Cow::Borrowed(&*error.message);
    for (name, value) in exchange.request.headers.iter() {
        if !redact::is_secret_name(name) && !name.eq_ignore_ascii_case(key_header) {
            continue;
        }
        let value = String::from_utf8_lossy(value);
        // The whole, and what follows a scheme.
        for secret in iter::once(&*value).chain(value.split_whitespace()) {
            if secret.len() >= SECRET_BYTES_MIN && message.contains(secret) {
                message = message.replace(secret, redact::MASK).into();
            }
        }
    }
    message
}

/// The names of the field and the query parameter that carry the API's key.
fn key_names(exchange: &Exchange) -> (&str, &str) {
    let api = exchange.caller.api.as_ref();
    api.map_or(("", "subscription-key"), |api| (&*api.key_header, &*api.key_query))
}

fn message(exchange: &Exchange, seen: &Seen) -> Message {
    let (key_header, key_query) = key_names(exchange);
    let shown = |(name, value): &(Box<str>, String)| {
        let is_key = name.eq_ignore_ascii_case(key_header);
        let value = if is_key { redact::MASK.to_owned() } else { redact::field(name, value, key_query) };
        (name.clone(), value)
    };
    Message {
        headers: seen.headers.iter().map(shown).collect(),
        body: redact::body(&seen.text(), seen.content_type()),
    }
}
