//! HTTP/1.1 as it should be.

use std::time::{Duration, Instant};

use crate::harness::Worker;

#[test]
fn keep_alive_requests_share_a_connection() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    for n in 0..10 {
        let answer = wire.get(&format!("/{n}?q={n}"));
        assert_eq!(answer.body, format!("GET http://a/{n}?q={n} [Host=a;] "));
        assert_eq!(answer.field("connection"), None);
        assert!(answer.field("date").is_some());
    }
    let answer = wire.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").answer();
    assert_eq!(answer.field("connection"), Some("close"));
    assert!(wire.is_closed());
    let seen = worker.stopped();
    assert_eq!((seen.opened.len(), seen.closed.len(), seen.sent.len()), (1, 1, 11));
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let requests: String = (0..1_000)
        .map(|n| match n % 3 {
            0 => format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n"),
            1 => format!("POST /read?{n} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"),
            _ => format!("POST /read?{n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"),
        })
        .collect();
    wire.send(requests).finish();
    for n in 0..1_000 {
        let answer = wire.answer();
        assert!(answer.body.contains(&format!("{n} ")), "{n}: {}", answer.body);
        assert_eq!(answer.body.ends_with("body"), n % 3 != 0);
    }
    assert!(wire.is_closed());
}

#[test]
fn bodies_both_ways_are_streamed() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    // What goes in comes out before the rest has gone in.
    wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    assert_eq!(wire.answer().field("transfer-encoding"), Some("chunked"));
    assert_eq!(wire.until("hello\r\n"), "5\r\nhello\r\n");
    wire.send("5\r\nworld\r\n");
    assert_eq!(wire.until("world\r\n"), "5\r\nworld\r\n");
    wire.send("0\r\n\r\n");
    wire.until("0\r\n\r\n");
    wire.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    wire.until("\r\n\r\nhello");
    wire.send("world");
    assert_eq!(wire.exactly(5), b"world");
    assert_eq!(wire.get("/").status, 200);
}

#[test]
fn large_bodies_arrive_whole() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    assert_eq!(wire.get("/large").body.len(), 3_000_000);
    let body: Vec<u8> = (0..2_000_000_u32).map(|n| (n / 3) as u8).collect();
    let mut sender = wire.stream.try_clone().unwrap();
    let sent = body.clone();
    let sending = std::thread::spawn(move || {
        use std::io::Write;
        write!(sender, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", sent.len()).unwrap();
        sender.write_all(&sent).unwrap();
    });
    wire.until("\r\n\r\n");
    assert!(wire.exactly(body.len()) == body);
    sending.join().unwrap();
    assert_eq!(wire.get("/").status, 200);
    let sent = worker.stopped().sent;
    assert_eq!(sent[1].body_bytes, 2_000_000);
    assert_eq!(sent[1].request_bytes, 2_000_000 + 57);
    assert!(sent.iter().all(|sent| sent.complete));
}

#[test]
fn trailers_go_to_clients_that_ask_for_them() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    wire.send("GET /pieces HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n").answer();
    assert_eq!(wire.until("\r\n\r\n"), "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\nx-sum: 3\r\n\r\n");
    wire.get("/pieces");
    assert_eq!(wire.until("\r\n\r\n"), "3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n");
}

#[test]
fn statuses_and_methods_without_content_send_none() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    for (request, status, length) in [
        ("HEAD /status/200", 200, Some("4")),
        ("HEAD /length", 200, Some("1234")),
        ("HEAD /pieces", 200, None),
        ("GET /status/204", 204, None),
        ("GET /status/304", 304, None),
        ("GET /status/205", 205, Some("0")),
        ("GET /length", 200, Some("0")),
    ] {
        let head = wire.send(format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n")).until("\r\n\r\n");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {head}");
        let sent = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        assert_eq!(sent, length, "{request}");
    }
    // Nothing of a body stands before the next response.
    assert_eq!(wire.get("/").status, 200);
}

#[test]
fn informational_status_without_a_tunnel_is_a_bad_gateway() {
    let worker = Worker::start();
    assert_eq!(worker.connect().get("/status/101").status, 502);
    assert_eq!(worker.connect().get("/status/150").status, 502);
}

#[test]
fn continue_is_sent_when_the_body_is_asked_for() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let head = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n";
    wire.send(format!("POST /read HTTP/1.1\r\n{head}"));
    assert_eq!(wire.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    assert!(wire.send("body").answer().body.ends_with("body"));
    // Sent along at once: no interim answer is needed.
    assert!(wire.send(format!("POST /read HTTP/1.1\r\n{head}body")).answer().body.ends_with("body"));
    // Refused before: the body may come or not, so nothing can follow.
    let answer = wire.send(format!("POST /early HTTP/1.1\r\n{head}")).answer();
    assert_eq!((answer.status, answer.field("connection")), (401, Some("close")));
    assert!(wire.is_closed());
}

#[test]
fn early_answer_leaves_a_clean_connection_or_none() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    // Little: read and thrown away.
    let small = "POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n";
    assert_eq!(wire.send(small).answer().status, 401);
    wire.send("GET \r\n0\r\n\r\n");
    assert_eq!(wire.get("/").status, 200);
    // Much: the connection goes.
    let head = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n";
    assert_eq!(wire.send(head).answer().status, 401);
    assert!(wire.is_closed());
    // Never: it goes too.
    let begin = Instant::now();
    let mut wire = worker.connect();
    let head = "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n";
    assert_eq!(wire.send(head).answer().status, 401);
    assert!(wire.is_closed());
    assert!(begin.elapsed() < Duration::from_secs(3));
}

#[test]
fn http_1_0_is_answered_in_its_terms() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let host = worker.address;
    let answer = wire.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").answer();
    assert_eq!(answer.body, format!("GET http://{host}/x [Connection=keep-alive;] "));
    assert_eq!(answer.field("connection"), Some("keep-alive"));
    assert!(
        wire.send("GET /connection HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            .answer()
            .body
            .contains("Http10")
    );
    // A body of unknown length ends with the connection.
    let answer = wire.send("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").answer();
    assert_eq!((answer.field("transfer-encoding"), answer.field("connection")), (None, Some("close")));
    assert_eq!(wire.rest().as_deref(), Some(&b"onetwothree"[..]));
    assert_eq!(worker.connect().send("GET / HTTP/1.0\r\n\r\n").answer().field("connection"), Some("close"));
}

#[test]
fn broken_response_body_never_looks_whole() {
    let worker = Worker::start();
    for path in ["/cut", "/short"] {
        let mut wire = worker.connect();
        wire.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let rest = wire.rest();
        assert!(
            rest.is_none_or(|rest| !rest.ends_with(b"0\r\n\r\n") && !rest.ends_with(b"0123456789")),
            "{path}"
        );
    }
    // Where only the end of the connection marks the end of the body, it must not be an orderly one.
    let mut wire = worker.connect();
    wire.send("GET /cut HTTP/1.0\r\n\r\n");
    assert_eq!(wire.rest(), None);
    assert!(worker.stopped().sent.iter().all(|sent| !sent.complete));
}

#[test]
fn tunnel_relays_both_ways_until_both_have_ended() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let upgrade = "Host: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
    // Bytes behind the head belong to the tunnel.
    wire.send(format!("GET /tunnel HTTP/1.1\r\n{upgrade}early "));
    let answer = wire.answer();
    assert_eq!(answer.status, 101);
    assert_eq!(answer.field("upgrade"), Some("websocket"));
    assert_eq!(answer.field("connection"), Some("Upgrade"));
    assert_eq!((answer.field("content-length"), answer.field("sec-websocket-accept")), (None, Some("x")));
    assert_eq!(wire.until("EARLY "), "helloEARLY ");
    let large = "abc".repeat(100_000);
    let mut sender = wire.stream.try_clone().unwrap();
    let sent = large.clone();
    let sending =
        std::thread::spawn(move || std::io::Write::write_all(&mut sender, sent.as_bytes()).unwrap());
    assert!(wire.exactly(large.len()) == large.to_ascii_uppercase().as_bytes());
    sending.join().unwrap();
    wire.send("end").finish();
    assert_eq!(wire.rest().as_deref(), Some(&b"END"[..]));
    let sent = worker.stopped().sent;
    assert_eq!(sent[0].body_bytes, 300_000 + 14);
    assert!(sent[0].complete);
}

#[test]
fn upgrade_that_is_none_is_an_ordinary_request() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let answer =
        wire.send("GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n").answer();
    assert_eq!(answer.status, 400);
    assert_eq!(wire.get("/").status, 200);
}
