//! Bodies that stream both ways, upgrades, and gRPC (`design.md` §3: bodies stream unless a policy reads them).

use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_tests::{Api, Backend, Client, Config, GrpcBackend, Running, Script, message, with_http2};
use http::Request;

fn served(url: &str, more: &str) -> (Config, Running) {
    let config = Config::new();
    let operations = &["GET /*", "POST /*", "HEAD /*"];
    config.api(&Api { name: "a", path: "a", service_url: url, operations, more });
    let gateway = Running::start(config.path(), &[]);
    (config, gateway)
}

#[test]
fn server_sent_events_arrive_one_by_one() {
    let backend = Script::start(|client, _| {
        client.through(b"\r\n\r\n");
        client.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        for number in 0..3 {
            client.send(format!("9\r\ndata: {number}\n\n\r\n").as_bytes());
            std::thread::sleep(Duration::from_millis(400));
        }
        client.send(b"0\r\n\r\n");
    });
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /*"], more: "" });
    config.policy("apis/a/policy.xml", "", r#"<forward-request buffer-response="false" />"#, "", "");
    let gateway = Running::start(config.path(), &[]);
    let mut client = gateway.client();
    client.send(b"GET /a/events HTTP/1.1\r\nHost: a\r\n\r\n");
    let head = client.head().expect("a head");
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")));
    let begin = Instant::now();
    for number in 0..3 {
        assert!(client.through(format!("data: {number}\n\n").as_bytes()).is_some());
        // Before the next one is even made.
        assert!(
            begin.elapsed() < Duration::from_millis(400 * number + 350),
            "{number}: {:?}",
            begin.elapsed()
        );
    }
    assert!(client.through(b"0\r\n\r\n").is_some());
}

#[test]
fn chunks_go_up_while_they_come() {
    let backend = Script::start(|client, _| {
        client.through(b"\r\n\r\n");
        // Answers each piece before the next: full duplex.
        client.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for piece in ["one", "two"] {
            client.through(piece.as_bytes());
            client.send(format!("3\r\n{}\r\n", piece.to_uppercase()).as_bytes());
        }
        client.through(b"0\r\n\r\n");
        client.send(b"0\r\n\r\n");
    });
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["POST /*"], more: "" });
    config.policy("apis/a/policy.xml", "", r#"<forward-request buffer-response="false" />"#, "", "");
    let gateway = Running::start(config.path(), &[]);
    let mut client = gateway.client();
    client.send(b"POST /a/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for piece in ["one", "two"] {
        client.send(format!("3\r\n{piece}\r\n").as_bytes());
        assert!(client.through(piece.to_uppercase().as_bytes()).is_some(), "{piece}");
    }
    client.send(b"0\r\n\r\n");
    assert!(client.through(b"0\r\n\r\n").is_some());
}

#[test]
fn trailers_reach_clients_that_take_them() {
    let backend = Script::start(|client, _| {
        while client.through(b"\r\n\r\n").is_some() {
            client.send(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 7\r\n\r\n",
            );
        }
    });
    let (_config, gateway) = served(&backend.url(), "");
    let mut client = gateway.client();
    client.send(b"GET /a/x HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n");
    client.head().expect("a head");
    let body = client.through(b"\r\n\r\n").expect("a body");
    assert_eq!(String::from_utf8_lossy(&body).to_ascii_lowercase(), "2\r\nok\r\n0\r\nx-sum: 7\r\n\r\n");
    let answer = gateway.get("/a/x", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
}

#[test]
fn continue_comes_before_the_body() {
    let backend = Backend::fixed("ok");
    let (_config, gateway) = served(&backend.url(), "");
    let mut client = gateway.client();
    client.send(b"POST /a/x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    assert_eq!(client.answer(false).map(|answer| answer.status), Some(100));
    client.send(b"body");
    assert_eq!(client.answer(false).map(|answer| answer.status), Some(200));
    assert_eq!(backend.only().body, b"body");
}

#[test]
fn body_cut_off_by_the_backend_never_looks_whole() {
    for head in ["Content-Length: 100000", "Transfer-Encoding: chunked"] {
        let backend = Script::start(move |client, _| {
            client.through(b"\r\n\r\n");
            let piece = "x".repeat(50_000);
            client.send(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\nc350\r\n{piece}").as_bytes());
        });
        let (_config, gateway) = served(&backend.url(), "");
        let mut client = gateway.client();
        client.send(b"GET /a/x HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(client.answer(false).is_none_or(|answer| answer.status >= 500), "{head}");
        assert!(!client.rest().ends_with(b"0\r\n\r\n"), "{head}");
    }
}

const HANDSHAKE: &[u8] = b"GET /live HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

fn websocket(url: &str, inbound: &str) -> (Config, Running) {
    let config = Config::new();
    config.file(
        "apis/live/apiInformation.json",
        &format!(
            r#"{{"properties": {{"displayName": "live", "type": "websocket", "path": "live", "protocols": ["ws"],
            "apiRevision": "1", "isCurrent": true, "subscriptionRequired": false, "serviceUrl": "{url}"}}}}"#
        ),
    );
    config.policy("apis/live/policy.xml", inbound, "", "", "");
    let gateway = Running::start(config.path(), &[]);
    (config, gateway)
}

/// Policies run on the handshake alone, but for those that have no place there.
#[test]
fn websocket_handshake_runs_policies_that_have_a_place_there() {
    let backend = Script::start(|client, _| {
        let request = client.through(b"\r\n\r\n").expect("a handshake");
        let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
        assert!(request.contains("x-who: caller\r\n") && request.starts_with("get "), "{request}");
        client.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
        );
        while let Some(byte) = client.exactly(1) {
            client.send(&byte);
        }
    });
    let inbound = r#"<base /><mock-response /><set-method>POST</set-method><set-body>none</set-body>
        <check-header name="X-Key" failed-check-httpcode="403" failed-check-error-message="no key" ignore-case="true" />
        <set-header name="X-Who" exists-action="override"><value>caller</value></set-header>"#;
    let (_config, gateway) = websocket(&backend.url(), inbound);
    let mut refused = gateway.client();
    refused.send(HANDSHAKE);
    let answer = refused.answer(false).expect("an answer");
    assert_eq!((answer.status, answer.text().contains("no key")), (403, true));
    let mut client = gateway.client();
    let with_key = String::from_utf8_lossy(HANDSHAKE).replacen("\r\n", "\r\nX-Key: 1\r\n", 1);
    client.send(with_key.as_bytes());
    assert_eq!(client.answer(false).map(|answer| answer.status), Some(101));
    let frame = [&b"\x81\x85abcd"[..], &[7; 5]].concat();
    client.send(&frame);
    assert_eq!(client.exactly(frame.len()), Some(frame), "frames pass as they are");
}

#[test]
fn websocket_is_a_tunnel_after_101_and_counted() {
    let backend = Script::start(|client, _| {
        let request = client.through(b"\r\n\r\n").expect("a handshake");
        let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
        assert!(
            request.contains("upgrade: websocket\r\n") && request.contains("sec-websocket-key: dghl"),
            "{request}"
        );
        client.send(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
              Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n\x81\x05early",
        );
        while let Some(byte) = client.exactly(1) {
            client.send(&byte);
        }
    });
    let (_config, gateway) = websocket(&backend.url(), "");
    let mut client = gateway.client();
    client.send(HANDSHAKE);
    let answer = client.answer(false).expect("an answer");
    assert_eq!(
        (answer.status, answer.header("sec-websocket-accept")),
        (101, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))
    );
    assert_eq!(client.exactly(7).as_deref(), Some(&b"\x81\x05early"[..]));
    let frame = [&b"\x81\x85abcd"[..], &[7; 5]].concat();
    client.send(&frame);
    assert_eq!(client.exactly(frame.len()), Some(frame));
}

#[test]
fn upgrade_that_the_backend_does_not_make_is_an_answer() {
    let backend = Backend::fixed("no");
    let (_config, gateway) = websocket(&backend.url(), "");
    let mut client = gateway.client();
    client.send(HANDSHAKE);
    let answer = client.answer(false).expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (200, "no"));
}

const GRPC: &str = r#"<forward-request http-version="2" buffer-response="false" />"#;

fn grpc(backend: &GrpcBackend, settings: &[(&str, &str)]) -> (Config, Running) {
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["POST /*"], more: "" });
    config.policy("apis/a/policy.xml", "", GRPC, "", "");
    let gateway = Running::start(config.path(), settings);
    (config, gateway)
}

fn call(kind: &str) -> Request<()> {
    let request = Request::builder().method("POST").uri(format!("http://a.example/a/Echo/{kind}"));
    request.header("content-type", "application/grpc").header("te", "trailers").body(()).expect("a request")
}

/// Sends `first` and ends; the answer's content type, body and `grpc-status`.
fn ask(address: std::net::SocketAddr, kind: &'static str, first: Vec<Bytes>) -> (String, Vec<u8>, String) {
    let (sender, receiver) = std::sync::mpsc::channel();
    with_http2(address, |requests| async move {
        let mut requests = requests.ready().await.expect("ready");
        let (response, mut out) = requests.send_request(call(kind), false).expect("sent");
        for piece in first {
            out.send_data(piece, false).expect("sent");
        }
        out.send_data(Bytes::new(), true).expect("sent");
        let (head, mut body) = response.await.expect("a response").into_parts();
        let mut content = Vec::new();
        while let Some(data) = body.data().await {
            let data = data.expect("data");
            body.flow_control().release_capacity(data.len()).expect("capacity");
            content.extend_from_slice(&data);
        }
        let trailers = body.trailers().await.expect("trailers");
        let status = trailers.as_ref().unwrap_or(&head.headers).get("grpc-status").cloned();
        let text = |value: &http::HeaderValue| value.to_str().expect("text").to_owned();
        let kind = head.headers.get("content-type").map(text).unwrap_or_default();
        sender.send((kind, content, status.as_ref().map(text).unwrap_or_default())).expect("kept");
    });
    receiver.recv().expect("a result")
}

#[test]
fn grpc_calls_of_all_kinds_pass() {
    let backend = GrpcBackend::start();
    let (_config, gateway) = grpc(&backend, &[]);
    let address = gateway.http();
    let ok = |content: &[Bytes]| ("application/grpc".to_owned(), content.concat(), "0".to_owned());
    assert_eq!(ask(address, "Unary", vec![message(b"abc")]), ok(&[message(b"abc")]));
    assert_eq!(ask(address, "Collect", vec![message(b"ab"), message(b"c")]), ok(&[message(b"abc")]));
    assert_eq!(
        ask(address, "Many", vec![message(b"abc")]),
        ok(&[message(b"a"), message(b"b"), message(b"c")])
    );
    assert_eq!(
        ask(address, "Fail", vec![message(b"x")]),
        ("application/grpc".to_owned(), Vec::new(), "5".to_owned())
    );
    with_http2(address, |requests| async move {
        let mut requests = requests.ready().await.expect("ready");
        let (response, mut out) = requests.send_request(call("Chat"), false).expect("sent");
        out.send_data(message(b"one"), false).expect("sent");
        let response = response.await.expect("a response");
        assert_eq!(response.headers()["x-te"], "trailers");
        let mut body = response.into_body();
        for next in ["two", "three", ""] {
            let echoed = body.data().await.expect("a message").expect("data");
            body.flow_control().release_capacity(echoed.len()).expect("capacity");
            assert!(echoed.len() > 5, "{echoed:?}");
            if !next.is_empty() {
                out.send_data(message(next.as_bytes()), false).expect("sent");
            }
        }
        out.send_data(Bytes::new(), true).expect("sent");
        assert!(body.data().await.is_none());
        assert_eq!(body.trailers().await.expect("trailers").expect("some")["grpc-status"], "0");
    });
}

#[test]
fn http2_backend_over_tls_with_a_given_authority() {
    let authority = gateway_tests::Authority::new();
    let backend = GrpcBackend::over_tls(authority.issue(&["localhost"]).acceptor(&["h2"]));
    let root = authority.root();
    let (_config, gateway) = grpc(&backend, &[("net.client.tls.roots", root.to_str().expect("a path"))]);
    assert_eq!(ask(gateway.http(), "Unary", vec![message(b"abc")]).1, message(b"abc"));
    // Without the authority nobody is trusted.
    let (_config, strict) = grpc(&backend, &[]);
    let answer = strict.client().request_with("POST", "/a/Echo/Unary", &[], b"x");
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("Internal server error"), "{}", answer.text());
}

#[test]
fn http_1_client_of_an_http_2_backend() {
    let backend = GrpcBackend::start();
    let (_config, gateway) = grpc(&backend, &[]);
    let mut client = Client::connect(gateway.http());
    let answer = client.request_with("POST", "/a/Echo/Unary", &[("TE", "trailers")], &message(b"abc"));
    assert_eq!((answer.status, answer.body.as_slice()), (200, &message(b"abc")[..]));
}

/// Half-sent bodies that a policy waits for hold their bytes; when all together hold as much as they may, the next is 503,
/// and those under way are served to their end.
#[test]
fn bodies_in_memory_are_bounded_together() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["POST /*"], more: "" });
    config.policy(
        "apis/a/policy.xml",
        r#"<set-header name="X-Length" exists-action="override">
             <value>@(context.Request.Body.As<string>(preserveContent: true).Length.ToString())</value></set-header>"#,
        "",
        "",
        "",
    );
    let settings = [("policy.buffer.total.bytes.max", "3000000"), ("workers", "1")];
    let gateway = Running::start(config.path(), &settings);
    let begin = |client: &mut Client| {
        client.send(b"POST /a/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n");
        client.send(&vec![b'x'; 999_999]);
    };
    let mut waiting: Vec<Client> = (0..3).map(|_| gateway.client()).collect();
    waiting.iter_mut().for_each(begin);
    std::thread::sleep(Duration::from_millis(500));
    let mut refused = gateway.client();
    begin(&mut refused);
    assert_eq!(refused.answer(false).map(|answer| answer.status), Some(503));
    for client in &mut waiting {
        client.send(b"x");
        assert_eq!(client.answer(false).map(|answer| answer.status), Some(200));
    }
    assert!(backend.seen().iter().all(|seen| seen.header("x-length") == Some("1000000")));
    let mut after = gateway.client();
    begin(&mut after);
    after.send(b"x");
    assert_eq!(after.answer(false).map(|answer| answer.status), Some(200), "the bytes were given back");
}
