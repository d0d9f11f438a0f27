//! Backends that misbehave (`reliability-security.md` §6.3): the answer to the client, and that the connection is
//! never used again.

use std::time::Duration;

use gateway_policy::message::{Body, BodyError};
use gateway_policy::ports::ForwardOptions;
use gateway_proxy::upstream::UpstreamSettings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    answering, exchange, forward, forward_with, get, next_frame, next_text, on_worker, read_request, request,
    scripted, until, upstream, upstream_with,
};

#[test]
fn malformed_response_is_502_and_ends_the_connection() {
    let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(9) + "HTTP/1.1 204 No Content\r\n\r\n";
    let large = format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "a".repeat(1 << 20));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok and more",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 204 No Content\r\n\r\nok",
        "HTTP/1.1 304 Not Modified\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\rc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 99 No\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "<html>hello from 1991</html>\r\n",
        "\0\0\0\0\r\n\r\n",
        &flood,
        &large,
        &many,
    ] {
        on_worker(async {
            let (backend, upstream) = (answering(response).await, upstream());
            let fault = get(&upstream, &backend).await.unwrap_err();
            let shown = &response[..response.len().min(80)];
            assert_eq!(fault.status, 502, "{shown}");
            assert_eq!(fault.error.reason, "BackendConnectionFailure", "{shown}");
            assert_eq!((upstream.idle_connections(), upstream.open_connections()), (0, 0), "{shown}");
            assert_eq!(upstream.counters().failed_malformed.get(), 1, "{shown}");
            get(&upstream, &backend).await.unwrap_err();
            assert_eq!(backend.connections.get(), 2, "{shown}");
        });
    }
}

#[test]
fn interim_responses_are_skipped() {
    on_worker(async {
        let response = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n".repeat(8)
            + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        let (backend, upstream) = (answering(response).await, upstream());
        assert_eq!(get(&upstream, &backend).await.unwrap(), (200, "ok".to_owned()));
        assert_eq!(get(&upstream, &backend).await.unwrap(), (200, "ok".to_owned()));
        assert_eq!(backend.connections.get(), 1);
    });
}

#[test]
fn connection_refused_is_a_connection_failure() {
    on_worker(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let upstream = upstream();
        let mut exchange = exchange(request("GET", "/"), &url);
        let fault = forward(&upstream, &mut exchange).await.unwrap_err();
        assert_eq!((fault.status, &*fault.public), (500, "Internal server error"));
        assert_eq!(fault.error.source, "forward-request");
        assert_eq!(fault.error.reason, "BackendConnectionFailure");
        assert!(fault.error.message.starts_with("could not connect to the backend 127.0.0.1:"));
        assert!(exchange.response.is_none());
        assert_eq!((upstream.counters().failed_connect.get(), upstream.open_connections()), (1, 0));
    });
}

#[test]
fn response_lost_before_or_in_its_head_is_a_connection_failure() {
    for part in ["", "HTT", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"] {
        on_worker(async {
            let backend = scripted(move |_, mut stream| async move {
                read_request(&mut stream, &mut Vec::new()).await;
                stream.write_all(part.as_bytes()).await.unwrap();
            })
            .await;
            let upstream = upstream();
            let fault = get(&upstream, &backend).await.unwrap_err();
            assert_eq!((fault.status, fault.error.reason.as_str()), (500, "BackendConnectionFailure"));
            assert_eq!(upstream.counters().failed_lost.get(), 1);
            assert_eq!(backend.connections.get(), 1, "a fresh connection is not repeated");
        });
    }
}

#[test]
fn response_lost_in_its_body_is_an_error_after_what_came() {
    for head in ["Content-Length: 100", "Transfer-Encoding: chunked"] {
        on_worker(async {
            let backend = scripted(move |_, mut stream| async move {
                read_request(&mut stream, &mut Vec::new()).await;
                let text = format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n5\r\nabcde\r\n");
                stream.write_all(text.as_bytes()).await.unwrap();
            })
            .await;
            let upstream = upstream();
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            upstream.forward(&mut exchange, ForwardOptions::default()).await.unwrap();
            let mut body = exchange.response.unwrap().body;
            let came = if head.starts_with("Content") { "5\r\nabcde\r\n" } else { "abcde" };
            assert_eq!(next_text(&mut body).await, came);
            assert_eq!(next_frame(&mut body).await.unwrap().unwrap_err(), BodyError::Lost);
            assert_eq!(upstream.idle_connections(), 0);
        });
    }
}

#[test]
fn response_head_too_late_is_a_timeout_and_closes_the_connection() {
    for millis in [0, 1, 50] {
        on_worker(async {
            let (gone, closed) = tokio::sync::oneshot::channel();
            let gone = std::cell::RefCell::new(Some(gone));
            let backend = scripted(move |_, mut stream| {
                let gone = gone.borrow_mut().take();
                async move {
                    let mut seen = Vec::new();
                    stream.read_to_end(&mut seen).await.ok();
                    gone.map(|gone| gone.send(()));
                }
            })
            .await;
            let upstream = upstream();
            let options =
                ForwardOptions { timeout: Duration::from_millis(millis), ..ForwardOptions::default() };
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            let begin = std::time::Instant::now();
            let fault = forward_with(&upstream, &mut exchange, options).await.unwrap_err();
            assert!(begin.elapsed() < Duration::from_secs(2));
            assert_eq!((fault.status, fault.error.reason.as_str()), (500, "Timeout"));
            assert_eq!(
                fault.error.message,
                format!("the backend did not send response headers within {millis} ms")
            );
            assert_eq!((upstream.open_connections(), upstream.counters().failed_timeout.get()), (0, 1));
            if millis == 50 {
                closed.await.unwrap();
                assert!(exchange.measures.backend >= Duration::from_millis(50));
            }
        });
    }
}

#[test]
fn body_after_the_head_is_not_subject_to_the_timeout() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            read_request(&mut stream, &mut Vec::new()).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab").await.unwrap();
            tokio::time::sleep(Duration::from_millis(150)).await;
            stream.write_all(b"cd").await.unwrap();
            stream.read_u8().await.ok();
        })
        .await;
        let options = ForwardOptions { timeout: Duration::from_millis(100), ..ForwardOptions::default() };
        let mut exchange = exchange(request("GET", "/"), &backend.url());
        assert_eq!(forward_with(&upstream(), &mut exchange, options).await.unwrap().1, "abcd");
    });
}

#[test]
fn connection_closed_while_idle_is_noticed_before_use() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            read_request(&mut stream, &mut Vec::new()).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        })
        .await;
        let upstream = upstream();
        for _ in 0..5 {
            let mut request = request("POST", "/");
            request.body = Body::from("not to be sent twice".to_owned());
            let mut exchange = exchange(request, &backend.url());
            assert_eq!(forward(&upstream, &mut exchange).await.unwrap().1, "ok");
            // Let the reactor see the close.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(backend.connections.get(), 5);
        assert_eq!(upstream.counters().retried.get(), 0);
        assert_eq!(upstream.counters().expired.get(), 4);
    });
}

/// Answers the first request of each connection; closes upon the second without a byte.
async fn closes_on_reuse() -> crate::support::Scripted {
    scripted(|_, mut stream| async move {
        let mut buffer = Vec::new();
        read_request(&mut stream, &mut buffer).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
        read_request(&mut stream, &mut buffer).await;
    })
    .await
}

#[test]
fn keep_alive_race_is_repeated_once_where_it_is_safe() {
    for (method, body, repeated) in [
        ("GET", "", true),
        ("DELETE", "", true),
        ("PUT", "again", true),
        ("POST", "once", false),
        ("POST", "", false),
        ("PATCH", "once", false),
    ] {
        on_worker(async {
            let (backend, upstream) = (closes_on_reuse().await, upstream());
            get(&upstream, &backend).await.unwrap();
            let mut request = request(method, "/");
            request.body = Body::from(body.to_owned());
            let mut exchange = exchange(request, &backend.url());
            let outcome = forward(&upstream, &mut exchange).await;
            assert_eq!(outcome.is_ok(), repeated, "{method}");
            assert_eq!(upstream.counters().retried.get(), u64::from(repeated), "{method}");
            assert_eq!(backend.connections.get(), 1 + usize::from(repeated), "{method}");
            if let Err(fault) = outcome {
                assert_eq!((fault.status, fault.error.reason.as_str()), (500, "BackendConnectionFailure"));
            }
        });
    }
}

#[test]
fn dropped_call_closes_its_connection_and_leaves_the_pool_sound() {
    on_worker(async {
        let closed = std::rc::Rc::new(std::cell::Cell::new(0));
        let seen = std::rc::Rc::clone(&closed);
        let backend = scripted(move |number, mut stream| {
            let seen = std::rc::Rc::clone(&seen);
            async move {
                let mut buffer = Vec::new();
                read_request(&mut stream, &mut buffer).await;
                if number == 0 {
                    // Half a head, then silence until the gateway goes.
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-").await.unwrap();
                    let mut rest = Vec::new();
                    stream.read_to_end(&mut rest).await.ok();
                    seen.set(seen.get() + 1);
                    return;
                }
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
                read_request(&mut stream, &mut buffer).await;
            }
        })
        .await;
        // One connection at most: a leaked place would block the next request for ever.
        let settings = UpstreamSettings { connections_max_per_target: 1, ..UpstreamSettings::default() };
        let upstream = upstream_with(settings);
        let mut first = exchange(request("GET", "/"), &backend.url());
        let abandoned = forward(&upstream, &mut first);
        assert!(tokio::time::timeout(Duration::from_millis(50), abandoned).await.is_err());
        assert_eq!((upstream.open_connections(), upstream.counters().abandoned.get()), (0, 1));
        until(|| closed.get() == 1).await;
        assert_eq!(get(&upstream, &backend).await.unwrap().1, "ok");
        assert_eq!(backend.connections.get(), 2);
    });
}

#[test]
fn dropped_at_any_poll_the_pool_stays_sound() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let settings = UpstreamSettings { connections_max_per_target: 1, ..UpstreamSettings::default() };
        let upstream = upstream_with(settings);
        for polls in 0..12 {
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            let mut call = Box::pin(forward(&upstream, &mut exchange));
            let mut left = polls;
            let done = std::future::poll_fn(|cx| {
                if left == 0 {
                    return std::task::Poll::Ready(false);
                }
                left -= 1;
                call.as_mut().poll(cx).map(|outcome| outcome.is_ok())
            })
            .await;
            drop(call);
            assert!(
                upstream.open_connections() == upstream.idle_connections(),
                "after {polls} polls ({done})"
            );
            assert_eq!(get(&upstream, &backend).await.unwrap().1, "ok");
        }
    });
}

#[test]
fn bytes_that_nobody_asked_for_end_an_idle_connection() {
    on_worker(async {
        let backend = scripted(|number, mut stream| async move {
            let mut buffer = Vec::new();
            read_request(&mut stream, &mut buffer).await;
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
            stream.write_all(answer.as_bytes()).await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            // A second response, for whoever comes next.
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned").await.unwrap();
            stream.read_u8().await.ok();
        })
        .await;
        let upstream = upstream();
        for number in 0..3 {
            assert_eq!(get(&upstream, &backend).await.unwrap().1, number.to_string());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(upstream.counters().expired.get(), 2);
    });
}

#[test]
fn dropped_at_any_poll_of_a_stream_the_pool_stays_sound() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            let mut buffer = Vec::new();
            while let Some(request) = read_request(&mut stream, &mut buffer).await {
                let body = request.split_once("\r\n\r\n").unwrap().1;
                let body = if body.is_empty() { "0\r\n\r\n" } else { body };
                for piece in ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body] {
                    if stream.write_all(piece.as_bytes()).await.is_err() {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            }
        })
        .await;
        let settings = UpstreamSettings { connections_max_per_target: 1, ..UpstreamSettings::default() };
        let upstream = upstream_with(settings);
        for polls in 0..40 {
            let (sender, body) = crate::support::piped(None);
            tokio::task::spawn_local(async move {
                for _ in 0..5 {
                    sender.send(crate::support::data("piece")).ok();
                    tokio::task::yield_now().await;
                }
            });
            let mut sent = request("POST", "/");
            sent.body = body;
            let mut exchange = exchange(sent, &backend.url());
            let mut call = Box::pin(forward(&upstream, &mut exchange));
            let mut left = polls;
            std::future::poll_fn(|cx| {
                if left == 0 {
                    return std::task::Poll::Ready(());
                }
                left -= 1;
                call.as_mut().poll(cx).map(|outcome| assert_eq!(outcome.unwrap().1, "piece".repeat(5)))
            })
            .await;
            drop(call);
            drop(exchange);
            assert!(upstream.open_connections() == upstream.idle_connections(), "after {polls} polls");
        }
        assert_eq!(get(&upstream, &backend).await.unwrap().1, "");
    });
}
