//! Policies of a folder through the listeners: scopes, errors, limits over workers, calls to other backends.

use std::sync::atomic::{AtomicUsize, Ordering};

use gateway_tests::{Api, Backend, Config, Reply, Running};

/// One API at `/a` with `GET /item` and `POST /item`, and a policy document of its own.
fn folder(backend: &Backend, inbound: &str, outbound: &str, on_error: &str) -> Config {
    let config = Config::new();
    let url = backend.url();
    let operations = ["GET /item", "POST /item"];
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &operations, more: "" });
    config.policy("apis/a/policy.xml", inbound, "", outbound, on_error);
    config
}

fn mark(scope: &str) -> String {
    format!(
        r#"<set-header name="X-Order" exists-action="append"><value>{scope}-before</value></set-header><base />
        <set-header name="X-Order" exists-action="append"><value>{scope}-after</value></set-header>"#
    )
}

#[test]
fn base_joins_the_scopes_where_it_stands() {
    let backend = Backend::fixed("ok");
    let config = folder(&backend, &mark("api"), "", "");
    config.policy("policy.xml", &mark("global"), "<forward-request />", "", "");
    config.policy("apis/a/operations/operation-1/policy.xml", &mark("operation"), "", "", "");
    config.product("free", false, &["a"]).policy("products/free/policy.xml", &mark("product"), "", "", "");
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/a/item", &[]).status, 200);
    let expected = "operation-before,api-before,product-before,global-before,global-after,product-after,api-after,\
                    operation-after";
    assert_eq!(backend.only().header("x-order"), Some(expected));
}

#[test]
fn rate_limit_by_key_is_exact_over_workers_and_connections() {
    let backend = Backend::fixed("ok");
    let limit = r#"<base /><rate-limit-by-key calls="50" renewal-period="300" counter-key="@(context.Request.IpAddress)" />"#;
    let gateway = Running::start(folder(&backend, limit, "", "").path(), &[("workers", "4")]);
    let address = gateway.http();
    let threads: Vec<_> = (0..8)
        .map(|_| {
            std::thread::spawn(move || {
                (0..20)
                    .filter(|_| {
                        let answer = gateway_tests::Client::connect(address).request("GET", "/a/item", &[]);
                        assert!(answer.status == 200 || answer.status == 429);
                        answer.status == 200
                    })
                    .count()
            })
        })
        .collect();
    let passed: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(passed, 50);
    let refused = gateway.get("/a/item", &[]);
    let seconds = refused.header("retry-after").expect("Retry-After").to_owned();
    let text = format!(
        r#"{{ "statusCode": 429, "message": "Rate limit is exceeded. Try again in {seconds} seconds." }}"#
    );
    assert_eq!((refused.status, refused.text()), (429, text));
}

#[test]
fn retry_calls_again_until_the_backend_answers_well() {
    let calls = AtomicUsize::new(0);
    let backend = Backend::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => Reply::with(503, &[], "not yet"),
        _ => Reply::ok("at last"),
    });
    let config = folder(&backend, "", "", "");
    config.policy(
        "policy.xml",
        "",
        r#"<retry condition="@(context.Response == null || context.Response.StatusCode >= 500)" count="3" interval="0">
        <forward-request buffer-request-body="true" /></retry>"#,
        "",
        "",
    );
    let gateway = Running::start(config.path(), &[]);
    let answer = gateway.client().request_with("POST", "/a/item", &[], b"payload");
    assert_eq!((answer.status, answer.text().as_str()), (200, "at last"));
    let bodies: Vec<_> = backend.seen().into_iter().map(|request| request.body).collect();
    assert_eq!(bodies, [b"payload", b"payload", b"payload"]);
}

#[test]
fn send_request_brings_the_answer_of_another_backend() {
    let (backend, other) = (Backend::fixed("main"), Backend::fixed(r#"{"user": {"name": "grace"}}"#));
    let inbound = format!(
        r#"<base /><send-request mode="new" response-variable-name="who" timeout="5">
        <set-url>{}/who</set-url><set-method>GET</set-method></send-request>
        <set-header name="X-User"><value>@(((IResponse)context.Variables["who"]).Body.As<JObject>()["user"]["name"].ToString())</value></set-header>"#,
        other.url()
    );
    let gateway = Running::start(folder(&backend, &inbound, "", "").path(), &[]);
    assert_eq!(gateway.get("/a/item", &[]).text(), "main");
    assert_eq!(other.only().target, "/who");
    assert_eq!(backend.only().header("x-user"), Some("grace"));
}

#[test]
fn cached_value_is_shared_by_requests_and_workers() {
    let (backend, other) = (Backend::fixed("main"), Backend::fixed("token-1"));
    let inbound = format!(
        r#"<base /><cache-lookup-value key="token" variable-name="token" />
        <choose><when condition="@(!context.Variables.ContainsKey("token"))">
        <send-request mode="new" response-variable-name="r"><set-url>{}/</set-url><set-method>GET</set-method></send-request>
        <set-variable name="token" value="@(((IResponse)context.Variables["r"]).Body.As<string>())" />
        <cache-store-value key="token" value="@((string)context.Variables["token"])" duration="60" /></when></choose>
        <set-header name="X-Token"><value>@((string)context.Variables["token"])</value></set-header>"#,
        other.url()
    );
    let gateway = Running::start(folder(&backend, &inbound, "", "").path(), &[("workers", "4")]);
    for _ in 0..20 {
        assert_eq!(gateway.get("/a/item", &[]).status, 200);
    }
    assert_eq!(other.seen().len(), 1, "asked once");
    assert!(backend.seen().iter().all(|request| request.header("x-token") == Some("token-1")));
}

#[test]
fn expression_over_bodies_changes_both_ways() {
    let backend = Backend::fixed(r#"{"items": [1, 2, 3]}"#);
    let inbound = r#"<base /><set-body>@{ var b = context.Request.Body.As<JObject>(); b["seen"] = true; return b.ToString(Newtonsoft.Json.Formatting.None); }</set-body>"#;
    let outbound = r#"<base /><set-body>@("sum=" + context.Response.Body.As<JObject>()["items"].Select(i => (int)i).Sum())</set-body>"#;
    let gateway = Running::start(folder(&backend, inbound, outbound, "").path(), &[]);
    let answer = gateway.client().request_with("POST", "/a/item", &[], br#"{"a": 1}"#);
    assert_eq!((answer.status, answer.text().as_str()), (200, "sum=6"));
    assert_eq!(backend.only().body, br#"{"a":1,"seen":true}"#);
}

#[test]
fn failing_expression_is_500_with_the_activity_id() {
    let backend = Backend::fixed("ok");
    let inbound = r#"<base /><set-variable name="x" value="@(int.Parse("x"))" />"#;
    let on_error = r#"<base /><set-header name="X-Reason"><value>@(context.LastError.Reason + "/" + context.LastError.Source + "/" + context.LastError.Section)</value></set-header>
        <set-header name="X-Id"><value>@(context.RequestId.ToString())</value></set-header>"#;
    let gateway = Running::start(folder(&backend, inbound, "", on_error).path(), &[]);
    let answer = gateway.get("/a/item", &[]);
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("x-reason"), Some("ExpressionValueEvaluationFailure/set-variable/inbound"));
    let id = answer.header("x-id").expect("an id");
    let text =
        format!(r#"{{ "statusCode": 500, "message": "Internal server error", "activityId": "{id}" }}"#);
    assert_eq!(answer.text(), text);
    assert!(backend.seen().is_empty());
}

#[test]
fn endless_expression_costs_one_request() {
    let backend = Backend::fixed("ok");
    let inbound = r#"<base /><choose><when condition="@(context.Request.Method == "POST")">
        <set-variable name="x" value="@{ while (true) { } return 1; }" /></when></choose>"#;
    let gateway = Running::start(folder(&backend, inbound, "", "").path(), &[("workers", "1")]);
    let hostile = gateway.client().request_with("POST", "/a/item", &[], b"x");
    assert_eq!(hostile.status, 500);
    assert_eq!(gateway.get("/a/item", &[]).status, 200);
}

#[test]
fn budgets_of_expressions_are_settings() {
    let backend = Backend::fixed("ok");
    let inbound = r#"<base /><set-header name="X-Sum"><value>@{ var sum = 0; for (var i = 0; i < 500; i++) { sum += i; } return "" + sum; }</value></set-header>"#;
    let on_error =
        r#"<base /><set-header name="X-Message"><value>@(context.LastError.Message)</value></set-header>"#;
    let config = folder(&backend, inbound, "", on_error);
    let usual = Running::start(config.path(), &[]);
    assert_eq!(usual.get("/a/item", &[]).status, 200);
    assert_eq!(backend.only().header("x-sum"), Some("124750"));
    let tight = Running::start(config.path(), &[("expressions.steps", "200")]);
    let answer = tight.get("/a/item", &[]);
    assert_eq!(answer.status, 500);
    let message = "Expression evaluation failed. The expression exceeded the limit of steps.";
    assert_eq!(answer.header("x-message"), Some(message));
    assert_eq!(backend.seen().len(), 1, "the backend was not asked");
}

#[test]
fn lenient_takes_what_the_list_of_members_has_not() {
    let backend = Backend::fixed("ok");
    let inbound = r#"<base /><set-header name="X-Count"><value>@(Regex.Matches("abab", "a").Count.ToString())</value></set-header>"#;
    let config = folder(&backend, inbound, "", "");
    let strict = Running::start(config.path(), &[]);
    assert_eq!(strict.get("/a/item", &[]).status, 503, "the API does not compile");
    let lenient = Running::start(config.path(), &[("expressions.strict", "false")]);
    assert_eq!(lenient.get("/a/item", &[]).status, 200);
    assert_eq!(backend.only().header("x-count"), Some("2"));
}

#[test]
fn line_breaks_never_reach_the_wire() {
    let backend = Backend::fixed("ok");
    let inbound = r#"<base /><set-header name="X-A"><value>@("a\r\nX-B: b")</value></set-header>"#;
    let gateway = Running::start(folder(&backend, inbound, "", "").path(), &[]);
    assert_eq!(gateway.get("/a/item", &[]).status, 500);
    assert!(backend.seen().is_empty());
}

#[test]
fn cors_answers_preflight_and_marks_simple_requests() {
    let backend = Backend::fixed("ok");
    let inbound = r#"<base /><cors allow-credentials="true"><allowed-origins><origin>https://app.example</origin></allowed-origins>
        <allowed-methods preflight-result-max-age="60"><method>GET</method></allowed-methods>
        <allowed-headers><header>X-Any</header></allowed-headers></cors>"#;
    let gateway = Running::start(folder(&backend, inbound, "", "").path(), &[]);
    let asks = [("Origin", "https://app.example"), ("Access-Control-Request-Method", "GET")];
    let preflight = gateway.client().request("OPTIONS", "/a/item", &asks);
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("https://app.example"));
    assert_eq!(preflight.header("access-control-max-age"), Some("60"));
    assert!(backend.seen().is_empty());
    let simple = gateway.get("/a/item", &asks[..1]);
    assert_eq!(
        (simple.text().as_str(), simple.header("access-control-allow-credentials")),
        ("ok", Some("true"))
    );
    let stranger = gateway.get("/a/item", &[("Origin", "https://other.example")]);
    assert_eq!((stranger.status, stranger.text().as_str()), (200, ""), "ended without the backend");
    assert_eq!(backend.seen().len(), 1);
}

#[test]
fn unreachable_backend_is_500_in_the_services_words() {
    let config = Config::new();
    let api =
        Api { name: "a", path: "a", service_url: "http://127.0.0.1:1", operations: &["GET /item"], more: "" };
    config.api(&api);
    let on_error =
        r#"<base /><set-header name="X-Reason"><value>@(context.LastError.Reason)</value></set-header>"#;
    config.policy("apis/a/policy.xml", "", "", "", on_error);
    let gateway = Running::start(config.path(), &[]);
    let answer = gateway.get("/a/item", &[]);
    assert_eq!((answer.status, answer.header("x-reason")), (500, Some("BackendConnectionFailure")));
    assert!(answer.text().contains("Internal server error"), "{}", answer.text());
}
