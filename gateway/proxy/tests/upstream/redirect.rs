//! `follow-redirects`.

use gateway_policy::backend::Backend;
use gateway_policy::message::{Body, Url};
use gateway_policy::ports::ForwardOptions;
use gateway_proxy::upstream::UpstreamSettings;

use crate::support::{
    Scripted, answering, data, exchange, exchange_to, forward_with, on_worker, piped, request, upstream,
    upstream_with,
};

const FOLLOW: ForwardOptions = ForwardOptions {
    timeout: std::time::Duration::from_secs(10),
    continue_timeout: None,
    http_version: gateway_policy::ports::HttpVersion::Http1,
    follow_redirects: true,
    buffer_request_body: false,
    buffer_response: true,
    fail_on_error_status_code: false,
};

async fn redirecting(status: u16, location: &str) -> Scripted {
    answering(format!("HTTP/1.1 {status} Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")).await
}

#[test]
fn redirect_is_followed_on_request_only() {
    on_worker(async {
        let end = answering("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend").await;
        let start = redirecting(302, &format!("{}/there?x=y", end.url())).await;
        let upstream = upstream();
        let mut request1 = request("POST", "/");
        request1.body = Body::from("dropped".to_owned());
        let mut first = exchange(request1, &start.url());
        assert_eq!(forward_with(&upstream, &mut first, FOLLOW).await.unwrap(), (200, "end".to_owned()));
        assert!(end.last_request().starts_with("GET /there?x=y HTTP/1.1\r\n"), "{}", end.last_request());
        assert!(!end.last_request().contains("dropped"));
        let mut second = exchange(request("GET", "/"), &start.url());
        assert_eq!(forward_with(&upstream, &mut second, ForwardOptions::default()).await.unwrap().0, 302);
        assert_eq!(upstream.counters().redirected.get(), 1);
    });
}

#[test]
fn redirect_to_another_host_brings_no_credentials() {
    on_worker(async {
        let end = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let start = redirecting(307, &format!("{}/there", end.url())).await;
        let mut request = request("PUT", "/");
        request.body = Body::from("kept".to_owned());
        for (name, value) in [
            ("Authorization", "Bearer x"),
            ("Cookie", "a=b"),
            ("Ocp-Apim-Subscription-Key", "k"),
            ("X-Plain", "1"),
        ] {
            request.headers.append(name, value.as_bytes()).unwrap();
        }
        let mut backend = Backend::from_url(Url::parse(&start.url()).unwrap());
        backend.headers = vec![("X-Key".to_owned(), "secret".to_owned())];
        forward_with(&upstream(), &mut exchange_to(request, backend), FOLLOW).await.unwrap();
        assert!(start.last_request().contains("Bearer x") && start.last_request().contains("X-Key: secret"));
        let sent = end.last_request();
        assert!(sent.starts_with(&format!("PUT /there HTTP/1.1\r\nHost: {}\r\n", end.address)), "{sent}");
        assert!(sent.ends_with("\r\n\r\nkept") && sent.contains("X-Plain: 1\r\n"), "{sent}");
        for secret in ["Bearer", "Cookie", "Subscription", "secret"] {
            assert!(!sent.contains(secret), "{sent}");
        }
    });
}

#[test]
fn redirect_within_the_host_keeps_credentials() {
    on_worker(async {
        let backend = crate::support::scripted(|_, mut stream| async move {
            let mut buffer = Vec::new();
            crate::support::read_request(&mut stream, &mut buffer).await.unwrap();
            let moved = b"HTTP/1.1 308 Moved\r\nLocation: there\r\nContent-Length: 0\r\n\r\n";
            tokio::io::AsyncWriteExt::write_all(&mut stream, moved).await.unwrap();
            let request = crate::support::read_request(&mut stream, &mut buffer).await.unwrap();
            assert!(request.starts_with("GET /base/there HTTP/1.1\r\n"), "{request}");
            assert!(request.contains("Authorization: Bearer x\r\n"), "{request}");
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 204 No Content\r\n\r\n")
                .await
                .unwrap();
        })
        .await;
        let mut request = request("GET", "/here");
        request.headers.append("Authorization", b"Bearer x").unwrap();
        let mut exchange = exchange(request, &format!("{}/base", backend.url()));
        assert_eq!(forward_with(&upstream(), &mut exchange, FOLLOW).await.unwrap().0, 204);
        assert_eq!(backend.connections.get(), 1);
    });
}

#[test]
fn redirect_loop_ends_after_ten() {
    on_worker(async {
        let backend = redirecting(302, "/again").await;
        let mut exchange = exchange(request("GET", "/"), &backend.url());
        assert_eq!(forward_with(&upstream(), &mut exchange, FOLLOW).await.unwrap().0, 302);
        assert_eq!(backend.requests.borrow().len(), 11);
    });
}

#[test]
fn redirect_inside_is_refused() {
    on_worker(async {
        let own = answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        for location in
            ["http://169.254.169.254/latest/meta-data".to_owned(), own.url(), "file:///etc/passwd".to_owned()]
        {
            let start = redirecting(302, &location).await;
            let own_listeners = vec![own.address];
            let upstream = upstream_with(UpstreamSettings { own_listeners, ..UpstreamSettings::default() });
            let mut exchange = exchange(request("GET", "/"), &start.url());
            let fault = forward_with(&upstream, &mut exchange, FOLLOW).await.unwrap_err();
            assert_eq!(
                (fault.status, fault.error.reason.as_str()),
                (500, "BackendConnectionFailure"),
                "{location}"
            );
        }
        assert_eq!(own.connections.get(), 0);
    });
}

#[test]
fn redirect_of_a_streamed_body_is_the_callers() {
    on_worker(async {
        let start = redirecting(307, "/there").await;
        let (sender, body) = piped(None);
        sender.send(data("abc")).unwrap();
        drop(sender);
        let mut request = request("POST", "/");
        request.body = body;
        let mut exchange = exchange(request, &start.url());
        assert_eq!(forward_with(&upstream(), &mut exchange, FOLLOW).await.unwrap().0, 307);
    });
}
