//! Bodies that stream, both ways.

use std::time::Duration;

use bytes::Bytes;
use gateway_policy::message::BufferBudget;
use gateway_policy::message::{Body, BodyError, Frame};
use gateway_policy::ports::ForwardOptions;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::{
    answering, data, exchange, forward, forward_with, next_frame, next_text, on_worker, piped, read_request,
    request, scripted, until, upstream,
};

#[test]
fn request_stream_of_unknown_length_is_chunked() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let (sender, body) = piped(None);
        let mut request = request("POST", "/");
        request.body = body;
        let upstream = upstream();
        let mut exchange = exchange(request, &backend.url());
        sender.send(data("abc")).unwrap();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            sender.send(data("")).unwrap();
            sender.send(data("de")).unwrap();
        });
        forward(&upstream, &mut exchange).await.unwrap();
        let sent = backend.last_request();
        assert!(
            sent.contains("\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            "{sent}"
        );
        assert!(matches!(exchange.request.body, Body::Consumed));
        assert_eq!(upstream.idle_connections(), 1);
    });
}

#[test]
fn request_stream_of_known_length_is_counted() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        for (pieces, whole) in [(vec!["ab", "cde"], true), (vec!["abcdef"], false), (vec!["abc"], false)] {
            let (sender, body) = piped(Some(5));
            for piece in &pieces {
                sender.send(data(*piece)).unwrap();
            }
            drop(sender);
            let mut request = request("POST", "/");
            request.body = body;
            let outcome = forward(&upstream(), &mut exchange(request, &backend.url())).await;
            if whole {
                outcome.unwrap();
                assert!(backend.last_request().contains("Content-Length: 5\r\n\r\nabcde"));
            } else {
                assert_eq!(outcome.unwrap_err().status, 400, "{pieces:?}");
            }
        }
        assert_eq!(backend.requests.borrow().len(), 1);
    });
}

#[test]
fn large_bodies_arrive_whole_both_ways() {
    // An echo that answers while it reads: both directions must flow at once.
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let chunked = String::from_utf8(head).unwrap().contains("chunked");
            let how = if chunked { "Transfer-Encoding: chunked" } else { "Content-Length: 3000000" };
            stream.write_all(format!("HTTP/1.1 200 OK\r\n{how}\r\n\r\n").as_bytes()).await.unwrap();
            let (mut read, mut write) = stream.split();
            tokio::io::copy(&mut read, &mut write).await.ok();
        })
        .await;
        let content: Bytes = (0..3_000_000_u32).map(|n| ((n * 7) >> 3) as u8).collect::<Vec<_>>().into();
        for (length, piece) in
            [(None, 1000), (None, 70_000), (Some(3_000_000), 16_384), (Some(3_000_000), 1_000_000)]
        {
            let (sender, body) = piped(length);
            content.chunks(piece).for_each(|piece| sender.send(data(piece.to_vec())).unwrap());
            drop(sender);
            let mut request = request("POST", "/");
            request.body = body;
            let mut exchange = exchange(request, &backend.url());
            let upstream = upstream();
            upstream.forward(&mut exchange, ForwardOptions::default()).await.unwrap();
            let mut response = exchange.response.unwrap();
            response.body.buffer(&BufferBudget::of_one(4 << 20)).await.unwrap();
            assert!(response.body.buffered() == content, "{length:?} {piece}");
            assert_eq!(upstream.idle_connections(), 1, "{length:?} {piece}");
        }
        let mut request = request("POST", "/");
        request.body = Body::Bytes(content.clone());
        let mut exchange = exchange(request, &backend.url());
        let upstream = upstream();
        upstream.forward(&mut exchange, ForwardOptions::default()).await.unwrap();
        let mut response = exchange.response.unwrap();
        response.body.buffer(&BufferBudget::of_one(4 << 20)).await.unwrap();
        assert!(response.body.buffered() == content);
    });
}

#[test]
fn early_answer_wins_over_the_unsent_rest() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            stream.read_u8().await.unwrap();
            stream
                .write_all(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig")
                .await
                .unwrap();
        })
        .await;
        let (sender, body) = piped(None);
        sender.send(data(vec![7; 500_000])).unwrap();
        let mut request = request("POST", "/");
        request.body = body;
        let upstream = upstream();
        let mut exchange = exchange(request, &backend.url());
        assert_eq!(forward(&upstream, &mut exchange).await.unwrap(), (413, "big".to_owned()));
        assert_eq!((upstream.open_connections(), backend.connections.get()), (0, 1));
        drop(sender);
    });
}

#[test]
fn request_stream_is_never_sent_twice() {
    on_worker(async {
        let backend = scripted(|number, mut stream| async move {
            let mut buffer = Vec::new();
            read_request(&mut stream, &mut buffer).await;
            if number == 0 {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                stream.read_u8().await.ok();
            }
        })
        .await;
        let upstream = upstream();
        forward(&upstream, &mut exchange(request("GET", "/"), &backend.url())).await.unwrap();
        let (sender, body) = piped(None);
        sender.send(data("abc")).unwrap();
        let mut request = request("PUT", "/");
        request.body = body;
        let fault = forward(&upstream, &mut exchange(request, &backend.url())).await.unwrap_err();
        assert_eq!((fault.status, fault.error.reason.as_str()), (500, "BackendConnectionFailure"));
        assert_eq!((backend.connections.get(), upstream.counters().retried.get()), (1, 0));
        drop(sender);
    });
}

#[test]
fn request_buffered_on_demand_can_be_sent_again() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let (sender, body) = piped(None);
        sender.send(data("abc")).unwrap();
        drop(sender);
        let mut request = request("POST", "/");
        request.body = body;
        let mut exchange = exchange(request, &backend.url());
        let options = ForwardOptions { buffer_request_body: true, ..ForwardOptions::default() };
        for _ in 0..2 {
            forward_with(&upstream(), &mut exchange, options).await.unwrap();
            assert!(backend.last_request().ends_with("Content-Length: 3\r\n\r\nabc"));
        }
    });
}

#[test]
fn request_broken_off_by_the_client_reaches_the_backend_as_broken() {
    on_worker(async {
        let ended = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let seen = std::rc::Rc::clone(&ended);
        let backend = scripted(move |_, mut stream| {
            let seen = std::rc::Rc::clone(&seen);
            async move {
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.ok();
                *seen.borrow_mut() = all;
            }
        })
        .await;
        let (sender, body) = piped(None);
        sender.send(data("abc")).unwrap();
        let mut request = request("POST", "/");
        request.body = body;
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            sender.send(Err(BodyError::Lost)).unwrap();
        });
        let fault = forward(&upstream(), &mut exchange(request, &backend.url())).await.unwrap_err();
        assert_eq!((fault.status, fault.error.reason.as_str()), (400, "ClientConnectionFailure"));
        until(|| !ended.borrow().is_empty()).await;
        assert!(ended.borrow().ends_with(b"3\r\nabc\r\n"), "no terminating chunk");
    });
}

#[test]
fn expect_continue_holds_the_body_until_told_or_out_of_patience() {
    for (first, waits) in [("HTTP/1.1 100 Continue\r\n\r\n", 5_000), ("", 30)] {
        on_worker(async {
            let backend = scripted(move |_, mut stream| async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                assert!(String::from_utf8(head).unwrap().contains("Expect: 100-continue\r\n"));
                let mut early = [0; 1];
                let silent = tokio::time::timeout(Duration::from_millis(15), stream.read(&mut early)).await;
                assert!(silent.is_err(), "the body came unasked");
                stream.write_all(first.as_bytes()).await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), b'3');
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
                stream.read_to_end(&mut Vec::new()).await.ok();
            })
            .await;
            let (sender, body) = piped(None);
            sender.send(data("abc")).unwrap();
            drop(sender);
            let mut request = request("POST", "/");
            request.headers.append("Expect", b"100-continue").unwrap();
            request.body = body;
            let continue_timeout = Some(Duration::from_millis(waits));
            let options = ForwardOptions { continue_timeout, ..ForwardOptions::default() };
            let mut exchange = exchange(request, &backend.url());
            assert_eq!(forward_with(&upstream(), &mut exchange, options).await.unwrap().0, 204);
        });
    }
}

/// Sends chunks one by one, each when the one before has been seen.
async fn chunks(content_type: &'static str) -> crate::support::Scripted {
    scripted(move |_, mut stream| async move {
        read_request(&mut stream, &mut Vec::new()).await;
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nTransfer-Encoding: chunked\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        for chunk in ["1\r\na\r\n", "2\r\nbc\r\n", "1\r\nd\r\n", "0\r\n\r\n"] {
            tokio::time::sleep(Duration::from_millis(10)).await;
            stream.write_all(chunk.as_bytes()).await.unwrap();
        }
        stream.read_u8().await.ok();
    })
    .await
}

#[test]
fn response_chunks_pass_at_once_or_are_gathered() {
    on_worker(async {
        for (content_type, buffer_response, pieces) in [
            ("text/plain", false, &["a", "bc", "d"][..]),
            ("text/event-stream; charset=utf-8", true, &["a", "bc", "d"]),
            ("text/plain", true, &["abcd"]),
        ] {
            let (backend, upstream) = (chunks(content_type).await, upstream());
            let options = ForwardOptions { buffer_response, ..ForwardOptions::default() };
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            upstream.forward(&mut exchange, options).await.unwrap();
            let mut body = exchange.response.unwrap().body;
            for piece in pieces {
                assert_eq!(&next_text(&mut body).await, piece);
            }
            assert!(next_frame(&mut body).await.is_none());
            assert_eq!(upstream.idle_connections(), 1);
        }
    });
}

#[test]
fn response_until_close_ends_with_the_connection() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            read_request(&mut stream, &mut Vec::new()).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nabc").await.unwrap();
            stream.write_all(&vec![b'd'; 100_000]).await.unwrap();
        })
        .await;
        let upstream = upstream();
        let (_, text) = forward(&upstream, &mut exchange(request("GET", "/"), &backend.url())).await.unwrap();
        assert_eq!((text.len(), upstream.open_connections()), (100_003, 0));
    });
}

#[test]
fn response_trailers_are_a_frame_of_their_own() {
    on_worker(async {
        let backend = scripted(|_, mut stream| async move {
            read_request(&mut stream, &mut Vec::new()).await;
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
                .await
                .unwrap();
            tokio::time::sleep(Duration::from_millis(10)).await;
            stream.write_all(b"0\r\nX-Sum: 7\r\nContent-Length: 3\r\n\r\n").await.unwrap();
            stream.read_u8().await.ok();
        })
        .await;
        let upstream = upstream();
        let mut exchange = exchange(request("GET", "/"), &backend.url());
        upstream.forward(&mut exchange, ForwardOptions::default()).await.unwrap();
        let mut body = exchange.response.unwrap().body;
        assert_eq!(next_text(&mut body).await, "a");
        let Some(Ok(Frame::Trailers(trailers))) = next_frame(&mut body).await else { panic!("no trailers") };
        assert_eq!(trailers.get_str("x-sum"), Some("7"));
        assert!(!trailers.contains("content-length"));
        assert!(next_frame(&mut body).await.is_none());
        assert_eq!(upstream.idle_connections(), 1);
    });
}

#[test]
fn response_dropped_early_closes_the_connection() {
    on_worker(async {
        let backend =
            answering(format!("HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n{}", "a".repeat(900_000)))
                .await;
        let upstream = upstream();
        let mut exchange = exchange(request("GET", "/"), &backend.url());
        upstream.forward(&mut exchange, ForwardOptions::default()).await.unwrap();
        let mut body = exchange.response.unwrap().body;
        assert!(body.len() == Some(900_000));
        next_text(&mut body).await;
        assert_eq!(upstream.open_connections(), 1);
        drop(body);
        assert_eq!(upstream.open_connections(), 0);
    });
}
