//! Request tracing (`policies.md` §12): who may ask for it, and where the traces wait to be read. A trace shows secrets
//! to nobody: fields and parameters with secret names, and the values of secret named values, are masked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_model::Secret;
use gateway_policy::exchange::Exchange;
use gateway_policy::exchange::tracer::{Tracer, span};
use gateway_policy::fault::Section;
use gateway_policy::message::{Headers, Response};
use gateway_telemetry::redact::{MASK, Redacted, is_secret_name};
use gateway_telemetry::rfc3339::Rfc3339;
use serde_json::{Map, Value, json};

const AUTHORIZATION: &str = "Apim-Debug-Authorization";
const LEGACY: &str = "Ocp-Apim-Trace";
/// Answers [`LEGACY`]: where the trace is, on the admin listener.
const LEGACY_LOCATION: &str = "Ocp-Apim-Trace-Location";

/// Traces kept, and bytes of them; the oldest go first.
const TRACES_MAX: usize = 200;
const BYTES_MAX: usize = 16 << 20;

/// A token lives so long at most.
pub const LIFETIME_MAX: Duration = Duration::from_hours(1);

/// Tokens and traces of the process.
pub struct Debug {
    /// `None`: the system has no randomness, so nobody can have a token.
    key: Option<hmac::Key>,
    /// Reads tokens of the management plane, where there is one.
    issuer: Mutex<Option<Arc<Issuer>>>,
    traces: Mutex<Traces>,
    /// Traces that the management plane has not.
    outbox: Mutex<Traces>,
}

/// Reads tokens that another has issued.
pub type Issuer = dyn Fn(&str) -> Option<Permit> + Send + Sync;

/// What a token says that is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// Name of the API, without revision.
    pub api: String,
    /// Seconds since 1970.
    pub expiry: u64,
}

#[derive(Default)]
struct Traces {
    kept: VecDeque<(Box<str>, Arc<str>)>,
    bytes: usize,
}

impl Traces {
    fn keep(&mut self, id: &str, text: &Arc<str>) {
        self.bytes += text.len();
        self.kept.push_back((id.into(), Arc::clone(text)));
        while self.kept.len() > TRACES_MAX || self.bytes > BYTES_MAX {
            self.oldest();
        }
    }

    fn oldest(&mut self) -> Option<(Box<str>, Arc<str>)> {
        let oldest = self.kept.pop_front()?;
        self.bytes -= oldest.1.len();
        Some(oldest)
    }
}

/// What a token is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Allowed,
    Expired,
    WrongApi,
    Unknown,
}

impl Debug {
    /// With a key of its own: tokens end with the process.
    pub fn new() -> Self {
        let key = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new()).ok();
        Self { key, issuer: Mutex::default(), traces: Mutex::default(), outbox: Mutex::default() }
    }

    /// A token to trace requests to one API, valid for `lifetime` but for no more than [`LIFETIME_MAX`].
    pub fn issue(&self, api: &str, lifetime: Duration) -> Option<String> {
        let expiry = unix_seconds(SystemTime::now() + lifetime.min(LIFETIME_MAX));
        let claims = format!("{expiry}\n{api}");
        let tag = hmac::sign(self.key.as_ref()?, claims.as_bytes());
        Some(format!("{}.{}", URL_SAFE_NO_PAD.encode(claims), URL_SAFE_NO_PAD.encode(tag)))
    }

    /// Takes tokens of the management plane from now on, and lays down traces for it.
    pub fn trust(&self, issuer: Arc<Issuer>) {
        *lock(&self.issuer) = Some(issuer);
    }

    fn check(&self, token: &str, api: &str) -> Verdict {
        let issuer = lock(&self.issuer).clone();
        let Some(permit) = self.read_own(token).or_else(|| issuer?(token)) else { return Verdict::Unknown };
        if permit.expiry <= unix_seconds(SystemTime::now()) {
            Verdict::Expired
        } else if permit.api.eq_ignore_ascii_case(api) {
            Verdict::Allowed
        } else {
            Verdict::WrongApi
        }
    }

    fn read_own(&self, token: &str) -> Option<Permit> {
        let (claims, tag) = token.split_once('.')?;
        let (claims, tag) = (URL_SAFE_NO_PAD.decode(claims).ok()?, URL_SAFE_NO_PAD.decode(tag).ok()?);
        hmac::verify(self.key.as_ref()?, &claims, &tag).ok()?;
        let claims = String::from_utf8(claims).ok()?;
        let (expiry, api) = claims.split_once('\n')?;
        Some(Permit { api: api.to_owned(), expiry: expiry.parse().ok()? })
    }

    /// Begins the trace of a request that asks for one and may have it; the request fields that ask are taken away.
    /// Who may not is not traced, and is told so only where the token was once good.
    pub fn begin(&self, exchange: &mut Exchange) {
        if let Some(token) = exchange.request.headers.get_str(AUTHORIZATION) {
            let api = exchange.caller.api.as_ref().map_or("", |api| &*api.id);
            let verdict = self.check(token, api);
            exchange.request.headers.remove(AUTHORIZATION);
            let told = match verdict {
                Verdict::Allowed => return exchange.tracer = Some(Box::default()),
                Verdict::Expired => "Apim-Debug-Authorization-Expired",
                Verdict::WrongApi => "Apim-Debug-Authorization-WrongAPI",
                Verdict::Unknown => return,
            };
            let _ = exchange.answer_headers.get_or_insert_default().set(told, b"true");
        } else if exchange
            .request
            .headers
            .get_str(LEGACY)
            .is_some_and(|asked| asked.eq_ignore_ascii_case("true"))
        {
            exchange.request.headers.remove(LEGACY);
            if exchange.caller.may_trace {
                exchange.tracer = Some(Box::new(Tracer::default()));
                let place = format!("/traces/{}", exchange.id_text());
                let _ =
                    exchange.answer_headers.get_or_insert_default().set(LEGACY_LOCATION, place.as_bytes());
            }
        }
    }

    /// Keeps the trace of a request and names it on the answer.
    pub fn finish(&self, exchange: &Exchange, tracer: &Tracer, secrets: &[Secret], response: &mut Response) {
        let id = exchange.id_text();
        let mut trace = show(exchange, tracer, response);
        let key = exchange.caller.api.as_ref().map_or("", |api| &*api.key_header);
        let query = exchange.caller.api.as_ref().map_or("", |api| &*api.key_query);
        mask(&mut trace, &Masks { key_header: key, key_query: query, secrets });
        self.keep(id, &trace.to_string().into());
        let _ = response.headers.set("Apim-Trace-Id", id.as_bytes());
    }

    fn keep(&self, id: &str, text: &Arc<str>) {
        lock(&self.traces).keep(id, text);
        if lock(&self.issuer).is_some() {
            lock(&self.outbox).keep(id, text);
        }
    }

    /// The JSON of a trace.
    pub fn trace(&self, id: &str) -> Option<Arc<str>> {
        let traces = lock(&self.traces);
        traces.kept.iter().find(|(own, _)| &**own == id).map(|(_, text)| Arc::clone(text))
    }

    /// The oldest trace that the management plane has not: its id and JSON.
    pub fn take_trace(&self) -> Option<(Box<str>, Arc<str>)> {
        lock(&self.outbox).oldest()
    }
}

impl Default for Debug {
    fn default() -> Self {
        Self::new()
    }
}

/// A panic elsewhere leaves whole traces behind, so the data is good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn unix_seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// The sections with their entries in order.
fn show(exchange: &Exchange, tracer: &Tracer, response: &Response) -> Value {
    let mut sections = Map::new();
    for section in Section::ALL {
        let entries = tracer.entries().iter().filter(|entry| entry.section == section).map(|entry| {
            let timestamp = Rfc3339 { time: exchange.timestamp + entry.elapsed, digits: 7 };
            json!({
                "source": entry.source, "timestamp": timestamp.to_string(), "elapsed": span(entry.elapsed),
                "data": entry.data,
            })
        });
        sections.insert(section.as_str().to_owned(), entries.collect());
    }
    json!({
        "traceId": exchange.id_text(),
        "request": { "method": exchange.original_method.as_str(), "url": exchange.original_url.to_string() },
        "response": { "status": response.status, "headers": fields(&response.headers) },
        "statementsLeftOut": tracer.dropped(),
        "traceEntries": sections,
    })
}

fn fields(headers: &Headers) -> Value {
    let each =
        headers.iter().map(|(name, value)| json!({ "name": name, "value": String::from_utf8_lossy(value) }));
    each.collect()
}

struct Masks<'a> {
    key_header: &'a str,
    key_query: &'a str,
    secrets: &'a [Secret],
}

/// Masks every text of a trace in place.
fn mask(value: &mut Value, masks: &Masks<'_>) {
    match value {
        Value::String(text) => {
            let is_url = text.starts_with("http://") || text.starts_with("https://");
            if is_url {
                *text = Redacted::text(text, masks.key_query).to_string();
            }
            for secret in masks.secrets {
                if text.contains(secret.expose()) {
                    *text = text.replace(secret.expose(), MASK);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| mask(item, masks)),
        Value::Object(members) => {
            let is_secret = |name: &str| is_secret_name(name) || name.eq_ignore_ascii_case(masks.key_header);
            let names_secret = members.get("name").and_then(Value::as_str).is_some_and(is_secret);
            for (name, member) in members.iter_mut() {
                let bare = name.strip_prefix("variables.").unwrap_or(name);
                if (names_secret && name == "value") || (member.is_string() && is_secret(bare)) {
                    *member = MASK.into();
                } else {
                    mask(member, masks);
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_hold_for_their_api_and_time() {
        let debug = Debug::new();
        let token = debug.issue("orders", Duration::from_mins(1)).unwrap();
        assert_eq!(debug.check(&token, "orders"), Verdict::Allowed);
        assert_eq!(debug.check(&token, "other"), Verdict::WrongApi);
        assert_eq!(debug.check(&debug.issue("orders", Duration::ZERO).unwrap(), "orders"), Verdict::Expired);
        assert_eq!(Debug::new().check(&token, "orders"), Verdict::Unknown, "another process's key");
        for bad in ["", ".", "x.y", &token[1..], &format!("{token}A")] {
            assert_eq!(debug.check(bad, "orders"), Verdict::Unknown, "{bad}");
        }
    }

    #[test]
    fn tokens_of_the_plane_are_taken_and_its_traces_laid_down() {
        let debug = Debug::new();
        debug.keep("before", &"{}".into());
        let expiry = unix_seconds(SystemTime::now()) + 60;
        debug.trust(Arc::new(move |token| {
            (token == "theirs").then(|| Permit { api: "Orders".to_owned(), expiry })
        }));
        assert_eq!(debug.check("theirs", "orders"), Verdict::Allowed);
        assert_eq!(debug.check("theirs", "other"), Verdict::WrongApi);
        assert_eq!(debug.check("nobody's", "orders"), Verdict::Unknown);
        debug.keep("after", &"{}".into());
        assert_eq!(debug.take_trace().map(|(id, _)| id).as_deref(), Some("after"));
        assert!(debug.take_trace().is_none() && debug.trace("after").is_some());
    }

    #[test]
    fn traces_are_bounded() {
        let debug = Debug::new();
        (0..TRACES_MAX + 5).for_each(|number| debug.keep(&number.to_string(), &"{}".into()));
        assert!(debug.trace("4").is_none() && debug.trace("5").is_some());
        debug.keep("large", &"x".repeat(BYTES_MAX + 1).into());
        assert_eq!(debug.traces.lock().unwrap().bytes, 0);
    }

    #[test]
    fn mask_hides_names_and_values() {
        let mut trace = json!({
            "headers": [{ "name": "authorization", "value": "Bearer x" }, { "name": "X-Key", "value": "k" },
                { "name": "X-Other", "value": "a hunter2 b" }],
            "url": "https://h/p?key=1&q=2&mine=3", "variables.token": "t", "variables.n": "hunter2",
        });
        mask(&mut trace, &Masks { key_header: "x-key", key_query: "mine", secrets: &["hunter2".into()] });
        let text = trace.to_string();
        assert!(!text.contains("Bearer") && !text.contains("hunter2") && !text.contains("\"k\""), "{text}");
        assert!(
            text.contains("key=***&q=2&mine=***") && text.contains("\"variables.token\":\"***\""),
            "{text}"
        );
    }
}
