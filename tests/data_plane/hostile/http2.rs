//! Rows H2-01 to H2-14: HTTP/2 and gRPC, frame by frame.

use std::time::{Duration, Instant};

use gateway_tests::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, GOAWAY, HEADERS, PING, PRIORITY, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, fields,
};
use gateway_tests::{Api, Config, Running, Script};

use super::{EVERYTHING, Ground};

const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

const POST: (&str, &str) = (":method", "POST");

/// The connection or stream ends with one of these codes, or the connection just ends.
fn ends(frames: &mut Frames, codes: &[u32], row: &str) {
    let code = frames.error();
    assert!(code.is_none_or(|code| codes.contains(&code)), "{row}: {code:?}");
}

/// Another client is served as if nothing had happened.
fn serves(ground: &Ground) {
    let begin = Instant::now();
    assert_eq!(ground.gateway.get("/a/item", &[]).status, 200);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[test]
fn h2_01_rapid_reset() {
    let ground = Ground::new();
    let mut frames = Frames::connect(ground.gateway.http());
    for n in 0..5_000_u32 {
        let taken = frames.request(2 * n + 1, &[], true)
            && frames.send(RST_STREAM, 0, 2 * n + 1, &8_u32.to_be_bytes());
        if !taken {
            break;
        }
    }
    assert!(frames.next(&[GOAWAY]).is_none_or(|frame| frame.code() == ENHANCE_YOUR_CALM));
    assert_eq!(ground.gateway.settled("gateway_protocol_anomalies_total", &["http2-flood"]), 1.0);
    serves(&ground);
}

#[test]
fn h2_02_made_you_reset() {
    let ground = Ground::new();
    let mut frames = Frames::connect(ground.gateway.http());
    // Each stream forces us to reset it: a window that overflows, an increment of nothing, a short PRIORITY.
    for n in 0..2_000_u32 {
        let stream = 2 * n + 1;
        let (kind, payload) = match n % 3 {
            0 => (WINDOW_UPDATE, 0x7fff_ffff_u32.to_be_bytes()),
            1 => (WINDOW_UPDATE, 0_u32.to_be_bytes()),
            _ => (PRIORITY, [0; 4]),
        };
        if !(frames.request(stream, &[POST], false) && frames.send(kind, 0, stream, &payload)) {
            break;
        }
    }
    assert!(frames.next(&[GOAWAY]).is_none_or(|frame| frame.code() != 0));
    serves(&ground);
}

#[test]
fn h2_03_continuation_flood() {
    let ground = Ground::new();
    let piece = fields(&[("x", &"v".repeat(100))]);
    for ends_headers in [false, true] {
        let mut frames = Frames::connect(ground.gateway.http());
        let first = [(":method", "GET"), (":scheme", "http"), (":path", "/a/item"), (":authority", "a")];
        frames.send(HEADERS, END_STREAM, 1, &fields(&first));
        let (mut sent, most) = (0, 4 * (32 << 10));
        while sent < 8 * most && frames.send(CONTINUATION, 0, 1, &piece.repeat(20)) {
            sent += piece.len() * 20;
            std::thread::sleep(Duration::from_millis(1));
        }
        if ends_headers {
            frames.send(CONTINUATION, END_HEADERS, 1, &piece);
        }
        assert!(frames.next(&[GOAWAY]).is_none_or(|frame| frame.code() != 0));
        assert!(sent < 8 * most, "{sent} bytes were taken");
    }
    assert!(ground.backend.seen().is_empty());
    serves(&ground);
}

#[test]
fn h2_04_header_bombs() {
    let ground = Ground::new();
    // A window of nothing: what is answered stays with us.
    let mut frames = Frames::with(ground.gateway.http(), &[0, 4, 0, 0, 0, 0]);
    let usual = [(":method", "GET"), (":scheme", "http"), (":path", "/a/item"), (":authority", "a")];
    for n in 0..100 {
        let mut block = fields(&usual);
        // Into the dynamic table once, then by its index: a byte a field.
        block.extend_from_slice(if n == 0 { b"\x40\x01x\x01y" } else { b"\xbe" });
        block.resize(block.len() + 480, 0xbe);
        assert!(frames.send(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &block));
        assert_eq!(frames.status(), Some(431));
    }
    let mut crumbs = fields(&usual);
    crumbs.extend(fields(&[("cookie", "a=b")]).repeat(101));
    let mut frames = Frames::connect(ground.gateway.http());
    frames.send(HEADERS, END_HEADERS | END_STREAM, 1, &crumbs);
    assert_eq!(frames.status(), Some(431));
    assert!(ground.backend.seen().is_empty());
    assert_eq!(ground.anomalies(), 101.0);
}

#[test]
fn h2_05_floods_of_small_frames() {
    let ground = Ground::new();
    let floods: [(&str, u8, u8, u32, &[u8]); 6] = [
        ("settings", SETTINGS, 0, 0, &[]),
        ("ping", PING, 0, 0, &[0; 8]),
        ("priority", PRIORITY, 0, 1, &[0, 0, 0, 3, 0]),
        ("window", WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]),
        ("empty data", DATA, 0, 1, &[]),
        ("padding", DATA, 8, 1, &[9, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ];
    for (row, kind, flags, stream, payload) in floods {
        let mut frames = Frames::connect(ground.gateway.http());
        frames.request(1, &[POST], false);
        let begin = Instant::now();
        let mut sent = 0;
        while sent < 20_000 && frames.send(kind, flags, stream, payload) {
            sent += 1;
        }
        // Either the connection is ended, or it cost next to nothing.
        drop(frames);
        assert!(begin.elapsed() < Duration::from_secs(10), "{row}: {:?}", begin.elapsed());
        serves(&ground);
    }
}

#[test]
fn h2_06_windows_of_nothing() {
    // Forty megabytes that nobody takes: the backend is held back.
    let backend = Script::start(|client, _| {
        client.through(b"\r\n\r\n");
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 41943040\r\n\r\n");
        let begin = Instant::now();
        for _ in 0..640 {
            if !client.try_send(&[b'x'; 64 << 10]) {
                return;
            }
        }
        assert!(begin.elapsed() > Duration::from_secs(5), "nobody held the backend back");
    });
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: EVERYTHING, more: "" });
    let gateway = Running::start(config.path(), &[]);
    let mut frames = Frames::with(gateway.http(), &[0, 4, 0, 0, 0, 0]);
    frames.request(1, &[], true);
    assert_eq!(frames.status(), Some(200));
    let begin = Instant::now();
    let reset = frames.next(&[RST_STREAM, GOAWAY]).expect("a reset");
    assert_eq!((reset.kind, reset.stream), (RST_STREAM, 1), "{reset:?}");
    assert!((25..40).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
}

/// Each is a PROTOCOL_ERROR of its stream or connection, or 400, and reaches no backend.
fn all_refused(rows: &[&[(&str, &str)]]) {
    let ground = Ground::new();
    for extra in rows {
        let mut frames = Frames::connect(ground.gateway.http());
        frames.request(1, extra, true);
        let end = frames.next(&[RST_STREAM, GOAWAY]).unwrap_or_else(|| panic!("{extra:?}"));
        assert_eq!(end.code(), PROTOCOL_ERROR, "{extra:?}");
    }
    assert!(ground.backend.seen().is_empty());
}

#[test]
fn h2_07_pseudo_headers() {
    all_refused(&[
        &[(":path", "absent")],
        &[(":path", "")],
        &[(":path", "x")],
        &[(":scheme", "absent")],
        &[(":scheme", "%")],
        &[(":method", "absent")],
        &[(":method", "G T")],
        &[("x", "1"), (":status", "200")],
        &[(":unknown", "1")],
    ]);
    let ground = Ground::new();
    for twice in [(":method", "GET"), (":path", "/a/item"), (":authority", "a"), (":scheme", "http")] {
        let mut frames = Frames::connect(ground.gateway.http());
        let usual =
            [(":method", "GET"), (":scheme", "http"), (":path", "/a/item"), (":authority", "a"), twice];
        frames.headers(1, &usual, true);
        ends(&mut frames, &[PROTOCOL_ERROR], twice.0);
    }
    assert!(ground.backend.seen().is_empty(), "{:?}", ground.backend.seen());
    // In trailers h2 drops them: the request is the one that its head made it.
    let mut frames = Frames::connect(ground.gateway.http());
    frames.request(1, &[POST], false);
    frames.headers(1, &[(":path", "/a/other")], true);
    assert_eq!(frames.status(), Some(200));
    assert_eq!(ground.backend.only().target, "/item");
}

#[test]
fn h2_08_authority_beside_host() {
    all_refused(&[&[("host", "b")]]);
}

#[test]
fn h2_09_connection_fields() {
    all_refused(&[
        &[("connection", "close")],
        &[("keep-alive", "1")],
        &[("proxy-connection", "close")],
        &[("upgrade", "h2c")],
        &[("transfer-encoding", "chunked")],
        &[("te", "gzip")],
        &[("te", "trailers, gzip")],
        &[("X-Upper", "v")],
    ]);
}

#[test]
fn h2_10_bytes_that_mean_something_to_http_1() {
    all_refused(&[
        &[("x", "a\nb")],
        &[("x", "a\rb")],
        &[("x", "a\r\nX-B: c")],
        &[("x", "a\0b")],
        &[("a b", "c")],
        &[("a:b", "c")],
        &[("a\r\nb", "c")],
        &[("x", " v")],
        &[("x", "v ")],
        &[("x", "\tv")],
        &[(":path", "/a/item HTTP/1.1\r\nX: y")],
    ]);
}

#[test]
fn h2_11_content_of_another_length() {
    let ground = Ground::new();
    for (length, content) in [("5", "123"), ("3", "12345")] {
        let mut frames = Frames::connect(ground.gateway.http());
        frames.request(1, &[POST, ("content-length", length)], false);
        frames.send(DATA, END_STREAM, 1, content.as_bytes());
        assert_eq!(frames.error(), Some(PROTOCOL_ERROR), "{length}");
    }
    let mut frames = Frames::connect(ground.gateway.http());
    frames.request(1, &[POST, ("content-length", "3"), ("content-length", "4")], false);
    assert_eq!(frames.error(), Some(PROTOCOL_ERROR));
    // The strict backend records whole requests only.
    assert!(ground.backend.seen().is_empty());
    // The other direction: a backend that says less than it promised.
    let short = Script::start(|client, _| {
        client.through(b"\r\n\r\n");
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort");
    });
    let config = Config::new();
    let url = short.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: EVERYTHING, more: "" });
    let gateway = Running::start(config.path(), &[]);
    let mut frames = Frames::connect(gateway.http());
    frames.request(1, &[], true);
    // Reset, or 500 when nothing had been sent; never a stream that ends well.
    match frames.next(&[RST_STREAM, HEADERS]).expect("an end") {
        head if head.kind == HEADERS && head.flags & END_STREAM == 0 => {
            assert!(frames.next(&[RST_STREAM]).is_some(), "{head:?}");
        }
        _ => {}
    }
}

#[test]
fn h2_12_down_to_http_1() {
    let ground = Ground::new();
    let mut frames = Frames::connect(ground.gateway.http());
    frames.request(1, &[POST, ("te", "trailers")], false);
    frames.send(DATA, 0, 1, b"hello");
    frames.headers(1, &[("x-trailer", "1"), ("authorization", "2")], true);
    assert_eq!(frames.status(), Some(200));
    let seen = ground.backend.only();
    assert_eq!((seen.body.as_slice(), seen.header("transfer-encoding")), (&b"hello"[..], Some("chunked")));
    assert_eq!((seen.header("x-trailer"), seen.header("authorization")), (None, None));
    for extra in [
        &[(":method", "CONNECT")][..],
        &[(":method", "CONNECT"), (":path", "absent"), (":scheme", "absent")],
        &[(":method", "CONNECT"), (":protocol", "websocket")],
    ] {
        let mut frames = Frames::connect(ground.gateway.http());
        frames.request(1, extra, false);
        let refused = frames.next(&[HEADERS, RST_STREAM, GOAWAY]).expect("a refusal");
        assert_ne!((refused.kind, refused.payload.first()), (HEADERS, Some(&0x88)), "{extra:?}");
    }
    assert_eq!(ground.backend.seen().len(), 1);
}

#[test]
fn h2_13_streams_out_of_order() {
    let ground = Ground::new();
    let mut even = Frames::connect(ground.gateway.http());
    even.request(2, &[], true);
    ends(&mut even, &[PROTOCOL_ERROR], "even");
    let mut lower = Frames::connect(ground.gateway.http());
    lower.request(5, &[], true);
    assert_eq!(lower.status(), Some(200));
    lower.request(3, &[], true);
    ends(&mut lower, &[PROTOCOL_ERROR, 5], "lower");
    let mut reused = Frames::connect(ground.gateway.http());
    reused.request(1, &[], true);
    assert_eq!(reused.status(), Some(200));
    reused.send(DATA, END_STREAM, 1, b"late");
    reused.request(1, &[], true);
    ends(&mut reused, &[PROTOCOL_ERROR, 5], "reused");
    let mut idle = Frames::connect(ground.gateway.http());
    idle.send(DATA, 0, 7, b"to nobody");
    ends(&mut idle, &[PROTOCOL_ERROR, 5], "idle");
    let mut gone = Frames::connect(ground.gateway.http());
    gone.send(GOAWAY, 0, 0, &[0; 8]);
    gone.request(1, &[], true);
    drop(gone);
    serves(&ground);
}

#[test]
fn h2_14_grpc_garbage_passes_unbuffered() {
    let ground = Ground::new();
    // A message of 4 GiB that is announced and never comes; the gateway does not wait for it.
    let mut frames = Frames::connect(ground.gateway.http());
    let grpc = [POST, ("content-type", "application/grpc"), ("grpc-timeout", "garbage")];
    frames.request(1, &grpc, false);
    frames.send(DATA, END_STREAM, 1, &[0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(frames.status(), Some(200));
    assert_eq!(ground.backend.only().body.len(), 5);
    let mut wide = Frames::connect(ground.gateway.http());
    let message = "m".repeat(16_000);
    wide.request(1, &[POST, ("content-type", "application/grpc"), ("grpc-message", &message)], true);
    assert_eq!(wide.status(), Some(200));
}
