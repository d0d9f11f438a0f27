//! Exchanges to forward and backends to forward them to.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use gateway_policy::backend::Backend;
use gateway_policy::exchange::{Arrival, Connection, Exchange, Protocol};
use gateway_policy::fault::Fault;
use gateway_policy::message::BufferBudget;
use gateway_policy::message::{Body, BodyError, BodyStream, Frame, Headers, Method, Request, Url};
use gateway_policy::ports::ForwardOptions;
use gateway_proxy::upstream::{Roots, Upstream, UpstreamSettings, UpstreamShared};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::LocalSet;

/// Runs a test as a worker runs: one thread, local tasks.
pub fn on_worker<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, async {
        tokio::time::timeout(Duration::from_secs(20), test).await.expect("test hangs")
    })
}

pub fn upstream() -> Rc<Upstream> {
    upstream_with(UpstreamSettings::default())
}

pub fn upstream_with(settings: UpstreamSettings) -> Rc<Upstream> {
    Upstream::new(settings, &UpstreamShared::new(Roots::none()))
}

/// A request of a client at 192.0.2.1 for `http://gateway.example/path`.
pub fn request(method: &str, target: &str) -> Request {
    let url = Url::parse(&format!("http://gateway.example{target}")).unwrap();
    let mut headers = Headers::new();
    headers.append("Host", b"gateway.example").unwrap();
    Request { method: Method::parse(method.as_bytes()).unwrap(), url, headers, body: Body::Empty }
}

pub fn exchange(request: Request, backend: &str) -> Exchange {
    exchange_to(request, Backend::from_url(Url::parse(backend).unwrap()))
}

pub fn exchange_to(request: Request, backend: Backend) -> Exchange {
    let connection = Connection {
        peer: [192, 0, 2, 1].into(),
        ip: "192.0.2.1".into(),
        protocol: Protocol::Http11,
        tls_version: None,
        server_name: None,
        certificate: None,
    };
    let mut exchange = Exchange::new(Arrival {
        connection: Rc::new(connection),
        received: Instant::now(),
        request,
        deployment: Arc::default(),
    });
    exchange.backend = Some(Arc::new(backend));
    exchange
}

/// Forwards with default options and reads the whole response body.
pub async fn forward(upstream: &Upstream, exchange: &mut Exchange) -> Result<(u16, String), Fault> {
    forward_with(upstream, exchange, ForwardOptions::default()).await
}

pub async fn forward_with(
    upstream: &Upstream,
    exchange: &mut Exchange,
    options: ForwardOptions,
) -> Result<(u16, String), Fault> {
    upstream.forward(exchange, options).await?;
    let response = exchange.response.as_mut().unwrap();
    response.body.buffer(&BufferBudget::of_one(64 << 20)).await.expect("response body");
    Ok((response.status, String::from_utf8_lossy(response.body.buffered()).into_owned()))
}

/// A GET of `/` to the backend.
pub async fn get(upstream: &Upstream, backend: &Scripted) -> Result<(u16, String), Fault> {
    forward(upstream, &mut exchange(request("GET", "/"), &backend.url())).await
}

/// A backend on loopback.
pub struct Scripted {
    pub address: SocketAddr,
    /// Connections accepted.
    pub connections: Rc<Cell<usize>>,
    /// Requests seen by [`answering`], heads and bodies.
    pub requests: Rc<RefCell<Vec<String>>>,
}

impl Scripted {
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn last_request(&self) -> String {
        self.requests.borrow().last().cloned().unwrap_or_default()
    }
}

/// Runs `serve` for every connection, with its number from 0.
pub async fn scripted<F: Future<Output = ()> + 'static>(
    serve: impl Fn(usize, TcpStream) -> F + 'static,
) -> Scripted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Rc::new(Cell::new(0));
    let counted = Rc::clone(&connections);
    tokio::task::spawn_local(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let number = counted.get();
            counted.set(number + 1);
            tokio::task::spawn_local(serve(number, stream));
        }
    });
    Scripted { address, connections, requests: Rc::default() }
}

/// Answers every request of every connection with the same bytes.
pub async fn answering(response: impl Into<Vec<u8>>) -> Scripted {
    let response: Rc<[u8]> = response.into().into();
    let requests: Rc<RefCell<Vec<String>>> = Rc::default();
    let seen = Rc::clone(&requests);
    let mut backend = scripted(move |_, mut stream| {
        let (seen, response) = (Rc::clone(&seen), Rc::clone(&response));
        async move {
            let mut buffer = Vec::new();
            while let Some(request) = read_request(&mut stream, &mut buffer).await {
                seen.borrow_mut().push(request);
                if stream.write_all(&response).await.is_err() {
                    return;
                }
            }
        }
    })
    .await;
    backend.requests = requests;
    backend
}

/// Reads one request: head, and body by `Content-Length` or chunks as they stand. `None` at the end.
pub async fn read_request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(end) = request_end(buffer) {
            let request = String::from_utf8_lossy(&buffer[..end]).into_owned();
            buffer.drain(..end);
            return Some(request);
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

fn request_end(buffer: &[u8]) -> Option<usize> {
    let text = String::from_utf8_lossy(buffer).to_ascii_lowercase();
    let head = text.find("\r\n\r\n")? + 4;
    if text[..head].contains("transfer-encoding: chunked") {
        return text[head..].find("0\r\n\r\n").map(|at| head + at + 5);
    }
    let length = text[..head]
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .map_or(0, |length| length.parse().unwrap());
    (buffer.len() >= head + length).then_some(head + length)
}

/// A body that yields what a test sends it; the end when the sender is dropped.
pub struct Piped(pub tokio::sync::mpsc::UnboundedReceiver<Result<Frame, BodyError>>, pub Option<u64>);

pub type PipeSender = tokio::sync::mpsc::UnboundedSender<Result<Frame, BodyError>>;

impl BodyStream for Piped {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame, BodyError>>> {
        let frame = self.0.poll_recv(cx);
        if let (Poll::Ready(Some(Ok(Frame::Data(data)))), Some(left)) = (&frame, &mut self.1) {
            *left = left.saturating_sub(data.len() as u64);
        }
        frame
    }

    fn remaining(&self) -> Option<u64> {
        self.1
    }
}

/// A streaming body of announced or unknown length, and the way to feed it.
pub fn piped(length: Option<u64>) -> (PipeSender, Body) {
    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
    (sender, Body::Stream(Box::new(Piped(receiver, length))))
}

pub fn data(bytes: impl Into<bytes::Bytes>) -> Result<Frame, BodyError> {
    Ok(Frame::Data(bytes.into()))
}

/// The next frame of a response body.
pub async fn next_frame(body: &mut Body) -> Option<Result<Frame, BodyError>> {
    let Body::Stream(stream) = body else { panic!("not streaming: {body:?}") };
    std::future::poll_fn(|cx| stream.poll_frame(cx)).await
}

/// The next frame as text; it must be data.
pub async fn next_text(body: &mut Body) -> String {
    match next_frame(body).await {
        Some(Ok(Frame::Data(data))) => String::from_utf8(data.to_vec()).unwrap(),
        other => panic!("no data: {other:?}"),
    }
}

/// Waits until something holds, for as long as the test may run.
pub async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
