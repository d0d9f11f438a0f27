//! The backend of `gateway dev`: answers with what it was asked, and echoes WebSocket messages.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;

/// Largest body that is echoed, bytes.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Starts the backend on a free port of the loopback address, on a thread of its own.
pub fn start() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("echo".to_owned()).spawn(move || {
        tokio::task::LocalSet::new().block_on(&runtime, serve(listener));
    })?;
    Ok(address)
}

async fn serve(listener: std::net::TcpListener) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    while let Ok((stream, _)) = listener.accept().await {
        tokio::task::spawn_local(async move {
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            // A client of the sample backend that goes away is nothing to report.
            let _ = connection.with_upgrades().await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    if let Some(response) = crate::echo_socket::accept(&request) {
        tokio::task::spawn_local(crate::echo_socket::relay(request));
        return Ok(response);
    }
    let (head, body) = request.into_parts();
    let headers: serde_json::Map<_, _> = head
        .headers
        .iter()
        .map(|(name, value)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned().into())
        })
        .collect();
    let body = Limited::new(body, BODY_BYTES_MAX).collect().await.map(http_body_util::Collected::to_bytes);
    let text = serde_json::json!({
        "method": head.method.as_str(),
        "target": head.uri.to_string(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body.unwrap_or_default()),
    });
    let mut response = Response::new(Full::new(Bytes::from(format!("{text}\n"))));
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}
