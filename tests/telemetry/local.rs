//! Sinks of this machine (`self-hosted-gateway.md` §3.2, §3.3, §8 row 44), and event hubs.

use std::net::UdpSocket;
use std::time::Duration;

use gateway_tests::process::Process;
use gateway_tests::{Backend, Client, Recorded, Reply};
use serde_json::Value;

use crate::collector::{World, bearer, identity, reply};

/// Every datagram until nothing comes for a while.
fn datagrams(socket: &UdpSocket) -> Vec<String> {
    socket.set_read_timeout(Some(Duration::from_secs(3))).expect("a time-out");
    let mut buffer = [0; 65_536];
    let mut all = Vec::new();
    while let Ok(length) = socket.recv(&mut buffer) {
        all.push(String::from_utf8(buffer[..length].to_vec()).expect("UTF-8"));
    }
    all
}

#[test]
fn statsd_counts_every_request() {
    let server = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    // Few requests: a socket that nobody reads in time keeps little.
    let reading = std::thread::spawn({
        let server = server.try_clone().expect("a socket");
        move || datagrams(&server)
    });
    let endpoint = format!("udp://{}", server.local_addr().expect("an address"));
    let world = World::start(&[
        ("telemetry.metrics.local", "statsd"),
        ("telemetry.metrics.local.statsd.endpoint", &endpoint),
        ("telemetry.metrics.local.statsd.tag-format", "dogStatsD"),
    ]);
    world.load("/shop/ok", 60);
    world.load("/shop/none", 7);
    let lines = reading.join().expect("datagrams");
    assert!(lines.iter().all(|datagram| datagram.len() <= 1400));
    let (mut counted, mut not_found, mut timers) = (0, 0, 0);
    for line in lines.iter().flat_map(|datagram| datagram.lines()) {
        let (name, rest) = line.split_once(':').expect("a name");
        let mut parts = rest.split('|');
        let (value, kind, tags) = (parts.next(), parts.next(), parts.next());
        let value: f64 = value.and_then(|value| value.parse().ok()).expect("a number");
        let tags = tags.expect("tags");
        match (name, kind) {
            ("Requests", Some("c")) if tags.contains("ResponseCode:404") => not_found += value as u32,
            ("Requests", Some("c")) => counted += value as u32,
            ("DurationInMS", Some("ms")) => timers += 1,
            (_, kind) => assert_eq!(kind, Some("ms"), "{line}"),
        }
    }
    assert_eq!((counted, not_found, timers), (60, 7, 67));
}

#[test]
fn log_records_arrive_as_json_and_syslog_datagrams() {
    let config = gateway_tests::Config::new();
    let backend = Backend::fixed("x");
    let url = backend.url();
    config.api(&gateway_tests::Api {
        name: "a",
        path: "a",
        service_url: &url,
        operations: &["GET /i"],
        more: "",
    });
    for form in ["json", "rfc5424"] {
        let server = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let endpoint =
            format!("telemetry.logs.local.{form}.endpoint={}", server.local_addr().expect("an address"));
        let local = format!("telemetry.logs.local={form}");
        let folder = config.path().to_str().expect("a path");
        let process = Process::start(&["--config", folder, "--set", &local, "--set", &endpoint]);
        let http = Process::address(&process.line_with("GatewayListening"), "http");
        Client::connect(http).request("GET", "/a/i?key=secret", &[]);
        let all = datagrams(&server);
        let record = all.iter().find(|text| text.contains("GatewayLogs")).expect("the request's record");
        assert!(!record.contains("secret") && !record.ends_with('\n'), "{record}");
        let json = record.get(record.find('{').expect("JSON")..).expect("JSON");
        let json: Value = serde_json::from_str(json).expect("JSON");
        assert_eq!((&json["responseCode"], &json["apiId"]), (&Value::from(200), &Value::from("a")));
        let head =
            format!("<14>1 {}", json["timestamp"].as_str().expect("a time").get(..20).expect("a time"));
        assert!(record.starts_with(if form == "json" { "{" } else { &head }), "{record}");
    }
}

/// Event Hubs' HTTPS interface.
pub fn hub(request: &Recorded) -> Reply {
    if request.target != "/logs/messages?timeout=60&api-version=2014-01" {
        return reply(404, "");
    }
    if request.header("authorization") != Some(&bearer("https://eventhubs.azure.net")) {
        return reply(401, "");
    }
    if request.header("content-type") != Some("application/vnd.microsoft.servicebus.json") {
        return reply(400, "");
    }
    if request.body.len() > 256 << 10 {
        return reply(413, "");
    }
    match serde_json::from_slice::<Vec<Value>>(&request.body) {
        Ok(events) if events.iter().all(|event| event["Body"].is_string()) => reply(201, ""),
        _ => reply(400, ""),
    }
}

/// What a hub has taken.
pub fn events(service: &Backend) -> Vec<Value> {
    let seen = service.seen();
    let batches = seen.iter().map(|request| serde_json::from_slice::<Vec<Value>>(&request.body));
    let events = batches.flat_map(|batch| batch.expect("an array"));
    events.map(|event| serde_json::from_str(event["Body"].as_str().expect("a body")).expect("JSON")).collect()
}

#[test]
fn every_request_is_an_event_of_the_hub_once() {
    let (service, identity) = (Backend::start(hub), identity());
    let (address, metadata) = (format!("{}/logs", service.url()), identity.url());
    let world = World::start(&[
        ("telemetry.event-hubs.hub", &address),
        ("identity.source", "vm"),
        ("identity.metadata.host", &metadata),
    ]);
    world.load("/shop/ok", 10_000);
    world.wait_for("event-hubs", 10_000);
    let mut ids = std::collections::HashSet::new();
    for event in events(&service) {
        assert_eq!(event["properties"]["responseCode"], 200);
        ids.insert(event["correlationId"].to_string());
    }
    assert_eq!(ids.len(), 10_000);
}
