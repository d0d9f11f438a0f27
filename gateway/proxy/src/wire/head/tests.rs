//! Heads as clients and backends send them, good and hostile (`reliability-security.md` §5.1, §5.2, U-04).

use gateway_policy::message::{Headers, Method, Scheme, standard_reason};
use proptest::prelude::*;

use super::*;
use crate::wire::write::{self, Announce, Persistence, RequestLine, StatusLine};
use crate::wire::{ReadBuffer, WireError};

const CONTEXT: RequestContext<'_> =
    RequestContext { scheme: Scheme::Http, default_host: "10.0.0.1", default_port: 8080 };

fn request(text: &[u8]) -> Result<RequestHead, WireError> {
    let mut buffer = ReadBuffer::new();
    buffer.extend(text);
    let taken = buffer.take_request(&mut HeadScan::default(), &HeadLimits::default(), &CONTEXT)?;
    Ok(taken.expect("a whole head"))
}

fn response(text: &str, method: &Method) -> Result<ResponseHead, WireError> {
    let mut buffer = ReadBuffer::new();
    buffer.extend(text.as_bytes());
    let taken = buffer.take_response(&mut HeadScan::default(), &HeadLimits::default(), method)?;
    Ok(taken.expect("a whole head"))
}

/// A request with the given field lines behind `Host`.
fn with_fields(method: &str, fields: &str) -> Result<RequestHead, WireError> {
    request(format!("{method} / HTTP/1.1\r\nHost: a\r\n{fields}\r\n").as_bytes())
}

#[test]
fn request_start_line_table() {
    use WireError as E;
    for (line, error) in [
        ("get / HTTP/1.1", E::Method),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA / HTTP/1.1", E::Method),
        ("G@T / HTTP/1.1", E::StartLine),
        ("TRACE / HTTP/1.1", E::MethodNotAllowed),
        ("CONNECT a:443 HTTP/1.1", E::MethodNotAllowed),
        ("GET / HTTP/1", E::Version),
        ("GET / HTTP/01.1", E::Version),
        ("GET / HTTP/1.10", E::LineEnding),
        ("GET / http/1.1", E::Version),
        ("GET / HTTP/2.0", E::Version),
        ("GET /", E::StartLine),
        ("GET  / HTTP/1.1", E::StartLine),
        (" GET / HTTP/1.1", E::StartLine),
        ("GET / HTTP/1.1 ", E::LineEnding),
        ("GET\t/ HTTP/1.1", E::StartLine),
        ("GET * HTTP/1.1", E::Target),
        ("GET /a\\b HTTP/1.1", E::Target),
        ("GET /a#b HTTP/1.1", E::Target),
        ("GET /../a HTTP/1.1", E::TargetAboveRoot),
        ("GET http://u:p@a/ HTTP/1.1", E::Host),
        ("GET https://a/ HTTP/1.1", E::Target),
        ("GET /\r HTTP/1.1", E::StartLine),
        ("GET /\0 HTTP/1.1", E::StartLine),
    ] {
        let result = request(format!("{line}\r\nHost: a\r\n\r\n").as_bytes());
        assert_eq!(result.err(), Some(error), "{line:?}");
    }
}

#[test]
fn request_field_table() {
    use WireError as E;
    for (fields, error) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", E::LengthAndEncoding),
        ("transfer-ENCODING: chunked \r\nContent-length: 5\r\n", E::LengthAndEncoding),
        ("Transfer-Encoding : chunked\r\n", E::Field),
        ("Transfer-Encoding\t: chunked\r\n", E::Field),
        ("Transfer-Encoding: \x0bchunked\r\n", E::Field),
        ("Transfer-Encoding: \x0cchunked\r\n", E::Field),
        ("Transfer-Encoding: xchunked\r\n", E::TransferEncoding),
        ("Transfer-Encoding: ,chunked\r\n", E::TransferEncoding),
        ("Transfer-Encoding: chunked, identity\r\n", E::TransferEncoding),
        ("Transfer-Encoding: gzip, chunked\r\n", E::TransferEncoding),
        ("Transfer-Encoding: chunked;q=1\r\n", E::TransferEncoding),
        ("Transfer-Encoding: \"chunked\"\r\n", E::TransferEncoding),
        ("Transfer-Encoding:\r\n", E::TransferEncoding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", E::TransferEncoding),
        ("Transfer-Encoding:\r\n chunked\r\n", E::Field),
        ("Content-Length: 5\r\nContent-Length: 6\r\n", E::ContentLength),
        ("Content-Length: 5\r\nContent-Length: 5\r\n", E::ContentLength),
        ("Content-Length: 5, 5\r\n", E::ContentLength),
        ("Content-Length: 5, 6\r\n", E::ContentLength),
        ("Content-Length: +5\r\n", E::ContentLength),
        ("Content-Length: -0\r\n", E::ContentLength),
        ("Content-Length: 0x5\r\n", E::ContentLength),
        ("Content-Length: 5_0\r\n", E::ContentLength),
        ("Content-Length: 1e3\r\n", E::ContentLength),
        ("Content-Length:\r\n", E::ContentLength),
        ("Content-Length: 00000000000000000005\r\n", E::ContentLength),
        ("Content-Length: 9223372036854775808\r\n", E::ContentLength),
        ("Host: a\r\n", E::Host),
        ("Host: b\r\n", E::Host),
        ("A: b\rC: d\r\n", E::Field),
        ("A: b\0\r\n", E::Field),
        ("A: b\r\n c\r\n", E::Field),
        (" A: b\r\n", E::Field),
        ("A b: c\r\n", E::Field),
        (": c\r\n", E::Field),
        ("A\r\n", E::Field),
        ("A@: b\r\n", E::Field),
        ("Connection: X-Forwarded-For\r\n", E::Nomination),
        ("Connection: close, Authorization\r\n", E::Nomination),
        ("Connection: host\r\n", E::Nomination),
        ("Connection: Content-Length\r\n", E::Nomination),
        ("Expect: 200-maybe\r\n", E::Expectation),
    ] {
        assert_eq!(with_fields("POST", fields).err(), Some(error), "{fields:?}");
    }
}

#[test]
fn request_host_table() {
    for (head, host) in [
        ("GET / HTTP/1.1\r\n", None),
        ("GET / HTTP/1.1\r\nHost:\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a,b\r\n", None),
        ("GET / HTTP/1.1\r\nHost: a/b\r\n", None),
        ("GET / HTTP/1.1\r\nHost: u@a\r\n", None),
        ("GET / HTTP/1.0\r\n", Some("http://10.0.0.1:8080/")),
        ("GET / HTTP/1.1\r\nHost: A.b.:81\r\n", Some("http://a.b:81/")),
        ("GET http://C:82/x?y HTTP/1.1\r\nHost: a\r\n", Some("http://c:82/x?y")),
        ("GET http://c HTTP/1.1\r\n", None),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n", Some("http://a*")),
    ] {
        let parsed = request(format!("{head}\r\n").as_bytes());
        assert_eq!(parsed.map(|head| head.url.to_string()).ok().as_deref(), host, "{head:?}");
    }
    let absolute = request(b"GET http://C:82/ HTTP/1.1\r\nA: b\r\nHost: a\r\n\r\n").unwrap();
    assert_eq!(absolute.headers.get_str("host"), Some("c:82"));
}

#[test]
fn request_framing_and_connection_table() {
    for (version, fields, framing, keep_alive) in [
        ("1.1", "", Framing::None, true),
        ("1.0", "", Framing::None, false),
        ("1.0", "Connection: Keep-Alive\r\n", Framing::None, true),
        ("1.1", "Connection: foo, Close\r\n", Framing::None, false),
        ("1.1", "Content-Length: 0\r\n", Framing::None, true),
        ("1.1", "Content-Length: 9223372036854775807\r\n", Framing::Length(i64::MAX as u64), true),
        ("1.1", "Transfer-Encoding: Chunked\r\n", Framing::Chunked, true),
    ] {
        let head = request(format!("GET / HTTP/{version}\r\nHost: a\r\n{fields}\r\n").as_bytes()).unwrap();
        assert_eq!((head.framing, head.keep_alive), (framing, keep_alive), "{fields:?}");
    }
    let old = request(b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_eq!(old.err(), Some(WireError::TransferEncoding));
}

#[test]
fn request_nominated_and_alias_fields_are_dropped() {
    let fields = "Connection: X-Hop\r\nX-Hop: 1\r\nContent_Length: 5\r\nX_Forwarded_For: 1\r\nX_Mine: 2\r\n";
    let head = with_fields("GET", fields).unwrap();
    let names: Vec<_> = head.headers.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["Host", "Connection", "X_Mine"]);
}

#[test]
fn request_upgrade_only_websocket_without_body_is_kept() {
    let upgrade = "Connection: keep-alive, Upgrade\r\nUpgrade: ";
    for (method, fields, kept) in [
        ("GET", format!("{upgrade}WebSocket\r\n"), true),
        ("GET", format!("{upgrade}h2c\r\nHTTP2-Settings: x\r\n"), false),
        ("GET", format!("{upgrade}websocket\r\nUpgrade: h2c\r\n"), false),
        ("GET", format!("{upgrade}websocket\r\nContent-Length: 5\r\n"), false),
        ("POST", format!("{upgrade}websocket\r\n"), false),
        ("GET", "Upgrade: websocket\r\n".to_owned(), false),
    ] {
        let head = with_fields(method, &fields).unwrap();
        assert_eq!((head.upgrade, head.headers.contains("upgrade")), (kept, kept), "{fields:?}");
        assert!(!head.headers.contains("http2-settings"));
    }
}

#[test]
fn request_expectation_counts_only_with_a_body() {
    assert!(with_fields("PUT", "Expect: 100-Continue\r\nContent-Length: 1\r\n").unwrap().expect_continue);
    assert!(!with_fields("PUT", "Expect: 100-continue\r\n").unwrap().expect_continue);
    assert!(with_fields("GET", "TE: gzip, Trailers\r\n").unwrap().accepts_trailers);
}

#[test]
fn response_framing_table() {
    use Framing as F;
    for (method, head, expected) in [
        (Method::Get, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Ok((F::Length(5), true))),
        (Method::Get, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", Ok((F::None, true))),
        (Method::Get, "HTTP/1.1 200 OK\r\n", Ok((F::UntilClose, false))),
        (
            Method::Get,
            "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n",
            Ok((F::Length(1), true)),
        ),
        (Method::Get, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n", Ok((F::Length(1), false))),
        (Method::Get, "HTTP/1.1 200\r\nTransfer-Encoding: chunked\r\n", Ok((F::Chunked, true))),
        (
            Method::Get,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n",
            Ok((F::Chunked, false)),
        ),
        (Method::Head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", Ok((F::None, true))),
        (Method::Get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n", Ok((F::None, true))),
        (Method::Get, "HTTP/1.1 204 No Content\r\n", Ok((F::None, true))),
        (Method::Get, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", Err(WireError::UnexpectedBody)),
        (Method::Get, "HTTP/1.1 101 X\r\nTransfer-Encoding: chunked\r\n", Err(WireError::UnexpectedBody)),
        (
            Method::Get,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n",
            Err(WireError::ContentLength),
        ),
        (
            Method::Get,
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            Err(WireError::LengthAndEncoding),
        ),
        (Method::Get, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n", Err(WireError::TransferEncoding)),
        (Method::Get, "HTTP/1.1 200 OK\r\nA: b\rc\r\n", Err(WireError::Field)),
        (Method::Get, "HTTP/1.1 099 OK\r\n", Err(WireError::StartLine)),
        (Method::Get, "HTTP/2 200 OK\r\n", Err(WireError::Version)),
        (Method::Get, "ICY 200 OK\r\n", Err(WireError::Version)),
    ] {
        let parsed = response(&format!("{head}\r\n"), &method);
        assert_eq!(parsed.map(|parsed| (parsed.framing, parsed.keep_alive)), expected, "{head:?}");
    }
}

#[test]
fn response_standard_reason_is_not_stored() {
    assert_eq!(
        response("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", &Method::Get).unwrap().reason,
        ""
    );
    assert_eq!(
        response("HTTP/1.1 404 Nope\r\nContent-Length: 0\r\n\r\n", &Method::Get).unwrap().reason,
        "Nope"
    );
}

fn any_fields() -> impl Strategy<Value = Vec<(String, String)>> {
    proptest::collection::vec(("x-[a-z0-9]{1,12}", "[!-~]([ -~]{0,20}[!-~])?"), 0..20)
}

fn into_headers(fields: &[(String, String)]) -> Headers {
    let mut headers = Headers::new();
    for (name, value) in fields {
        headers.append(name, value.as_bytes()).unwrap();
    }
    headers
}

/// The fields beginning with `x-`, which the test made.
fn made(headers: &Headers) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    headers.iter().filter(|(name, _)| name.starts_with("x-")).map(|(n, v)| (n.to_owned(), text(v))).collect()
}

proptest! {
    #[test]
    fn request_written_and_parsed_is_the_same(
        method in "GET|POST|PUT|HEAD|DELETE|PROPFIND",
        path in "(/[a-z0-9;=~-]{1,6}){1,4}/?",
        query in "([a-z]{1,3}=[a-z0-9]{0,3}&?){0,4}",
        fields in any_fields(),
        length in proptest::option::of(1_u64..1 << 40),
    ) {
        let method = Method::parse(method.as_bytes()).unwrap();
        let headers = into_headers(&fields);
        let framing = length.map_or(Framing::Chunked, Framing::Length);
        let mut wire = Vec::new();
        let line = RequestLine { method: &method, base: "/base", path: &path, query: &query, host: "a.example", port: Some(81) };
        write::request_line(&mut wire, &line);
        headers.iter().for_each(|(name, value)| write::field(&mut wire, name, value));
        write::request_end(&mut wire, &method, framing, None, false);
        let head = request(&wire).unwrap();
        prop_assert_eq!(head.method, method);
        prop_assert_eq!(head.url.path, format!("/base{path}"));
        prop_assert_eq!(head.url.query, query);
        prop_assert_eq!((head.url.host.as_str(), head.url.port), ("a.example", 81));
        prop_assert_eq!(head.framing, framing);
        prop_assert!(head.keep_alive);
        prop_assert_eq!(made(&head.headers), fields);
    }

    #[test]
    fn response_written_and_parsed_is_the_same(
        status in 200_u16..600,
        reason in "[A-Za-z ]{0,10}[a-z]",
        fields in any_fields(),
        length in proptest::option::of(0_u64..1 << 40),
        keep in any::<bool>(),
    ) {
        prop_assume!(status != 204 && status != 304 && reason.trim() == reason);
        let headers = into_headers(&fields);
        let framing = length.map_or(Framing::Chunked, |length| if length == 0 { Framing::None } else { Framing::Length(length) });
        let mut wire = Vec::new();
        let line = StatusLine { version: Version::Http11, status, reason: &reason };
        let persistence = if keep { Persistence::KeepAlive } else { Persistence::Close };
        write::response_head(&mut wire, line, &headers, Announce::Framing(framing), persistence);
        let head = response(std::str::from_utf8(&wire).unwrap(), &Method::Get).unwrap();
        prop_assert_eq!((head.status, head.framing, head.keep_alive), (status, framing, keep));
        let expected = if reason == standard_reason(status) { "" } else { reason.as_str() };
        prop_assert_eq!(head.reason.as_str(), expected);
        prop_assert!(head.headers.contains("date"));
        prop_assert_eq!(made(&head.headers), fields);
    }

    #[test]
    fn take_any_bytes_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), http in any::<bool>()) {
        let mut buffer = ReadBuffer::new();
        if http {
            buffer.extend(b"GET / HTTP/1.1\r\n");
        }
        buffer.extend(&bytes);
        buffer.extend(b"\r\n\r\n");
        let limits = HeadLimits::default();
        let _ = buffer.take_request(&mut HeadScan::default(), &limits, &CONTEXT);
        let _ = buffer.take_response(&mut HeadScan::default(), &limits, &Method::Get);
    }
}
