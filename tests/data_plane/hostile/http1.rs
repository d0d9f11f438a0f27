//! Rows H1-01 to H1-21: framing and syntax of HTTP/1.1.

use gateway_tests::{Api, Backend, Config, Reply, Running};

use super::{Ground, SECOND, all_refused, answers, any_refused, chunks, fields, line};

#[test]
fn h1_01_length_beside_encoding() {
    let rows = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "tRANSFER-eNCODING: ChUnKeD\r\ncONTENT-lENGTH: 0",
    ];
    all_refused(400, rows.map(fields));
}

#[test]
fn h1_02_obfuscated_encoding() {
    let rows = [
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: \x0cchunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: gzip",
    ];
    any_refused(&[400, 501], rows.map(fields));
}

#[test]
fn h1_03_encoding_in_http_1_0() {
    let row = "POST /a/item HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    all_refused(400, [row.as_bytes().to_vec()]);
}

#[test]
fn h1_04_lengths_that_are_none() {
    let rows = [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: +5",
        "Content-Length: -0",
        "Content-Length: 0x5",
        "Content-Length: 5_0",
        "Content-Length: 1e3",
        "Content-Length: ",
        "Content-Length: 00000000000000000005",
        "Content-Length: 9223372036854775808",
        "Content-Length: 99999999999999999999",
    ];
    all_refused(400, rows.map(fields));
}

#[test]
fn h1_05_equal_lengths() {
    all_refused(400, ["Content-Length: 5\r\nContent-Length: 5", "Content-Length: 5, 5"].map(fields));
}

#[test]
fn h1_06_chunk_sizes() {
    let rows = [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "-1\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "5 \r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "00000000000000005\r\nhello\r\n0\r\n\r\n",
        "5_\r\nhello\r\n0\r\n\r\n",
        "\r\nhello\r\n0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhello, world\r\n0\r\n\r\n",
    ];
    all_refused(400, rows.map(chunks));
}

#[test]
fn h1_07_chunk_extensions() {
    let (long, total) = (
        format!("1;{}\r\na\r\n0\r\n\r\n", "e".repeat(4097)),
        format!("1;{}\r\na\r\n", "e".repeat(4000)).repeat(5),
    );
    let rows =
        ["5;\r\nhello\r\n0\r\n\r\n", "5;a\0\r\nhello\r\n0\r\n\r\n", &long, &format!("{total}0\r\n\r\n")];
    all_refused(400, rows.map(chunks));
    let ground = Ground::new();
    assert_eq!(ground.answer(chunks("5;name=\"value\";other\r\nhello\r\n0\r\n\r\n")).status, 200);
    // The backend refuses a chunk size with anything behind it.
    assert_eq!(ground.backend.only().body, b"hello");
}

#[test]
fn h1_08_trailers() {
    let (many, wide) =
        (format!("0\r\n{}\r\n", "a: b\r\n".repeat(17)), format!("0\r\na: {}\r\n\r\n", "b".repeat(4200)));
    all_refused(400, [chunks(&many), chunks(&wide)]);
    let ground = Ground::new();
    let forbidden = "Content-Length: 9\r\nTransfer-Encoding: x\r\nHost: b\r\nAuthorization: c\r\nCookie: d\r\n\
                     Content-Type: e\r\nX-Trailer: f\r\n";
    assert_eq!(ground.answer(chunks(&format!("5\r\nhello\r\n0\r\n{forbidden}\r\n"))).status, 200);
    let seen = ground.backend.only();
    assert_eq!(seen.body, b"hello");
    for name in ["authorization", "cookie", "content-type", "x-trailer", "content-length"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
}

#[test]
fn h1_09_bare_carriage_returns_and_nul() {
    let rows = [
        fields("A: b\rC: d"),
        fields("A: b\0c"),
        fields("A\0: b"),
        line("GET /a/\0 HTTP/1.1"),
        line("GET /a\r/b HTTP/1.1"),
    ];
    all_refused(400, rows.into_iter().chain([chunks("5\r\nhello\n0\r\n\r\n")]));
}

#[test]
fn h1_10_bare_line_feeds() {
    let rows = ["GET /a/item HTTP/1.1\nHost: a\n\n", "GET /a/item HTTP/1.1\r\nHost: a\n\r\n"];
    all_refused(400, rows.map(|row| row.as_bytes().to_vec()));
}

#[test]
fn h1_11_malformed_fields() {
    let rows = ["A: b\r\n folded", " A: b", "A : b", ": b", "A@b: c", "no colon", "\u{e4}: b"];
    all_refused(400, rows.map(fields));
}

#[test]
fn h1_12_underscored_aliases() {
    let ground = Ground::new();
    let lines = "Content_Length: 9\r\nTransfer_Encoding: chunked\r\nX_Forwarded_For: 9\r\nX_Forwarded_Host: b\r\nX-Kept: 1\r\nContent-Length: 0";
    assert_eq!(ground.answer(fields(lines)).status, 200);
    let seen = ground.backend.only();
    assert!(seen.headers.iter().all(|(name, _)| !name.contains('_')), "{seen:?}");
    assert_eq!(seen.header("x-kept"), Some("1"));
}

#[test]
fn h1_13_methods() {
    let long = format!("{} /a/item HTTP/1.1", "A".repeat(33));
    all_refused(400, [line("get /a/item HTTP/1.1"), line("G(T /a/item HTTP/1.1"), line(&long)]);
    let ground = Ground::new();
    ground.refuses(&line("CONNECT a:443 HTTP/1.1"), &[405, 501]);
    ground.refuses(&line("TRACE /a/item HTTP/1.1"), &[405]);
    assert!(ground.backend.seen().is_empty());
}

#[test]
fn h1_14_versions() {
    let rows = ["HTTP/1", "HTTP/01.1", "HTTP/1.10", "http/1.1", "HTTP/2.0", "HTTP/3.0", "XTTP/1.1"];
    any_refused(&[400, 505], rows.map(|version| line(&format!("GET /a/item {version}"))));
    all_refused(400, [b"GET /a/item\r\n\r\n".to_vec()]);
}

#[test]
fn h1_15_absolute_form() {
    let ground = Ground::new();
    assert_eq!(ground.answer(line("GET http://other.example/a/item HTTP/1.1")).status, 200);
    assert_eq!(ground.backend.only().header("x-forwarded-host"), Some("other.example"));
    all_refused(400, [line("GET https://a/a/item HTTP/1.1"), line("GET ftp://a/a/item HTTP/1.1")]);
}

#[test]
fn h1_16_bodies_of_methods_without() {
    for method in ["GET", "HEAD", "OPTIONS", "DELETE"] {
        let ground = Ground::new();
        let mut client = ground.gateway.client();
        client.send(
            format!("{method} /a/item HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").as_bytes(),
        );
        client.send(SECOND);
        assert_eq!(client.answer(method == "HEAD").map(|answer| answer.status), Some(200), "{method}");
        assert_eq!(client.answer(false).map(|answer| answer.status), Some(200), "{method}");
        let seen = ground.backend.seen();
        assert_eq!(
            (seen.len(), seen[0].body.as_slice(), seen[1].target.as_str()),
            (2, &b"hello"[..], "/second")
        );
    }
}

#[test]
fn h1_17_expectations() {
    let ground = Ground::new();
    let expecting = "Expect: 100-continue\r\nContent-Length: 5";
    // The body at once.
    let mut client = ground.gateway.client();
    client.send(&[&fields(expecting)[..], b"hello", SECOND].concat());
    let mut answer = client.answer(false).expect("an answer");
    if answer.status == 100 {
        answer = client.answer(false).expect("a final answer");
    }
    assert_eq!((answer.status, client.answer(false).map(|answer| answer.status)), (200, Some(200)));
    // A final answer instead of 100: what follows is the body, or nothing at all, never a second request.
    let mut client = ground.gateway.client();
    client.send(format!("POST /none HTTP/1.1\r\nHost: a\r\n{expecting}\r\n\r\n").as_bytes());
    assert_eq!(client.answer(false).map(|answer| answer.status), Some(404));
    let _ = client.try_send(b"GET /") && client.try_send(SECOND);
    assert!(client.answer(false).is_none_or(|answer| answer.status == 200));
    all_unknown(&ground);
    assert_eq!(ground.backend.seen().iter().filter(|seen| seen.body == b"hello").count(), 1);
}

fn all_unknown(ground: &Ground) {
    for value in ["magic", "100-continue, magic", "200-ok"] {
        ground.refuses(&fields(&format!("Expect: {value}\r\nContent-Length: 1")), &[417]);
    }
}

#[test]
fn h1_18_pipelining() {
    let (backend, config) = (Backend::start(|request| Reply::ok(&request.target)), Config::new());
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /*"], more: "" });
    let gateway = Running::start(config.path(), &[]);
    let mut client = gateway.client();
    let mut writer = client.twin();
    let sender = std::thread::spawn(move || {
        for number in 0..1_000 {
            writer.send(format!("GET /a/{number} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes());
        }
    });
    for (number, answer) in answers(&mut client, 1_000).into_iter().enumerate() {
        assert_eq!(answer.text(), format!("/{number}"));
    }
    sender.join().expect("all sent");
    // A request inside a body that nobody reads is no request.
    let mut client = gateway.client();
    let length = SECOND.len();
    client.send(format!("POST /a/item HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").as_bytes());
    client.send(SECOND);
    client.send(b"GET /a/last HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer(false).map(|answer| answer.status), Some(404));
    assert!(client.answer(false).is_none_or(|answer| answer.text() == "/last"));
}

#[test]
fn h1_19_nominated_fields() {
    let rows =
        ["X-Forwarded-For", "close, Authorization", "Host", "Content-Length", "Transfer-Encoding", "Cookie"];
    all_refused(400, rows.map(|names| fields(&format!("Connection: {names}"))));
}

#[test]
fn h1_20_upgrades() {
    let ground = Ground::new();
    for lines in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Upgrade: websocket",
    ] {
        let answer = ground.answer(
            fields(&format!("{lines}\r\nContent-Length: 2")).into_iter().chain(*b"hi").collect::<Vec<_>>(),
        );
        assert_eq!(answer.status, 200, "{lines}");
    }
    for seen in ground.backend.seen() {
        assert_eq!(
            (seen.header("upgrade"), seen.header("connection"), seen.body.as_slice()),
            (None, None, &b"hi"[..])
        );
        assert_eq!(seen.header("http2-settings"), None);
    }
}

#[test]
fn h1_21_spoofed_identity() {
    let ground = Ground::new();
    let trace = "x".repeat(9 << 10);
    let spoofed = format!(
        "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: b\r\nForwarded: for=1.2.3.4\r\n\
         X-ARR-ClientCert: abc\r\nX-Real-IP: 1.2.3.4\r\ntracestate: {trace}\r\nContent-Length: 0"
    );
    assert_eq!(ground.answer(fields(&spoofed)).status, 200);
    let seen = ground.backend.only();
    assert_eq!(seen.header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("http"));
    assert_eq!(seen.header("x-forwarded-host"), Some("a"));
    for name in ["forwarded", "x-arr-clientcert", "x-real-ip", "tracestate"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
    let trusting = Ground::with("", &[("net.server.trusted-proxies", "127.0.0.0/8")]);
    assert_eq!(
        trusting
            .answer(fields("X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nContent-Length: 0"))
            .status,
        200
    );
    let seen = trusting.backend.only();
    assert_eq!(seen.header("x-forwarded-for"), Some("1.2.3.4, 127.0.0.1"));
    assert_eq!(seen.header("x-forwarded-proto"), Some("https"));
}
