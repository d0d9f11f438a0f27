//! Heads onto the wire. A message is serialised from its canonical form; connection fields are ours alone.

use gateway_policy::message::{Headers, Method, standard_reason};

use super::{Framing, Version, date, fields};

/// Where a request goes, in pieces that need not be joined first.
#[derive(Clone, Copy, Debug)]
pub struct RequestLine<'a> {
    pub method: &'a Method,
    /// Base path of the backend, without trailing slash; may be empty.
    pub base: &'a str,
    /// Begins with `/`, or is `*`.
    pub path: &'a str,
    /// Without `?`; empty when there is none.
    pub query: &'a str,
    /// `Host`, and the port behind it unless that is the scheme's own.
    pub host: &'a str,
    pub port: Option<u16>,
}

/// Writes the request line and `Host`; the other fields follow, then [`request_end`].
pub fn request_line(out: &mut Vec<u8>, line: &RequestLine<'_>) {
    push(out, &[line.method.as_str(), " ", line.base, line.path]);
    if !line.query.is_empty() {
        push(out, &["?", line.query]);
    }
    push(out, &[" HTTP/1.1\r\nHost: ", line.host]);
    if let Some(port) = line.port {
        out.push(b':');
        push_decimal(out, u64::from(port));
    }
    out.extend_from_slice(b"\r\n");
}

/// Ends a request head: framing, then what is said about the connection. `upgrade` names the protocol to switch
/// to; `trailers` asks for trailers (`TE`).
pub fn request_end(
    out: &mut Vec<u8>,
    method: &Method,
    framing: Framing,
    upgrade: Option<&[u8]>,
    trailers: bool,
) {
    match framing {
        Framing::None if expects_body(method) => push(out, &["Content-Length: 0\r\n"]),
        _ => framing_field(out, framing),
    }
    match (upgrade, trailers) {
        (Some(protocol), _) => {
            field(out, "Upgrade", protocol);
            push(out, &["Connection: Upgrade\r\n"]);
        }
        (None, true) => push(out, &["TE: trailers\r\nConnection: TE\r\n"]),
        (None, false) => {}
    }
    out.extend_from_slice(b"\r\n");
}

/// Whether a request without a body should say so (RFC 9110 §8.6).
fn expects_body(method: &Method) -> bool {
    matches!(method, Method::Post | Method::Put | Method::Patch)
}

/// What a response says about its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    KeepAlive,
    Close,
    /// 101 Switching Protocols.
    Upgrade,
}

/// How the body of a response is announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announce {
    /// By its framing.
    Framing(Framing),
    /// HEAD and 304: no body follows, but `Content-Length` of the headers may stand (RFC 9110 §8.6).
    AsHeaders,
    /// 1xx and 204: no framing field at all.
    Nothing,
}

/// Start of a response.
#[derive(Clone, Copy, Debug)]
pub struct StatusLine<'a> {
    /// Of the request: an HTTP/1.0 client must be told about keep-alive.
    pub version: Version,
    pub status: u16,
    pub reason: &'a str,
}

/// Writes a response head; `Date` is added where it is missing.
pub fn response_head(
    out: &mut Vec<u8>,
    line: StatusLine<'_>,
    headers: &Headers,
    announce: Announce,
    persistence: Persistence,
) {
    out.extend_from_slice(b"HTTP/1.1 ");
    push_decimal(out, u64::from(line.status));
    out.push(b' ');
    let reason = if line.reason.is_empty() { standard_reason(line.status) } else { line.reason };
    // The reason may come from a policy or a backend.
    out.extend(reason.bytes().map(|byte| if byte < b' ' || byte == 0x7f { b' ' } else { byte }));
    out.extend_from_slice(b"\r\n");
    let mut dated = false;
    for (name, value) in headers.iter() {
        if fields::is_hop_by_hop(name) {
            if announce == Announce::AsHeaders && name.eq_ignore_ascii_case("content-length") {
                field(out, name, value);
            }
            continue;
        }
        dated |= name.eq_ignore_ascii_case("date");
        field(out, name, value);
    }
    if !dated {
        field(out, "Date", &date::now());
    }
    if let Announce::Framing(framing) = announce {
        match framing {
            Framing::None => push(out, &["Content-Length: 0\r\n"]),
            _ => framing_field(out, framing),
        }
    }
    connection_field(out, line.version, persistence, headers);
    out.extend_from_slice(b"\r\n");
}

fn connection_field(out: &mut Vec<u8>, version: Version, persistence: Persistence, headers: &Headers) {
    match persistence {
        Persistence::Close => push(out, &["Connection: close\r\n"]),
        Persistence::KeepAlive if version == Version::Http10 => push(out, &["Connection: keep-alive\r\n"]),
        Persistence::KeepAlive => {}
        Persistence::Upgrade => {
            field(out, "Upgrade", headers.get("upgrade").unwrap_or(b"websocket"));
            push(out, &["Connection: Upgrade\r\n"]);
        }
    }
}

fn framing_field(out: &mut Vec<u8>, framing: Framing) {
    match framing {
        Framing::Length(length) => {
            push(out, &["Content-Length: "]);
            push_decimal(out, length);
            push(out, &["\r\n"]);
        }
        Framing::Chunked => push(out, &["Transfer-Encoding: chunked\r\n"]),
        Framing::None | Framing::UntilClose => {}
    }
}

/// Writes one field line. Names and values are valid: `Headers` holds no others.
pub fn field(out: &mut Vec<u8>, name: &str, value: &[u8]) {
    out.reserve(name.len() + value.len() + 4);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn push(out: &mut Vec<u8>, pieces: &[&str]) {
    for piece in pieces {
        out.extend_from_slice(piece.as_bytes());
    }
}

/// Writes a number in decimal digits without going through the formatter.
pub fn push_decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}
