//! Figures out: the admin listener counts exactly what was sent.

use gateway_tests::process::Process;
use gateway_tests::{Api, Backend, Client, Config, Running};

fn gateway(backend: &Backend) -> (Config, Running) {
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    let gateway = Running::start(config.path(), &[]);
    (config, gateway)
}

#[test]
fn requests_are_counted_by_route_and_status() {
    let backend = Backend::fixed("0123456789");
    let (_config, gateway) = gateway(&backend);
    for _ in 0..7 {
        gateway.get("/a/item", &[]);
    }
    let mut client = gateway.client();
    for _ in 0..5 {
        client.request("GET", "/a/none", &[]);
    }
    let requests = |labels: &[&str]| gateway.settled("gateway_requests_total", labels);
    assert_eq!(requests(&[]), 12.0);
    assert_eq!(requests(&["api=\"a\"", "operation=\"operation-1\"", "response_code=\"200\""]), 7.0);
    assert_eq!(
        requests(&["api=\"a\"", "response_code=\"404\"", "last_error_reason=\"OperationNotFound\""]),
        5.0
    );
    assert_eq!(gateway.settled("gateway_request_duration_seconds_count", &["api=\"a\""]), 12.0);
}

#[test]
fn malformed_requests_are_counted_as_anomalies() {
    let backend = Backend::fixed("ok");
    let (_config, gateway) = gateway(&backend);
    for _ in 0..3 {
        gateway_tests::send_raw(gateway.http(), b"GET /a/item HTTP/1.1\r\n\r\n");
    }
    assert_eq!(gateway.settled("gateway_protocol_anomalies_total", &["host"]), 3.0);
    assert!(backend.seen().is_empty());
}

#[test]
fn admin_pages_answer() {
    let backend = Backend::fixed("ok");
    let (_config, gateway) = gateway(&backend);
    for (path, status, part) in [
        ("/healthz/live", 200, "live"),
        ("/healthz/ready", 200, "ready"),
        ("/config", 200, "\"apis\":1"),
        ("/datapath", 200, "\"state\":\"off\""),
        ("/nothing", 404, "no such page"),
    ] {
        let answer = Client::connect(gateway.admin()).request("GET", path, &[]);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.text().contains(part), "{path}: {}", answer.text());
    }
}

#[test]
fn status_path_answers_on_the_traffic_port() {
    let backend = Backend::fixed("ok");
    let (_config, gateway) = gateway(&backend);
    let answer = gateway.get("/status-0123456789abcdef", &[]);
    assert_eq!((answer.status, answer.body.len()), (200, 0));
}

/// Names of `self-hosted-gateway.md` §3.3, and none of its defects.
#[test]
fn request_records_have_the_documented_fields() {
    let backend = Backend::fixed("0123456789");
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    let process = Process::start(&["--config", config.path().to_str().unwrap()]);
    let http = Process::address(&process.line_with("GatewayListening"), "http");
    Client::connect(http).request("GET", "/a/item?x=1", &[]);
    let record: serde_json::Value = serde_json::from_str(&process.line_with("GatewayLogs")).unwrap();
    for name in ["level", "timestamp", "eventType"] {
        assert!(record[name].is_string(), "{name}: {record}");
    }
    let timestamp = record["timestamp"].as_str().unwrap();
    assert!(
        timestamp.ends_with('Z') && timestamp.len() == "2025-10-01T12:57:30.1234567Z".len(),
        "{timestamp}"
    );
    for (name, value) in [
        ("category", "GatewayLogs"),
        ("method", "GET"),
        ("apiId", "a"),
        ("operationId", "operation-1"),
        ("callerIpAddress", "127.0.0.1"),
        ("clientProtocol", "HTTP/1.1"),
        ("backendMethod", "GET"),
        ("backendProtocol", "HTTP/1.1"),
        ("apiRevision", "1"),
        ("cache", "none"),
    ] {
        assert_eq!(record[name].as_str(), Some(value), "{name}: {record}");
    }
    for (name, value) in [("responseCode", 200), ("backendResponseCode", 200)] {
        assert_eq!(record[name].as_u64(), Some(value), "{name}: {record}");
    }
    assert_eq!(record["isRequestSuccess"].as_bool(), Some(true), "{record}");
    for name in ["totalTime", "backendTime", "clientTime", "requestSize", "responseSize"] {
        assert!(record[name].is_number(), "{name}: {record}");
    }
    for name in ["timeGenerated", "correlationId", "url", "backendUrl"] {
        assert!(record[name].is_string(), "{name}: {record}");
    }
    assert!(record.get("lastError").is_none() && record.get("productId").is_none(), "{record}");
    Client::connect(http).request("GET", "/a/none", &[]);
    let failed: serde_json::Value = serde_json::from_str(&process.line_with("GatewayLogs")).unwrap();
    assert_eq!(
        (failed["responseCode"].as_u64(), failed["isRequestSuccess"].as_bool()),
        (Some(404), Some(false))
    );
    assert_eq!(failed["lastError"]["reason"].as_str(), Some("OperationNotFound"), "{failed}");
    assert_eq!(failed["lastError"]["source"].as_str(), Some("configuration"), "{failed}");
}

/// Lines of the Prometheus text format 0.0.4: every sample belongs to a family that was announced.
#[test]
fn metrics_are_well_formed_and_of_bounded_cardinality() {
    let backend = Backend::fixed("ok");
    let (_config, gateway) = gateway(&backend);
    for number in 0..50 {
        gateway.get(&format!("/nowhere/{number}?{number}"), &[]);
        gateway.client().request(&format!("M{number}"), "/a/item", &[]);
    }
    let text = gateway.metrics();
    let mut families = std::collections::BTreeSet::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            families.insert(rest.split(' ').next().unwrap().to_owned());
        } else if !line.starts_with('#') {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let known = families.contains(name) || family.is_some_and(|family| families.contains(family));
            assert!(known, "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        }
    }
    let series = text.lines().filter(|line| line.starts_with("gateway_requests_total{")).count();
    assert!(series < 20, "{series}");
}
