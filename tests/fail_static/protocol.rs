//! The protocol itself: who is let in, what is answered, how often is asked.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use gateway_tests::{Answer, Backend, Client, Federation};
use serde_json::{Value, json};

use crate::{answered, eventually, follow};

fn ask(plane: &Federation, token: &str, target: &str, etag: &str) -> Answer {
    let mut client = Client::over(TcpStream::connect(plane.address()).expect("a connection"));
    let mut headers = vec![("Authorization", token)];
    if !etag.is_empty() {
        headers.push(("If-None-Match", etag));
    }
    client.request("GET", target, &headers)
}

/// Rows 21 and 40: only a token signed with a key that is still the gateway's is taken.
#[test]
fn tokens_of_others_expired_and_revoked_are_refused() {
    let (plane, other) = (Federation::start(), Federation::start());
    let (token, second) = (plane.gateway("a"), plane.token("a", "secondary"));
    plane.gateway("b");
    let foreign = other.gateway("a");
    const TARGET: &str = "/gateways/a/configuration";
    assert_eq!(ask(&plane, &token, TARGET, "").status, 200);
    for (wrong, status) in [
        ("", 401),
        ("Bearer an-administrator", 401),
        ("GatewayKey a&209901010000&AAAA", 401),
        (token.trim_start_matches("GatewayKey "), 401),
        (foreign.as_str(), 401),
    ] {
        let answer = ask(&plane, wrong, TARGET, "");
        assert_eq!(answer.status, status, "{wrong}");
        assert!(answer.text().contains("InvalidGatewayToken"), "{}", answer.text());
    }
    assert_eq!(ask(&plane, &token, "/gateways/b/configuration", "").status, 403);
    assert_eq!(ask(&plane, &token, "/chunks/00", "").status, 404);
    let revoke = json!({"keyType": "primary"});
    assert_eq!(plane.call("POST", "gateways/a/regenerateKey", &revoke).0, 204);
    assert_eq!(ask(&plane, &token, TARGET, "").status, 401);
    assert_eq!(ask(&plane, &second, TARGET, "").status, 200);
    let late = json!({"keyType": "primary", "expiry": "2099-01-01T00:00:00Z"});
    assert_eq!(plane.call("POST", "gateways/a/generateToken", &late).0, 400);
}

/// An unchanged view is 304 without a body; changes elsewhere leave it so; a held request is answered at the change.
#[test]
fn view_keeps_its_tag_until_something_of_it_changes() {
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.gateway("b");
    plane.api("one", "http://backend.invalid", &["a"]);
    const TARGET: &str = "/gateways/a/configuration";
    let first = ask(&plane, &token, TARGET, "");
    let tag = first.header("etag").expect("a tag").to_owned();
    plane.api("two", "http://backend.invalid", &["b"]);
    plane.put("namedValues/unused", json!({"displayName": "unused", "value": "x"}));
    let again = ask(&plane, &token, TARGET, &tag);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let began = Instant::now();
    assert_eq!(ask(&plane, &token, &format!("{TARGET}?wait=1"), &tag).status, 304);
    assert!(began.elapsed() >= Duration::from_millis(900), "{:?}", began.elapsed());

    std::thread::scope(|scope| {
        let held = scope.spawn(|| {
            let answer = ask(&plane, &token, &format!("{TARGET}?wait=20"), &tag);
            (answer.status, Instant::now())
        });
        std::thread::sleep(Duration::from_millis(300));
        plane.api("three", "http://backend.invalid", &["a"]);
        let written = Instant::now();
        let (status, answered) = held.join().expect("an answer");
        assert_eq!(status, 200);
        assert!(answered < written + Duration::from_millis(500));
    });
    // Written again without a difference: no new tag.
    let tag = ask(&plane, &token, TARGET, "").header("etag").expect("a tag").to_owned();
    plane.api("three", "http://backend.invalid", &["a"]);
    assert_eq!(ask(&plane, &token, TARGET, &tag).status, 304);
}

/// Row 23: the plane knows every instance, what it applied and what did not compile.
#[test]
fn instances_are_known_at_the_plane() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    let gateway = follow(&plane, &token, &[]);
    answered(&gateway, "/one/item", 200, "ok");
    let instance = || plane.instances("a").into_iter().next().unwrap_or(Value::Null);
    eventually("a heartbeat that tells what is applied", Duration::from_secs(10), || {
        instance()["apis"] == 1 && instance()["ready"] == true
    });
    let now = instance();
    assert_eq!((&now["state"], &now["configurationSource"]), (&json!("running"), &json!("plane")));
    assert_eq!(now["version"], env!("CARGO_PKG_VERSION"));
    assert!(now["appliedConfiguration"].as_str().is_some_and(|tag| tag.split('-').count() == 3), "{now}");
    drop(gateway);
    assert!(plane.instances("b").is_empty());
}
