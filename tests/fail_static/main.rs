//! Gateways and their management plane: what arrives, and that nothing which happens to the plane stops a gateway.
//! Rows 4, 22–25, 29–38 and 40 of self-hosted-gateway.md §8.

mod backup;
mod folders;
mod outage;
mod protocol;
mod traffic;
mod updates;

use std::time::{Duration, Instant};

use gateway_tests::{Federation, Running};

/// A gateway that follows a plane quickly.
fn follow(plane: &Federation, token: &str, settings: &[(&str, &str)]) -> Running {
    let endpoint = plane.endpoint();
    let fixed = [
        ("config.service.endpoint", endpoint.as_str()),
        ("config.service.auth", token),
        ("config.service.poll", "1"),
        ("config.service.heartbeat", "1"),
    ];
    Running::with(&[&fixed, settings].concat())
}

/// Waits until something is so.
fn eventually(what: &str, within: Duration, is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + within;
    while !is_so() {
        assert!(Instant::now() < deadline, "not within {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until a GET is answered so.
fn answered(gateway: &Running, target: &str, status: u16, text: &str) {
    eventually(&format!("{target} answers {status} {text}"), Duration::from_secs(15), || {
        let answer = gateway.get(target, &[]);
        answer.status == status && (text.is_empty() || answer.text() == text)
    });
}

/// A page of the admin listener.
fn admin(gateway: &Running, page: &str) -> (u16, String) {
    let answer = gateway_tests::Client::connect(gateway.admin()).request("GET", page, &[]);
    (answer.status, answer.text())
}
