//! The way to backends: connections kept, time-outs, what is never sent twice, fields.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gateway_tests::{Api, Backend, Config, Running, Script};

fn served(url: &str, backend: &str) -> (Config, Running) {
    let config = Config::new();
    let operations = &["GET /*", "POST /*"];
    config.api(&Api { name: "a", path: "a", service_url: url, operations, more: "" });
    let on_error =
        r#"<base /><set-header name="X-Reason"><value>@(context.LastError.Reason)</value></set-header>"#;
    config.policy("apis/a/policy.xml", "", backend, "", on_error);
    let gateway = Running::start(config.path(), &[("workers", "1")]);
    (config, gateway)
}

#[test]
fn connections_are_used_again() {
    let backend = Backend::fixed("ok");
    let (_config, gateway) = served(&backend.url(), "");
    for _ in 0..20 {
        assert_eq!(gateway.get("/a/x", &[]).status, 200);
    }
    assert!(backend.seen().iter().all(|seen| seen.connection == 0));
}

#[test]
fn forward_request_gives_up_in_time() {
    let backend = Script::start(|client, _| {
        client.through(b"\r\n\r\n");
        std::thread::sleep(Duration::from_secs(30));
    });
    let (_config, gateway) = served(&backend.url(), r#"<forward-request timeout="1" />"#);
    let begin = Instant::now();
    let answer = gateway.get("/a/x", &[]);
    assert_eq!((answer.status, answer.header("x-reason")), (500, Some("Timeout")));
    assert!((900..3_000).contains(&begin.elapsed().as_millis()), "{:?}", begin.elapsed());
}

/// A backend that answers once a connection and then closes it when the next request comes.
fn fickle() -> (Script, Arc<AtomicUsize>) {
    let requests = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&requests);
    let backend = Script::start(move |client, _| {
        client.through(b"\r\n\r\n");
        count.fetch_add(1, Ordering::SeqCst);
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        // The second request is read, and then the connection goes.
        if client.through(b"\r\n\r\n").is_some() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (backend, requests)
}

#[test]
fn stale_connection_is_tried_once_more_only_when_nothing_can_happen_twice() {
    let (backend, requests) = fickle();
    let (_config, gateway) = served(&backend.url(), "");
    assert_eq!(gateway.get("/a/x", &[]).status, 200);
    assert_eq!(gateway.get("/a/x", &[]).status, 200);
    assert_eq!((backend.connections(), requests.load(Ordering::SeqCst)), (2, 3));
    // The next one finds a connection that closes under it; a POST may have been processed.
    let answer = gateway.client().request_with("POST", "/a/x", &[], b"body");
    assert_eq!((answer.status, answer.header("x-reason")), (500, Some("BackendConnectionFailure")));
    assert_eq!((backend.connections(), requests.load(Ordering::SeqCst)), (2, 4));
}

#[test]
fn connection_fields_stay_on_their_side() {
    let backend = Backend::start(|_| {
        let fields = [
            ("Connection", "X-Hop"),
            ("X-Hop", "1"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Authenticate", "Basic"),
            ("X-Kept", "1"),
        ];
        gateway_tests::Reply::with(200, &fields, "ok")
    });
    let (_config, gateway) = served(&backend.url(), "");
    let sent = [
        ("Connection", "X-Mine"),
        ("X-Mine", "1"),
        ("Keep-Alive", "5"),
        ("Proxy-Authorization", "Basic eA=="),
        ("TE", "gzip"),
        ("X-Own", "1"),
    ];
    let answer = gateway.get("/a/x", &sent);
    assert_eq!(answer.header("x-kept"), Some("1"));
    for name in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.header(name), None, "{name}");
    }
    let seen = backend.only();
    assert_eq!(seen.header("x-own"), Some("1"));
    for name in ["x-mine", "connection", "keep-alive", "proxy-authorization", "te"] {
        assert_eq!(seen.header(name), None, "{name}");
    }
}

#[test]
fn answers_that_break_the_rules_are_502_and_never_reused() {
    for bytes in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nA: b\rC: d\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"hello\r\n\r\n",
    ] {
        let bytes = bytes.to_vec();
        let backend = Script::start(move |client, _| {
            client.through(b"\r\n\r\n");
            client.send(&bytes);
            client.rest();
        });
        let (_config, gateway) = served(&backend.url(), "");
        assert_eq!(gateway.get("/a/x", &[]).status, 502);
        assert_eq!(gateway.get("/a/x", &[]).status, 502);
        assert_eq!(backend.connections(), 2);
    }
}

#[test]
fn names_are_resolved_and_ipv6_is_reached() {
    let backend = Script::at("[::1]:0", |client, _| {
        let head = client.through(b"\r\n\r\n").expect("a request");
        assert!(String::from_utf8_lossy(&head).contains("Host: [::1]:"));
        client.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nv6");
    });
    let (_config, gateway) = served(&backend.url(), "");
    assert_eq!(gateway.get("/a/x", &[]).text(), "v6");
    let named = Backend::fixed("named");
    let url = format!("http://localhost:{}", named.address().port());
    let (_config, gateway) = served(&url, "");
    assert_eq!(gateway.get("/a/x", &[]).text(), "named");
    let (_config, gateway) = served("http://no-such-name.invalid", "");
    let answer = gateway.get("/a/x", &[]);
    assert_eq!((answer.status, answer.header("x-reason")), (500, Some("BackendConnectionFailure")));
}
