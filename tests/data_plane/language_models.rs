//! APIs of language models: the semantic cache, content safety, token metrics (`policies.md` B 3.7, C §6).

use gateway_tests::redis::Redis;
use gateway_tests::search_server::SearchServer;
use gateway_tests::{Answer, Api, Backend, Config, Recorded, Reply, Running, Script};
use serde_json::{Value, json};

/// A model, its embeddings and a content safety service, at one address.
fn service(request: &Recorded) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    match request.target.split('?').next().unwrap_or_default() {
        "/embeddings" => {
            // Words that mean the same have the same direction.
            let input = text("input");
            let cold = ["cold", "chilly", "freezing"].iter().any(|word| input.contains(word));
            Reply::ok(&json!({ "data": [{ "embedding": [f64::from(u8::from(cold)), 0.5] }] }).to_string())
        }
        "/contentsafety/text:analyze" => {
            let severity = if text("text").contains("bad") { 6 } else { 0 };
            Reply::ok(
                &json!({ "blocklistsMatch": [], "categoriesAnalysis": [{ "category": "Hate", "severity": severity }] })
                    .to_string(),
            )
        }
        "/chat" => {
            let answer = json!({ "choices": [{ "message": { "content": "an answer" } }], "usage": { "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 } });
            Reply::with(200, &[("Content-Type", "application/json")], &answer.to_string())
        }
        other => panic!("{other}"),
    }
}

fn folder(url: &str, inbound: &str, outbound: &str) -> Config {
    let config = Config::new();
    config.api(&Api { name: "a", path: "a", service_url: url, operations: &["POST /chat"], more: "" });
    for (name, path) in [("embeddings", "/embeddings"), ("safety", "")] {
        config.file(
            &format!("backends/{name}/backendInformation.json"),
            &format!(
                r#"{{"properties": {{"url": "{url}{path}", "protocol": "http", "credentials": {{"header": {{"api-key": ["k1"]}}}}}}}}"#
            ),
        );
    }
    let (inbound, outbound) = (format!("<base />{inbound}"), format!("<base />{outbound}"));
    config.policy("apis/a/policy.xml", &inbound, "", &outbound, "");
    config
}

const LOOKUP: &str = r#"<llm-semantic-cache-lookup score-threshold="0.1" embeddings-backend-id="embeddings" embeddings-backend-auth="system-assigned">
    <vary-by>@(context.Request.Headers.GetValueOrDefault("X-Tenant",""))</vary-by></llm-semantic-cache-lookup>"#;
const STORE: &str = r#"<llm-semantic-cache-store duration="60" />"#;

fn ask(gateway: &Running, text: &str, tenant: &str) -> Answer {
    let body = json!({ "messages": [{ "role": "user", "content": text }] }).to_string();
    let headers = [("Content-Type", "application/json"), ("X-Tenant", tenant)];
    gateway.client().request_with("POST", "/a/chat", &headers, body.as_bytes())
}

fn chats(backend: &Backend) -> usize {
    backend.seen().iter().filter(|seen| seen.target == "/chat").count()
}

fn asks_that_mean_the_same(gateway: &Running, backend: &Backend) {
    for (text, tenant, calls) in [
        ("is it cold?", "a", 1),
        ("is it freezing?", "a", 1),
        ("is it warm?", "a", 2),
        ("is it chilly?", "b", 3),
        ("is it warm today?", "a", 3),
    ] {
        let answer = ask(gateway, text, tenant);
        assert_eq!(answer.status, 200);
        assert!(answer.text().contains("an answer"));
        // What is stored in a server is stored behind the answer.
        std::thread::sleep(std::time::Duration::from_millis(100));
        assert_eq!(chats(backend), calls, "{text} {tenant}");
    }
    let embedding = backend.seen().into_iter().find(|seen| seen.target == "/embeddings").unwrap();
    assert_eq!(embedding.header("api-key"), Some("k1"), "the entity's credentials, and no token");
    assert_eq!(embedding.header("authorization"), None);
}

#[test]
fn semantic_cache_is_in_the_gateway_where_there_is_no_other() {
    let backend = Backend::start(service);
    let gateway = Running::start(folder(&backend.url(), LOOKUP, STORE).path(), &[("workers", "4")]);
    asks_that_mean_the_same(&gateway, &backend);
}

fn external(config: &Config, connection: &str) {
    let text =
        format!(r#"{{"properties": {{"useFromLocation": "default", "connectionString": "{connection}"}}}}"#);
    config.file("caches/default/cacheInformation.json", &text);
}

#[test]
fn semantic_cache_is_in_a_server_with_the_search_module() {
    let (backend, server) = (Backend::start(service), SearchServer::start());
    let config = folder(&backend.url(), LOOKUP, STORE);
    external(&config, &server.connection_string());
    let gateway = Running::start(config.path(), &[]);
    asks_that_mean_the_same(&gateway, &backend);
    let commands = server.commands();
    let count = |name: &str| commands.iter().filter(|own| *own == name).count();
    assert_eq!((count("FT.SEARCH"), count("FT.CREATE"), count("HSET"), count("PEXPIRE")), (5, 3, 3, 3));
    // Another gateway finds what this one has stored.
    let second = Running::start(config.path(), &[]);
    ask(&second, "is it cold?", "a");
    assert_eq!(chats(&backend), 3);
}

#[test]
fn semantic_cache_beside_a_server_without_the_module_is_in_the_gateway() {
    let Some(redis) = Redis::start(None) else { return };
    let backend = Backend::start(service);
    let config = folder(&backend.url(), LOOKUP, STORE);
    external(&config, &redis.connection_string());
    let gateway = Running::start(config.path(), &[("workers", "1")]);
    asks_that_mean_the_same(&gateway, &backend);
}

#[test]
fn content_safety_refuses_prompts_and_stops_streams() {
    let safety = Backend::start(service);
    let model = Script::start(|client, _| {
        client.through(b"\r\n\r\n");
        client.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        );
        for word in ["good ", "words ", "are ", "bad ", "words ", "behind "] {
            let event = format!("data: {}\n\n", json!({ "choices": [{ "delta": { "content": word } }] }));
            client.send(format!("{:x}\r\n{event}\r\n", event.len()).as_bytes());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        client.send(b"0\r\n\r\n");
    });
    let policy = r#"<llm-content-safety backend-id="safety" enforce-on-completions="true" window-size="8" window-overlap-size="3">
        <categories><category name="Hate" threshold="4" /></categories></llm-content-safety>"#;
    let config = folder(&safety.url(), policy, "");
    config.api(&Api {
        name: "a",
        path: "a",
        service_url: &model.url(),
        operations: &["POST /chat"],
        more: "",
    });
    let gateway = Running::start(config.path(), &[]);
    let refused = ask(&gateway, "something bad", "");
    assert_eq!((refused.status, model.connections()), (403, 0));
    assert_eq!(refused.text(), r#"{ "statusCode": 403, "message": "Request failed content safety check." }"#);
    let answer = ask(&gateway, "something", "");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    let text = answer.text();
    assert!(text.contains("good ") && text.contains("words "), "what has passed goes out: {text}");
    assert!(!text.contains("bad ") && !text.contains("behind "), "and nothing more: {text}");
}

#[test]
fn tokens_are_counted_as_metrics() {
    let backend = Backend::start(service);
    let policy = r#"<llm-emit-token-metric namespace="models"><dimension name="API ID" /><dimension name="Team" value="@(context.Request.Headers.GetValueOrDefault("X-Tenant"))" /></llm-emit-token-metric>"#;
    let gateway = Running::start(folder(&backend.url(), policy, "").path(), &[]);
    for _ in 0..3 {
        ask(&gateway, "hello", "blue");
    }
    let labels = ["namespace=\"models\"", "api_id=\"a\"", "team=\"blue\""];
    for (name, sum) in [("total", 30.0), ("prompt", 21.0), ("completion", 9.0)] {
        let found = gateway.settled(&format!("gateway_custom_{name}_tokens_sum"), &labels);
        assert!((found - sum).abs() < 0.1, "{name}: {found} in {}", gateway.metrics());
    }
}
