//! Hostile HTTP/1.1 (`reliability-security.md` §5.1, §5.2, §5.4): one status, a closed connection, no second answer,
//! one count, and nothing of the input in the body.

use std::time::{Duration, Instant};

use gateway_proxy::downstream::Settings;

use crate::harness::{Wire, Worker};

/// Behind every hostile request: must never be answered.
const SECOND: &str = "GET /second HTTP/1.1\r\nHost: a\r\n\r\n";

struct Case {
    id: &'static str,
    bytes: Vec<u8>,
    status: u16,
}

fn case(id: &'static str, bytes: impl AsRef<[u8]>, status: u16) -> Case {
    Case { id, bytes: bytes.as_ref().to_vec(), status }
}

/// A request with these field lines.
fn fields(id: &'static str, lines: &str) -> Case {
    case(id, format!("POST /read HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n"), 400)
}

/// A request with this line.
fn line(id: &'static str, line: &str, status: u16) -> Case {
    case(id, format!("{line}\r\nHost: a\r\n\r\n"), status)
}

/// A chunked body.
fn chunks(id: &'static str, body: &str) -> Case {
    case(id, format!("POST /read HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{body}"), 400)
}

fn framing() -> Vec<Case> {
    let mut cases: Vec<Case> = [
        "Content-Length: 4\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 4",
        "tRANSFER-eNCODING: ChUnKeD\r\ncONTENT-lENGTH: 0",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding: \x0bchunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked;q=1",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding:\r\n chunked",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: -0",
        "Content-Length: 0x5",
        "Content-Length: 5_0",
        "Content-Length: 1e3",
        "Content-Length: ",
        "Content-Length: 00000000000000000005",
        "Content-Length: 9223372036854775808",
        "Content-Length: 99999999999999999999",
        "A: b\rC: d",
        "A: b\0c",
        "A: b\r\n folded",
        " A: b",
        "A : b",
        ": b",
        "A@b: c",
        "no colon",
        "Connection: X-Forwarded-For",
        "Connection: close, Authorization",
        "Connection: Host",
    ]
    .into_iter()
    .map(|lines| fields("H1 framing", lines))
    .collect();
    cases.push(case(
        "H1-03",
        "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ));
    cases.push(case("H1-10", "GET / HTTP/1.1\nHost: a\n\n", 400));
    cases.push(case("H1-10", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400));
    cases.push(case(
        "H1-17",
        "POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx",
        417,
    ));
    cases
}

fn chunking() -> Vec<Case> {
    let long = format!("1;{}\r\na\r\n0\r\n\r\n", "e".repeat(4097));
    let many = format!("0\r\n{}\r\n", "a: b\r\n".repeat(17));
    let wide = format!("0\r\na: {}\r\n\r\n", "b".repeat(4200));
    [
        "0x5\r\nhello\r\n0\r\n\r\n",
        "-1\r\n",
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
        "5\r\nhello\n0\r\n\r\n",
        "5;\r\nhello\r\n0\r\n\r\n",
        "5;a\0\r\nhello\r\n0\r\n\r\n",
        "5; a=b\r\nhello\r\n0\r\n\r\n",
        &long,
        &many,
        &wide,
    ]
    .into_iter()
    .map(|body| chunks("H1-06 to H1-09", body))
    .collect()
}

fn start_lines() -> Vec<Case> {
    vec![
        line("H1-13", "get / HTTP/1.1", 400),
        line("H1-13", "G(T / HTTP/1.1", 400),
        line("H1-13", &format!("{} / HTTP/1.1", "A".repeat(33)), 400),
        line("H1-13", "CONNECT a:443 HTTP/1.1", 405),
        line("H1-13", "TRACE / HTTP/1.1", 405),
        line("H1-14", "GET / HTTP/1", 505),
        line("H1-14", "GET / HTTP/01.1", 505),
        line("H1-14", "GET / HTTP/1.10", 400),
        line("H1-14", "GET / http/1.1", 505),
        line("H1-14", "GET / HTTP/2.0", 505),
        case("H1-14", "GET /\r\n\r\n", 400),
        line("H1-15", "GET https://a/ HTTP/1.1", 400),
        case("host", "GET / HTTP/1.1\r\n\r\n", 400),
        case("host", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        case("host", "GET / HTTP/1.1\r\nHost: \r\n\r\n", 400),
        case("host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
        case("host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
        case("P-11", "GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
        line("host", "GET * HTTP/1.1", 400),
        line("P-01", "GET /../x HTTP/1.1", 400),
        line("P-01", "GET /a/%2e%2e/%2e%2e/x HTTP/1.1", 400),
        line("P-02", "GET /api/..;/x HTTP/1.1", 400),
        line("P-03", "GET /a\\b HTTP/1.1", 400),
        line("P-05", "GET /%00 HTTP/1.1", 400),
        line("P-05", "GET /%0d%0aX:y HTTP/1.1", 400),
        line("P-05", "GET /%0a HTTP/1.1", 400),
        line("P-09", "GET /%zz HTTP/1.1", 400),
        line("P-09", "GET /%2 HTTP/1.1", 400),
        line("P-10", "GET /a#b HTTP/1.1", 400),
        line("P-10", &format!("GET /?{} HTTP/1.1", "a&".repeat(1001)), 400),
        line("S-02", &format!("GET /{} HTTP/1.1", "a".repeat(9 << 10)), 414),
        case("S-02", format!("GET / HTTP/1.1\r\nHost: a\r\nA: {}\r\n\r\n", "b".repeat(33 << 10)), 431),
        case("S-02", format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(100)), 431),
        case("bytes", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        case("bytes", b"\r\n\r\n\r\n\r\n", 400),
    ]
}

fn check(worker: &Worker, case: &Case) {
    let mut wire = worker.connect();
    // The server may close while we still talk.
    let _ = wire.try_send(&case.bytes) && wire.try_send(SECOND);
    let shown = String::from_utf8_lossy(&case.bytes[..case.bytes.len().min(200)]).into_owned();
    let context = format!("{} {shown:?}", case.id);
    let answer = wire.answer();
    assert_eq!(answer.status, case.status, "{context}");
    assert_eq!(answer.field("connection"), Some("close"), "{context}");
    assert!(wire.is_closed(), "{context}: no second answer");
}

#[test]
fn hostile_input_is_refused_counted_and_closed() {
    let worker = Worker::start();
    let cases: Vec<Case> = framing().into_iter().chain(start_lines()).collect();
    for case in &cases {
        check(&worker, case);
    }
    let seen = worker.stopped();
    assert_eq!(seen.anomalies.len(), cases.len());
    assert_eq!(seen.targets, Vec::<String>::new(), "nothing reached the service");
}

#[test]
fn hostile_chunks_are_refused_counted_and_closed() {
    let worker = Worker::start();
    let cases = chunking();
    for case in &cases {
        check(&worker, case);
    }
    let seen = worker.stopped();
    assert_eq!(seen.anomalies.len(), cases.len(), "{:?}", seen.anomalies);
    assert!(seen.targets.iter().all(|target| target.contains("/read")), "{:?}", seen.targets);
}

#[test]
fn hostile_input_a_byte_at_a_time_is_refused_alike() {
    let worker = Worker::start();
    for case in [
        fields("H1-01", "Content-Length: 4\r\nTransfer-Encoding: chunked"),
        chunks("H1-06", "5 \r\nhello\r\n0\r\n\r\n"),
        line("P-01", "GET /../x HTTP/1.1", 400),
    ] {
        let mut wire = worker.connect();
        for byte in &case.bytes {
            if !wire.try_send([*byte]) {
                break;
            }
        }
        assert_eq!(wire.answer().status, case.status, "{}", case.id);
    }
}

#[test]
fn refusals_echo_nothing_of_the_input() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let answer = wire.send("GET /s3cret\\ HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert_eq!(answer.body, "{ \"statusCode\": 400, \"message\": \"Bad Request\" }");
    assert_eq!(answer.field("content-type"), Some("application/json"));
    let answer = worker.connect().send("TRACE /s3cret HTTP/1.1\r\nHost: a\r\n\r\n").answer();
    assert!(answer.field("allow").is_some());
    assert!(!answer.body.contains("s3cret"));
}

#[test]
fn accepted_but_meddling_fields_are_disarmed() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    let lines = "Content_Length: 9\r\nX_Forwarded_For: 1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nUpgrade: h2c\r\nX-Kept: 1";
    let answer = wire.send(format!("GET /a HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n")).answer();
    assert_eq!(answer.body, "GET http://a/a [Host=a;Connection=X-Hop;X-Kept=1;] ");
    let absolute = "GET http://B:81/x/../y HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(wire.send(absolute).answer().body, "GET http://b:81/y [Host=b:81;] ");
    assert_eq!(wire.get("/a%2Fb").body, "GET http://a/a%2Fb [Host=a;] ");
}

fn impatient() -> Settings {
    let mut settings = Settings { head_timeout: Duration::from_millis(500), ..Settings::default() };
    settings.pace.grace = Duration::from_millis(500);
    settings
}

#[test]
fn slow_head_is_answered_408_however_steadily_it_drips() {
    let worker = Worker::with(impatient(), None);
    let begin = Instant::now();
    let mut wire = worker.connect();
    wire.send("GET / HTTP/1.1\r\n");
    // Well within every idle time, never done.
    while begin.elapsed() < Duration::from_secs(5) && wire.try_send("A: b\r\n") && !has_answer(&wire) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(wire.answer().status, 408);
    assert!(begin.elapsed() >= Duration::from_millis(500));
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(worker.stopped().anomalies, ["head-timeout"]);
}

fn has_answer(wire: &Wire) -> bool {
    wire.stream.set_nonblocking(true).unwrap();
    let peeked = wire.stream.peek(&mut [0]);
    wire.stream.set_nonblocking(false).unwrap();
    peeked.is_ok()
}

#[test]
fn slow_body_is_answered_408_and_closed() {
    let worker = Worker::with(impatient(), None);
    for head in ["Content-Length: 1000", "Transfer-Encoding: chunked"] {
        let mut wire = worker.connect();
        let answer =
            wire.send(format!("POST /read HTTP/1.1\r\nHost: a\r\n{head}\r\n\r\n")).send("9\r\n").answer();
        assert_eq!((answer.status, answer.field("connection")), (408, Some("close")));
        assert!(wire.is_closed());
    }
    assert_eq!(worker.stopped().anomalies, ["body-timeout", "body-timeout"]);
}

#[test]
fn slow_reader_is_cut_off() {
    let mut settings = impatient();
    // What the kernel's buffers took counts as taken, and earns time at the least rate.
    settings.pace.idle = Duration::from_millis(500);
    let worker = Worker::with(settings, None);
    let mut wire = worker.connect();
    wire.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n");
    worker.wait_until("the response fails", |seen| seen.sent.iter().any(|sent| !sent.complete));
    // Whatever was in flight, it does not end as a whole response does.
    assert!(wire.rest().is_none_or(|rest| !rest.ends_with(b"0\r\n\r\n")));
}
