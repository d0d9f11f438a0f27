//! Debug credentials made by the plane, and traces brought to it.

use std::time::Duration;

use gateway_tests::{Backend, Federation, Running};
use serde_json::{Value, json};

use crate::{answered, eventually, follow};

const SOON: Duration = Duration::from_secs(20);

fn credentials(plane: &Federation, gateway: &str, more: Value) -> (u16, Value) {
    let mut body = json!({"apiId": "/apis/one", "purposes": ["tracing"]});
    if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
        body.extend(more);
    }
    plane.call("POST", &format!("gateways/{gateway}/listDebugCredentials"), &body)
}

fn token(plane: &Federation, gateway: &str, more: Value) -> String {
    let (status, answer) = credentials(plane, gateway, more);
    assert_eq!(status, 200, "{answer}");
    answer["token"].as_str().expect("a token").to_owned()
}

/// The value of a field of the answer to a request with a token.
fn told(gateway: &Running, api: &str, token: &str, field: &str) -> Option<String> {
    let answer = gateway.get(&format!("/{api}/item"), &[("Apim-Debug-Authorization", token)]);
    assert_eq!(answer.status, 200);
    answer.header(field).map(str::to_owned)
}

#[test]
fn credentials_of_the_plane_are_good_at_its_gateways_and_traces_come_back() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let first = plane.gateway("a");
    plane.gateway("b");
    plane.api("one", &backend.url(), &["a", "b"]);
    plane.api("two", &backend.url(), &["a"]);
    // One knows the primary key's secret, the other the secondary's.
    let [a, b] = [first, plane.token("b", "secondary")].map(|token| follow(&plane, &token, &[]));
    for gateway in [&a, &b] {
        answered(gateway, "/one/item", 200, "ok");
    }
    let of_a = token(&plane, "a", json!({}));
    let id = told(&a, "one", &of_a, "apim-trace-id").expect("a trace");
    let trace = |gateway: &str, id: &str| {
        plane.call("POST", &format!("gateways/{gateway}/listTrace"), &json!({"traceId": id}))
    };
    let (status, found) = trace("a", &id);
    assert_eq!(status, 200, "{found}");
    assert_eq!((&found["traceId"], &found["request"]["method"]), (&json!(id), &json!("GET")));
    assert!(
        found["traceEntries"]["backend"].as_array().is_some_and(|entries| !entries.is_empty()),
        "{found}"
    );
    assert_eq!(trace("b", &id).0, 404, "another gateway's");
    // Not for another gateway, nor for another API, which is told.
    assert_eq!(told(&b, "one", &of_a, "apim-trace-id"), None);
    assert_eq!(told(&a, "two", &of_a, "apim-trace-id"), None);
    assert!(told(&a, "two", &of_a, "apim-debug-authorization-wrongapi").is_some());
    // All of them at once.
    let of_all = token(&plane, "managed", json!({"credentialsExpireAfter": "PT5M"}));
    for gateway in [&a, &b] {
        let id = told(gateway, "one", &of_all, "apim-trace-id").expect("a trace");
        assert_eq!(trace("managed", &id).0, 200);
    }
    let short = token(&plane, "a", json!({"credentialsExpireAfter": "PT1S"}));
    eventually("they end", SOON, || told(&a, "one", &short, "apim-debug-authorization-expired").is_some());

    let (status, _) = plane.call("POST", "gateways/a/invalidateDebugCredentials", &Value::Null);
    assert_eq!(status, 204);
    eventually("they are called in", SOON, || told(&a, "one", &of_a, "apim-trace-id").is_none());
    assert!(told(&b, "one", &of_all, "apim-trace-id").is_some(), "those of the other gateway are not");
    let fresh = token(&plane, "a", json!({}));
    assert!(told(&a, "one", &fresh, "apim-trace-id").is_some());
    let (_, shown) = plane.call("GET", "gateways/a", &Value::Null);
    assert!(!shown.to_string().contains("CalledIn"), "{shown}");
}

#[test]
fn credentials_are_refused_for_what_they_cannot_be() {
    let plane = Federation::start();
    plane.gateway("a");
    plane.api("one", "http://backend.invalid", &["a"]);
    plane.api("two", "http://backend.invalid", &[]);
    for (gateway, more, status) in [
        ("a", json!({"purposes": ["replay"]}), 400),
        ("a", json!({"purposes": []}), 400),
        ("a", json!({"credentialsExpireAfter": "PT2H"}), 400),
        ("a", json!({"credentialsExpireAfter": "PT0S"}), 400),
        ("a", json!({"credentialsExpireAfter": "soon"}), 400),
        ("a", json!({"apiId": "/apis/nothing"}), 400),
        ("a", json!({"apiId": "/apis/two"}), 400),
        ("a", json!({"apiId": ""}), 400),
        ("managed", json!({"apiId": "/apis/two"}), 400),
        ("nobody", json!({}), 404),
    ] {
        let (answered, body) = credentials(&plane, gateway, more.clone());
        assert_eq!(answered, status, "{gateway} {more}: {body}");
    }
    assert_eq!(plane.call("POST", "gateways/a/listTrace", &json!({})).0, 400);
    assert_eq!(plane.call("POST", "gateways/a/listTrace", &json!({"traceId": "none"})).0, 404);
}
