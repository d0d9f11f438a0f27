//! Rows P-01 to P-13: target, host and routing.

use gateway_tests::{Api, Backend, Config, Running};

use super::{Ground, all_refused, get, target_seen};

#[test]
fn p_01_dot_segments() {
    for (target, seen) in [
        ("/a/x/../b", "/b"),
        ("/a/x/%2e%2e/b", "/b"),
        ("/a/x/.%2E/b", "/b"),
        ("/a/./b", "/b"),
        ("/a/b/.", "/b/"),
        ("/other/../a/b", "/b"),
        ("/a/b/..", "/"),
    ] {
        assert_eq!(target_seen(target), seen, "{target}");
    }
    all_refused(400, ["/../a/x", "/a/../../x", "/a/%2e%2e/%2e%2e/x"].map(get));
}

#[test]
fn p_02_prefixes_that_are_stripped() {
    let ground = Ground::new();
    for target in ["/a../x", "/a%2e%2e/x"] {
        assert_eq!(ground.answer(get(target)).status, 404, "{target}");
    }
    ground.refuses(&get("/a/..;/x"), &[400]);
    assert!(ground.backend.seen().is_empty());
    let climbing = Ground::with(r#"<base /><rewrite-uri template="/../../x" />"#, &[]);
    assert_eq!(climbing.answer(get("/a/item")).status, 400);
    assert!(climbing.backend.seen().is_empty());
}

#[test]
fn p_03_encoded_separators() {
    assert_eq!(target_seen("/a/x%2Fy"), "/x%2Fy");
    assert_eq!(target_seen("/a/x%5Cy"), "/x%5Cy");
    assert_eq!(target_seen("/a/x%2F..%2Fy"), "/x%2F..%2Fy");
    let ground = Ground::new();
    assert_eq!(ground.answer(get("/a%2Fitem")).status, 404);
    all_refused(400, [get("/a\\b"), get("/a/b\\..\\c")]);
}

#[test]
fn p_04_parameters_of_segments() {
    assert_eq!(target_seen("/a/admin;x=1/y"), "/admin;x=1/y");
    let (backend, config) = (Backend::fixed("ok"), Config::new());
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /admin/y"], more: "" });
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/a/admin;x=1/y", &[]).status, 404);
    assert_eq!(gateway.get("/a;x=1/admin/y", &[]).status, 404);
}

#[test]
fn p_05_encoded_controls() {
    all_refused(400, ["/a/%00", "/a/%0d%0aX:y", "/a/%0a"].map(get));
    assert_eq!(target_seen("/a/item?x=%0d%0aX:y&n=%00"), "/item?x=%0d%0aX:y&n=%00");
}

#[test]
fn p_06_bytes_that_are_no_text() {
    assert_eq!(target_seen("/a/%ff"), "/%ff");
    assert_eq!(target_seen("/a/x%c0%afy/%c0%ae%c0%ae/z"), "/x%c0%afy/%c0%ae%c0%ae/z");
    let ground = Ground::with(
        r#"<base /><set-header name="X-Path"><value>@(context.Request.Url.Path)</value></set-header>"#,
        &[],
    );
    assert_eq!(ground.answer(get("/a/%ff")).status, 200);
}

#[test]
fn p_07_double_encoding() {
    assert_eq!(target_seen("/a/%252e%252e/x"), "/%252e%252e/x");
}

#[test]
fn p_08_slashes_and_case() {
    assert_eq!(target_seen("/a//admin"), "//admin");
    assert_eq!(target_seen("/a/Item/"), "/Item/");
    let (backend, config) = (Backend::fixed("ok"), Config::new());
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    let gateway = Running::start(config.path(), &[]);
    for target in ["//a/item", "/a//item", "/a/item/"] {
        assert_eq!(gateway.get(target, &[]).status, 404, "{target}");
    }
}

#[test]
fn p_09_broken_escapes() {
    all_refused(400, ["/a/%zz", "/a/%2", "/a/%", "/a/item?x=%2"].map(get));
}

#[test]
fn p_10_queries_and_fragments() {
    all_refused(400, [get("/a/b#c"), get(&format!("/a/b?{}", "a&".repeat(1001)))]);
    assert_eq!(target_seen("/a/item?&=&"), "/item?&=&");
    let many = format!("/a/item?{}", vec!["a=1"; 1000].join("&"));
    assert_eq!(target_seen(&many).len(), many.len() - 2);
    let (backend, config) = (Backend::fixed("ok"), Config::new());
    let url = backend.url();
    let more = r#""subscriptionRequired": true"#;
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more });
    config.subscription("s", "/apis/a", "active");
    let gateway = Running::start(config.path(), &[]);
    let key = "subscription-key";
    let target = format!("/a/item?x=1&{key}=s-primary&y=2&{key}=other&Subscription-Key=third&z");
    assert_eq!(gateway.get(&target, &[]).status, 200);
    assert_eq!(gateway.get(&format!("/a/item?{key}=other&{key}=s-primary"), &[]).status, 401);
    assert_eq!(backend.only().target, format!("/item?x=1&{key}=s-primary&y=2&z"));
}

#[test]
fn p_11_hosts() {
    let ground = Ground::new();
    for (host, forwarded) in [
        ("A.Example", "a.example"),
        ("a.example.", "a.example"),
        ("a.example:8080", "a.example:8080"),
        ("a.example:80", "a.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("[2001:DB8::1]:81", "[2001:db8::1]:81"),
    ] {
        let answer = ground.answer(format!("GET /a/item HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(answer.status, 200, "{host}");
        let seen = ground.backend.seen();
        assert_eq!(seen[seen.len() - 1].header("x-forwarded-host"), Some(forwarded), "{host}");
    }
    let hosts = ["a,b", "", "a/b", "u@a", "a b", "b\u{fc}cher", "[fe80::1%25eth0]", "[::1", "a:b", "a:99999"];
    let mut rows: Vec<_> = hosts
        .iter()
        .map(|host| format!("GET /a/item HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes())
        .collect();
    rows.push(b"GET /a/item HTTP/1.1\r\n\r\n".to_vec());
    rows.push(b"GET /a/item HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n".to_vec());
    rows.push(super::line("GET * HTTP/1.1"));
    all_refused(400, rows);
}

#[test]
fn p_13_ambiguous_templates_and_method_overrides() {
    let (backend, config) = (Backend::fixed("ok"), Config::new());
    let url = backend.url();
    let operations = &["GET /users/{id}", "GET /users/me", "DELETE /users/{id}"];
    config.api(&Api { name: "a", path: "a", service_url: &url, operations, more: "" });
    let which =
        r#"<base /><set-header name="X-Operation"><value>@(context.Operation.Id)</value></set-header>"#;
    config.policy("apis/a/policy.xml", which, "", "", "");
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/a/users/me", &[]).status, 200);
    let overriding =
        [("X-HTTP-Method-Override", "DELETE"), ("X-HTTP-Method", "DELETE"), ("X-Method-Override", "DELETE")];
    assert_eq!(gateway.get("/a/users/7", &overriding).status, 200);
    let seen: Vec<_> = backend
        .seen()
        .iter()
        .map(|seen| format!("{} {}", seen.method, seen.header("x-operation").unwrap_or_default()))
        .collect();
    assert_eq!(seen, ["GET operation-2", "GET operation-1"]);
}
