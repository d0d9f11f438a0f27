//! Calls that a gateway makes for a request beside the one to its backend: each is a span and a dependency, and the
//! components of Application Insights name each other (`self-hosted-gateway.md` §4.3.3, §4.3.5).

use std::time::{Duration, Instant};

use gateway_tests::{Api, Backend, Client, Config, Issuer, Reply};
use serde_json::json;

use crate::application_insights::KEY;
use crate::collector::{World, identity};
use crate::diagnostics::{diagnostic, insights, items, named};
use crate::opentelemetry::{http_collector, spans};

/// Application ids are told to the backend and to the caller, and read of both.
#[test]
fn components_of_application_insights_name_each_other() {
    let own = "0a1b2c3d-0000-0000-0000-00000000000a";
    let service = insights();
    let answer = [("Request-Context", "appId=cid-v1:backend-app")];
    let backend = Backend::start(move |_| Reply::with(200, &answer, "x"));
    let url = backend.url();
    let more = |config: &Config| {
        config.api(&Api {
            name: "named",
            path: "named",
            service_url: &url,
            operations: &["GET /i"],
            more: "",
        });
        let connection =
            format!("InstrumentationKey={KEY};IngestionEndpoint={};ApplicationId={own}", service.url());
        let logger =
            json!({"loggerType": "applicationInsights", "credentials": {"connectionString": connection}});
        let file = json!({ "properties": logger }).to_string();
        config.file("loggers/ai/loggerInformation.json", &file);
        let properties = json!({"loggerId": "/loggers/ai", "httpCorrelationProtocol": "Legacy"});
        diagnostic(config, "apis/named/", "applicationinsights", &properties);
        let properties = json!({"loggerId": "/loggers/ai", "httpCorrelationProtocol": "W3C"});
        diagnostic(config, "apis/shop/", "applicationinsights", &properties);
    };
    let world = World::configured(more, &[]);
    let caller = [("Request-Context", "appId=cid-v1:caller-app")];
    let told = format!("appId=cid-v1:{own}");
    let answer = world.gateway.get("/named/i", &caller);
    assert_eq!((answer.status, answer.header("request-context")), (200, Some(told.as_str())));
    assert_eq!(backend.only().header("request-context"), Some(told.as_str()));
    // Nothing of the kind where the newer protocol is spoken.
    let answer = world.gateway.get("/shop/ok", &caller);
    assert_eq!((answer.status, answer.header("request-context")), (200, None));
    assert_eq!(world.backend.only().header("request-context"), Some("appId=cid-v1:caller-app"));

    world.wait_for("application-insights:ai", 4);
    let items = items(&service);
    let of = |name, path: &str| {
        let found = named(&items, name)
            .into_iter()
            .find(|item| item["name"].as_str().is_some_and(|n| n.contains(path)));
        found.unwrap_or_else(|| panic!("no {name} of {path} in {items:?}"))
    };
    assert_eq!(of("Request", "named")["source"], "cid-v1:caller-app");
    assert!(of("Request", "shop")["source"].is_null());
    let call = of("RemoteDependency", "GET /i");
    assert_eq!(call["target"], format!("{} | cid-v1:backend-app", backend.address()));
    assert_eq!(call["type"], "Http (tracked component)");
    assert_eq!(of("RemoteDependency", "GET /ok")["type"], "HTTP");
}

/// Settings of a gateway whose spans go to a collector, and that has an identity.
fn traced<'s>(collector: &'s str, metadata: &'s str) -> [(&'s str, &'s str); 6] {
    [
        ("observability.opentelemetry.enabled", "true"),
        ("observability.opentelemetry.collector.uri", collector),
        ("observability.opentelemetry.protocol", "http/protobuf"),
        ("observability.opentelemetry.traces.enabled", "true"),
        ("identity.source", "vm"),
        ("identity.metadata.host", metadata),
    ]
}

/// A call that nobody waits for, the fetch of a token and of signing keys: a span each, within the section that asked;
/// what is at hand is no call.
#[test]
fn one_way_calls_tokens_and_keys_are_spans() {
    let (side, vm, issuer) = (Backend::fixed("side"), identity(), Issuer::start());
    let (collector, arrived) = http_collector();
    let (metadata, configuration) = (vm.url(), issuer.configuration());
    let inbound = format!(
        r#"<base /><validate-jwt header-name="X-Token"><openid-config url="{configuration}" /></validate-jwt>
        <send-one-way-request mode="new"><set-url>{}/told?code=secret</set-url><set-method>PUT</set-method></send-one-way-request>
        <authentication-managed-identity resource="https://a.test" />"#,
        side.url()
    );
    let more = |config: &Config| {
        config.policy("apis/shop/policy.xml", &inbound, "", "", "");
    };
    let uri = collector.url();
    let world = World::configured(more, &traced(&uri, &metadata));
    let token = issuer.token("anybody");
    for _ in 0..2 {
        let answer = Client::connect(world.gateway.http()).request("GET", "/shop/ok", &[("X-Token", &token)]);
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    // Request, two sections, backend and one-way call of both; of the first also two documents of the issuer and a token.
    world.wait_for("otlp-traces", 13);
    let spans = spans(&arrived);
    let attribute = |span: &opentelemetry_proto::tonic::trace::v1::Span, name: &str| {
        let found = span.attributes.iter().find(|attribute| attribute.key == name);
        found.map(|attribute| format!("{:?}", attribute.value)).unwrap_or_default()
    };
    let of = |kind: &str| -> Vec<_> {
        spans.iter().filter(|span| attribute(span, "gateway.call").contains(&format!("\"{kind}\""))).collect()
    };
    let inbound: Vec<_> = spans.iter().filter(|span| span.name == "inbound").collect();
    let (keys, tokens, one_way) = (of("signing-keys"), of("token"), of("send-one-way-request"));
    assert_eq!((spans.len(), keys.len(), tokens.len(), one_way.len()), (13, 2, 1, 2), "{spans:#?}");
    assert!(attribute(keys[0], "url.full").contains("openid-configuration"), "{keys:?}");
    assert!(attribute(tokens[0], "http.response.status_code").contains("200"), "{tokens:?}");
    for span in keys.iter().chain(&tokens).chain(&one_way) {
        assert!(inbound.iter().any(|section| section.span_id == span.parent_span_id), "{span:?}");
        assert!(span.status.as_ref().is_none_or(|status| status.code != 2), "{span:?}");
    }
    assert!(!format!("{spans:?}").contains("secret"));
    // The other side of the one-way call was told its span.
    let until = Instant::now() + Duration::from_secs(20);
    while side.seen().len() < 2 {
        assert!(Instant::now() < until, "two calls are made");
        std::thread::sleep(Duration::from_millis(20));
    }
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for seen in side.seen() {
        let told = seen.header("traceparent").expect("a traceparent").to_owned();
        assert!(one_way.iter().any(|span| told.contains(&hex(&span.span_id))), "{told}");
    }
}

/// What policies ask of others is a dependency of its own kind, and names no secret.
#[test]
fn calls_of_policies_are_dependencies() {
    let vm = identity();
    let (collector, arrived) = http_collector();
    let service = Backend::start(|request| match request.target.split('?').next().unwrap_or_default() {
        "/contentsafety/text:analyze" => Reply::ok(
            r#"{"blocklistsMatch": [], "categoriesAnalysis": [{"category": "Hate", "severity": 0}]}"#,
        ),
        "/v1.0/publish/queue/orders" => Reply::with(204, &[], ""),
        _ => Reply::ok(r#"{"title": "x"}"#),
    });
    let url = service.url();
    let inbound = r#"<base />
        <llm-content-safety backend-id="safety"><categories><category name="Hate" threshold="4" /></categories></llm-content-safety>
        <publish-to-dapr topic="queue/orders" ignore-error="true">{}</publish-to-dapr>"#;
    let more = |config: &Config| {
        let entity = json!({"properties": {"url": url, "protocol": "http",
            "credentials": {"header": {"api-key": ["planted-key"]}, "query": {"code": ["planted-code"]}}}});
        config.file("backends/safety/backendInformation.json", &entity.to_string());
        config.policy("apis/shop/policy.xml", inbound, "", "", "");
    };
    let (uri, metadata, port) = (collector.url(), vm.url(), service.address().port().to_string());
    let world =
        World::configured(more, &[&traced(&uri, &metadata)[..], &[("dapr.http.port", &port)]].concat());
    let prompt = br#"{"messages": [{"role": "user", "content": "hello"}]}"#;
    let answer = Client::connect(world.gateway.http()).request_with(
        "POST",
        "/shop/echo/1",
        &[("Content-Type", "application/json")],
        prompt,
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    // Request, section, backend, and the two calls.
    world.wait_for("otlp-traces", 5);
    let spans = spans(&arrived);
    for (kind, target) in [("ai-service", "text:analyze"), ("dapr", "/v1.0/publish/queue/orders")] {
        let found = spans.iter().find(|span| {
            let text = format!("{:?}", span.attributes);
            text.contains(&format!("\"{kind}\"")) && text.contains(target)
        });
        assert!(found.is_some(), "{kind}: {spans:#?}");
    }
    assert!(!format!("{spans:?}").contains("planted"), "{spans:?}");
}
