//! HTTP/1.1: what is sent, what is accepted, and what becomes of the connection.

use gateway_policy::message::Body;

use crate::support::{answering, exchange, forward, get, request, upstream};

#[test]
fn forward_sequential_requests_share_one_connection() {
    crate::support::on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").await;
        let upstream = upstream();
        for _ in 0..50 {
            assert_eq!(get(&upstream, &backend).await.unwrap(), (200, "hello".to_owned()));
            assert_eq!(upstream.idle_connections(), 1);
        }
        assert_eq!(backend.connections.get(), 1);
        assert_eq!((upstream.counters().opened.get(), upstream.counters().reused.get()), (1, 49));
    });
}

#[test]
fn forward_small_response_is_whole_and_its_connection_back() {
    crate::support::on_worker(async {
        for response in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ] {
            let backend = answering(response).await;
            let upstream = upstream();
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            upstream.forward(&mut exchange, Default::default()).await.unwrap();
            let response = exchange.response.as_ref().unwrap();
            assert!(matches!(&response.body, Body::Bytes(bytes) if &bytes[..] == b"hello"));
            assert_eq!(upstream.idle_connections(), 1);
            assert_eq!(exchange.measures.backend_status, 200);
        }
    });
}

#[test]
fn forward_head_is_made_anew() {
    crate::support::on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let mut request = request("POST", "/orders?id=7");
        for (name, value) in [
            ("Accept", "a/b"),
            ("Connection", "keep-alive"),
            ("Keep-Alive", "timeout=5"),
            ("Proxy-Connection", "x"),
            ("TE", "gzip"),
            ("Upgrade", "h2c"),
            ("Expect", "100-continue"),
            ("Content-Length", "99"),
            ("X-Forwarded-For", "6.6.6.6"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "evil.example"),
        ] {
            request.headers.append(name, value.as_bytes()).unwrap();
        }
        request.body = Body::from("body".to_owned());
        let url = format!("{}/base/", backend.url());
        forward(&upstream(), &mut exchange(request, &url)).await.unwrap();
        let expected = [
            "POST /base/orders?id=7 HTTP/1.1",
            &format!("Host: {}", backend.address),
            "Accept: a/b",
            "X-Forwarded-For: 192.0.2.1",
            "X-Forwarded-Proto: http",
            "X-Forwarded-Host: gateway.example",
            "Content-Length: 4",
            "",
            "body",
        ];
        assert_eq!(backend.last_request(), expected.join("\r\n"));
    });
}
