//! Request heads (RFC 9112 §2–§3, §6; `reliability-security.md` §5.1–§5.2).

use std::mem::MaybeUninit;

use gateway_policy::message::{Headers, Method, Scheme, Url};

use super::{
    FIELDS_MAX, FieldFacts, Framing, HeadLimits, HeadScan, Version, remove_nominated, syntax_error,
    version_of,
};
use crate::wire::fields::{self, Known};
use crate::wire::target::{self, Authority, Target};
use crate::wire::{ReadBuffer, WireError};

/// What a connection knows before its first request.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// Of the listener: what the client must mean.
    pub scheme: Scheme,
    /// Host of an HTTP/1.0 request that names none: the address it came to.
    pub default_host: &'a str,
    pub default_port: u16,
}

/// A validated request without its body.
#[derive(Debug)]
pub struct RequestHead {
    pub method: Method,
    pub url: Url,
    /// Without fields that `Connection` named and without underscore aliases; connection fields are still there
    /// for policies to read, the writer leaves them out.
    pub headers: Headers,
    pub framing: Framing,
    pub version: Version,
    /// Whether the client lets the connection live on.
    pub keep_alive: bool,
    /// `Expect: 100-continue` with a body to come.
    pub expect_continue: bool,
    /// A WebSocket upgrade that may be answered with 101; every other upgrade has been removed (H1-20).
    pub upgrade: bool,
    /// `TE: trailers`: the client wants trailer fields.
    pub accepts_trailers: bool,
}

/// What the fields of a request say.
#[derive(Default)]
struct RequestFacts {
    common: FieldFacts,
    host: Option<Authority>,
    expect_continue: bool,
    websocket: bool,
    has_upgrade: bool,
    accepts_trailers: bool,
}

/// Parses one whole head, as found by `HeadScan`.
pub fn parse_request(head: &[u8], context: &RequestContext<'_>) -> Result<RequestHead, WireError> {
    let mut table = [const { MaybeUninit::uninit() }; FIELDS_MAX];
    let mut parsed = httparse::Request::new(&mut []);
    // The whole head is here, so "partial" can only mean malformed.
    match parsed.parse_with_uninit_headers(head, &mut table).map_err(syntax_error)? {
        httparse::Status::Complete(length) if length == head.len() => {}
        _ => return Err(WireError::StartLine),
    }
    let version = version_of(parsed.version);
    let method = parse_method(parsed.method.unwrap_or_default())?;
    let target = target::parse(parsed.path.unwrap_or_default().as_bytes(), context.scheme)?;
    if target.path == "*" && method != Method::Options {
        return Err(WireError::Target);
    }
    let mut headers = Headers::with_capacity(head.len());
    let facts = read_fields(parsed.headers, &mut headers)?;
    facts.common.check_framing(version)?;
    let url = canonical_url(target, facts.host.as_ref(), version, context, &mut headers)?;
    finish(method, url, headers, version, &facts)
}

/// H1-13. CONNECT and TRACE are well formed but refused: no tunnels, nothing reflected.
fn parse_method(token: &str) -> Result<Method, WireError> {
    match Method::parse(token.as_bytes()) {
        None => Err(WireError::Method),
        Some(Method::Connect | Method::Trace) => Err(WireError::MethodNotAllowed),
        Some(method) => Ok(method),
    }
}

fn read_fields(parsed: &[httparse::Header<'_>], headers: &mut Headers) -> Result<RequestFacts, WireError> {
    let mut facts = RequestFacts::default();
    for field in parsed {
        let (name, value) = (field.name, field.value);
        match fields::known(name) {
            Known::Other if fields::is_underscore_alias(name) => continue,
            Known::Other => {}
            Known::Host if facts.host.is_some() => return Err(WireError::Host),
            Known::Host => facts.host = Some(target::parse_authority(value)?),
            Known::ContentLength => facts.common.content_length(value)?,
            Known::TransferEncoding => facts.common.transfer_encoding(value)?,
            Known::Connection => facts.common.connection(value, |name| !fields::is_protected(name))?,
            Known::Expect if value.eq_ignore_ascii_case(b"100-continue") => facts.expect_continue = true,
            Known::Expect => return Err(WireError::Expectation),
            Known::Upgrade => {
                facts.websocket = !facts.has_upgrade && value.eq_ignore_ascii_case(b"websocket");
                facts.has_upgrade = true;
            }
            Known::Te => {
                facts.accepts_trailers |=
                    fields::list(value).any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
            }
        }
        headers.append(name, value).map_err(|_| WireError::Field)?;
    }
    Ok(facts)
}

/// Joins target and `Host`. The target's authority wins and is written back (H1-15).
fn canonical_url(
    target: Target,
    host: Option<&Authority>,
    version: Version,
    context: &RequestContext<'_>,
    headers: &mut Headers,
) -> Result<Url, WireError> {
    if host.is_none() && version == Version::Http11 {
        return Err(WireError::Host);
    }
    let from_target = target.authority.is_some();
    let (host, port) = match target.authority.or_else(|| host.cloned()) {
        Some(authority) => (authority.host, authority.port.unwrap_or(context.scheme.default_port())),
        None => (context.default_host.to_owned(), context.default_port),
    };
    let url = Url { scheme: context.scheme, host, port, path: target.path, query: target.query };
    if from_target {
        headers.set("Host", url.authority().as_bytes()).map_err(|_| WireError::Host)?;
    }
    Ok(url)
}

fn finish(
    method: Method,
    url: Url,
    mut headers: Headers,
    version: Version,
    facts: &RequestFacts,
) -> Result<RequestHead, WireError> {
    let common = &facts.common;
    let framing = match common.content_length {
        _ if common.chunked => Framing::Chunked,
        None | Some(0) => Framing::None,
        Some(length) => Framing::Length(length),
    };
    let upgrade = facts.websocket
        && common.upgrade_nominated
        && method == Method::Get
        && framing == Framing::None
        && version == Version::Http11;
    if facts.has_upgrade && !upgrade {
        headers.remove("Upgrade");
        headers.remove("HTTP2-Settings");
    }
    if common.nominated {
        remove_nominated(&mut headers);
    }
    Ok(RequestHead {
        method,
        url,
        headers,
        framing,
        version,
        keep_alive: common.stays_open(version),
        // A server must ignore the expectation of an HTTP/1.0 client (RFC 9110 §10.1.1).
        expect_continue: facts.expect_continue && framing != Framing::None && version == Version::Http11,
        upgrade,
        accepts_trailers: facts.accepts_trailers,
    })
}

impl ReadBuffer {
    /// Looks for a request at the start of the buffer and takes it out. `scan` remembers what was looked at.
    pub fn take_request(
        &mut self,
        scan: &mut HeadScan,
        limits: &HeadLimits,
        context: &RequestContext<'_>,
    ) -> Result<Option<RequestHead>, WireError> {
        let Some(span) = scan.advance(self.data(), limits)? else { return Ok(None) };
        let head = parse_request(self.data().get(span.start..span.end).unwrap_or_default(), context)?;
        self.consume(span.end);
        *scan = HeadScan::default();
        Ok(Some(head))
    }
}
