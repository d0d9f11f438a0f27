//! A worker with a service of a few lines, and clients that speak in bytes.

use std::collections::VecDeque;
use std::future::pending;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gateway_policy::exchange::Protocol;
use gateway_policy::message::{Body, BodyError, BodyStream, Frame, Headers, Request, Response};
use gateway_proxy::downstream::l4::Passed;
use gateway_proxy::downstream::{ListenerSettings, Server, Settings, TlsServer, bind};
use gateway_proxy::service::{Call, Client, Handled, Sent, Service};
use gateway_proxy::tunnel::Moved;
use gateway_proxy::tunnel::Tunnel;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::oneshot;
use tokio::task::LocalSet;

/// What the service has seen.
#[derive(Debug, Default)]
pub struct Seen {
    pub anomalies: Vec<&'static str>,
    pub opened: Vec<Protocol>,
    pub closed: Vec<Protocol>,
    pub sent: Vec<Sent>,
    /// Calls that were dropped before they were answered.
    pub cancelled: usize,
    /// Targets in the order of the calls.
    pub targets: Vec<String>,
}

/// Answers by path; see `answer`.
struct Echo(Arc<Mutex<Seen>>);

/// Counts a call as cancelled unless it is told otherwise.
struct Running {
    seen: Arc<Mutex<Seen>>,
    done: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.done {
            self.seen.lock().unwrap().cancelled += 1;
        }
    }
}

impl Service for Echo {
    type Token = ();

    async fn call(self: &Rc<Self>, call: Call) -> Handled<()> {
        self.0.lock().unwrap().targets.push(format!("{} {}", call.request.method, call.request.url));
        let mut running = Running { seen: Arc::clone(&self.0), done: false };
        let handled = answer(call).await;
        running.done = true;
        handled
    }

    fn finish(&self, (): (), sent: Sent) {
        self.0.lock().unwrap().sent.push(sent);
    }

    fn anomaly(&self, _: Option<&Client>, reason: &'static str) {
        self.0.lock().unwrap().anomalies.push(reason);
    }

    fn tunnelled(&self, _: Moved, _: Moved) {}

    fn passage_opened(&self, _: &Client) {}

    fn passage_closed(&self, _: &Passed<'_>) {}

    fn connection_opened(&self, _: &Client, protocol: Protocol) {
        self.0.lock().unwrap().opened.push(protocol);
    }

    fn connection_closed(&self, _: &Client, protocol: Protocol) {
        self.0.lock().unwrap().closed.push(protocol);
    }
}

fn handled(response: Response) -> Handled<()> {
    Handled { response, close: false, tunnel: None, token: () }
}

fn text(status: u16, body: impl Into<String>) -> Handled<()> {
    let mut response = Response::new(status);
    response.body = Body::from(body.into());
    handled(response)
}

async fn answer(call: Call) -> Handled<()> {
    let mut request = call.request;
    let path = request.url.path.clone();
    match path.as_str() {
        // The body comes back as it comes in.
        "/echo" => {
            let mut response = Response::new(200);
            response.body = request.body.take_or_share();
            handled(response)
        }
        // Reads the body whole and tells about the request.
        "/read" => match request.body.buffer(&gateway_policy::message::BufferBudget::of_one(1 << 20)).await {
            Ok(()) => text(200, describe(&request)),
            Err(BodyError::TooSlow) => text(408, "slow"),
            Err(error) => text(400, error.to_string()),
        },
        "/connection" => text(
            200,
            format!(
                "{:?} {:?} {} {:?}",
                call.connection.protocol,
                call.connection.tls_version,
                call.connection.ip,
                call.client.server_name
            ),
        ),
        "/pieces" => {
            stream(vec![piece("one"), piece("two"), piece("three"), Ok(Frame::Trailers(trailer()))], None)
        }
        "/known" => stream(vec![piece("0123456789")], Some(10)),
        "/short" => stream(vec![piece("01234")], Some(10)),
        "/cut" => stream(vec![piece("01234"), Err(BodyError::Lost)], None),
        "/large" => text(200, "x".repeat(3_000_000)),
        "/endless" => {
            let mut response = Response::new(200);
            response.body = Body::Stream(Box::new(Endless));
            handled(response)
        }
        // Says one thing and then nothing for ever, as server-sent events do.
        "/events" => {
            let mut response = Response::new(200);
            response.body = Body::Stream(Box::new(Pieces {
                left: None,
                frames: VecDeque::from([piece("event")]),
                hang: true,
            }));
            handled(response)
        }
        "/early" => text(401, "no"),
        "/close" => Handled { close: true, ..text(200, "bye") },
        "/hang" => pending().await,
        "/soon" => {
            tokio::time::sleep(Duration::from_millis(50)).await;
            text(200, "soon")
        }
        "/panic" => panic!("a bug in a service"),
        "/tunnel" => tunnel(call.upgrade),
        "/farewell" => farewell().await,
        "/length" => {
            let mut response = Response::new(200);
            response.headers.append("Content-Length", b"1234").unwrap();
            handled(response)
        }
        _ => match path.strip_prefix("/status/").and_then(|status| status.parse().ok()) {
            Some(status) => text(status, "body"),
            None => text(200, describe(&request)),
        },
    }
}

fn describe(request: &Request) -> String {
    let body = String::from_utf8_lossy(request.body.buffered()).into_owned();
    let fields: Vec<_> =
        request.headers.iter().map(|(n, v)| format!("{n}={};", String::from_utf8_lossy(v))).collect();
    let fields = fields.concat();
    format!("{} {} [{fields}] {body}", request.method, request.url)
}

type Piece = Result<Frame, BodyError>;

fn piece(text: &'static str) -> Piece {
    Ok(Frame::Data(Bytes::from_static(text.as_bytes())))
}

fn trailer() -> Headers {
    let mut trailers = Headers::new();
    trailers.append("x-sum", b"3").unwrap();
    trailers
}

fn stream(frames: Vec<Piece>, left: Option<u64>) -> Handled<()> {
    let mut response = Response::new(200);
    response.body = Body::Stream(Box::new(Pieces { left, frames: frames.into(), hang: false }));
    handled(response)
}

struct Pieces {
    left: Option<u64>,
    frames: VecDeque<Piece>,
    hang: bool,
}

impl BodyStream for Pieces {
    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Piece>> {
        match self.frames.pop_front() {
            None if self.hang => Poll::Pending,
            frame => Poll::Ready(frame),
        }
    }
    fn remaining(&self) -> Option<u64> {
        self.left
    }
}

struct Endless;

impl BodyStream for Endless {
    fn poll_frame(&mut self, _: &mut Context<'_>) -> Poll<Option<Piece>> {
        Poll::Ready(Some(Ok(Frame::Data(Bytes::from(vec![b'x'; 16 << 10])))))
    }
    fn remaining(&self) -> Option<u64> {
        None
    }
}

/// A backend that says "hello", then sends back what it gets, in capitals.
fn tunnel(upgrade: bool) -> Handled<()> {
    if !upgrade {
        return text(400, "no upgrade");
    }
    let (near, mut far) = duplex(1024);
    tokio::task::spawn_local(async move {
        far.write_all(b"hello").await.unwrap();
        let mut bytes = [0; 100];
        while let Ok(count @ 1..) = far.read(&mut bytes).await {
            bytes[..count].make_ascii_uppercase();
            if far.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    });
    let mut response = Response::new(101);
    response.headers.append("Upgrade", b"websocket").unwrap();
    response.headers.append("Sec-WebSocket-Accept", b"x").unwrap();
    Handled { tunnel: Some(Tunnel(Box::new(near))), ..handled(response) }
}

/// A backend that says "bye" and no more.
async fn farewell() -> Handled<()> {
    let (near, mut far) = duplex(16);
    far.write_all(b"bye").await.unwrap();
    Handled { tunnel: Some(Tunnel(Box::new(near))), ..handled(Response::new(101)) }
}

/// A worker on a thread of its own.
pub struct Worker {
    pub address: SocketAddr,
    pub seen: Arc<Mutex<Seen>>,
    drain: Option<oneshot::Sender<Duration>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub fn start() -> Self {
        Self::with(Settings::default(), None)
    }

    pub fn with(settings: Settings, tls: Option<Arc<TlsServer>>) -> Self {
        let bound = bind(&ListenerSettings::new("http", "127.0.0.1:0".parse().unwrap()), &[None]).unwrap();
        let (seen, address) = (Arc::new(Mutex::new(Seen::default())), bound.address);
        let (drain, drained) = oneshot::channel();
        let service_seen = Arc::clone(&seen);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            LocalSet::new().block_on(&runtime, async {
                let server = Server::new(Rc::new(Echo(service_seen)), settings);
                for socket in bound.sockets {
                    server.listen("http", socket, tls.clone(), None).unwrap();
                }
                let grace = drained.await.unwrap_or(Duration::ZERO);
                server.drain(grace).await;
                assert_eq!(server.connections(), 0);
            });
        });
        Self { address, seen, drain: Some(drain), thread: Some(thread) }
    }

    /// Begins to drain; `stopped` waits for the end.
    pub fn drain(&mut self, grace: Duration) {
        self.drain.take().unwrap().send(grace).unwrap();
    }

    /// Drains as told, at once if not told before, and gives what was seen.
    pub fn stopped(mut self) -> Seen {
        self.drain.take();
        self.thread.take().unwrap().join().unwrap();
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    pub fn connect(&self) -> Wire {
        Wire::from(TcpStream::connect(self.address).unwrap())
    }

    /// Waits until the service has seen what `is_seen` looks for.
    pub fn wait_until(&self, what: &str, is_seen: impl Fn(&Seen) -> bool) {
        let begin = Instant::now();
        while !is_seen(&self.seen.lock().unwrap()) {
            if begin.elapsed() > Duration::from_secs(10) {
                let mut seen = self.seen.lock().unwrap();
                let calls = seen.targets.len();
                seen.targets.truncate(10);
                let seen = format!("{calls} calls, {seen:?}");
                panic!("{what} in vain: {seen}");
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.drain.take();
        if let Some(thread) = self.thread.take() {
            // A failed assertion is on its way already.
            let _ = thread.join();
        }
    }
}

/// One response off the wire.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// A client connection.
pub struct Wire {
    pub stream: TcpStream,
    read: Vec<u8>,
}

impl From<TcpStream> for Wire {
    fn from(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, read: Vec::new() }
    }
}

impl Wire {
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self
    }

    /// Sends what the peer may not want to hear to the end.
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.stream.write_all(bytes.as_ref()).is_ok()
    }

    pub fn finish(&mut self) -> &mut Self {
        self.stream.shutdown(Shutdown::Write).unwrap();
        self
    }

    /// Reads until `text` has come, and takes everything up to its end.
    pub fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = self.read.windows(text.len()).position(|window| window == text.as_bytes()) {
                let rest = self.read.split_off(at + text.len());
                return String::from_utf8(std::mem::replace(&mut self.read, rest)).unwrap();
            }
            assert!(self.more(), "ended before {text:?}: {:?}", String::from_utf8_lossy(&self.read));
        }
    }

    pub fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.read.len() < count {
            assert!(self.more(), "ended after {} of {count} bytes", self.read.len());
        }
        let rest = self.read.split_off(count);
        std::mem::replace(&mut self.read, rest)
    }

    /// The same, but `None` when the connection ends before, or is reset.
    pub fn exactly_or_end(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.read.len() < count {
            let mut bytes = vec![0; 64 << 10];
            match self.stream.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.read.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("nothing comes: {error}"),
            }
        }
        Some(self.exactly(count))
    }

    /// One read; `false` at the end.
    fn more(&mut self) -> bool {
        let mut bytes = vec![0; 64 << 10];
        let count = self.stream.read(&mut bytes).unwrap();
        self.read.extend_from_slice(&bytes[..count]);
        count > 0
    }

    /// Reads a head, and a body by its length; chunks are left on the wire.
    pub fn answer(&mut self) -> Answer {
        let head = self.until("\r\n\r\n");
        let status = head.get(9..12).and_then(|status| status.parse().ok()).unwrap();
        let mut answer = Answer { status, head, body: String::new() };
        if let Some(length) = answer.field("content-length").map(|length| length.parse().unwrap()) {
            answer.body = String::from_utf8(self.exactly(length)).unwrap();
        }
        answer
    }

    /// Everything up to the end of the connection; `None` when it was reset.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        let mut rest = std::mem::take(&mut self.read);
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => Some(rest),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => {
                panic!("the connection stays open: {error} after {:?}", String::from_utf8_lossy(&rest))
            }
        }
    }

    /// Whether the connection is closed with nothing more to read.
    pub fn is_closed(&mut self) -> bool {
        self.rest().is_some_and(|rest| rest.is_empty())
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).answer()
    }
}
