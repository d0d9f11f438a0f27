//! HTTP/2: well-behaved clients by h2 and nghttp2, the others frame by frame (`reliability-security.md` §5.3).

use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_policy::exchange::Protocol;
use gateway_proxy::downstream::{Http2Limits, Settings};
use h2::client::SendRequest;
use http::{HeaderMap, Request, StatusCode};
use tokio::net::TcpStream;

use crate::harness::{Wire, Worker};
use crate::memory::resident;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const PROTOCOL_ERROR: u32 = 1;
const ENHANCE_YOUR_CALM: u32 = 11;

/// Runs a client against the worker.
fn client<F: Future<Output = ()>>(address: SocketAddr, work: impl FnOnce(SendRequest<Bytes>) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = h2::client::handshake(stream).await.unwrap();
        tokio::spawn(connection);
        tokio::time::timeout(Duration::from_secs(20), work(sender)).await.expect("in time");
    });
}

struct Received {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
    trailers: Option<HeaderMap>,
}

async fn fetch(
    sender: &SendRequest<Bytes>,
    request: http::request::Builder,
    body: &[u8],
) -> Result<Received, h2::Error> {
    let mut sender = sender.clone().ready().await?;
    let (response, mut stream) = sender.send_request(request.body(()).unwrap(), body.is_empty())?;
    if !body.is_empty() {
        let (data, mut trailers) = (Bytes::copy_from_slice(body), HeaderMap::new());
        trailers.insert("x-check", "1".parse().unwrap());
        stream.send_data(data, false)?;
        stream.send_trailers(trailers)?;
    }
    let (parts, mut incoming) = response.await?.into_parts();
    let mut collected = Vec::new();
    while let Some(data) = incoming.data().await {
        let data = data?;
        incoming.flow_control().release_capacity(data.len())?;
        collected.extend_from_slice(&data);
    }
    let trailers = incoming.trailers().await?;
    Ok(Received { status: parts.status, headers: parts.headers, body: collected, trailers })
}

fn get(path: &str) -> http::request::Builder {
    Request::builder().uri(format!("http://a.example{path}"))
}

#[test]
fn requests_and_responses_with_all_their_parts() {
    let worker = Worker::start();
    client(worker.address, |sender| async move {
        let got =
            fetch(&sender, get("/x?y").header("cookie", "a=1").header("cookie", "b=2"), b"").await.unwrap();
        assert_eq!(got.body, b"GET http://a.example/x?y [cookie=a=1; b=2;host=a.example;] ");
        assert_eq!(got.headers["content-length"].to_str().unwrap(), got.body.len().to_string());
        assert!(got.headers.contains_key("date"));
        let body = vec![b'z'; 300_000];
        let got = fetch(&sender, get("/echo").method("POST"), &body).await.unwrap();
        assert!(got.body == body);
        assert_eq!(got.trailers.unwrap()["x-check"], "1");
        let got = fetch(&sender, get("/pieces"), b"").await.unwrap();
        assert_eq!(got.body, b"onetwothree");
        assert_eq!(got.trailers.unwrap()["x-sum"], "3");
        let got = fetch(&sender, get("/known"), b"").await.unwrap();
        assert_eq!(got.body, b"0123456789");
        assert_eq!(got.headers["content-length"], "10");
        assert_eq!(fetch(&sender, get("/large"), b"").await.unwrap().body.len(), 3_000_000);
        for (path, method, status, length) in [
            ("/status/204", "GET", 204, None),
            ("/status/304", "GET", 304, None),
            ("/status/404", "HEAD", 404, Some("4")),
            ("/length", "HEAD", 200, Some("1234")),
            ("/status/101", "GET", 502, Some("0")),
        ] {
            let got = fetch(&sender, get(path).method(method), b"").await.unwrap();
            assert_eq!((got.status.as_u16(), got.body.len()), (status, 0), "{path}");
            assert_eq!(
                got.headers.get("content-length").map(|length| length.to_str().unwrap()),
                length,
                "{path}"
            );
        }
    });
    let seen = worker.stopped();
    assert_eq!(
        (seen.opened, seen.closed.last()),
        (vec![Protocol::Http11, Protocol::Http2], Some(&Protocol::Http2))
    );
    assert!(seen.sent.iter().all(|sent| sent.complete));
    assert!(seen.sent[1].request_bytes > 300_000 && seen.sent[1].body_bytes == 300_000);
}

#[test]
fn streams_run_side_by_side() {
    let worker = Worker::start();
    client(worker.address, |sender| async move {
        // By then the client knows how many streams it may open.
        assert_eq!(fetch(&sender, get("/"), b"").await.unwrap().status, 200);
        let begin = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..300 {
            let sender = sender.clone();
            tasks.spawn(async move { fetch(&sender, get("/soon"), b"").await.unwrap().status });
        }
        while let Some(status) = tasks.join_next().await {
            assert_eq!(status.unwrap(), 200);
        }
        // A hundred at a time, fifty milliseconds each.
        assert!(begin.elapsed() < Duration::from_secs(3), "{:?}", begin.elapsed());
    });
}

#[test]
fn refused_requests_get_a_status_and_the_connection_lives() {
    let worker = Worker::start();
    client(worker.address, |sender| async move {
        let crumbs = (0..101).fold(get("/"), |request, n| request.header("cookie", format!("c{n}=1")));
        let wide = (0..20).fold(get("/"), |request, n| request.header(format!("x-{n}"), "v".repeat(2_000)));
        for (request, status) in [
            (get("/a/../../b"), 400),
            (get("/%zz"), 400),
            (get("/").method("TRACE"), 405),
            (get("/").header("expect", "magic"), 417),
            (crumbs, 431),
            (wide, 431),
            (get("/panic"), 500),
        ] {
            let got = fetch(&sender, request, b"").await.unwrap();
            assert_eq!(got.status.as_u16(), status);
        }
        assert_eq!(fetch(&sender, get("/"), b"").await.unwrap().status, 200);
    });
}

#[test]
fn broken_response_body_resets_the_stream() {
    let worker = Worker::start();
    client(worker.address, |sender| async move {
        for path in ["/cut", "/short"] {
            let error = fetch(&sender, get(path), b"").await.err().unwrap();
            assert_eq!(error.reason(), Some(h2::Reason::INTERNAL_ERROR), "{path}");
        }
        assert_eq!(fetch(&sender, get("/"), b"").await.unwrap().status, 200);
    });
    let seen = worker.stopped();
    assert_eq!(seen.sent.iter().map(|sent| sent.complete).collect::<Vec<_>>(), [false, false, true]);
}

#[test]
fn reset_and_disconnect_cancel_the_call() {
    let started = Worker::start();
    let worker = &started;
    client(worker.address, |sender| async move {
        let mut sender = sender.ready().await.unwrap();
        let (_, mut stream) = sender.send_request(get("/hang").body(()).unwrap(), true).unwrap();
        assert_eq!(fetch(&sender, get("/"), b"").await.unwrap().status, 200);
        stream.send_reset(h2::Reason::CANCEL);
        assert_eq!(fetch(&sender, get("/"), b"").await.unwrap().status, 200);
        worker.wait_until("the call is dropped", |seen| seen.cancelled == 1);
        let (_, _stream) = sender.send_request(get("/hang").body(()).unwrap(), true).unwrap();
        assert_eq!(fetch(&sender, get("/"), b"").await.unwrap().status, 200);
    });
    worker.wait_until("the other is dropped with the connection", |seen| seen.cancelled == 2);
}

#[test]
fn drain_says_go_away_and_finishes() {
    let mut worker = Worker::start();
    let mut idle = raw(&worker);
    let (address, draining) = (worker.address, &mut worker);
    client(address, |sender| async move {
        let mut sender = sender.ready().await.unwrap();
        let (response, mut stream) =
            sender.send_request(get("/read").method("POST").body(()).unwrap(), false).unwrap();
        stream.send_data(Bytes::from_static(b"bo"), false).unwrap();
        draining.wait_until("the call arrives", |seen| seen.targets.len() == 1);
        draining.drain(Duration::from_secs(30));
        stream.send_data(Bytes::from_static(b"dy"), true).unwrap();
        assert_eq!(response.await.unwrap().status(), 200);
    });
    // The first GOAWAY announces, the second, after a round trip, names the last stream.
    assert_eq!(idle.next(GOAWAY).map(|frame| frame.code(4)), Some(0));
    let begin = Instant::now();
    drop(idle);
    worker.stopped();
    assert!(begin.elapsed() < Duration::from_secs(5), "nothing is left to wait for");
}

#[test]
fn preface_in_pieces_is_recognised() {
    let worker = Worker::start();
    let mut wire = worker.connect();
    for byte in PREFACE {
        wire.send([*byte]);
    }
    wire.send(frame(SETTINGS, 0, 0, &[]));
    let mut frames = Frames(wire);
    assert!(frames.next(SETTINGS).is_some());
    frames.request(1, &[(":path", "/")], true);
    assert!(frames.next(HEADERS).is_some());
}

#[test]
fn load_by_nghttp2_succeeds_without_an_error() {
    let worker = Worker::start();
    let output = Command::new("h2load")
        .args(["-n", "5000", "-c", "8", "-m", "20", "-D", "0", &format!("http://{}/known", worker.address)])
        .output()
        .expect("h2load is installed by `cargo xtask setup`");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"), "{text}");
    assert!(text.contains("5000 2xx"), "{text}");
}

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// Literal fields without indexing or Huffman coding (RFC 7541 §6.2.2).
fn fields(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            block.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap());
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}

struct Frame {
    kind: u8,
    stream: u32,
    payload: Vec<u8>,
}

impl Frame {
    /// A big-endian number in the payload.
    fn code(&self, at: usize) -> u32 {
        u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())
    }
}

/// A client that sends what it likes.
struct Frames(Wire);

impl Frames {
    /// The next frame of a kind; `None` when the connection ends before.
    fn next(&mut self, kind: u8) -> Option<Frame> {
        self.next_of(&[kind])
    }

    fn next_of(&mut self, kinds: &[u8]) -> Option<Frame> {
        loop {
            let head = self.0.exactly_or_end(9)?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
            let payload = self.0.exactly_or_end(length as usize)?;
            if kinds.contains(&head[3]) {
                return Some(Frame { kind: head[3], stream, payload });
            }
        }
    }

    /// A GET with these fields besides the usual ones.
    fn request(&mut self, stream: u32, extra: &[(&str, &str)], end: bool) {
        let usual = [(":method", "GET"), (":scheme", "http"), (":path", "/hang"), (":authority", "a")];
        let usual = usual.iter().filter(|(name, _)| !extra.iter().any(|(other, _)| other == name));
        let all: Vec<_> =
            usual.chain(extra.iter().filter(|(_, value)| *value != "absent")).copied().collect();
        self.headers(stream, &all, end);
    }

    fn headers(&mut self, stream: u32, all: &[(&str, &str)], end: bool) {
        let flags = END_HEADERS | if end { END_STREAM } else { 0 };
        self.0.try_send(frame(HEADERS, flags, stream, &fields(all)));
    }
}

fn raw(worker: &Worker) -> Frames {
    raw_with(worker, &[])
}

fn raw_with(worker: &Worker, settings: &[u8]) -> Frames {
    let mut wire = worker.connect();
    wire.send(PREFACE).send(frame(SETTINGS, 0, 0, settings));
    Frames(wire)
}

#[test]
fn malformed_requests_reset_their_stream_and_reach_nobody() {
    let worker = Worker::start();
    for extra in [
        &[("host", "b")][..],
        &[("connection", "close")],
        &[("transfer-encoding", "chunked")],
        &[("te", "gzip")],
        &[("x", " v")],
        &[("x", "v ")],
        &[("X-Upper", "v")],
        &[(":path", "absent")],
        &[(":path", "")],
        &[(":path", "x")],
        &[(":scheme", "absent")],
        &[(":scheme", "%")],
        &[(":method", "absent")],
        &[("x", "1"), (":status", "200")],
        &[(":unknown", "1")],
        &[("x", "a\nb")],
        &[("x", "a\0b")],
        &[("a b", "c")],
    ] {
        let mut frames = raw(&worker);
        frames.request(1, extra, true);
        let end = frames.next_of(&[RST_STREAM, GOAWAY]).unwrap_or_else(|| panic!("{extra:?}"));
        // What makes the whole header block suspect ends the connection.
        let code = if end.kind == GOAWAY { end.code(4) } else { end.code(0) };
        assert_eq!(code, PROTOCOL_ERROR, "{extra:?}");
    }
    assert_eq!(worker.stopped().targets, Vec::<String>::new());
}

#[test]
fn content_of_another_length_than_announced_is_never_whole() {
    let worker = Worker::start();
    for (length, content) in [("5", "123"), ("3", "12345")] {
        let mut frames = raw(&worker);
        frames.request(1, &[(":method", "POST"), (":path", "/read"), ("content-length", length)], false);
        frames.0.try_send(frame(DATA, END_STREAM, 1, content.as_bytes()));
        assert_eq!(frames.next(RST_STREAM).map(|reset| reset.code(0)), Some(PROTOCOL_ERROR), "{length}");
    }
    assert!(worker.stopped().sent.iter().all(|sent| sent.body_bytes < 100));
}

#[test]
fn continue_is_sent_when_the_body_is_asked_for() {
    let worker = Worker::start();
    let mut frames = raw(&worker);
    let expect = [(":method", "POST"), (":path", "/read"), ("expect", "100-continue")];
    frames.request(1, &expect, false);
    let interim = frames.next(HEADERS).unwrap();
    // `:status 100` is no entry of the static table: its name by index 8, its value spelled out.
    assert_eq!(interim.payload.len(), 1 + 1 + 2, "{:?}", interim.payload);
    frames.0.try_send(frame(DATA, END_STREAM, 1, b"body"));
    assert!(frames.next(HEADERS).is_some());
    assert!(frames.next(DATA).unwrap().payload.ends_with(b"body"));
}

#[test]
fn rapid_resets_end_the_connection() {
    let worker = Worker::start();
    let mut frames = raw(&worker);
    for n in 0..5_000_u32 {
        let stream = 2 * n + 1;
        frames.request(stream, &[], true);
        if !frames.0.try_send(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())) {
            break;
        }
    }
    assert_eq!(frames.next(GOAWAY).map(|frame| frame.code(4)), Some(ENHANCE_YOUR_CALM));
    worker.wait_until("it is counted", |seen| seen.anomalies == ["h2-flood"]);
    assert_eq!(worker.connect().get("/").status, 200);
}

#[test]
fn resets_of_most_streams_end_the_connection() {
    let worker = Worker::start();
    let mut frames = raw(&worker);
    // Slowly enough for each to be taken and cancelled.
    for n in 0..600_u32 {
        let stream = 2 * n + 1;
        frames.request(stream, &[], true);
        let calls = n as usize + 1;
        let begin = Instant::now();
        while worker.seen.lock().unwrap().targets.len() < calls
            && begin.elapsed() < Duration::from_millis(500)
        {
            std::thread::yield_now();
        }
        if !frames.0.try_send(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())) {
            break;
        }
        if !worker.seen.lock().unwrap().anomalies.is_empty() {
            break;
        }
    }
    assert_eq!(frames.next(GOAWAY).map(|frame| frame.code(4)), Some(ENHANCE_YOUR_CALM));
    let seen = worker.stopped();
    assert_eq!(seen.anomalies, ["h2-flood"]);
    assert!(seen.cancelled >= 500, "{}", seen.cancelled);
}

#[test]
fn stalled_streams_are_reset() {
    let http2_limits = Http2Limits { stalled_stream: Duration::from_millis(300), ..Http2Limits::default() };
    let worker = Worker::with(Settings { http2_limits, ..Settings::default() }, None);
    // SETTINGS_INITIAL_WINDOW_SIZE = 0: nothing may be sent.
    let mut frames = raw_with(&worker, &[0, 4, 0, 0, 0, 0]);
    let begin = Instant::now();
    frames.request(1, &[(":path", "/large")], true);
    let reset = frames.next(RST_STREAM).unwrap();
    assert_eq!(reset.stream, 1);
    assert!(begin.elapsed() >= Duration::from_millis(300) && begin.elapsed() < Duration::from_secs(2));
    assert!(!worker.stopped().sent[0].complete);
}

#[test]
fn idle_connections_are_told_to_go_away() {
    let worker =
        Worker::with(Settings { idle_timeout: Duration::from_millis(300), ..Settings::default() }, None);
    let mut frames = raw(&worker);
    frames.request(1, &[(":path", "/")], true);
    assert!(frames.next(HEADERS).is_some());
    assert_eq!(frames.next(GOAWAY).map(|frame| frame.code(4)), Some(0));
}

/// Requests of a few bytes that unpack to `count` fields each, on every stream there may be; nothing is ever read.
fn bomb(worker: &Worker, count: usize) -> Frames {
    let mut frames = raw_with(worker, &[0, 4, 0, 0, 0, 0]);
    assert!(frames.next(SETTINGS).is_some());
    for n in 0..100 {
        let mut block =
            fields(&[(":method", "GET"), (":scheme", "http"), (":path", "/hang"), (":authority", "a")]);
        // Into the dynamic table once, then by its index: a byte a field.
        block.extend_from_slice(if n == 0 { b"\x40\x01x\x01y" } else { b"\xbe" });
        block.resize(block.len() + count - 1, 0xbe);
        frames.0.send(frame(HEADERS, END_HEADERS | END_STREAM, 2 * n + 1, &block));
    }
    frames
}

#[test]
fn header_bombs_cost_little_whether_refused_or_served() {
    const CONNECTIONS: usize = 10;
    let worker = Worker::start();
    let warm = bomb(&worker, 90);
    worker.wait_until("all arrive", |seen| seen.targets.len() == 100);
    drop(warm);
    for (count, calls) in [(90, 100), (480, 0)] {
        let (before, calls_before) = (resident(), worker.seen.lock().unwrap().targets.len());
        let held: Vec<Frames> = (0..CONNECTIONS).map(|_| bomb(&worker, count)).collect();
        if calls > 0 {
            worker.wait_until("all arrive", |seen| seen.targets.len() == calls_before + CONNECTIONS * calls);
        } else {
            worker.wait_until("all are refused", |seen| seen.anomalies.len() == CONNECTIONS * 100);
        }
        let each = resident().saturating_sub(before) / CONNECTIONS;
        assert!(each < 5 << 19, "{each} bytes a connection of {count} fields a request");
        drop(held);
    }
}
