//! HTTP/1.1: what is sent, what is accepted, and what becomes of the connection.

use gateway_policy::backend::Backend;
use gateway_policy::message::{Body, Url};
use gateway_policy::ports::ForwardOptions;
use gateway_proxy::upstream::{Network, UpstreamSettings};

use crate::support::{
    answering, exchange, exchange_to, forward, forward_with, get, on_worker, request, upstream, upstream_with,
};

#[test]
fn forward_sequential_requests_share_one_connection() {
    on_worker(async {
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
    on_worker(async {
        for response in [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ] {
            let backend = answering(response).await;
            let upstream = upstream();
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            upstream.forward(&mut exchange, ForwardOptions::default()).await.unwrap();
            let response = exchange.response.as_ref().unwrap();
            assert!(matches!(&response.body, Body::Bytes(bytes) if &bytes[..] == b"hello"));
            assert_eq!(upstream.idle_connections(), 1);
            assert_eq!(exchange.measures.backend_status, 200);
        }
    });
}

#[test]
fn forward_head_is_made_anew() {
    on_worker(async {
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

#[test]
fn forward_credentials_of_the_backend_replace_fields_and_join_the_query() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let mut request = request("GET", "/a?x=1");
        request.headers.append("authorization", b"Bearer of-the-client").unwrap();
        let entity = Backend {
            id: Some("b".into()),
            headers: vec![("Authorization".to_owned(), "Basic abc".to_owned())],
            query: vec![("code".to_owned(), "s%20p".to_owned())],
            ..Backend::from_url(Url::parse(&backend.url()).unwrap())
        };
        forward(&upstream(), &mut exchange_to(request, entity)).await.unwrap();
        let sent = backend.last_request();
        assert!(sent.starts_with("GET /a?x=1&code=s%20p HTTP/1.1\r\n"), "{sent}");
        assert!(
            sent.contains("\r\nAuthorization: Basic abc\r\n") && !sent.contains("of-the-client"),
            "{sent}"
        );
    });
}

#[test]
fn forward_host_that_a_policy_set_is_sent() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let own = backend.address.to_string();
        for (host, sent) in [
            ("gateway.example", own.as_str()),
            ("GATEWAY.example.:80", own.as_str()),
            ("other.example", "other.example"),
            ("gateway.example.evil", "gateway.example.evil"),
        ] {
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            exchange.request.headers.set("Host", host.as_bytes()).unwrap();
            forward(&upstream(), &mut exchange).await.unwrap();
            let line = format!("GET / HTTP/1.1\r\nHost: {sent}\r\n");
            assert!(backend.last_request().starts_with(&line), "{host}: {}", backend.last_request());
        }
    });
}

#[test]
fn forward_statements_of_a_trusted_proxy_stand() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let trusted_proxies = vec![Network::parse("192.0.2.0/24").unwrap()];
        let upstream = upstream_with(UpstreamSettings { trusted_proxies, ..UpstreamSettings::default() });
        let mut request = request("GET", "/");
        request.headers.append("X-Forwarded-For", b"203.0.113.9").unwrap();
        request.headers.append("X-Forwarded-For", b"198.51.100.2").unwrap();
        request.headers.append("X-Forwarded-Proto", b"https").unwrap();
        forward(&upstream, &mut exchange(request, &backend.url())).await.unwrap();
        let sent = backend.last_request();
        assert!(sent.contains("X-Forwarded-For: 203.0.113.9, 198.51.100.2, 192.0.2.1\r\n"), "{sent}");
        assert!(sent.contains("X-Forwarded-Proto: https\r\n"), "{sent}");
        assert!(!sent.contains("X-Forwarded-Proto: http\r\n"), "{sent}");
        assert!(sent.contains("X-Forwarded-Host: gateway.example\r\n"), "{sent}");
    });
}

#[test]
fn forward_rewritten_paths_stay_below_the_base() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let base = format!("{}/base", backend.url());
        for (path, sent) in [
            ("/a/./b/../c", Some("/base/a/c")),
            ("/a%2e%2e/x", Some("/base/a../x")),
            ("/a%2Fb", Some("/base/a%2Fb")),
            ("/../x", None),
            ("/%2e%2e/x", None),
            ("/a/../../x", None),
            ("/..;/x", None),
            ("/a/..;v=1/x", None),
        ] {
            let mut exchange = exchange(request("GET", "/"), &base);
            exchange.request.url.path = path.to_owned();
            let outcome = forward(&upstream(), &mut exchange).await;
            match sent {
                Some(sent) => {
                    outcome.unwrap();
                    let line = format!("GET {sent} HTTP/1.1\r\n");
                    assert!(backend.last_request().starts_with(&line), "{path}: {}", backend.last_request());
                }
                None => assert_eq!(outcome.unwrap_err().status, 400, "{path}"),
            }
        }
    });
}

#[test]
fn forward_line_breaks_from_policies_are_never_sent() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        for (path, query) in [("/a\r\nX: y", ""), ("/a b", ""), ("/", "a=\r\nX: y"), ("/", "a b"), ("a", "")]
        {
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            exchange.request.url.path = path.to_owned();
            exchange.request.url.query = query.to_owned();
            assert_eq!(forward(&upstream(), &mut exchange).await.unwrap_err().status, 500, "{path} {query}");
        }
        assert_eq!(backend.connections.get(), 0);
    });
}

#[test]
fn forward_responses_without_a_body_leave_the_connection_usable() {
    on_worker(async {
        for (method, response) in [
            ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"),
            ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
            ("GET", "HTTP/1.1 204 No Content\r\n\r\n"),
            ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        ] {
            let (backend, upstream) = (answering(response).await, upstream());
            for _ in 0..2 {
                let mut exchange = exchange(request(method, "/"), &backend.url());
                assert_eq!(forward(&upstream, &mut exchange).await.unwrap().1, "", "{response}");
            }
            assert_eq!(backend.connections.get(), 1, "{response}");
        }
    });
}

#[test]
fn forward_fields_and_reason_of_the_response_are_kept() {
    on_worker(async {
        let backend =
            answering("HTTP/1.1 299 Quite Fine\r\nX-a: 1\r\nx-A: 2\r\nContent-Length: 0\r\n\r\n").await;
        let mut exchange = exchange(request("GET", "/"), &backend.url());
        forward(&upstream(), &mut exchange).await.unwrap();
        let response = exchange.response.unwrap();
        assert_eq!((response.status, response.reason_text()), (299, "Quite Fine"));
        assert_eq!(response.headers.joined("x-a").as_deref(), Some("1,2"));
    });
}

#[test]
fn forward_error_status_is_a_fault_on_request_only() {
    on_worker(async {
        let backend = answering("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno").await;
        assert_eq!(get(&upstream(), &backend).await.unwrap(), (503, "no".to_owned()));
        let options = ForwardOptions { fail_on_error_status_code: true, ..ForwardOptions::default() };
        let mut exchange = exchange(request("GET", "/"), &backend.url());
        let fault = forward_with(&upstream(), &mut exchange, options).await.unwrap_err();
        assert_eq!((fault.status, fault.error.reason.as_str()), (503, "BackendErrorStatusCode"));
        assert_eq!(exchange.measures.backend_status, 503);
    });
}

#[test]
fn forward_to_ipv6_loopback_works() {
    on_worker(async {
        let Ok(listener) = tokio::net::TcpListener::bind("[::1]:0").await else { return };
        let port = listener.local_addr().unwrap().port();
        let serving = tokio::task::spawn_local(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let seen = crate::support::read_request(&mut stream, &mut Vec::new()).await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 204 No Content\r\n\r\n")
                .await
                .unwrap();
            seen
        });
        let mut exchange = exchange(request("GET", "/"), &format!("http://[::1]:{port}"));
        assert_eq!(forward(&upstream(), &mut exchange).await.unwrap().0, 204);
        assert!(serving.await.unwrap().contains(&format!("\r\nHost: [::1]:{port}\r\n")));
    });
}

#[test]
fn forward_port_of_the_client_is_part_of_the_forwarded_host() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        for port in [1, 90, 8080, 10_000, 65_535] {
            let mut exchange = exchange(request("GET", "/"), &backend.url());
            exchange.original_url.port = port;
            forward(&upstream(), &mut exchange).await.unwrap();
            let line = format!("\r\nX-Forwarded-Host: gateway.example:{port}\r\n");
            assert!(backend.last_request().contains(&line), "{}", backend.last_request());
        }
    });
}

#[test]
fn forward_claims_of_clients_are_dropped_and_those_of_policies_kept() {
    on_worker(async {
        let backend = answering("HTTP/1.1 204 No Content\r\n\r\n").await;
        let mut request = request("GET", "/");
        let long = "v".repeat(9 << 10);
        for (name, value) in [
            ("Forwarded", "for=6.6.6.6"),
            ("X-Real-IP", "6.6.6.6"),
            ("X-ARR-ClientCert", "forged"),
            ("X-Forwarded-Proto", "forged"),
            ("X-Forwarded-Host", "forged"),
            ("tracestate", &long),
            ("traceparent", "00-1-2-01"),
        ] {
            request.headers.append(name, value.as_bytes()).unwrap();
        }
        let mut exchange = exchange(request, &backend.url());
        exchange.request.headers.set("X-Forwarded-Host", b"public.example").unwrap();
        exchange.request.headers.set("X-Real-IP", b"by-policy").unwrap();
        forward(&upstream(), &mut exchange).await.unwrap();
        let sent = backend.last_request();
        let lines: Vec<_> = sent.lines().skip(2).filter(|line| !line.is_empty()).collect();
        let expected = [
            "X-Real-IP: by-policy",
            "X-Forwarded-Host: public.example",
            "traceparent: 00-1-2-01",
            "X-Forwarded-For: 192.0.2.1",
            "X-Forwarded-Proto: http",
        ];
        assert_eq!(lines, expected);
    });
}
