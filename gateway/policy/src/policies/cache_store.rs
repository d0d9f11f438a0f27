//! `cache-store` (`policies.md` B 3.2).

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::catalogue::{Content, Kind, PolicyDef, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, IntArg};
use crate::exchange::trace::{Severity, TraceEntry};
use crate::exchange::{CachePlan, Exchange};
use crate::fault::{Fault, Section};
use crate::message::{Body, BodyError, BodyStream, Frame, Headers, Response};
use crate::pipeline::{Flow, Policy, Step};
use crate::ports::{Cached, CachedResponse, ENTRY_BYTES_MAX, Entry, Fill, Filled, Ports, Writer};
use crate::xml::Element;

pub static CACHE_STORE: PolicyDef = PolicyDef {
    element: "cache-store",
    sections: &[Section::Outbound],
    attributes: &[
        required("duration", Kind::Int(0, i32::MAX as i64)).expression(),
        optional("cache-response", Kind::Bool).expression(),
    ],
    content: Content::Empty,
    once: true,
    docs: "Keeps the response of a request that `cache-lookup` did not find, for `duration` seconds. Only a 200, unless \
           `cache-response` says true or false. Never kept: what has Set-Cookie, or Cache-Control no-store or private \
           (private may be where `allow-private-response-caching` is true), 206 and 304, more than 2 MiB, a body cut \
           short, Vary: * or a Vary field that is no `vary-by-header` (Accept-Encoding is fine without \
           Content-Encoding). The body is kept as it streams by; the trace says why something is not.",
    compile,
};

struct CacheStore {
    duration: IntArg,
    cache_response: Option<BoolArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let duration = c.int(element, "duration");
    let cache_response = c.boolean(element, "cache-response");
    let policy = CacheStore { duration: duration?, cache_response };
    (c.findings() == before).then(|| Step::sync(policy))
}

impl Policy for CacheStore {
    fn apply(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        if exchange.cache.plan.is_none() {
            return Ok(Flow::Continue);
        }
        let seconds = self.duration.get(exchange)?.max(0).unsigned_abs();
        let wanted = self.cache_response.as_ref().map(|argument| argument.get(exchange)).transpose()?;
        let stored_ms = exchange.unix_ms(ports);
        let (Some(mut plan), Some(response)) = (exchange.cache.plan.take(), exchange.response.as_mut())
        else {
            return Ok(Flow::Continue);
        };
        let reason = if seconds == 0 { Some("the duration is 0") } else { obstacle(response, wanted, &plan) };
        let fill = plan.fill.take();
        if let Some(reason) = reason {
            fill.into_iter().for_each(|fill| fill.end(Filled::NotStorable));
            note_uncached("cache-store", reason, exchange, ports);
            return Ok(Flow::Continue);
        }
        let lifetime = Duration::from_secs(seconds);
        let writer = ports.cache().writer(plan.caching, &plan.key);
        Keeper::new(response, stored_ms, lifetime, writer, fill).keep(response);
        let wrong = |error| Fault::invalid_value("cache-store", error);
        plan.downstream.set(lifetime, &mut response.headers).map_err(wrong)?;
        Ok(Flow::Continue)
    }
}

/// Tells the trace why a response is not kept.
pub fn note_uncached(source: &'static str, reason: &str, exchange: &mut Exchange, ports: &dyn Ports) {
    let elapsed = exchange.elapsed(ports);
    exchange.trace.add(TraceEntry {
        source: source.into(),
        severity: Severity::Information,
        message: format!("The response is not cached: {reason}."),
        metadata: Vec::new(),
        elapsed,
    });
}

/// Why a response is not kept under the key of a lookup.
fn obstacle(response: &Response, wanted: Option<bool>, plan: &CachePlan) -> Option<&'static str> {
    let headers = &response.headers;
    if let Some(reason) = unsuitable(response, wanted) {
        return Some(reason);
    }
    if says(headers, "private") && !plan.allow_private {
        return Some(FORBIDDEN);
    }
    varies_beyond(headers, plan).then_some("its Vary names fields that the key does not hold")
}

const FORBIDDEN: &str = "its Cache-Control forbids it";

/// Whether `Cache-Control` has a directive.
fn says(headers: &Headers, directive: &str) -> bool {
    let control = headers.joined("Cache-Control").unwrap_or_default();
    control
        .split(',')
        .filter_map(|part| part.split('=').next())
        .any(|name| name.trim().eq_ignore_ascii_case(directive))
}

/// Why a response is not kept whatever is asked for.
pub fn unsuitable(response: &Response, wanted: Option<bool>) -> Option<&'static str> {
    let headers = &response.headers;
    match (wanted, response.status) {
        (Some(false), _) => return Some("cache-response is false"),
        (_, 206 | 304 | 100..=199) => return Some("it is not a whole response"),
        (None, status) if status != 200 => return Some("its status is not 200"),
        _ => {}
    }
    if headers.contains("Set-Cookie") {
        return Some("it sets a cookie");
    }
    if says(headers, "no-store") {
        return Some(FORBIDDEN);
    }
    match &response.body {
        Body::Consumed => Some("its body has been read"),
        body if body.len().is_some_and(|length| length > ENTRY_BYTES_MAX as u64) => {
            Some("it is longer than 2 MiB")
        }
        _ => None,
    }
}

fn varies_beyond(headers: &Headers, plan: &CachePlan) -> bool {
    let vary = headers.joined("Vary").unwrap_or_default();
    vary.split(',').map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        let is_in_key = plan.varies_by.iter().any(|known| known.eq_ignore_ascii_case(name));
        let is_identity =
            name.eq_ignore_ascii_case("Accept-Encoding") && !headers.contains("Content-Encoding");
        !is_in_key && !is_identity
    })
}

/// The fields that may be sent again.
fn storable(headers: &Headers) -> Headers {
    const OF_ONE_MESSAGE: &[&str] = &["Connection", "Keep-Alive", "Transfer-Encoding", "Trailer", "Age"];
    let mut headers = headers.clone();
    headers.retain(|name, _| !OF_ONE_MESSAGE.iter().any(|own| own.eq_ignore_ascii_case(name)));
    headers
}

struct Head {
    status: u16,
    reason: String,
    headers: Headers,
    stored_ms: u64,
    lifetime_ms: u64,
}

/// Makes the entry once the whole body is there.
pub struct Keeper {
    head: Head,
    writer: Writer,
    fill: Option<Fill>,
}

impl Keeper {
    /// Will store the response as it is now.
    pub fn new(
        response: &Response,
        stored_ms: u64,
        lifetime: Duration,
        writer: Writer,
        fill: Option<Fill>,
    ) -> Self {
        let head = Head {
            status: response.status,
            reason: response.reason.clone(),
            headers: storable(&response.headers),
            stored_ms,
            lifetime_ms: lifetime.as_millis() as u64,
        };
        Self { head, writer, fill }
    }

    /// Stores a body that is there; follows one that streams.
    pub fn keep(self, response: &mut Response) {
        response.body = match std::mem::take(&mut response.body) {
            Body::Stream(inner) => {
                let capacity = inner.remaining().unwrap_or(0) as usize;
                let collected = BytesMut::with_capacity(capacity);
                Body::Stream(Box::new(Kept { inner, collected, keeper: Some(self) }))
            }
            Body::Bytes(bytes) => {
                self.store(bytes.clone());
                Body::Bytes(bytes)
            }
            Body::Empty | Body::Consumed => {
                self.store(Bytes::new());
                Body::Empty
            }
        }
    }

    fn store(self, body: Bytes) {
        let Head { status, reason, headers, stored_ms, lifetime_ms } = self.head;
        let content = Cached::Response(CachedResponse { status, reason, headers, body });
        (self.writer)(Entry { content, stored_ms, lifetime_ms });
        self.fill.into_iter().for_each(|fill| fill.end(Filled::Stored));
    }
}

/// A body that is kept as it goes by.
struct Kept {
    inner: Box<dyn BodyStream>,
    collected: BytesMut,
    /// `None` once stored, or found too long.
    keeper: Option<Keeper>,
}

impl BodyStream for Kept {
    fn poll_frame(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame, BodyError>>> {
        let polled = self.inner.poll_frame(cx);
        match &polled {
            std::task::Poll::Ready(Some(Ok(Frame::Data(data)))) if self.keeper.is_some() => {
                if self.collected.len() + data.len() > ENTRY_BYTES_MAX {
                    self.collected = BytesMut::new();
                    let fill = self.keeper.take().and_then(|keeper| keeper.fill);
                    fill.into_iter().for_each(|fill| fill.end(Filled::NotStorable));
                } else {
                    self.collected.extend_from_slice(data);
                    // A reader that knows the length does not ask for the end.
                    if self.inner.remaining() == Some(0) {
                        self.finish();
                    }
                }
            }
            std::task::Poll::Ready(None | Some(Ok(Frame::Trailers(_)))) => self.finish(),
            std::task::Poll::Ready(Some(Err(_))) => self.keeper = None,
            _ => {}
        }
        polled
    }

    fn remaining(&self) -> Option<u64> {
        self.inner.remaining()
    }
}

impl Kept {
    fn finish(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.store(std::mem::take(&mut self.collected).freeze());
        }
    }
}
