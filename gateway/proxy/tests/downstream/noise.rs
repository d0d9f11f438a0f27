//! Requests put together by chance: whatever comes, the worker answers or closes, believes no more than it answers,
//! and goes on.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::harness::Worker;

/// Pieces of which requests, good and bad, are made.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let texts = prop::sample::select(vec![
        "GET ",
        "POST ",
        "HEAD ",
        "/read",
        "/",
        "/../",
        "%2e",
        "*",
        "?a=b",
        " HTTP/1.1\r\n",
        " HTTP/1.0\r\n",
        "Host: a\r\n",
        "Content-Length: 3\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Connection: close\r\n",
        "Connection: keep-alive\r\n",
        "Expect: 100-continue\r\n",
        "\r\n",
        "\n",
        "\r",
        "3\r\nabc\r\n",
        "0\r\n\r\n",
        "abc",
        ":",
        " ",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
        "POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ]);
    prop_oneof![
        20 => texts.prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..8),
    ]
}

/// Final responses in a stream of them; bodies of the harness hold no status line.
fn answers(stream: &[u8]) -> usize {
    let is_answer = |place: &[u8]| place.starts_with(b"HTTP/1.1 ") && !place.ends_with(b" 100");
    stream.windows(12).filter(|place| is_answer(place)).count()
}

#[test]
fn noise_is_answered_or_closed_and_never_believed_twice() {
    let worker = Worker::start();
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let noise = prop::collection::vec(piece(), 1..14);
    runner
        .run(&noise, |pieces| {
            let before = worker.seen.lock().unwrap().targets.len();
            let mut wire = worker.connect();
            for piece in &pieces {
                if !wire.try_send(piece) {
                    break;
                }
            }
            let _ = wire.stream.shutdown(std::net::Shutdown::Write);
            // A reset may take answers along that were on their way. HTTP/2 is counted elsewhere.
            if let Some(received) = wire.rest()
                && received.get(3..5).is_none_or(|kind| kind != [4, 0])
            {
                let calls = worker.seen.lock().unwrap().targets.len() - before;
                let answers = answers(&received);
                prop_assert!(answers == calls || answers == calls + 1, "{calls} calls, {answers} answers");
            }
            Ok(())
        })
        .unwrap();
    assert_eq!(worker.connect().get("/").status, 200);
    let seen = worker.stopped();
    assert_eq!(seen.opened.len(), seen.closed.len());
    assert!(!seen.anomalies.contains(&"panic"));
}
