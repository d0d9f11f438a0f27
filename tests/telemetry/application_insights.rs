//! Application Insights (`self-hosted-gateway.md` §4.3, §8 rows 9 and 28): a server that refuses what the service would.

use std::collections::HashSet;

use gateway_tests::{Backend, Client, Recorded, Reply};
use serde_json::Value;

use crate::collector::{World, bearer, body, identity, reply};

pub const KEY: &str = "00000000-0000-0000-0000-0000000000aa";

/// Base types and the members each must have (§4.3.3).
const REQUIRED: [(&str, &str, &[&str]); 5] = [
    ("Request", "RequestData", &["id", "duration", "responseCode", "success"]),
    ("RemoteDependency", "RemoteDependencyData", &["name", "duration"]),
    ("Exception", "ExceptionData", &["exceptions"]),
    ("Message", "MessageData", &["message"]),
    ("Metric", "MetricData", &["metrics"]),
];

/// The service: path, content type, token, and the schema of every item.
pub fn service(request: &Recorded) -> Reply {
    if request.method != "POST" || request.target != "/v2.1/track" {
        return reply(404, "");
    }
    if request.header("authorization") != Some(&bearer("https://monitor.azure.com")) {
        return reply(401, "");
    }
    if request.header("content-type") != Some("application/x-json-stream") {
        return reply(415, "");
    }
    let Some(text) = body(request) else { return reply(400, "no gzip") };
    let mut accepted = 0;
    for line in text.lines() {
        if line.len() > 64 << 10 {
            return reply(400, "an item is larger than 64 KB");
        }
        match serde_json::from_str::<Value>(line).map(|item| fault(&item)) {
            Ok(None) => accepted += 1,
            Ok(Some(fault)) => return reply(400, &fault),
            Err(error) => return reply(400, &error.to_string()),
        }
    }
    Reply::ok(&format!(r#"{{"itemsReceived":{accepted},"itemsAccepted":{accepted},"errors":[]}}"#))
}

pub fn fault(item: &Value) -> Option<String> {
    let name = item["name"].as_str()?;
    let Some((_, base, members)) = REQUIRED.iter().find(|(known, ..)| *known == name) else {
        return Some(format!("unknown item {name}"));
    };
    let data = &item["data"]["baseData"];
    let time = item["time"].as_str().unwrap_or_default();
    let missing = members.iter().find(|member| data[**member].is_null());
    let checks = [
        ("iKey", item["iKey"] == KEY),
        ("ver", item["ver"] == 1 && data["ver"] == 2),
        ("baseType", item["data"]["baseType"] == *base),
        ("time", time.len() == 28 && time.ends_with('Z')),
        ("sampleRate", item["sampleRate"].as_f64().is_some_and(|rate| rate > 0.0 && rate <= 100.0)),
        ("tags", item["tags"]["ai.operation.id"].as_str().is_some_and(|id| id.len() == 32)),
        ("members", missing.is_none()),
        ("url", data["url"].as_str().is_none_or(|url| url.len() <= 2048)),
    ];
    checks.iter().find(|(_, holds)| !holds).map(|(what, _)| format!("{name}: {what}"))
}

fn start(service: &Backend, identity: &Backend, more: &[(&str, &str)]) -> World {
    let connection = format!("InstrumentationKey={KEY};IngestionEndpoint={}", service.url());
    let url = identity.url();
    let own = [
        ("telemetry.application-insights.connection-string", connection.as_str()),
        ("telemetry.application-insights.identity", "on"),
        ("identity.source", "vm"),
        ("identity.metadata.host", &url),
    ];
    World::start(&[&own[..], more].concat())
}

pub fn items(service: &Backend) -> Vec<Value> {
    let bodies = service.seen();
    let texts = bodies.iter().map(|request| body(request).expect("gzip"));
    let text = texts.collect::<Vec<_>>().join("\n");
    assert!(!text.contains("secret"));
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn ten_thousand_requests_arrive_exactly_once() {
    let (service, identity) = (Backend::start(service), identity());
    let world = start(&service, &identity, &[]);
    world.load("/shop/ok", 10_000);
    world.wait_for("application-insights", 20_000);
    let items = items(&service);
    let named = |name: &str| items.iter().filter(|item| item["name"] == name).collect::<Vec<_>>();
    let requests = named("Request");
    let urls: HashSet<&str> =
        requests.iter().filter_map(|item| item["data"]["baseData"]["url"].as_str()).collect();
    assert_eq!((requests.len(), urls.len()), (10_000, 10_000));
    let spans: HashSet<(&str, &str)> = requests
        .iter()
        .map(|item| {
            let (id, span) = (&item["tags"]["ai.operation.id"], &item["data"]["baseData"]["id"]);
            (id.as_str().expect("an id"), span.as_str().expect("a span"))
        })
        .collect();
    let calls = named("RemoteDependency");
    assert_eq!(calls.len(), 10_000);
    for call in calls {
        let tags = &call["tags"];
        let parent = tags["ai.operation.parentId"].as_str().expect("a parent");
        assert!(spans.contains(&(tags["ai.operation.id"].as_str().expect("an id"), parent)));
        assert_eq!(call["data"]["baseData"]["resultCode"], "200");
    }
    for outcome in ["refused", "queue-full", "buffer-full", "too-large"] {
        let label = format!("result=\"{outcome}\"");
        assert_eq!(world.gateway.metric("gateway_export_items_total", &[&label]), 0.0);
    }
    let health = Client::connect(world.gateway.admin()).request("GET", "/healthz", &[]);
    assert_eq!(health.status, 200);
    assert!(health.text().contains("exporter application-insights: up, 20000 sent"), "{}", health.text());
    // What `gateway datapath top` reads.
    let top = Client::connect(world.gateway.admin()).request("GET", "/datapath", &[]);
    assert!(top.text().contains("\"application-insights: up, 20000 sent"), "{}", top.text());
}

/// Success, 4xx, backend failure, client abort (§8 row 9).
#[test]
fn every_ending_has_its_items() {
    let (service, identity) = (Backend::start(service), identity());
    let world = start(&service, &identity, &[]);
    for target in ["/shop/ok", "/shop/none", "/shop/fail"] {
        world.load(target, 1);
        // The event is closed just behind the answer, each on its own worker.
        world.gateway.settled("gateway_requests_total", &[]);
    }
    world.abort();
    world.wait_for("application-insights", 8);
    let items = items(&service);
    let of = |name: &str, member: &str| -> Vec<Value> {
        let found = items.iter().filter(|item| item["name"] == name);
        found.map(|item| item["data"]["baseData"][member].clone()).collect()
    };
    assert_eq!(of("Request", "responseCode"), ["200", "404", "500", "0"]);
    assert_eq!(of("Request", "success"), [true, false, false, false]);
    assert_eq!(of("Request", "name")[0], "shop;rev=1 - operation-1");
    assert_eq!(of("RemoteDependency", "resultCode"), ["200", "0"]);
    let reasons: Vec<Value> =
        of("Exception", "exceptions").iter().map(|list| list[0]["typeName"].clone()).collect();
    assert_eq!(reasons, ["OperationNotFound", "BackendConnectionFailure"]);
}

#[test]
fn sampling_takes_its_share_and_all_failures() {
    let (service, identity) = (Backend::start(service), identity());
    let world = start(&service, &identity, &[("telemetry.application-insights.sampling", "10")]);
    world.load("/shop/ok", 4000);
    world.load("/shop/none", 20);
    world.wait_for("application-insights", 400);
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let items = items(&service);
    let rated = |rate: f64| {
        items
            .iter()
            .filter(|item| item["name"] == "Request" && item["sampleRate"].as_f64() == Some(rate))
            .count()
    };
    assert_eq!(rated(100.0), 20);
    assert!((300..=500).contains(&rated(10.0)), "{}", rated(10.0));
}

#[test]
fn sink_that_is_down_or_refuses_delays_no_request() {
    let identity = identity();
    let refusing = Backend::start(|_| reply(503, "busy"));
    let world = start(&refusing, &identity, &[]);
    let began = std::time::Instant::now();
    world.load("/shop/ok", 2000);
    let with_trouble = began.elapsed();
    std::thread::sleep(std::time::Duration::from_secs(2));
    world.load("/shop/ok", 100);
    let health = Client::connect(world.gateway.admin()).request("GET", "/healthz", &[]);
    assert_eq!(health.status, 200, "a sink that is down does not take the gateway out");
    assert!(health.text().contains("application-insights: down (status 503: busy)"), "{}", health.text());
    assert_eq!(world.gateway.metric("gateway_export_up", &["application-insights"]), 0.0);
    assert!(with_trouble < std::time::Duration::from_secs(30), "{with_trouble:?}");
}
