//! What gateways tell the plane of the requests they served.

use std::time::Duration;

use gateway_tests::{Backend, Federation, Running};
use serde_json::{Value, json};

use crate::{answered, eventually, follow};

const KEY: &str = "key-of-acme";
const FIELDS: [(&str, &str); 1] = [("Ocp-Apim-Subscription-Key", KEY)];
const SOON: Duration = Duration::from_secs(20);

/// An API in a product with a subscription of Ann's, on gateways.
fn shop(plane: &Federation, backend: &Backend, gateways: &[&str]) {
    plane.api("shop", &backend.url(), gateways);
    plane.put(
        "apis/shop",
        json!({
            "displayName": "The Shop", "path": "shop", "protocols": ["http", "https"], "serviceUrl": backend.url(),
            "subscriptionRequired": true,
        }),
    );
    plane.put("products/gold", json!({"displayName": "Gold", "state": "published"}));
    plane.put("products/gold/apis/shop", json!({}));
    plane.put("users/ann", json!({"email": "ann@x.example", "firstName": "Ann", "lastName": "Lee"}));
    plane.put(
        "subscriptions/acme",
        json!({
            "displayName": "Acme", "scope": "/products/gold", "ownerId": "/users/ann", "state": "active",
            "primaryKey": KEY,
        }),
    );
}

fn telling(plane: &Federation, token: &str) -> Running {
    follow(plane, token, &[("config.service.report", "0.2")])
}

fn report(plane: &Federation, query: &str) -> Vec<Value> {
    let (status, answer) = plane.call("GET", &format!("reports/{query}"), &Value::Null);
    assert_eq!(status, 200, "{query}: {answer}");
    answer["value"].as_array().cloned().unwrap_or_default()
}

fn calls(plane: &Federation) -> u64 {
    report(plane, "byApi").first().and_then(|record| record["callCountTotal"].as_u64()).unwrap_or_default()
}

fn served(gateway: &Running, times: usize) {
    let mut client = gateway.client();
    for _ in 0..times {
        assert_eq!(client.request("GET", "/shop/item?subscription-key=x", &FIELDS).status, 200);
    }
}

#[test]
fn reports_sum_what_all_gateways_served() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let (first, second) = (plane.gateway("a"), plane.gateway("b"));
    shop(&plane, &backend, &["a", "b"]);
    let (a, b) = (telling(&plane, &first), telling(&plane, &second));
    for gateway in [&a, &b] {
        eventually("the API is served", SOON, || gateway.get("/shop/item", &FIELDS).status == 200);
    }
    let warm = 2;
    served(&a, 10);
    served(&b, 5);
    assert_eq!(a.get("/shop/item", &[("Ocp-Apim-Subscription-Key", "wrong")]).status, 401);
    assert_eq!(a.get("/shop/nothing", &FIELDS).status, 404);
    assert_eq!(a.get("/nowhere", &[]).status, 404);
    // While the API was not there yet, requests were nobody's.
    eventually("all calls are told", SOON, || calls(&plane) == warm + 17);
    let [api] = &report(&plane, "byApi")[..] else { panic!("one API") };
    assert_eq!((&api["name"], &api["apiId"]), (&json!("The Shop"), &json!("/apis/shop")));
    assert_eq!([&api["callCountSuccess"], &api["callCountBlocked"], &api["callCountOther"]], [17, 1, 1]);
    assert!(
        api["apiTimeAvg"].as_f64() >= api["apiTimeMin"].as_f64()
            && api["serviceTimeMax"].as_f64() > Some(0.0)
    );
    assert!(api["bandwidth"].as_u64() >= Some(34), "{api}");
    for (query, name, id) in [
        ("byOperation", "item", "/apis/shop/operations/item"),
        ("byProduct", "Gold", "/products/gold"),
        ("byUser", "Ann Lee", "/users/ann"),
        ("bySubscription", "Acme", "/subscriptions/acme"),
    ] {
        let records = report(&plane, query);
        let record =
            records.iter().find(|record| record["name"] == name).unwrap_or_else(|| panic!("{records:?}"));
        assert!(
            record.as_object().is_some_and(|members| members.values().any(|value| value == id)),
            "{record}"
        );
        assert!(record["callCountSuccess"] == 17, "{query}: {record}");
    }
    let times = report(&plane, "byTime?interval=PT1H");
    assert_eq!(times.iter().filter_map(|record| record["callCountTotal"].as_u64()).sum::<u64>(), warm + 17);
    assert_eq!(times[0]["interval"], "PT1H");
    assert_eq!(report(&plane, "byGeo")[0]["apiRegion"], "here");
    let log = report(&plane, "byRequest?$filter=subscriptionId%20eq%20'acme'");
    assert!(log.len() >= 17, "{}", log.len());
    let request = log.iter().find(|request| request["url"].as_str().is_some_and(|url| url.contains('?')));
    let request = request.expect("one with a query");
    assert!(
        request["url"].as_str().is_some_and(|url| url.ends_with("/shop/item?subscription-key=***")),
        "{request}"
    );
    assert_eq!([&request["method"], &request["backendResponseCode"]], ["GET", "200"]);
    assert_eq!((&request["responseCode"], &request["userId"]), (&json!(200), &json!("/users/ann")));
}

/// A cut loses nothing and counts nothing twice; neither does a plane or a gateway that ends in good order.
#[test]
fn nothing_served_during_an_outage_is_lost() {
    let backend = Backend::fixed("ok");
    let mut plane = Federation::start();
    let token = plane.gateway("a");
    shop(&plane, &backend, &["a"]);
    let gateway = telling(&plane, &token);
    eventually("the API is served", SOON, || gateway.get("/shop/item", &FIELDS).status == 200);
    served(&gateway, 5);
    eventually("the first are told", SOON, || calls(&plane) == 6);
    for round in 1..=3 {
        plane.stop();
        served(&gateway, 20);
        std::thread::sleep(Duration::from_millis(700));
        plane.resume();
        eventually("those of the outage are told", SOON, || calls(&plane) == 6 + 20 * round);
    }
    served(&gateway, 3);
    gateway.stop();
    assert_eq!(calls(&plane), 69, "the last word of a gateway that stops");
}

#[test]
fn gateway_that_reports_nothing_is_left_in_peace() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    let gateway = follow(&plane, &token, &[("config.service.report", "0")]);
    answered(&gateway, "/one/item", 200, "ok");
    gateway.stop();
    assert_eq!(report(&plane, "byApi"), Vec::<Value>::new());
}
