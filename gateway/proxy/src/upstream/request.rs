//! What a request looks like to the backend: its URL, its fields and its framing, all made anew.

use std::borrow::Cow;
use std::sync::Arc;

use gateway_policy::backend::{Backend, ForwardProxy};
use gateway_policy::exchange::Exchange;
use gateway_policy::message::{Headers, Method, Request, Scheme, Url};
use smallvec::SmallVec;

use super::failure::UpstreamError;
use super::settings::Network;
use crate::wire::{Framing, WireError, fields, target, write};

/// A request about to be sent. Borrows everything that need not change.
#[derive(Clone, Debug)]
pub struct Outgoing<'a> {
    pub method: &'a Method,
    /// Where it goes: scheme, host and port; the path and query are those below.
    pub to: &'a Url,
    /// Path of the backend, without trailing slash; may be empty.
    pub base: &'a str,
    /// Begins with `/`.
    pub path: Cow<'a, str>,
    pub query: Cow<'a, str>,
    /// `Host` as a policy set it; else that of `to`.
    pub host: Option<&'a str>,
    /// Proxy on the way.
    pub proxy: Option<&'a Arc<ForwardProxy>>,
    headers: &'a Headers,
    /// Credentials of the backend; they replace fields of the same name.
    credentials: &'a [(String, String)],
    /// `Authorization` of the backend; replaces that of the request.
    authorization: Option<&'a str>,
    forwarded: Option<Forwarded<'a>>,
    /// Value of `Upgrade` to pass on.
    pub upgrade: Option<&'a [u8]>,
    /// Ask for trailers.
    pub trailers: bool,
    /// Fields left out because the request goes to another host than was meant (redirects).
    pub foreign: bool,
}

/// What we say about the client (H1-21).
#[derive(Clone, Copy, Debug)]
struct Forwarded<'a> {
    client: &'a str,
    original: &'a Url,
    /// The peer is a proxy whose own statements stand.
    trusted: bool,
}

impl<'a> Outgoing<'a> {
    /// The exchange's request, to its backend.
    pub fn forward(
        exchange: &'a Exchange,
        backend: &'a Backend,
        trusted_proxies: &[Network],
    ) -> Result<Self, UpstreamError> {
        let Request { method, url, headers, .. } = &exchange.request;
        let path = path_below_base(&url.path)?;
        Ok(Self {
            method,
            to: &backend.base,
            base: backend.base.path.trim_end_matches('/'),
            path,
            query: query_with(&url.query, &backend.query)?,
            proxy: exchange.proxy.as_ref().or(backend.proxy.as_ref()),
            host: headers.get_str("host").filter(|set| !names_host(set, &exchange.original_url)),
            headers,
            credentials: &backend.headers,
            authorization: exchange.backend_authorization.as_deref(),
            forwarded: Some(Forwarded {
                client: &exchange.connection.ip,
                original: &exchange.original_url,
                trusted: trusted_proxies.iter().any(|network| network.contains(exchange.connection.peer)),
            }),
            upgrade: if exchange.upgrade { headers.get("upgrade") } else { None },
            trailers: wants_trailers(headers),
            foreign: false,
        })
    }

    /// A request that a policy made (`send-request`).
    pub fn call(request: &'a Request, proxy: Option<&'a Arc<ForwardProxy>>) -> Result<Self, UpstreamError> {
        let Request { method, url, headers, .. } = request;
        Ok(Self {
            method,
            to: url,
            base: "",
            path: path_below_base(&url.path)?,
            query: query_with(&url.query, &[])?,
            host: headers.get_str("host"),
            proxy,
            headers,
            credentials: &[],
            authorization: None,
            forwarded: None,
            upgrade: None,
            trailers: false,
            foreign: false,
        })
    }

    /// The same request to the place a redirect names; another host gets no credentials.
    pub fn redirected(&self, method: &'a Method, to: &'a Url, foreign: bool) -> Result<Self, UpstreamError> {
        Ok(Self {
            method,
            to,
            base: "",
            path: path_below_base(&to.path)?,
            query: query_with(&to.query, &[])?,
            host: None,
            credentials: if foreign { &[] } else { self.credentials },
            authorization: self.authorization.filter(|_| !foreign),
            foreign,
            ..self.clone()
        })
    }

    /// The whole URL, which redirects are relative to.
    pub fn url(&self) -> Url {
        Url {
            path: [self.base, &self.path].concat(),
            query: self.query.clone().into_owned(),
            ..self.to.clone()
        }
    }

    /// Every field but `Host`, framing and connection fields.
    pub fn each_field(&self, mut visit: impl FnMut(&str, &[u8])) {
        let mut said = Said::default();
        for (name, value) in self.headers.iter() {
            if self.keeps(name, value, &mut said) {
                visit(name, value);
            }
        }
        for (name, value) in self.credentials {
            visit(name, value.as_bytes());
        }
        if let Some(value) = self.authorization {
            visit("Authorization", value.as_bytes());
        }
        if let Some(forwarded) = &self.forwarded {
            forwarded.add(self.headers, &said, visit);
        }
    }

    fn keeps(&self, name: &str, value: &[u8], said: &mut Said) -> bool {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if fields::is_hop_by_hop(name) || is("host") || is("expect") {
            return false;
        }
        if is("authorization") && self.authorization.is_some() {
            return false;
        }
        if self.credentials.iter().any(|(own, _)| is(own)) || (self.foreign && is_credential(name)) {
            return false;
        }
        let Some(forwarded) = &self.forwarded else { return true };
        let Some(claim) = Claim::of(name) else { return true };
        // What a policy set is the operator's word, what the client claims counts if it is a trusted proxy.
        let by_policy = self.headers.was_set(name);
        match claim {
            Claim::Client if forwarded.trusted && !by_policy => {
                said.proxies = true;
                false
            }
            Claim::Tracing => by_policy || value.len() <= TRACING_BYTES_MAX,
            _ => {
                let kept = by_policy || forwarded.trusted;
                said.note(claim, kept);
                kept
            }
        }
    }

    /// Writes an HTTP/1.1 head.
    pub fn write_head(&self, out: &mut Vec<u8>, framing: Framing, expect_continue: bool) {
        // A proxy is told the whole URL, unless it only relays a TLS connection (RFC 9112 §3.2.2).
        let proxy = self.proxy.filter(|_| self.to.scheme == Scheme::Http);
        let absolute = proxy.map(|_| format!("http://{}{}", self.to.authority(), self.base));
        let line = write::RequestLine {
            method: self.method,
            base: absolute.as_deref().unwrap_or(self.base),
            path: &self.path,
            query: &self.query,
            host: self.host.unwrap_or(&self.to.host),
            port: if self.host.is_none() { explicit_port(self.to) } else { None },
        };
        write::request_line(out, &line);
        self.each_field(|name, value| write::field(out, name, value));
        if let Some(authorization) = proxy.and_then(|proxy| proxy.authorization.as_ref()) {
            write::field(out, "Proxy-Authorization", authorization.as_bytes());
        }
        if expect_continue {
            write::field(out, "Expect", b"100-continue");
        }
        write::request_end(out, self.method, framing, self.upgrade, self.trailers);
    }
}

/// Longest tracing field that is passed on (H1-21).
const TRACING_BYTES_MAX: usize = 8 << 10;

/// Fields by which a sender could pretend to speak for us (H1-21).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Claim {
    /// `X-Forwarded-For`.
    Client,
    Proto,
    Host,
    /// Identities that we do not assert ourselves: dropped.
    Other,
    Tracing,
}

impl Claim {
    fn of(name: &str) -> Option<Self> {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name.len() {
            7 if is("baggage") => Some(Self::Tracing),
            9 if is("forwarded") || is("x-real-ip") => Some(Self::Other),
            10 if is("tracestate") || is("request-id") => Some(Self::Tracing),
            11 if is("traceparent") => Some(Self::Tracing),
            11 if is("client-cert") => Some(Self::Other),
            15 if is("x-forwarded-for") => Some(Self::Client),
            16 if is("x-forwarded-host") => Some(Self::Host),
            16 if is("x-arr-clientcert") => Some(Self::Other),
            17 if is("x-forwarded-proto") => Some(Self::Proto),
            17 if is("client-cert-chain") => Some(Self::Other),
            _ => None,
        }
    }
}

/// What the fields sent on say already.
#[derive(Default)]
struct Said {
    client: bool,
    proto: bool,
    host: bool,
    /// A trusted proxy named addresses, which ours goes behind.
    proxies: bool,
}

impl Said {
    fn note(&mut self, claim: Claim, kept: bool) {
        match claim {
            Claim::Client => self.client |= kept,
            Claim::Proto => self.proto |= kept,
            Claim::Host => self.host |= kept,
            Claim::Other | Claim::Tracing => {}
        }
    }
}

impl Forwarded<'_> {
    fn add(&self, headers: &Headers, said: &Said, mut visit: impl FnMut(&str, &[u8])) {
        let client = self.client.as_bytes();
        if said.proxies {
            let named: Vec<&[u8]> = headers.get_all("x-forwarded-for").chain([client]).collect();
            visit("X-Forwarded-For", &named.join(&b", "[..]));
        } else if !said.client {
            visit("X-Forwarded-For", client);
        }
        if !said.proto {
            visit("X-Forwarded-Proto", self.original.scheme.as_str().as_bytes());
        }
        if !said.host {
            let mut host = SmallVec::<[u8; 72]>::from_slice(self.original.host.as_bytes());
            if let Some(port) = explicit_port(self.original) {
                host.push(b':');
                let digits = [10_000, 1_000, 100, 10, 1].iter().filter(|place| port >= **place);
                host.extend(digits.map(|place| b'0' + (port / place % 10) as u8));
            }
            visit("X-Forwarded-Host", &host);
        }
    }
}

/// The port where it is not the scheme's own.
fn explicit_port(url: &Url) -> Option<u16> {
    (url.port != url.scheme.default_port()).then_some(url.port)
}

/// Whether a `Host` value is the authority of the URL, with or without a default port or trailing dot.
fn names_host(value: &str, url: &Url) -> bool {
    let Some(start) = value.get(..url.host.len()) else { return false };
    if !start.eq_ignore_ascii_case(&url.host) {
        return false;
    }
    let rest = value.get(url.host.len()..).unwrap_or_default();
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    match rest.strip_prefix(':') {
        Some(port) => port.parse() == Ok(url.port) || port.is_empty(),
        // A host alone means the scheme's port; what listener the client came by does not change its host.
        None => rest.is_empty(),
    }
}

fn wants_trailers(headers: &Headers) -> bool {
    headers.get_all("te").flat_map(fields::list).any(|coding| coding.eq_ignore_ascii_case(b"trailers"))
}

/// Fields that prove who the caller is.
fn is_credential(name: &str) -> bool {
    ["authorization", "cookie", "proxy-authorization", "ocp-apim-subscription-key", "api-key"]
        .iter()
        .any(|credential| name.eq_ignore_ascii_case(credential))
}

/// The path once more in canonical form, since policies rewrite it: it cannot climb out of the base (P-02).
fn path_below_base(path: &str) -> Result<Cow<'_, str>, UpstreamError> {
    if is_plain_path(path) {
        return Ok(Cow::Borrowed(path));
    }
    let canonical = target::normalise_path(path.as_bytes()).map_err(|error| match error {
        WireError::TargetAboveRoot => UpstreamError::PathEscapesBase,
        // `..;x` climbs for servers that cut parameters off before they resolve dot segments.
        _ if path.contains("/..;") => UpstreamError::PathEscapesBase,
        _ => UpstreamError::InvalidRequest("the path is malformed"),
    })?;
    Ok(Cow::Owned(canonical))
}

/// Whether a path is canonical beyond doubt: no escapes, no dot at the start of a segment, nothing unusual.
fn is_plain_path(path: &str) -> bool {
    let mut before = 0;
    path.starts_with('/')
        && path.bytes().all(|byte| {
            let dot_segment = byte == b'.' && before == b'/';
            before = byte;
            !dot_segment && (byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@".contains(&byte))
        })
}

/// The query with the backend's own parameters behind it.
fn query_with<'a>(query: &'a str, added: &[(String, String)]) -> Result<Cow<'a, str>, UpstreamError> {
    let plain = query.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'#');
    let checked = if plain {
        Cow::Borrowed(query)
    } else {
        let checked = target::check_query(query.as_bytes());
        Cow::Owned(checked.map_err(|_| UpstreamError::InvalidRequest("the query is malformed"))?)
    };
    if added.is_empty() {
        return Ok(checked);
    }
    let mut joined = checked.into_owned();
    for (name, value) in added {
        if !joined.is_empty() {
            joined.push('&');
        }
        joined.push_str(name);
        joined.push('=');
        joined.push_str(value);
    }
    Ok(Cow::Owned(joined))
}
