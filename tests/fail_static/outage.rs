//! The plane goes away and comes back.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gateway_tests::{Backend, Federation};
use serde_json::json;

use crate::traffic::Traffic;
use crate::{admin, answered, eventually, follow};

/// Rows 29, 33, 37, 38: without a backup, a gateway that runs serves through an outage, and then catches up.
#[test]
fn running_gateway_serves_through_an_outage_and_catches_up() {
    let backend = Backend::fixed("ok");
    let mut plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    plane.api("gone", &backend.url(), &["a"]);
    let gateway = follow(&plane, &token, &[]);
    answered(&gateway, "/one/item", 200, "ok");
    let traffic = Traffic::start(gateway.http(), "/one/item", |status, text| status == 200 && text == "ok");
    plane.stop();
    eventually("the loss shows", Duration::from_secs(10), || {
        admin(&gateway, "/config").1.contains("\"linked\":false")
    });
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(admin(&gateway, "/healthz/ready").0, 200);
    plane.resume();
    plane.delete("apis/gone");
    plane.api("new", &backend.url(), &["a"]);
    answered(&gateway, "/new/item", 200, "ok");
    answered(&gateway, "/gone/item", 404, "");
    assert!(traffic.stop() > 500);
}

/// Row 34: without a backup and without a plane a gateway stays up, is not ready and answers 503; it serves by itself as soon
/// as the plane is there.
#[test]
fn gateway_without_backup_and_plane_is_not_ready_and_recovers() {
    let backend = Backend::fixed("ok");
    let mut plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    plane.stop();
    let gateway = follow(&plane, &token, &[]);
    let answer = gateway.get("/one/item", &[]);
    assert_eq!(answer.status, 503);
    assert!(answer.header("retry-after").is_some() && !answer.body.is_empty());
    assert_eq!(gateway.get("/status-0123456789abcdef", &[]).status, 503);
    assert_eq!(admin(&gateway, "/healthz/ready").0, 503);
    assert_eq!(admin(&gateway, "/healthz/live").0, 200);
    plane.resume();
    answered(&gateway, "/one/item", 200, "ok");
    assert_eq!(gateway.get("/status-0123456789abcdef", &[]).status, 200);
}

/// Rows 30 and 40: a token that is revoked does not stop a gateway that runs.
#[test]
fn revoked_token_does_not_stop_a_running_gateway() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    let gateway = follow(&plane, &token, &[("config.service.wait", "0")]);
    answered(&gateway, "/one/item", 200, "ok");
    let traffic = Traffic::start(gateway.http(), "/one/item", |status, text| status == 200 && text == "ok");
    assert_eq!(plane.call("POST", "gateways/a/regenerateKey", &json!({"keyType": "primary"})).0, 204);
    eventually("the refusal shows", Duration::from_secs(10), || {
        admin(&gateway, "/config").1.contains("\"linked\":false")
    });
    std::thread::sleep(Duration::from_secs(1));
    traffic.stop();
    // Started with it, or with one that has expired, a gateway has nothing to serve and says so: never an empty 200.
    for token in [token, expired(&plane)] {
        let late = follow(&plane, &token, &[]);
        assert_eq!(late.get("/one/item", &[]).status, 503);
        assert_eq!(late.get("/status-0123456789abcdef", &[]).status, 503);
    }
}

/// Row 30: a token that expires while a gateway runs does not stop it either. Tokens tell their end to the minute.
#[test]
fn expired_token_does_not_stop_a_running_gateway() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    while second() > 40 {
        std::thread::sleep(Duration::from_secs(1));
    }
    let token = plane.token_until("a", "primary", SystemTime::now() + Duration::from_mins(1));
    let settings = [("config.service.wait", "0"), ("net.server.http.keep-alive.requests.max", "1000000")];
    let gateway = follow(&plane, &token, &settings);
    answered(&gateway, "/one/item", 200, "ok");
    let traffic = Traffic::start(gateway.http(), "/one/item", |status, text| status == 200 && text == "ok");
    eventually("the refusal shows", Duration::from_secs(90), || {
        admin(&gateway, "/config").1.contains("\"linked\":false")
    });
    std::thread::sleep(Duration::from_secs(2));
    assert!(traffic.stop() > 500);
    assert_eq!(admin(&gateway, "/healthz/ready").0, 200);
}

fn second() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs() % 60
}

/// A token whose end is the beginning of this minute: tokens tell it to the minute.
fn expired(plane: &Federation) -> String {
    while second() > 55 {
        std::thread::sleep(Duration::from_secs(1));
    }
    plane.token_until("a", "primary", SystemTime::now() + Duration::from_secs(2))
}
