//! A closed loop: every connection or stream asks again as soon as it has its answer.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio_rustls::TlsConnector;

use gateway_benches::wire::end_of_response;
use gateway_benches::workload::PATH;

const CONNECTIONS: usize = 32;
const HTTP2_CONNECTIONS: usize = 8;
const STREAMS: usize = 10;

/// Who is asked, and how.
#[derive(Clone)]
pub struct Aim {
    pub address: SocketAddr,
    pub tls: Option<Arc<ClientConfig>>,
    pub http2: bool,
    /// Sent in turn (HTTP/1.1).
    pub requests: Rc<Vec<Vec<u8>>>,
}

/// Answers and the time they took.
#[derive(Clone, Copy, Debug)]
pub struct Served {
    pub requests: u64,
    pub elapsed: Duration,
}

struct Count {
    served: Cell<u64>,
    stop: Cell<bool>,
}

/// Asks for `warm_up`, then calls `at_begin`, counts answers for `measured`, and calls `at_end`.
pub fn run<B, E>(
    aim: &Aim,
    warm_up: Duration,
    measured: Duration,
    at_begin: impl FnOnce() -> B,
    at_end: impl FnOnce() -> E,
) -> anyhow::Result<(Served, B, E)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let count = Rc::new(Count { served: Cell::new(0), stop: Cell::new(false) });
        let mut clients = JoinSet::new();
        let connections = if aim.http2 { HTTP2_CONNECTIONS } else { CONNECTIONS };
        for index in 0..connections {
            let (aim, count) = (aim.clone(), Rc::clone(&count));
            clients.spawn_local(async move { client(&aim, index, &count).await });
        }
        tokio::time::sleep(warm_up).await;
        let begun = at_begin();
        let (begin, before) = (Instant::now(), count.served.get());
        tokio::time::sleep(measured).await;
        let served = Served { requests: count.served.get() - before, elapsed: begin.elapsed() };
        let ended = at_end();
        count.stop.set(true);
        while let Some(done) = clients.join_next().await {
            done?.context("a client of the load generator failed")?;
        }
        Ok((served, begun, ended))
    })
}

async fn client(aim: &Aim, index: usize, count: &Rc<Count>) -> anyhow::Result<()> {
    let stream = TcpStream::connect(aim.address).await?;
    stream.set_nodelay(true)?;
    match &aim.tls {
        None => Ok(http1(stream, aim, index, count).await?),
        Some(config) => {
            let name = rustls::pki_types::ServerName::try_from("localhost")?;
            let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await?;
            if aim.http2 { http2(stream, count).await } else { Ok(http1(stream, aim, index, count).await?) }
        }
    }
}

async fn http1(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    aim: &Aim,
    index: usize,
    count: &Count,
) -> io::Result<()> {
    // Connections begin far from each other, so that keys are asked for in no order.
    let mut turn = index * 31;
    let mut buffer = vec![0; 16 << 10];
    while !count.stop.get() {
        stream.write_all(&aim.requests[turn % aim.requests.len()]).await?;
        turn += 1;
        let mut length = 0;
        while end_of_response(&buffer[..length])?.is_none() {
            match stream.read(&mut buffer[length..]).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => length += read,
            }
        }
        count.served.set(count.served.get() + 1);
    }
    Ok(())
}

async fn http2(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    count: &Rc<Count>,
) -> anyhow::Result<()> {
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1 << 20).initial_connection_window_size(16 << 20);
    let (sender, connection) = builder.handshake::<_, bytes::Bytes>(stream).await?;
    let driver = tokio::task::spawn_local(connection);
    let mut streams = JoinSet::new();
    for _ in 0..STREAMS {
        let (sender, count) = (sender.clone(), Rc::clone(count));
        streams.spawn_local(async move { ask_http2(sender, &count).await });
    }
    while let Some(done) = streams.join_next().await {
        done??;
    }
    driver.abort();
    Ok(())
}

async fn ask_http2(mut sender: h2::client::SendRequest<bytes::Bytes>, count: &Count) -> anyhow::Result<()> {
    while !count.stop.get() {
        let request = http::Request::get(format!("https://localhost{PATH}")).header("user-agent", "bench");
        sender = sender.ready().await?;
        let (response, _) = sender.send_request(request.header("accept", "*/*").body(())?, true)?;
        let response = response.await?;
        anyhow::ensure!(response.status() == 200, "unexpected answer: {}", response.status());
        let mut body = response.into_body();
        while let Some(data) = body.data().await {
            let length = data?.len();
            body.flow_control().release_capacity(length)?;
        }
        count.served.set(count.served.get() + 1);
    }
    Ok(())
}
