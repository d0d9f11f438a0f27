//! Quotas of all gateways of a service, read and set at the plane.

use std::time::Duration;

use gateway_tests::redis::Redis;
use gateway_tests::{Backend, Federation, Running};
use serde_json::{Value, json};

use crate::{answered, eventually, follow};

const SOON: Duration = Duration::from_secs(20);

fn counters(plane: &Federation, key: &str) -> Vec<Value> {
    let (status, answer) = plane.call("GET", &format!("quotas/{key}"), &Value::Null);
    assert_eq!(status, 200, "{answer}");
    answer["value"].as_array().cloned().unwrap_or_default()
}

fn count(plane: &Federation, key: &str) -> u64 {
    counters(plane, key).iter().filter_map(|counter| counter["value"]["callsCount"].as_u64()).sum()
}

fn allowed(gateway: &Running, target: &str, fields: &[(&str, &str)]) -> u64 {
    (0..20).map(|_| u64::from(gateway.get(target, fields).status == 200)).sum()
}

#[test]
fn quota_by_key_is_one_for_all_gateways_and_can_be_set() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let tokens = [plane.gateway("a"), plane.gateway("b")];
    plane.api("one", &backend.url(), &["a", "b"]);
    let [a, b] = tokens.map(|token| follow(&plane, &token, &[("config.service.report", "0.2")]));
    for gateway in [&a, &b] {
        answered(gateway, "/one/item", 200, "ok");
    }
    plane.policy(
        "apis/one/policies/policy",
        r#"<quota-by-key calls="10" renewal-period="31536000" counter-key="@(context.Request.Headers.GetValueOrDefault("X-K","none"))" />"#,
    );
    let key = [("X-K", "boo")];
    eventually("the quota holds", SOON, || allowed(&a, "/one/item", &[("X-K", "warm")]) < 20);
    assert_eq!(allowed(&a, "/one/item", &key), 10);
    eventually("the plane knows", SOON, || count(&plane, "boo") == 10);
    // The other gateway learns that nothing is left, without ten calls of its own.
    eventually("the other gateway knows", SOON, || b.get("/one/item", &key).status == 403);

    let [counter] = &counters(&plane, "boo")[..] else { panic!("one window") };
    assert_eq!(counter["counterKey"], "boo");
    let period = counter["periodKey"].as_str().expect("a period").to_owned();
    assert!(period.ends_with("_PT31536000S"), "{period}");
    assert!(counter["value"]["kbTransferred"].as_f64() > Some(0.1), "{counter}");
    let path = format!("quotas/boo/periods/{period}");
    let (status, one) = plane.call("GET", &path, &Value::Null);
    assert_eq!((status, &one["periodKey"]), (200, &counter["periodKey"]));
    assert_eq!(plane.call("GET", "quotas/boo/periods/0_PT0S", &Value::Null).0, 404);

    let set = json!({"properties": {"callsCount": 7, "kbTransferred": 0}});
    let (status, now) = plane.call("PATCH", &path, &set);
    assert_eq!((status, &now["value"]["callsCount"]), (200, &json!(7)));
    let again = || b.get("/one/item", &key).status == 200;
    eventually("the gateways honour it", SOON, again);
    eventually("what is left is used", SOON, || {
        allowed(&a, "/one/item", &key);
        b.get("/one/item", &key).status == 403
    });
    // Two gateways that did not know of each other's calls yet may let a few more through, and count them.
    eventually("all is told", SOON, || count(&plane, "boo") >= 10);
    let reset = json!({"properties": {"callsCount": 0}});
    let (status, all) = plane.call("PATCH", "quotas/boo", &reset);
    assert_eq!((status, &all["value"][0]["value"]["callsCount"]), (200, &json!(0)));
    eventually("the reset is honoured", SOON, || a.get("/one/item", &key).status == 200);
    assert_eq!(plane.call("PATCH", "quotas/nobody", &reset).0, 404);
}

#[test]
fn quota_of_a_subscription_is_found_by_its_name() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    plane.put("products/gold", json!({"displayName": "Gold", "state": "published"}));
    plane.put("products/gold/apis/one", json!({}));
    plane.policy(
        "products/gold/policies/policy",
        r#"<quota calls="6" renewal-period="3600"><api id="one" calls="4" renewal-period="3600" /></quota>"#,
    );
    plane.put(
        "subscriptions/acme",
        json!({"displayName": "Acme", "scope": "/products/gold", "state": "active", "primaryKey": "key-of-acme"}),
    );
    let gateway = follow(&plane, &token, &[("config.service.report", "0.2")]);
    let key = [("Ocp-Apim-Subscription-Key", "key-of-acme")];
    answered(&gateway, "/one/item", 200, "ok");
    eventually("the narrower quota holds", SOON, || gateway.get("/one/item", &key).status == 403);
    let names = || {
        let all = counters(&plane, "acme");
        let mut shown: Vec<_> = all
            .iter()
            .map(|c| {
                (c["counterKey"].as_str().unwrap_or_default().to_owned(), c["value"]["callsCount"].clone())
            })
            .collect();
        shown.sort_by(|a, b| a.0.cmp(&b.0));
        shown
    };
    let expected = [("acme".to_owned(), json!(4)), ("acme:one".to_owned(), json!(4))];
    eventually("both counters are told", SOON, || names() == expected);
    assert_eq!(counters(&plane, "acme:one").len(), 1);
    let reset = json!({"properties": {"callsCount": 0, "kbTransferred": 0}});
    assert_eq!(plane.call("PATCH", "quotas/acme", &reset).0, 200);
    eventually("the reset is honoured", SOON, || gateway.get("/one/item", &key).status == 200);
}

/// Gateways that share their counters in a Redis server have one sum there: what is set at the plane is set there too, once.
#[test]
fn quota_that_is_set_holds_where_gateways_share_a_redis_server() {
    let Some(redis) = Redis::start(None) else { return };
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let tokens = [plane.gateway("a"), plane.gateway("b")];
    plane.api("one", &backend.url(), &["a", "b"]);
    plane.policy(
        "apis/one/policies/policy",
        r#"<quota-by-key calls="8" renewal-period="0" counter-key="all" />"#,
    );
    let shared = redis.connection_string();
    let settings = [("config.service.report", "0.2"), ("state.redis", shared.as_str())];
    let [a, b] = tokens.map(|token| follow(&plane, &token, &settings));
    answered(&a, "/one/item", 200, "ok");
    let is_refused = |gateway: &Running| gateway.get("/one/item", &[]).status == 403;
    eventually("the quota is used up", SOON, || is_refused(&a) && is_refused(&b));
    eventually("all is told", SOON, || count(&plane, "all") >= 8);
    let reset = json!({"properties": {"callsCount": 0}});
    assert_eq!(plane.call("PATCH", "quotas/all/periods/0_PT0S", &reset).0, 200);
    for gateway in [&a, &b] {
        eventually("the reset is honoured", SOON, || gateway.get("/one/item", &[]).status == 200);
    }
    // The server's sum was set as well: it does not come back from there.
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(a.get("/one/item", &[]).status, 200);
}
