//! Limits and life of pooled connections.

use std::time::Duration;

use gateway_proxy::upstream::UpstreamSettings;
use tokio::io::AsyncWriteExt;
use tokio::task::JoinSet;

use crate::support::{
    answering, exchange, forward, get, on_worker, read_request, request, scripted, until, upstream,
    upstream_with,
};

#[test]
fn parallel_requests_wait_for_the_connections_there_may_be() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            let mut buffer = Vec::new();
            while read_request(&mut stream, &mut buffer).await.is_some() {
                tokio::time::sleep(Duration::from_millis(2)).await;
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
            }
        })
        .await;
        let settings = UpstreamSettings { connections_max_per_target: 3, ..UpstreamSettings::default() };
        let upstream = upstream_with(settings);
        let mut calls = JoinSet::new();
        for _ in 0..30 {
            let (upstream, url) = (upstream.clone(), backend.url());
            calls.spawn_local(
                async move { forward(&upstream, &mut exchange(request("GET", "/"), &url)).await },
            );
        }
        while let Some(outcome) = calls.join_next().await {
            assert_eq!(outcome.unwrap().unwrap().1, "ok");
        }
        assert_eq!((backend.connections.get(), upstream.open_connections()), (3, 3));
    });
}

#[test]
fn waiting_requests_go_on_when_a_connection_closes() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").await;
        let settings = UpstreamSettings { connections_max_per_target: 1, ..UpstreamSettings::default() };
        let upstream = upstream_with(settings);
        let mut calls = JoinSet::new();
        for _ in 0..5 {
            let (upstream, url) = (upstream.clone(), backend.url());
            calls.spawn_local(
                async move { forward(&upstream, &mut exchange(request("GET", "/"), &url)).await },
            );
        }
        while let Some(outcome) = calls.join_next().await {
            assert_eq!(outcome.unwrap().unwrap().1, "ok");
        }
        assert_eq!((backend.connections.get(), upstream.open_connections()), (5, 0));
    });
}

#[test]
fn idle_connections_are_closed_after_their_time() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let idle_timeout = Duration::from_millis(100);
        let upstream = upstream_with(UpstreamSettings { idle_timeout, ..UpstreamSettings::default() });
        get(&upstream, &backend).await.unwrap();
        assert_eq!(upstream.idle_connections(), 1);
        until(|| upstream.open_connections() == 0).await;
        assert_eq!(upstream.counters().expired.get(), 1);
        get(&upstream, &backend).await.unwrap();
        assert_eq!(backend.connections.get(), 2);
    });
}

#[test]
fn idle_connections_beyond_the_limit_are_closed() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let upstream =
            upstream_with(UpstreamSettings { idle_max_per_target: 2, ..UpstreamSettings::default() });
        let mut calls = JoinSet::new();
        for _ in 0..6 {
            let (upstream, url) = (upstream.clone(), backend.url());
            calls.spawn_local(
                async move { forward(&upstream, &mut exchange(request("GET", "/"), &url)).await },
            );
        }
        calls.join_all().await;
        assert_eq!((upstream.idle_connections(), upstream.open_connections()), (2, 2));
    });
}

#[test]
fn keep_alive_time_of_the_backend_is_respected() {
    on_worker(async {
        let backend =
            answering("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=1, max=9\r\nContent-Length: 2\r\n\r\nok").await;
        let upstream = upstream();
        get(&upstream, &backend).await.unwrap();
        assert_eq!(upstream.open_connections(), 0, "a second less than one second is none");
    });
}

#[test]
fn old_connections_are_not_used_again() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let connection_lifetime = Duration::from_millis(60);
        let upstream = upstream_with(UpstreamSettings { connection_lifetime, ..UpstreamSettings::default() });
        let begin = std::time::Instant::now();
        while begin.elapsed() < 3 * connection_lifetime {
            get(&upstream, &backend).await.unwrap();
        }
        assert!((3..=5).contains(&backend.connections.get()), "{}", backend.connections.get());
    });
}

#[test]
fn connections_that_may_not_be_used_again_are_not() {
    on_worker(async {
        for response in [
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        ] {
            let (backend, upstream) = (answering(response).await, upstream());
            for number in 1..=3 {
                assert_eq!(get(&upstream, &backend).await.unwrap().1, "ok");
                assert_eq!((backend.connections.get(), upstream.open_connections()), (number, 0));
            }
        }
        let kept = "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok";
        let (backend, upstream) = (answering(kept).await, upstream());
        get(&upstream, &backend).await.unwrap();
        get(&upstream, &backend).await.unwrap();
        assert_eq!(backend.connections.get(), 1);
    });
}

/// A listener whose queue is full: connecting to it hangs.
async fn hanging(address: &str, port: u16) -> Option<(socket2::Socket, Vec<tokio::task::JoinHandle<()>>)> {
    let address: std::net::SocketAddr = format!("{address}:{port}").parse().unwrap();
    let socket =
        socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None).ok()?;
    socket.bind(&address.into()).ok()?;
    socket.listen(0).ok()?;
    let fill = |_| {
        tokio::task::spawn_local(async move {
            let stream = tokio::net::TcpStream::connect(address).await;
            std::future::pending::<()>().await;
            drop(stream);
        })
    };
    let filling = (0..4).map(fill).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    Some((socket, filling))
}

#[test]
fn silent_address_family_is_overtaken_by_the_other() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let port = backend.address.port();
        let Some(_hanging) = hanging("[::1]", port).await else { return };
        let upstream = upstream();
        let begin = std::time::Instant::now();
        let mut exchange = exchange(request("GET", "/"), &format!("http://localhost:{port}"));
        assert_eq!(forward(&upstream, &mut exchange).await.unwrap().1, "ok");
        let took = begin.elapsed();
        assert!(took >= Duration::from_millis(250) && took < Duration::from_secs(3), "{took:?}");
    });
}

#[test]
fn connecting_ends_with_its_time() {
    on_worker(async {
        let backend = answering("").await;
        let free = backend.address.port();
        drop(backend);
        let Some(_hanging) = hanging("127.0.0.9", free).await else { return };
        let connect_timeout = Duration::from_millis(100);
        let upstream = upstream_with(UpstreamSettings { connect_timeout, ..UpstreamSettings::default() });
        let mut exchange = exchange(request("GET", "/"), &format!("http://127.0.0.9:{free}"));
        let fault = forward(&upstream, &mut exchange).await.unwrap_err();
        assert_eq!((fault.status, fault.error.reason.as_str()), (500, "BackendConnectionFailure"));
        assert_eq!(
            fault.error.message,
            format!("no connection to the backend 127.0.0.9:{free} within 100 ms")
        );
        assert_eq!(upstream.open_connections(), 0);
    });
}
