//! `send-request` and `send-one-way-request`, and what they may not reach.

use std::time::Duration;

use gateway_policy::backend::Backend;
use gateway_policy::message::BufferBudget;
use gateway_policy::message::{Body, Headers, Method, Request, Response, Url};
use gateway_policy::ports::{OutboundCall, SendError};
use gateway_proxy::upstream::{Upstream, UpstreamSettings};
use tokio::io::AsyncReadExt;

use crate::support::{
    answering, exchange_to, forward, get, on_worker, scripted, until, upstream, upstream_with,
};

fn outbound(method: Method, url: &str, millis: u64) -> OutboundCall {
    let request =
        Request { method, url: Url::parse(url).unwrap(), headers: Headers::new(), body: Body::Empty };
    OutboundCall::new(request, Duration::from_millis(millis))
}

async fn call(upstream: &Upstream, url: &str) -> Result<Response, SendError> {
    upstream.call(outbound(Method::Get, url, 5_000)).await
}

#[test]
fn call_sends_just_what_it_was_given_and_buffers_the_response() {
    on_worker(async {
        let large = "x".repeat(300_000);
        let backend = answering(format!("HTTP/1.1 201 Made\r\nContent-Length: 300000\r\n\r\n{large}")).await;
        let upstream = upstream();
        let mut call = outbound(Method::Post, &format!("{}/a/../b?c=d", backend.url()), 5_000);
        call.request.headers.append("X-Own", b"1").unwrap();
        call.request.body = Body::from("hello".to_owned());
        let response = upstream.call(call).await.unwrap();
        assert_eq!((response.status, response.reason_text()), (201, "Made"));
        assert_eq!(response.body.buffered(), large.as_bytes());
        let expected = format!(
            "POST /b?c=d HTTP/1.1\r\nHost: {}\r\nX-Own: 1\r\nContent-Length: 5\r\n\r\nhello",
            backend.address
        );
        assert_eq!(backend.last_request(), expected);
        assert_eq!(upstream.idle_connections(), 1);
    });
}

#[test]
fn call_redirect_is_the_answer() {
    on_worker(async {
        let backend = answering("HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n").await;
        assert_eq!(call(&upstream(), &backend.url()).await.unwrap().status, 302);
        assert_eq!(backend.requests.borrow().len(), 1);
    });
}

#[test]
fn call_failures_have_the_reasons_of_the_service() {
    on_worker(async {
        let silent = scripted(|_, mut stream| async move {
            stream.read_to_end(&mut Vec::new()).await.ok();
        })
        .await;
        let slow = scripted(|_, mut stream| async move {
            let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc";
            tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.ok();
        })
        .await;
        let upstream = upstream();
        for backend in [&silent, &slow] {
            let error = upstream.call(outbound(Method::Get, &backend.url(), 50)).await.unwrap_err();
            assert_eq!(error.reason, "Timeout");
        }
        let error = call(&upstream, "http://127.0.0.1:1").await.unwrap_err();
        assert_eq!(error.reason, "BackendConnectionFailure");
        assert_eq!(upstream.open_connections(), 0);
    });
}

#[test]
fn call_response_above_the_buffer_limit_fails() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nabcdefghijk").await;
        let upstream = upstream_with(UpstreamSettings {
            budget: BufferBudget::new(10, 100),
            ..UpstreamSettings::default()
        });
        // Complete in one read: it has been buffered already, so the limit must hold there as well.
        assert!(call(&upstream, &backend.url()).await.is_err());
    });
}

#[test]
fn call_link_local_and_own_listeners_are_refused() {
    on_worker(async {
        let own = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let own_listeners = vec![own.address];
        let upstream = upstream_with(UpstreamSettings { own_listeners, ..UpstreamSettings::default() });
        let port = own.address.port();
        for url in [
            "http://169.254.169.254/metadata/instance".to_owned(),
            "http://[::ffff:169.254.169.254]/".to_owned(),
            "http://[fe80::1]/".to_owned(),
            format!("http://127.0.0.1:{port}/"),
            format!("http://127.0.0.2:{port}/"),
            format!("http://localhost:{port}/"),
            format!("http://0.0.0.0:{port}/"),
        ] {
            let error = call(&upstream, &url).await.unwrap_err();
            assert!(error.message.contains("must not be called by policies"), "{url}: {error}");
        }
        assert_eq!((own.connections.get(), upstream.counters().failed_refused.get()), (0, 7));
        // A base URL may be a policy's doing as well. An entity is the operator's business; its connection is not
        // shared.
        assert!(get(&upstream, &own).await.unwrap_err().error.message.contains("must not be called"));
        let mut entity = Backend::from_url(Url::parse(&own.url()).unwrap());
        entity.id = Some("own".into());
        let mut exchange = exchange_to(crate::support::request("GET", "/"), entity);
        assert_eq!(forward(&upstream, &mut exchange).await.unwrap().1, "ok");
        assert!(call(&upstream, &own.url()).await.is_err());
    });
}

#[test]
fn one_way_calls_are_sent_and_bounded() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            stream.read_to_end(&mut Vec::new()).await.ok();
        })
        .await;
        let upstream = upstream_with(UpstreamSettings { one_way_max: 3, ..UpstreamSettings::default() });
        for _ in 0..5 {
            upstream.send_one_way(outbound(Method::Post, &backend.url(), 100));
        }
        assert_eq!(upstream.counters().one_way_dropped.get(), 2);
        until(|| backend.connections.get() == 3).await;
        until(|| upstream.open_connections() == 0).await;
        upstream.send_one_way(outbound(Method::Post, &backend.url(), 100));
        until(|| backend.connections.get() == 4).await;
        assert_eq!(upstream.counters().one_way_dropped.get(), 2);
    });
}
