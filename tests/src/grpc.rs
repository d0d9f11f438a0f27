//! gRPC over hand-made frames: a backend with the four kinds of calls, and an HTTP/2 client.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

/// A length-prefixed message: not compressed, four bytes of length.
pub fn message(content: &[u8]) -> Bytes {
    let mut bytes = vec![0];
    bytes.extend_from_slice(&u32::try_from(content.len()).expect("a short message").to_be_bytes());
    bytes.extend_from_slice(content);
    bytes.into()
}

/// Runs an HTTP/2 client by prior knowledge against `address`, for at most 20 s.
pub fn with_http2<F: Future<Output = ()>>(address: SocketAddr, work: impl FnOnce(SendRequest<Bytes>) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.expect("a connection");
        let (sender, connection) = h2::client::handshake(stream).await.expect("a hand-shake");
        tokio::spawn(connection);
        tokio::time::timeout(Duration::from_secs(20), work(sender)).await.expect("in time");
    });
}

/// Speaks HTTP/2 only. The last segment of the path says the kind of call: `Unary` and `Collect` answer with all
/// messages joined, `Many` with each of the three letters of the message, `Chat` with every message as it comes,
/// `Fail` at once with trailers only.
pub struct GrpcBackend {
    address: SocketAddr,
    scheme: &'static str,
}

impl GrpcBackend {
    /// In clear text, by prior knowledge.
    pub fn start() -> Self {
        Self::serve(None)
    }

    /// Over TLS, by ALPN.
    pub fn over_tls(acceptor: TlsAcceptor) -> Self {
        Self::serve(Some(acceptor))
    }

    fn serve(acceptor: Option<TlsAcceptor>) -> Self {
        let scheme = if acceptor.is_some() { "https" } else { "http" };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a listener");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                while let Ok((stream, _)) = listener.accept().await {
                    match acceptor.clone() {
                        None => drop(tokio::spawn(connection(stream))),
                        Some(acceptor) => drop(tokio::spawn(async move {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                connection(stream).await;
                            }
                        })),
                    }
                }
            });
        });
        Self { address, scheme }
    }

    pub fn url(&self) -> String {
        format!("{}://localhost:{}", self.scheme, self.address.port())
    }
}

async fn connection(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(async move {
            // A client that goes away ends its call.
            let _ = call(request, respond).await;
        });
    }
}

async fn call(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> Result<(), h2::Error> {
    let te = request.headers().get("te").cloned().unwrap_or(HeaderValue::from_static("absent"));
    let head = Response::builder().header("content-type", "application/grpc").header("x-te", te);
    let kind = request.uri().path().rsplit('/').next().unwrap_or_default().to_owned();
    let mut messages = Messages { body: request.into_body(), buffer: BytesMut::new() };
    if kind == "Fail" {
        let head = head.header("grpc-status", "5").header("grpc-message", "nothing%20there");
        respond.send_response(head.body(()).expect("a head"), true)?;
        return Ok(());
    }
    let mut out = respond.send_response(head.body(()).expect("a head"), false)?;
    match kind.as_str() {
        "Chat" => {
            while let Some(content) = messages.next().await? {
                out.send_data(message(&content), false)?;
            }
        }
        "Many" => {
            for letter in messages.next().await?.unwrap_or_default() {
                out.send_data(message(&[letter]), false)?;
            }
        }
        _ => {
            let mut all = Vec::new();
            while let Some(content) = messages.next().await? {
                all.extend_from_slice(&content);
            }
            out.send_data(message(&all), false)?;
        }
    }
    end(&mut out)
}

fn end(out: &mut SendStream<Bytes>) -> Result<(), h2::Error> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    out.send_trailers(trailers)
}

/// Messages out of a body.
struct Messages {
    body: RecvStream,
    buffer: BytesMut,
}

impl Messages {
    async fn next(&mut self) -> Result<Option<Bytes>, h2::Error> {
        loop {
            if self.buffer.len() >= 5 {
                let length = (&self.buffer[1..5]).get_u32() as usize;
                if self.buffer.len() >= 5 + length {
                    self.buffer.advance(5);
                    return Ok(Some(self.buffer.split_to(length).freeze()));
                }
            }
            let Some(data) = self.body.data().await else { return Ok(None) };
            let data = data?;
            self.body.flow_control().release_capacity(data.len())?;
            self.buffer.extend_from_slice(&data);
        }
    }
}
