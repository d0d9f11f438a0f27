//! Backend entities: pools, circuit breakers, proxies; and calls side by side, to a Dapr sidecar too.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use gateway_tests::{Api, Backend, Config, Reply, Running};

/// One API at `/a` whose inbound policies are given, and backend entities: name and properties.
fn folder(inbound: &str, backends: &[(&str, String)]) -> Config {
    let config = Config::new();
    let operations = ["GET /item", "POST /item"];
    config.api(&Api { name: "a", path: "a", service_url: "", operations: &operations, more: "" });
    config.policy("apis/a/policy.xml", inbound, "", "", "");
    for (name, properties) in backends {
        let file = format!("backends/{name}/backendInformation.json");
        config.file(&file, &format!(r#"{{"properties": {{"protocol": "http", {properties}}}}}"#));
    }
    config
}

fn single(backend: &Backend, more: &str) -> String {
    format!(r#""url": "{}"{more}"#, backend.url())
}

const BREAKER: &str = r#", "circuitBreaker": {"rules": [{"name": "r", "failureCondition": {"count": 3, "interval": "PT5M",
    "statusCodeRanges": [{"min": 500, "max": 599}], "errorReasons": ["BackendConnectionFailure"]},
    "tripDuration": "PT5M"}]}"#;

const TO_POOL: &str = r#"<base /><set-backend-service backend-id="many" />"#;

fn pool(services: &str, more: &str) -> String {
    format!(r#""type": "Pool", "pool": {{"services": [{services}]{more}}}"#)
}

#[test]
fn pool_shares_and_breakers_are_exact_over_workers() {
    let (a, b) = (Backend::fixed("a"), Backend::fixed("b"));
    let bad = Backend::start(|_| Reply::with(500, &[], "bad"));
    let services = r#"{"id": "/backends/bad", "priority": 1}, {"id": "/backends/one", "priority": 2, "weight": 3},
        {"id": "/backends/two", "priority": 2, "weight": 1}"#;
    let backends = [
        ("bad", single(&bad, BREAKER)),
        ("one", single(&a, "")),
        ("two", single(&b, "")),
        ("many", pool(services, "")),
    ];
    let gateway = Running::start(folder(TO_POOL, &backends).path(), &[("workers", "4")]);
    for _ in 0..43 {
        gateway.get("/a/item", &[]);
    }
    assert_eq!((bad.seen().len(), a.seen().len(), b.seen().len()), (3, 30, 10));
}

#[test]
fn open_breaker_is_503_and_outlives_a_new_configuration() {
    let bad = Backend::start(|_| Reply::with(500, &[], "bad"));
    let inbound = r#"<base /><set-backend-service backend-id="bad" />"#;
    let config = folder(inbound, &[("bad", single(&bad, BREAKER))]);
    let gateway = Running::start(config.path(), &[]);
    for _ in 0..3 {
        assert_eq!(gateway.get("/a/item", &[]).status, 500);
    }
    let refused = gateway.get("/a/item", &[]);
    let text = r#"{ "statusCode": 503, "message": "Backend 'bad' is temporarily unavailable." }"#;
    assert_eq!((refused.status, refused.text().as_str()), (503, text));
    assert_eq!(refused.reason, "Backend 'bad' is temporarily unavailable");
    assert_eq!(refused.header("retry-after"), Some("300"));
    let marked = format!(r#"{inbound}<set-variable name="x" value="y" />"#);
    config.policy(
        "apis/a/policy.xml",
        &marked,
        "",
        r#"<base /><set-header name="X-New"><value>1</value></set-header>"#,
        "",
    );
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let answer = gateway.get("/a/item", &[]);
        assert_eq!(answer.status, 503);
        if answer.header("x-new").is_some() {
            break;
        }
        assert!(Instant::now() < deadline, "the new policy is not in force");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(bad.seen().len(), 3);
}

#[test]
fn session_affinity_keeps_a_client_with_its_member() {
    let (a, b) = (Backend::fixed("a"), Backend::fixed("b"));
    let affinity = r#", "sessionAffinity": {"sessionId": {"source": "Cookie", "name": "Member"}}"#;
    let services = r#"{"id": "/backends/one"}, {"id": "/backends/two"}"#;
    let backends = [("one", single(&a, "")), ("two", single(&b, "")), ("many", pool(services, affinity))];
    let gateway = Running::start(folder(TO_POOL, &backends).path(), &[]);
    let first = gateway.get("/a/item", &[]);
    let cookie = first.header("set-cookie").expect("a cookie").split(';').next().expect("a pair").to_owned();
    for _ in 0..5 {
        let again = gateway.get("/a/item", &[("Cookie", &cookie)]);
        assert_eq!((again.text(), again.header("set-cookie")), (first.text(), None));
    }
}

/// A proxy that takes one set of credentials, notes the first line of each connection, and relays.
fn proxy() -> (String, std::sync::Arc<std::sync::Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let lines = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let kept = std::sync::Arc::clone(&lines);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count == 1) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            kept.lock().expect("lines").push(head.lines().next().unwrap_or_default().to_owned());
            if !head.contains("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n") {
                let refusal = b"HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\nContent-Length: 0\r\n\r\n";
                let _ = stream.write_all(refusal);
                continue;
            }
            if head.starts_with("CONNECT") {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nnot TLS, so the hand-shake fails");
                continue;
            }
            let target = head.split(' ').nth(1).unwrap_or_default().trim_start_matches("http://").to_owned();
            let authority = target.split('/').next().unwrap_or_default().to_owned();
            let Ok(mut backend) = TcpStream::connect(&authority) else { continue };
            let _ = backend.write_all(
                format!("GET /{} HTTP/1.1\r\nHost: {authority}\r\n\r\n", &target[authority.len() + 1..])
                    .as_bytes(),
            );
            let mut answer = [0; 4096];
            let count = backend.read(&mut answer).unwrap_or(0);
            let _ = stream.write_all(&answer[..count]);
        }
    });
    (format!("http://{address}"), lines)
}

#[test]
fn proxy_gets_the_whole_url_or_connect_and_asks_for_basic() {
    let backend = Backend::fixed("behind");
    let (proxy, lines) = proxy();
    let with = |credentials: &str, url: &str| {
        format!(r#"<base /><set-backend-service base-url="{url}" /><proxy url="{proxy}" {credentials} />"#)
    };
    let run = |inbound: &str| {
        let config = folder(inbound, &[]);
        let on_error =
            r#"<base /><set-header name="X-Why"><value>@(context.LastError.Message)</value></set-header>"#;
        config.policy("apis/a/policy.xml", inbound, "", "", on_error);
        Running::start(config.path(), &[]).get("/a/item?q=1", &[])
    };
    let credentials = r#"username="user" password="pass""#;
    assert_eq!(run(&with(credentials, &backend.url())).text(), "behind");
    assert_eq!(lines.lock().expect("lines").as_slice(), [format!("GET {}/item?q=1 HTTP/1.1", backend.url())]);
    assert_eq!(run(&with(credentials, "https://secure.example")).status, 500);
    assert_eq!(lines.lock().expect("lines")[1], "CONNECT secure.example:443 HTTP/1.1");
    let refused = run(&with("", "https://secure.example"));
    let why = refused.header("x-why").expect("why");
    assert!(refused.status == 500 && why.contains("other than Basic") && why.contains("NTLM"), "{why}");
    let metadata = run(&with(credentials, "http://169.254.169.254"));
    assert!(metadata.header("x-why").expect("why").contains("must not be called"), "{metadata:?}");
    assert_eq!(lines.lock().expect("lines").len(), 3, "the address is refused before the proxy is called");
}

#[test]
fn wait_runs_calls_side_by_side_and_any_cancels_the_rest() {
    let slow = Backend::start(|_| {
        std::thread::sleep(Duration::from_millis(700));
        Reply::ok("slow")
    });
    let fast = Backend::fixed("fast");
    let call = |name: &str, url: &str| {
        format!(
            r#"<send-request response-variable-name="{name}"><set-url>{url}/</set-url><set-method>GET</set-method></send-request>"#
        )
    };
    let run = |kind: &str| {
        let calls = [call("a", &slow.url()), call("b", &slow.url()), call("c", &fast.url())].concat();
        let nested =
            format!(r#"<choose><when condition="@(true)">{}</when></choose>"#, call("d", &slow.url()));
        let inbound = format!(
            r#"<base /><wait for="{kind}">{calls}{nested}</wait><return-response><set-body>@(string.Join(",", context.Variables.Keys.OrderBy(k => k)))</set-body></return-response>"#
        );
        let gateway = Running::start(folder(&inbound, &[]).path(), &[]);
        let begin = Instant::now();
        (gateway.get("/a/item", &[]).text(), begin.elapsed())
    };
    let (all, took) = run("all");
    assert_eq!(all, "a,b,c,d");
    assert!(took < Duration::from_millis(1900), "three calls of 700 ms took {took:?}");
    let (any, took) = run("any");
    assert_eq!(any, "c");
    assert!(took < Duration::from_millis(690), "the others were waited for: {took:?}");
}

#[test]
fn dapr_sidecar_is_called_on_its_port() {
    let sidecar = Backend::start(|request| match request.target.as_str() {
        "/v1.0/publish/queue/orders" => Reply::with(204, &[], ""),
        _ => Reply::ok("invoked"),
    });
    let inbound = r#"<base /><publish-to-dapr topic="queue/orders">@("{\"q\":" + context.Request.Url.Query["q"][0] + "}")</publish-to-dapr>
        <set-backend-service backend-id="dapr" dapr-app-id="echo" dapr-method="add" />"#;
    let port = sidecar.address().port().to_string();
    let gateway = Running::start(folder(inbound, &[]).path(), &[("dapr.http.port", &port)]);
    assert_eq!(gateway.get("/a/item?q=7", &[]).text(), "invoked");
    let seen = sidecar.seen();
    assert_eq!(
        (seen[0].body.as_slice(), seen[0].header("content-type")),
        (&br#"{"q":7}"#[..], Some("application/json"))
    );
    assert_eq!(seen[1].target, "/v1.0/invoke/echo/method/add?q=7");
}

#[test]
fn events_go_to_the_hub_in_batches_with_a_signature_and_refusals_are_counted() {
    let hub = Backend::start(|request| match request.target.split('?').next() {
        Some("/refused/messages") => Reply::with(401, &[], ""),
        _ => Reply::with(201, &[], ""),
    });
    let address = hub.address();
    let inbound = r#"<base /><log-to-eventhub logger-id="hub" partition-key="k">@("é " + context.Request.Url.Query["n"][0])</log-to-eventhub>
        <log-to-eventhub logger-id="none">x</log-to-eventhub><return-response />"#;
    let config = folder(inbound, &[]);
    for (name, entity) in [("hub", "logs"), ("none", "refused")] {
        let text = format!(
            r#"{{"properties": {{"loggerType": "azureEventHub", "credentials": {{"name": "{entity}",
            "connectionString": "{{{{hub-connection}}}}"}}}}}}"#
        );
        config.file(&format!("loggers/{name}/loggerInformation.json"), &text);
    }
    config.file(
        "namedValues/hub-connection/namedValueInformation.json",
        &format!(
            r#"{{"properties": {{"displayName": "hub-connection", "secret": true,
            "value": "Endpoint=sb://{address}/;SharedAccessKeyName=send;SharedAccessKey=a2V5;UseDevelopmentEmulator=true"}}}}"#
        ),
    );
    let gateway = Running::start(config.path(), &[("workers", "1")]);
    for number in 0..20 {
        assert_eq!(gateway.get(&format!("/a/item?n={number}"), &[]).status, 200);
    }
    let deadline = Instant::now() + Duration::from_secs(20);
    let counted =
        |result: &str| gateway.metric("gateway_event_hub_events_total", &[&format!("\"{result}\"")]);
    while counted("sent") < 20.0 || counted("rejected") < 20.0 {
        assert!(Instant::now() < deadline, "{}", gateway.metrics());
        std::thread::sleep(Duration::from_millis(50));
    }
    let logs: Vec<_> =
        hub.seen().into_iter().filter(|request| request.target.starts_with("/logs/messages?")).collect();
    assert!(logs.len() < 20, "events are gathered: {} requests", logs.len());
    let bodies: String =
        logs.iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    assert!((0..20).all(|number| bodies.contains(&format!("é {number}"))), "{bodies}");
    for request in logs {
        let token = request.header("authorization").expect("a token").to_owned();
        let resource = format!("sr=http%3A%2F%2F127.0.0.1%3A{}%2Flogs&sig=", address.port());
        assert!(token.starts_with("SharedAccessSignature ") && token.contains(&resource), "{token}");
        assert!(token.ends_with("&skn=send"), "{token}");
        assert_eq!(request.header("brokerproperties"), Some(r#"{"PartitionKey":"k"}"#));
    }
}

#[test]
fn traced_request_shows_its_statements_and_hides_secrets() {
    let backend = Backend::fixed("ok");
    let inbound = format!(
        r#"<base /><set-backend-service base-url="{}" /><set-header name="X-Added"><value>{{{{hidden}}}}</value></set-header>
        <trace source="me"><message>note</message></trace>
        <find-and-replace from="nowhere" to="there" />
        <choose><when condition="@(context.Request.Body.As<string>(true).Length > 1)"><set-variable name="seen" value="yes" /></when></choose>"#,
        backend.url()
    );
    let config = folder(&inbound, &[]);
    config.file(
        "namedValues/hidden/namedValueInformation.json",
        r#"{"properties": {"displayName": "hidden", "secret": true, "value": "hunter2-hunter2"}}"#,
    );
    let gateway = Running::start(config.path(), &[]);
    let admin = |method: &str, target: &str| {
        gateway_tests::Client::connect(gateway.admin()).request(method, target, &[])
    };
    let issued = admin("POST", "/debug-credentials?apiId=a&credentialsExpireAfter=PT5M").text();
    let token = issued.split('"').nth(3).expect("a token").to_owned();
    let fields = [("Apim-Debug-Authorization", token.as_str()), ("Authorization", "Bearer top-secret")];
    let answer = gateway.client().request_with("POST", "/a/item?key=in-the-query", &fields, b"body");
    let id = answer.header("apim-trace-id").expect("a trace").to_owned();
    assert_eq!(backend.only().header("apim-debug-authorization"), None);
    let trace = admin("GET", &format!("/traces/{id}")).text();
    for part in [
        "\"source\":\"set-header\"",
        "\"path\":\"choose[1]/when[1]/set-variable[1]\"",
        "\"variables.seen\":\"yes\"",
        "\"buffers\":[\"request\"]",
        "\"message\":\"note\"",
        "\"source\":\"forward-request\"",
        "\"response.status\":\"200 Status\"",
    ] {
        assert!(trace.contains(part), "{part} in {trace}");
    }
    // The statement that reads the body as a stream, and the one whose expression does.
    assert_eq!(trace.matches("\"buffers\":[\"request\"]").count(), 2, "{trace}");
    for secret in ["hunter2", "top-secret", "in-the-query", &token] {
        assert!(!trace.contains(secret), "{secret} in {trace}");
    }
    assert_eq!(gateway.get("/a/item", &[]).header("apim-trace-id"), None);
    for (target, field, told) in [
        ("/debug-credentials?apiId=b", "Apim-Debug-Authorization", Some("true")),
        ("/debug-credentials?apiId=a", "Ocp-Apim-Trace", None),
    ] {
        let issued = admin("POST", target).text();
        let value =
            if field == "Ocp-Apim-Trace" { "true" } else { issued.split('"').nth(3).expect("a token") };
        let answer = gateway.get("/a/item", &[(field, value)]);
        assert_eq!(answer.header("apim-trace-id"), None);
        assert_eq!(answer.header("apim-debug-authorization-wrongapi"), told);
    }
    assert_eq!(admin("POST", "/debug-credentials?apiId=a&credentialsExpireAfter=PT2H").status, 400);
    assert_eq!(admin("POST", "/metrics").status, 405);
}

/// The old way to ask: a key whose subscription allows it.
#[test]
fn key_that_allows_tracing_gets_a_trace() {
    let backend = Backend::fixed("ok");
    let url = backend.url();
    let config = folder(&format!(r#"<base /><set-backend-service base-url="{url}" />"#), &[]);
    for (name, may_trace) in [("may", true), ("may-not", false)] {
        let text = format!(
            r#"{{"properties": {{"displayName": "{name}", "scope": "/apis", "state": "active", "allowTracing": {may_trace},
            "primaryKey": "key-{name}"}}}}"#
        );
        config.file(&format!("subscriptions/{name}/subscriptionInformation.json"), &text);
    }
    let gateway = Running::start(config.path(), &[]);
    let ask =
        |key: &str| gateway.get("/a/item", &[("Ocp-Apim-Subscription-Key", key), ("Ocp-Apim-Trace", "true")]);
    let answer = ask("key-may");
    let id = answer.header("apim-trace-id").expect("a trace").to_owned();
    let place = answer.header("ocp-apim-trace-location").expect("its place").to_owned();
    assert_eq!((answer.status, place.as_str()), (200, format!("/traces/{id}").as_str()));
    let trace = gateway_tests::Client::connect(gateway.admin()).request("GET", &place, &[]);
    assert!(trace.status == 200 && trace.text().contains("forward-request"), "{}", trace.text());
    let refused = ask("key-may-not");
    assert_eq!((refused.status, refused.header("ocp-apim-trace-location")), (200, None));
    assert!(backend.seen().iter().all(|seen| seen.header("ocp-apim-trace").is_none()));
}
