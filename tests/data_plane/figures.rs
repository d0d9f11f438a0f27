//! Figures out: the admin listener counts exactly what was sent.

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
