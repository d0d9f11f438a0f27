//! Paths, versions, revisions, templates (`policies.md` §6).

use gateway_tests::{Api, Backend, Config, Running};

const NOT_FOUND: &str = r#"{ "statusCode": 404, "message": "Resource not found" }"#;

fn api<'a>(name: &'a str, path: &'a str, url: &'a str, operations: &'a [&'a str], more: &'a str) -> Api<'a> {
    Api { name, path, service_url: url, operations, more }
}

#[test]
fn operation_path_is_joined_to_the_service_url() {
    let backend = Backend::fixed("hello");
    let config = Config::new();
    let url = format!("{}/base/", backend.url());
    config.api(&api("shop", "my/shop", &url, &["GET /items/{id}"], ""));
    let gateway = Running::start(config.path(), &[]);
    let answer = gateway.get("/my/shop/items/a%2Fb?x=1&y", &[]);
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    let seen = backend.only();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("GET", "/base/items/a%2Fb?x=1&y"));
    assert_eq!(seen.header("host"), Some(backend.address().to_string().as_str()));
}

#[test]
fn unknown_path_or_method_is_404_to_the_byte() {
    let config = Config::new();
    config.api(&api("shop", "shop", "http://127.0.0.1:1", &["GET /items"], ""));
    let gateway = Running::start(config.path(), &[]);
    for (method, target) in [("GET", "/"), ("GET", "/shop"), ("POST", "/shop/items"), ("GET", "/shop/items/")]
    {
        let answer = gateway.client().request(method, target, &[]);
        assert_eq!((answer.status, answer.text().as_str()), (404, NOT_FOUND), "{method} {target}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn longest_path_wins_and_its_case_does_not_matter() {
    let (short, long) = (Backend::fixed("short"), Backend::fixed("long"));
    let config = Config::new();
    config.api(&api("short", "a", &short.url(), &["GET /*"], ""));
    config.api(&api("long", "a/b", &long.url(), &["GET /*"], ""));
    let gateway = Running::start(config.path(), &[]);
    for (target, expected) in [("/a/x", "short"), ("/a/b/x", "long"), ("/A/B/x", "long"), ("/a/bc", "short")]
    {
        assert_eq!(gateway.get(target, &[]).text(), expected, "{target}");
    }
}

#[test]
fn versions_are_found_by_segment_query_and_header() {
    let (original, second) = (Backend::fixed("original"), Backend::fixed("second"));
    for (scheme, more, target, headers) in [
        ("Segment", "", "/v/v2/item", vec![]),
        ("Query", r#", "versionQueryName": "ver""#, "/v/item?ver=v2", vec![]),
        ("Header", r#", "versionHeaderName": "X-Ver""#, "/v/item", vec![("x-ver", "v2")]),
    ] {
        let config = Config::new();
        config.file(
            "version sets/set/versionSetInformation.json",
            &format!(r#"{{"properties": {{"displayName": "set", "versioningScheme": "{scheme}"{more}}}}}"#),
        );
        let set = r#""apiVersionSetId": "/apiVersionSets/set""#;
        config.api(&api("one", "v", &original.url(), &["GET /item"], set));
        let with_version = format!(r#"{set}, "apiVersion": "v2""#);
        config.api(&api("two", "v", &second.url(), &["GET /item"], &with_version));
        let gateway = Running::start(config.path(), &[]);
        assert_eq!(gateway.get("/v/item", &[]).text(), "original", "{scheme}");
        assert_eq!(gateway.get(target, &headers).text(), "second", "{scheme}");
    }
}

#[test]
fn revisions_are_reached_by_their_number() {
    let (first, second) = (Backend::fixed("first"), Backend::fixed("second"));
    let config = Config::new();
    config.api(&api("r", "r", &first.url(), &["GET /item"], ""));
    config.api(&api("r;rev=2", "r", &second.url(), &["GET /item"], ""));
    config.file(
        "apis/r;rev=2/apiInformation.json",
        &format!(
            r#"{{"properties": {{"displayName": "r", "path": "r", "protocols": ["http"], "apiRevision": "2",
            "isCurrent": false, "subscriptionRequired": false, "serviceUrl": "{}"}}}}"#,
            second.url()
        ),
    );
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/r/item", &[]).text(), "first");
    assert_eq!(gateway.get("/r;rev=1/item", &[]).text(), "first");
    assert_eq!(gateway.get("/r;rev=2/item", &[]).text(), "second");
    assert_eq!(gateway.get("/r;rev=3/item", &[]).status, 404);
}

#[test]
fn a_protocol_the_api_does_not_take_is_404() {
    let config = Config::new();
    config.api(&api("tls", "tls", "http://127.0.0.1:1", &["GET /"], ""));
    let path = "apis/tls/apiInformation.json";
    config.file(
        path,
        r#"{"properties": {"displayName": "tls", "path": "tls", "protocols": ["https"], "apiRevision": "1",
        "isCurrent": true, "subscriptionRequired": false, "serviceUrl": "http://127.0.0.1:1"}}"#,
    );
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/tls/", &[]).status, 404);
}
