//! Rows S-01 to S-05: slow and large.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use gateway_tests::{Api, Backend, Client, Config, Running};

use super::{Ground, all_refused, get, line};

/// The limits as they are by default: 10 s for a head and a hand-shake, 240 bytes a second after 5 s for a body.
#[test]
fn s_01_slow_clients() {
    let ground = Ground::with("", &[("net.https.address", "127.0.0.1:0")]);
    let begin = Instant::now();
    let handshakes: Vec<_> =
        (0..500).map(|_| TcpStream::connect(ground.gateway.https()).expect("a connection")).collect();
    let mut head = ground.gateway.client();
    head.send(b"GET /a/item HTTP/1.1\r\nHost: a\r\n");
    let mut body = ground.gateway.client();
    body.send(b"POST /a/item HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n");
    let mut drips = [head.twin(), body.twin()];
    let dripping = std::thread::spawn(move || {
        while begin.elapsed() < Duration::from_secs(25)
            && drips.iter_mut().any(|client| client.try_send(b"A: b\r\n"))
        {
            std::thread::sleep(Duration::from_millis(200));
        }
    });
    let asked = Instant::now();
    assert_eq!(ground.gateway.get("/a/item", &[]).status, 200);
    assert!(asked.elapsed() < Duration::from_secs(1), "others wait {:?}", asked.elapsed());
    assert_eq!(body.answer(false).map(|answer| answer.status), Some(408));
    assert!((5..15).contains(&begin.elapsed().as_secs()), "body: {:?}", begin.elapsed());
    assert_eq!(head.answer(false).map(|answer| answer.status), Some(408));
    assert!((10..20).contains(&begin.elapsed().as_secs()), "head: {:?}", begin.elapsed());
    for stream in handshakes {
        assert!(Client::over(stream).is_closed());
    }
    assert!((10..20).contains(&begin.elapsed().as_secs()), "hand-shakes: {:?}", begin.elapsed());
    dripping.join().expect("the dripper ends");
    assert_eq!(ground.gateway.settled("gateway_tls_handshakes_total", &["timed-out"]), 500.0);
}

#[test]
fn s_02_large_heads() {
    let wide = format!("GET /a/item HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "b".repeat(33 << 10));
    let many = format!("GET /a/item HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(100));
    all_refused(431, [wide.into_bytes(), many.into_bytes()]);
    all_refused(414, [get(&format!("/a/{}", "a".repeat(9 << 10)))]);
    // Up to the limits all is well.
    let ground = Ground::new();
    let fields = "a: b\r\n".repeat(98);
    let near = format!("A: {}\r\n{fields}", "b".repeat(30 << 10));
    assert_eq!(ground.answer(line(&format!("GET /a/{} HTTP/1.1", "a".repeat(8000)))).status, 200);
    assert_eq!(ground.answer(format!("GET /a/item HTTP/1.1\r\nHost: a\r\n{near}\r\n")).status, 200);
}

/// A body that a policy reads, up to 1000 bytes.
fn reading() -> (Backend, Config, Running) {
    let (backend, config) = (Backend::fixed("ok"), Config::new());
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["POST /item"], more: "" });
    let inbound = r#"<base /><set-variable name="x" value="@(context.Request.Body.As<string>(preserveContent: true).Length)" />"#;
    config.policy("apis/a/policy.xml", inbound, "", "", "");
    let gateway = Running::start(config.path(), &[("policy.buffer.bytes.max", "1000")]);
    (backend, config, gateway)
}

#[test]
fn s_03_bodies_above_the_limit() {
    let (backend, _config, gateway) = reading();
    assert_eq!(gateway.client().request_with("POST", "/a/item", &[], &[b'x'; 1000]).status, 200);
    // Announced: refused before it is read.
    let mut client = gateway.client();
    client.send(b"POST /a/item HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    assert_eq!(client.answer(false).map(|answer| answer.status), Some(413));
    assert!(client.is_closed());
    // Growing: refused at the limit.
    let mut client = gateway.client();
    client.send(b"POST /a/item HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..100 {
        if !client.try_send(format!("64\r\n{}\r\n", "x".repeat(100)).as_bytes()) {
            break;
        }
    }
    assert_eq!(client.answer(false).map(|answer| answer.status), Some(413));
    assert_eq!(backend.seen().len(), 1);
}

#[test]
fn s_05_many_distinct_keys() {
    let ground = Ground::with(
        r#"<base /><rate-limit-by-key calls="5" renewal-period="60" counter-key="@(context.Request.Headers.GetValueOrDefault("X-Key","") )" />"#,
        &[],
    );
    let mut client = ground.gateway.client();
    for key in 0..3_000 {
        let target = format!("/a/item-{key}?q={key}");
        assert_eq!(client.request("GET", &target, &[("X-Key", &key.to_string())]).status, 200);
    }
    // Paths, queries and keys of clients are no labels.
    let series =
        ground.gateway.metrics().lines().filter(|line| line.starts_with("gateway_requests_total{")).count();
    assert!(series < 10, "{series} series");
}
