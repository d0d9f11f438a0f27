//! Upgrades: a tunnel only after a 101 that names the protocol.

use gateway_policy::ports::{ForwardOptions, HttpVersion};
use gateway_proxy::tunnel::Tunnel;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{answering, exchange, forward, on_worker, read_request, request, scripted, upstream};

fn handshake(backend: &str) -> gateway_policy::exchange::Exchange {
    let mut request = request("GET", "/live");
    for (name, value) in
        [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ==")]
    {
        request.headers.append(name, value.as_bytes()).unwrap();
    }
    let mut exchange = exchange(request, backend);
    exchange.upgrade = true;
    exchange
}

#[test]
fn upgrade_accepted_leaves_the_raw_connection() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            let request = read_request(&mut stream, &mut Vec::new()).await.unwrap();
            assert!(request.contains("Sec-WebSocket-Key: dGhlIHNhbXBsZQ==\r\n"), "{request}");
            assert!(request.ends_with("Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"), "{request}");
            let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\nearly";
            stream.write_all(answer).await.unwrap();
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.ok();
        })
        .await;
        let upstream = upstream();
        let mut exchange = handshake(&backend.url());
        // The version that the policy names is for ordinary requests.
        let options = ForwardOptions { http_version: HttpVersion::Http2, ..ForwardOptions::default() };
        upstream.forward(&mut exchange, options).await.unwrap();
        let response = exchange.response.take().unwrap();
        assert_eq!((response.status, response.headers.get_str("sec-websocket-accept")), (101, Some("x")));
        let mut tunnel = exchange.tunnel.take().unwrap().downcast::<Tunnel>().unwrap().0;
        tunnel.write_all(b"echo").await.unwrap();
        tunnel.flush().await.unwrap();
        let mut seen = [0; 9];
        tunnel.read_exact(&mut seen).await.unwrap();
        assert_eq!(&seen, b"earlyecho");
        assert_eq!(upstream.open_connections(), 1);
        drop(tunnel);
        assert_eq!(upstream.open_connections(), 0);
    });
}

#[test]
fn upgrade_refused_is_an_ordinary_response() {
    on_worker(async {
        for status in ["200 OK", "426 Upgrade Required"] {
            let backend =
                answering(format!("HTTP/1.1 {status}\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nno"))
                    .await;
            let mut exchange = handshake(&backend.url());
            assert_eq!(forward(&upstream(), &mut exchange).await.unwrap().1, "no");
            assert!(exchange.tunnel.is_none());
        }
    });
}

#[test]
fn upgrade_to_something_else_is_malformed() {
    on_worker(async {
        for upgrade in ["", "Upgrade: h2c\r\n", "Upgrade: websocket2\r\n"] {
            let backend = answering(format!("HTTP/1.1 101 Switching Protocols\r\n{upgrade}\r\n")).await;
            let mut exchange = handshake(&backend.url());
            assert_eq!(forward(&upstream(), &mut exchange).await.unwrap_err().status, 502);
            assert!(exchange.tunnel.is_none());
        }
    });
}

#[test]
fn upgrade_is_not_passed_on_for_other_apis() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let mut exchange = handshake(&backend.url());
        exchange.upgrade = false;
        forward(&upstream(), &mut exchange).await.unwrap();
        assert!(!backend.last_request().to_lowercase().contains("upgrade"), "{}", backend.last_request());
    });
}
