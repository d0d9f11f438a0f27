//! `cache-lookup` (`policies.md` B 3.1).

use std::fmt::Write;
use std::time::Duration;

use super::cache_lookup_value::{CACHING_TYPE, caching_type};
use crate::catalogue::{AttributeDef, Content, Kind, MANY, PolicyDef, child, optional, required};
use crate::compile::Compiler;
use crate::compile::arguments::{BoolArg, TextArg};
use crate::exchange::{CachePlan, CacheUse, Downstream, DownstreamKind, Exchange};
use crate::fault::{Fault, Section};
use crate::message::{Response, query};
use crate::pipeline::{Flow, Step, WaitingPolicy};
use crate::ports::{CachingType, Claim, Entry, Fill, Ports};
use crate::xml::Element;

pub static CACHE_LOOKUP: PolicyDef = PolicyDef {
    element: "cache-lookup",
    sections: &[Section::Inbound],
    attributes: &[
        required("vary-by-developer", Kind::Bool).expression(),
        required("vary-by-developer-groups", Kind::Bool).expression(),
        CACHING_TYPE,
        DOWNSTREAM,
        optional("must-revalidate", Kind::Bool).expression(),
        optional("allow-private-response-caching", Kind::Bool).expression(),
    ],
    content: Content::Elements(&[
        child("vary-by-header", (0, MANY), &[], Content::Text { expression: true }),
        child("vary-by-query-parameter", (0, MANY), &[], Content::Text { expression: true }),
    ]),
    once: true,
    docs: "Answers a GET without a body from the cache. A hit skips the backend; outbound goes on behind the \
           `cache-store`, as the service's trace says. A miss is stored by `cache-store`; meanwhile other requests for \
           the same entry wait for it, at most 1 s. Key: URL as received, API, operation and product, the developer \
           where asked for, the values of `vary-by-header`, and either the whole query or the parameters of \
           `vary-by-query-parameter` (several names with `;`). Requests with Authorization go past the cache unless \
           `allow-private-response-caching` is true; then answers are shared by callers: add \
           `vary-by-header` Authorization to keep them apart. `downstream-caching-type` sets Cache-Control: `none` \
           no-store (default), `private` or `public` with the time left; `must-revalidate` (default true) is appended. \
           A hit carries Age, and is 304 where If-None-Match or If-Modified-Since allow it. On a miss those fields and \
           Range are not sent to the backend, so that a whole answer comes.",
    compile,
};

const DOWNSTREAM: AttributeDef =
    optional("downstream-caching-type", Kind::OneOf(&["none", "private", "public"])).expression();

/// How long a request waits for another that makes its entry.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// Fields that make an answer partial or empty.
const CONDITIONAL: &[&str] =
    &["If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "If-Range", "Range"];

struct CacheLookup {
    by_developer: BoolArg,
    by_groups: BoolArg,
    caching: CachingType,
    downstream: Option<TextArg>,
    must_revalidate: BoolArg,
    allow_private: BoolArg,
    headers: Vec<TextArg>,
    parameters: Vec<TextArg>,
}

fn compile(element: &Element, c: &mut Compiler<'_>) -> Option<Step> {
    let before = c.findings();
    let names = |c: &mut Compiler<'_>, name: &str| -> Vec<TextArg> {
        element.elements().filter(|child| &*child.name == name).filter_map(|child| c.content(child)).collect()
    };
    let policy = CacheLookup {
        by_developer: c.boolean(element, "vary-by-developer")?,
        by_groups: c.boolean(element, "vary-by-developer-groups")?,
        caching: caching_type(element, c),
        downstream: c.text(element, "downstream-caching-type"),
        must_revalidate: c.boolean(element, "must-revalidate").unwrap_or(BoolArg::Literal(true)),
        allow_private: c
            .boolean(element, "allow-private-response-caching")
            .unwrap_or(BoolArg::Literal(false)),
        headers: names(c, "vary-by-header"),
        parameters: names(c, "vary-by-query-parameter"),
    };
    (c.findings() == before).then(|| Step::waiting(policy))
}

/// The parts of a key, each behind its length, and lists behind their number, so that no two give the same text.
#[derive(Default)]
struct Key(String);

impl Key {
    fn add(&mut self, part: &str) {
        let _ = write!(self.0, "{}:{part}", part.len());
    }

    fn add_all<'p>(&mut self, parts: impl ExactSizeIterator<Item = &'p str>) {
        let _ = write!(self.0, "{}*", parts.len());
        parts.for_each(|part| self.add(part));
    }
}

/// Names separated by `;`.
fn names(arguments: &[TextArg], exchange: &Exchange) -> Result<Vec<String>, Fault> {
    let mut names = Vec::new();
    for argument in arguments {
        let text = argument.get(exchange)?;
        names.extend(text.split(';').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
    }
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

impl CacheLookup {
    fn downstream(&self, exchange: &Exchange) -> Result<Downstream, Fault> {
        let kind = match &self.downstream {
            None => DownstreamKind::None,
            Some(argument) => match &*argument.get(exchange)? {
                "none" => DownstreamKind::None,
                "private" => DownstreamKind::Private,
                "public" => DownstreamKind::Public,
                other => {
                    let text = format!("downstream-caching-type '{other}' is not none, private or public.");
                    return Err(Fault::expression(&text));
                }
            },
        };
        Ok(Downstream { kind, must_revalidate: self.must_revalidate.get(exchange)? })
    }

    fn key(&self, headers: &[String], exchange: &Exchange) -> Result<String, Fault> {
        let url = &exchange.original_url;
        let caller = &exchange.caller;
        let mut key = Key("r".to_owned());
        for part in [url.scheme.as_str(), &url.authority(), &url.path] {
            key.add(part);
        }
        key.add(caller.api.as_ref().map_or("", |api| &api.id));
        key.add(caller.operation.as_ref().map_or("", |operation| &operation.id));
        key.add(caller.product.as_ref().map_or("", |product| &product.id));
        if self.by_developer.get(exchange)? {
            // Without a user there is still the subscription: callers are not thrown together.
            let user = caller.user.as_ref().map_or("", |user| &user.id);
            let subscription = caller.subscription.as_ref().map_or("", |subscription| &subscription.id);
            key.add_all([user, subscription].into_iter());
        }
        if self.by_groups.get(exchange)? {
            let mut groups: Vec<_> =
                caller.user.iter().flat_map(|user| &user.groups).map(|group| group.id.as_str()).collect();
            groups.sort_unstable();
            key.add_all(groups.into_iter());
        }
        for name in headers {
            key.add(name);
            let values: Vec<_> =
                exchange.request.headers.get_all(name).map(String::from_utf8_lossy).collect();
            key.add_all(values.iter().map(|value| &**value));
        }
        let parameters = names(&self.parameters, exchange)?;
        if parameters.is_empty() {
            key.add(&url.query);
        }
        for name in &parameters {
            key.add(name);
            let named = |own: &str| query::decode(own).eq_ignore_ascii_case(name);
            let values: Vec<_> = query::pairs(&url.query).filter(|(own, _)| named(own)).collect();
            key.add_all(values.iter().map(|(_, value)| *value));
        }
        Ok(key.0)
    }
}

/// The entry; else the right to make it, which is absent where others make it or nobody needs to.
async fn find(
    key: &str,
    caching: CachingType,
    ports: &dyn Ports,
) -> Result<std::sync::Arc<Entry>, Option<Fill>> {
    for round in 0..2 {
        let found = ports.cache().get(caching, key).await;
        if let Some(entry) = found.filter(|entry| entry.response().is_some()) {
            return Ok(entry);
        }
        match ports.cache().claim(key) {
            Claim::Mine(fill) => return Err(Some(fill)),
            Claim::Pass => return Err(None),
            Claim::Busy if round == 0 => ports.cache().wait(key, WAIT_MAX).await,
            Claim::Busy => {}
        }
    }
    Err(None)
}

fn hit(
    entry: &Entry,
    downstream: Downstream,
    exchange: &mut Exchange,
    ports: &dyn Ports,
) -> Result<Flow, Fault> {
    let Some(cached) = entry.response() else { return Ok(Flow::Continue) };
    let now_ms = exchange.unix_ms(ports);
    let age = Duration::from_millis(now_ms.saturating_sub(entry.stored_ms));
    let left = Duration::from_millis(entry.lifetime_ms).saturating_sub(age);
    let mut response = cached.to_response();
    if is_unchanged(&response, exchange) {
        response = Response { headers: response.headers, ..Response::new(304) };
        response.headers.remove("Content-Length");
    }
    let wrong = |error| Fault::invalid_value("cache-lookup", error);
    response.headers.set("Age", age.as_secs().to_string().as_bytes()).map_err(wrong)?;
    downstream.set(left, &mut response.headers).map_err(wrong)?;
    exchange.measures.cache = CacheUse::Hit;
    exchange.cache.resume_after = &["cache-store"];
    exchange.respond(response);
    Ok(Flow::Respond)
}

/// Whether the client has this answer already (RFC 9110 §13.2.2): weak comparison of entity tags, else dates that are
/// the same to the byte.
fn is_unchanged(response: &Response, exchange: &Exchange) -> bool {
    if response.status != 200 {
        return false;
    }
    let asked = |name| exchange.request.headers.joined(name);
    if let Some(tags) = asked("If-None-Match") {
        let weak = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
        let own = response.headers.get_str("ETag").map(weak);
        return tags.trim() == "*" || own.is_some_and(|own| tags.split(',').any(|tag| weak(tag) == own));
    }
    match (asked("If-Modified-Since"), response.headers.get_str("Last-Modified")) {
        (Some(since), Some(modified)) => since.trim() == modified.trim(),
        _ => false,
    }
}

impl WaitingPolicy for CacheLookup {
    async fn run(&self, exchange: &mut Exchange, ports: &dyn Ports) -> Result<Flow, Fault> {
        let request = &exchange.request;
        let is_plain_get = exchange.original_method.as_str() == "GET" && request.method.as_str() == "GET";
        if !is_plain_get || !request.body.is_empty() || exchange.upgrade {
            return Ok(Flow::Continue);
        }
        let allow_private = self.allow_private.get(exchange)?;
        if exchange.request.headers.contains("Authorization") && !allow_private {
            return Ok(Flow::Continue);
        }
        let headers = names(&self.headers, exchange)?;
        let headers: Vec<_> = headers.iter().map(|name| name.to_ascii_lowercase()).collect();
        let downstream = self.downstream(exchange)?;
        let key = self.key(&headers, exchange)?;
        exchange.settle_bodies();
        let fill = match find(&key, self.caching, ports).await {
            Ok(entry) => return hit(&entry, downstream, exchange, ports),
            Err(fill) => fill,
        };
        exchange.measures.cache = CacheUse::Miss;
        for name in CONDITIONAL {
            exchange.request.headers.remove(name);
        }
        let varies_by = headers.into_iter().map(Into::into).collect();
        let plan = CachePlan { caching: self.caching, key, varies_by, downstream, allow_private, fill };
        exchange.cache.plan = Some(Box::new(plan));
        Ok(Flow::Continue)
    }
}
