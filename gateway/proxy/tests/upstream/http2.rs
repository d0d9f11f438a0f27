//! HTTP/2 towards backends: hyper's server as the backend, by prior knowledge and by ALPN.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use gateway_policy::backend::Backend;
use gateway_policy::exchange::Exchange;
use gateway_policy::message::{Body, BodyError, Frame, Headers, Method, Request, Url};
use gateway_policy::ports::{ForwardOptions, HttpVersion};
use http::{HeaderMap, HeaderValue};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::support::{
    Scripted, answering, data, exchange, exchange_to, forward_with, next_frame, next_text, on_worker, piped,
    request, scripted, until, upstream,
};
use crate::tls::Authority;

type HttpFrame = http_body::Frame<Bytes>;
type FrameSender = UnboundedSender<Result<HttpFrame, BodyError>>;

/// A response body as a test feeds it; an error resets the stream.
struct Fed(UnboundedReceiver<Result<HttpFrame, BodyError>>);

impl http_body::Body for Fed {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<HttpFrame, BodyError>>> {
        self.0.poll_recv(cx)
    }
}

#[derive(Clone)]
struct OnThisThread;

impl<F: Future + 'static> hyper::rt::Executor<F> for OnThisThread {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(async move {
            task.await;
        });
    }
}

/// Serves one connection; `handle` gets the request and the sender of the response body.
async fn serve<H, F>(io: impl AsyncRead + AsyncWrite + Unpin + 'static, handle: H)
where
    H: Fn(http::Request<Incoming>, FrameSender) -> F + Clone + 'static,
    F: Future<Output = Result<http::Response<()>, BodyError>> + 'static,
{
    let service = service_fn(move |request| {
        let (sender, receiver) = unbounded_channel();
        let answer = handle(request, sender);
        async move { answer.await.map(|response| response.map(|()| Fed(receiver))) }
    });
    Builder::new(OnThisThread).serve_connection(TokioIo::new(io), service).await.ok();
}

async fn backend<H, F>(handle: H) -> Scripted
where
    H: Fn(http::Request<Incoming>, FrameSender) -> F + Clone + 'static,
    F: Future<Output = Result<http::Response<()>, BodyError>> + 'static,
{
    scripted(move |_, stream| serve(stream, handle.clone())).await
}

const HTTP2: ForwardOptions = ForwardOptions {
    timeout: Duration::from_secs(10),
    continue_timeout: None,
    http_version: HttpVersion::Http2,
    follow_redirects: false,
    buffer_request_body: false,
    buffer_response: true,
    fail_on_error_status_code: false,
};

fn ok() -> Result<http::Response<()>, BodyError> {
    Ok(http::Response::new(()))
}

fn send(sender: &FrameSender, text: impl Into<Bytes>) {
    sender.send(Ok(HttpFrame::data(text.into()))).unwrap();
}

async fn next(incoming: &mut Incoming) -> Option<Result<HttpFrame, hyper::Error>> {
    poll_fn(|cx| Pin::new(&mut *incoming).poll_frame(cx)).await
}

/// Reads a request body: its data, and trailers if there were any.
async fn read_all(mut incoming: Incoming) -> Option<(String, Option<HeaderMap>)> {
    let (mut text, mut trailers) = (String::new(), None);
    while let Some(frame) = next(&mut incoming).await {
        match frame.ok()?.into_data() {
            Ok(data) => text.push_str(std::str::from_utf8(&data).unwrap()),
            Err(frame) => trailers = frame.into_trailers().ok(),
        }
    }
    Some((text, trailers))
}

fn grpc(target: &str, body: Body) -> Request {
    let mut request = request("POST", target);
    request.headers.append("TE", b"trailers").unwrap();
    request.headers.append("Content-Type", b"application/grpc").unwrap();
    Request { method: Method::Post, body, ..request }
}

#[test]
fn http2_parallel_requests_share_one_connection() {
    on_worker(async {
        let backend = backend(|request, sender| async move {
            tokio::time::sleep(Duration::from_millis(2)).await;
            send(&sender, request.uri().path().to_owned());
            ok()
        })
        .await;
        let upstream = upstream();
        let mut calls = JoinSet::new();
        for number in 0..50 {
            let (upstream, url) = (upstream.clone(), backend.url());
            calls.spawn_local(async move {
                let mut exchange = exchange(request("GET", &format!("/{number}")), &url);
                assert_eq!(
                    forward_with(&upstream, &mut exchange, HTTP2).await.unwrap().1,
                    format!("/{number}")
                );
            });
        }
        calls.join_all().await;
        assert_eq!((backend.connections.get(), upstream.counters().opened.get()), (1, 1));
        assert_eq!(upstream.counters().reused.get(), 49);
    });
}

#[test]
fn http2_head_is_made_anew() {
    on_worker(async {
        let seen = Rc::new(RefCell::new(None));
        let store = Rc::clone(&seen);
        let backend = backend(move |request, _| {
            *store.borrow_mut() =
                Some((request.method().clone(), request.uri().clone(), request.headers().clone()));
            async { ok() }
        })
        .await;
        let mut request = request("PUT", "/a?b=c");
        for (name, value) in
            [("Connection", "keep-alive"), ("Upgrade", "h2c"), ("X-Plain", "1"), ("TE", "gzip")]
        {
            request.headers.append(name, value.as_bytes()).unwrap();
        }
        request.body = Body::from("four".to_owned());
        let url = format!("{}/base", backend.url());
        forward_with(&upstream(), &mut exchange(request, &url), HTTP2).await.unwrap();
        let (method, uri, headers) = seen.borrow_mut().take().unwrap();
        assert_eq!((method.as_str(), uri.path(), uri.query()), ("PUT", "/base/a", Some("b=c")));
        assert_eq!(uri.authority().unwrap().as_str(), backend.address.to_string());
        let mut names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["content-length", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-plain"]
        );
        assert_eq!(headers["content-length"], "4");
    });
}

#[test]
fn grpc_unary_carries_trailers_both_ways() {
    on_worker(async {
        let backend = backend(|request, sender| async move {
            assert_eq!(request.headers()["te"], "trailers");
            let (text, trailers) = read_all(request.into_body()).await.unwrap();
            assert_eq!(
                (text.as_str(), &trailers.unwrap()["x-client"]),
                ("ping", &HeaderValue::from_static("1"))
            );
            send(&sender, "pong");
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static("0"));
            sender.send(Ok(HttpFrame::trailers(trailers))).unwrap();
            ok()
        })
        .await;
        let (sender, body) = piped(None);
        sender.send(data("ping")).unwrap();
        let mut trailers = Headers::new();
        trailers.append("X-Client", b"1").unwrap();
        trailers.append("Content-Length", b"9").unwrap();
        sender.send(Ok(Frame::Trailers(trailers))).unwrap();
        drop(sender);
        let mut exchange = exchange(grpc("/svc/Unary", body), &backend.url());
        upstream().forward(&mut exchange, HTTP2).await.unwrap();
        let mut body = exchange.response.unwrap().body;
        assert_eq!(next_text(&mut body).await, "pong");
        let Some(Ok(Frame::Trailers(trailers))) = next_frame(&mut body).await else { panic!("no trailers") };
        assert_eq!(trailers.get_str("grpc-status"), Some("0"));
        assert!(next_frame(&mut body).await.is_none());
    });
}

#[test]
fn grpc_trailers_only_response_is_a_head_without_body() {
    on_worker(async {
        let backend = backend(|_, _| async {
            Ok(http::Response::builder().header("grpc-status", "12").body(()).unwrap())
        })
        .await;
        let mut exchange = exchange(grpc("/svc/None", Body::Empty), &backend.url());
        assert_eq!(forward_with(&upstream(), &mut exchange, HTTP2).await.unwrap(), (200, String::new()));
        assert_eq!(exchange.response.unwrap().headers.get_str("grpc-status"), Some("12"));
    });
}

#[test]
fn grpc_server_and_client_streams_flow_message_by_message() {
    on_worker(async {
        // Client stream: the answer comes when the client has ended. Server stream: one message a piece.
        let backend = backend(|request, sender| async move {
            let (text, _) = read_all(request.into_body()).await.unwrap();
            tokio::task::spawn_local(async move {
                for piece in text.split(',') {
                    send(&sender, piece.to_owned());
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            ok()
        })
        .await;
        let (sender, body) = piped(None);
        tokio::task::spawn_local(async move {
            for piece in ["a,", "b,", "c"] {
                sender.send(data(piece)).unwrap();
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let mut exchange = exchange(grpc("/svc/Streams", body), &backend.url());
        upstream().forward(&mut exchange, HTTP2).await.unwrap();
        let mut body = exchange.response.unwrap().body;
        for piece in ["a", "b", "c"] {
            assert_eq!(next_text(&mut body).await, piece);
        }
        assert!(next_frame(&mut body).await.is_none());
    });
}

#[test]
fn grpc_bidirectional_stream_answers_while_it_listens() {
    on_worker(async {
        let backend = backend(|request, sender| async move {
            tokio::task::spawn_local(async move {
                let mut incoming = request.into_body();
                while let Some(Ok(frame)) = next(&mut incoming).await {
                    if let Some(data) = frame.into_data().ok().filter(|data| !data.is_empty()) {
                        send(&sender, [b"re:", &data[..]].concat());
                    }
                }
            });
            ok()
        })
        .await;
        let (sender, body) = piped(None);
        let mut exchange = exchange(grpc("/svc/Both", body), &backend.url());
        upstream().forward(&mut exchange, HTTP2).await.unwrap();
        let mut body = exchange.response.unwrap().body;
        for word in ["one", "two", "three"] {
            sender.send(data(word)).unwrap();
            assert_eq!(next_text(&mut body).await, format!("re:{word}"));
        }
        drop(sender);
        assert!(next_frame(&mut body).await.is_none());
    });
}

#[test]
fn http2_resets_map_to_failures_and_spare_the_connection() {
    on_worker(async {
        let backend = backend(|request, sender| async move {
            match request.uri().path() {
                "/head" => Err(BodyError::Lost),
                "/body" => {
                    send(&sender, "half");
                    tokio::task::spawn_local(async move {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        sender.send(Err(BodyError::Lost)).ok();
                    });
                    ok()
                }
                _ => ok(),
            }
        })
        .await;
        let upstream = upstream();
        let mut head = exchange(request("GET", "/head"), &backend.url());
        let fault = forward_with(&upstream, &mut head, HTTP2).await.unwrap_err();
        assert_eq!((fault.status, fault.error.reason.as_str()), (500, "BackendConnectionFailure"));
        assert!(fault.error.message.starts_with("the backend reset the stream: "), "{}", fault.error.message);
        let mut cut = exchange(request("GET", "/body"), &backend.url());
        upstream.forward(&mut cut, HTTP2).await.unwrap();
        let mut body = cut.response.unwrap().body;
        assert_eq!(next_text(&mut body).await, "half");
        assert_eq!(next_frame(&mut body).await.unwrap().unwrap_err(), BodyError::Lost);
        let mut fine = exchange(request("GET", "/fine"), &backend.url());
        assert_eq!(forward_with(&upstream, &mut fine, HTTP2).await.unwrap().0, 200);
        assert_eq!(backend.connections.get(), 1);
    });
}

#[test]
fn http2_goaway_leads_to_a_fresh_connection() {
    on_worker(async {
        let backend = scripted(|_, stream| async move {
            let done = Rc::new(tokio::sync::Notify::new());
            let told = Rc::clone(&done);
            let service = service_fn(move |_| {
                told.notify_one();
                async { Ok::<_, BodyError>(http::Response::new(Fed(unbounded_channel().1))) }
            });
            let connection = Builder::new(OnThisThread).serve_connection(TokioIo::new(stream), service);
            let mut connection = std::pin::pin!(connection);
            tokio::select! {
                _ = connection.as_mut() => return,
                () = done.notified() => connection.as_mut().graceful_shutdown(),
            }
            connection.await.ok();
        })
        .await;
        let upstream = upstream();
        for number in 1..=4 {
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            assert_eq!(forward_with(&upstream, &mut exchange, HTTP2).await.unwrap().0, 200, "{number}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(backend.connections.get(), 4);
    });
}

#[test]
fn http2_dropped_and_late_calls_reset_their_stream_alone() {
    on_worker(async {
        let (waiting, ended) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        struct Ends(Rc<Cell<usize>>);
        impl Drop for Ends {
            fn drop(&mut self) {
                self.0.set(self.0.get() + 1);
            }
        }
        let (waits, ends) = (Rc::clone(&waiting), Rc::clone(&ended));
        let backend = backend(move |request, _| {
            let (waits, ends) = (Rc::clone(&waits), Rc::clone(&ends));
            async move {
                if request.uri().path() == "/wait" {
                    let _ends = Ends(ends);
                    waits.set(waits.get() + 1);
                    std::future::pending::<()>().await;
                }
                ok()
            }
        })
        .await;
        let upstream = upstream();
        let mut dropped = exchange(request("GET", "/wait"), &backend.url());
        let call = forward_with(&upstream, &mut dropped, HTTP2);
        assert!(tokio::time::timeout(Duration::from_millis(50), call).await.is_err());
        until(|| ended.get() == 1).await;
        let mut late = exchange(request("GET", "/wait"), &backend.url());
        let options = ForwardOptions { timeout: Duration::from_millis(30), ..HTTP2 };
        let fault = forward_with(&upstream, &mut late, options).await.unwrap_err();
        assert_eq!(fault.error.reason, "Timeout");
        until(|| ended.get() == 2).await;
        let mut fine = exchange(request("GET", "/"), &backend.url());
        assert_eq!(forward_with(&upstream, &mut fine, HTTP2).await.unwrap().0, 200);
        assert_eq!((backend.connections.get(), waiting.get()), (1, 2));
    });
}

#[test]
fn http2_request_broken_off_by_the_client_is_reset() {
    on_worker(async {
        let broken = Rc::new(Cell::new(false));
        let seen = Rc::clone(&broken);
        let backend = backend(move |request, _| {
            let seen = Rc::clone(&seen);
            async move {
                seen.set(read_all(request.into_body()).await.is_none());
                ok()
            }
        })
        .await;
        let (sender, body) = piped(None);
        sender.send(data("abc")).unwrap();
        sender.send(Err(BodyError::Lost)).unwrap();
        let mut exchange = exchange(grpc("/svc/Cut", body), &backend.url());
        let fault = forward_with(&upstream(), &mut exchange, HTTP2).await.unwrap_err();
        assert_eq!((fault.status, fault.error.reason.as_str()), (400, "ClientConnectionFailure"));
        until(|| broken.get()).await;
    });
}

/// A TLS backend that offers what is given and serves what was chosen.
async fn tls_backend(authority: &Authority, alpn: &[&str]) -> Scripted {
    let acceptor = authority.acceptor("localhost", alpn);
    scripted(move |_, stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                let handle = |_, sender: FrameSender| async move {
                    send(&sender, "two");
                    ok()
                };
                return serve(stream, handle).await;
            }
            let mut buffer = Vec::new();
            while tokio::io::AsyncReadExt::read_buf(&mut stream, &mut buffer)
                .await
                .is_ok_and(|count| count > 0)
            {
                if buffer.ends_with(b"\r\n\r\n") {
                    buffer.clear();
                    stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none").await.unwrap();
                }
            }
        }
    })
    .await
}

fn to_tls(server: &Scripted) -> Exchange {
    let url = format!("https://localhost:{}", server.address.port());
    exchange_to(request("GET", "/"), Backend::from_url(Url::parse(&url).unwrap()))
}

#[test]
fn alpn_chooses_the_protocol() {
    on_worker(async {
        let authority = Authority::new();
        for (offered, version, spoken) in [
            (&["h2", "http/1.1"][..], HttpVersion::Http2OrHttp1, Some("two")),
            (&["http/1.1"], HttpVersion::Http2OrHttp1, Some("one")),
            (&[], HttpVersion::Http2OrHttp1, Some("one")),
            (&["h2", "http/1.1"], HttpVersion::Http1, Some("one")),
            (&["h2"], HttpVersion::Http2, Some("two")),
            (&["http/1.1"], HttpVersion::Http2, None),
            (&[], HttpVersion::Http2, None),
        ] {
            let server = tls_backend(&authority, offered).await;
            let upstream = authority.upstream();
            let options = ForwardOptions { http_version: version, ..HTTP2 };
            for _ in 0..3 {
                let outcome = forward_with(&upstream, &mut to_tls(&server), options).await;
                match spoken {
                    Some(spoken) => assert_eq!(outcome.unwrap().1, spoken, "{offered:?} {version:?}"),
                    None => assert_eq!(outcome.unwrap_err().error.reason, "BackendConnectionFailure"),
                }
            }
            if spoken.is_some() {
                assert_eq!(server.connections.get(), 1, "{offered:?} {version:?}");
            }
        }
    });
}

#[test]
fn http2_or_1_without_tls_is_http1() {
    on_worker(async {
        let backend = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let options = ForwardOptions { http_version: HttpVersion::Http2OrHttp1, ..HTTP2 };
        let mut exchange = exchange(request("GET", "/"), &backend.url());
        assert_eq!(forward_with(&upstream(), &mut exchange, options).await.unwrap().1, "ok");
    });
}
