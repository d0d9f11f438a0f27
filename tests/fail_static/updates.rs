//! What is written at the plane shows at the gateways it is for.

use std::time::{Duration, Instant};

use gateway_tests::{Backend, Federation};
use serde_json::json;

use crate::traffic::Traffic;
use crate::{admin, answered, eventually, follow};

/// Rows 4 and 22: a gateway with an empty disk gets the APIs that are assigned to it, and no others.
#[test]
fn gateway_serves_what_is_assigned_to_it_and_nothing_else() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let (a, b) = (plane.gateway("a"), plane.gateway("b"));
    plane.api("one", &backend.url(), &["a"]);
    let (a, b) = (follow(&plane, &a, &[]), follow(&plane, &b, &[]));
    answered(&a, "/one/item", 200, "ok");
    answered(&b, "/one/item", 404, "");
    plane.api("two", &backend.url(), &["b"]);
    answered(&b, "/two/item", 200, "ok");
    assert_eq!(a.get("/two/item", &[]).status, 404);
    plane.delete("gateways/a/apis/one");
    answered(&a, "/one/item", 404, "");
    plane.delete("apis/two");
    answered(&b, "/two/item", 404, "");
}

/// By long poll a change is live well within a second.
#[test]
fn change_is_live_within_a_second() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    let gateway = follow(&plane, &token, &[]);
    answered(&gateway, "/one/item", 200, "ok");
    let mut slowest = Duration::ZERO;
    for number in 0..5 {
        let text = format!("v{number}");
        plane.policy(
            "apis/one/policies/policy",
            &format!("<return-response><set-body>{text}</set-body></return-response>"),
        );
        let written = Instant::now();
        answered(&gateway, "/one/item", 200, &text);
        slowest = slowest.max(written.elapsed());
    }
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
}

/// What an API needs comes with it: product, key, policy, fragment, named values, backend; and what it does not need stays.
#[test]
fn dependencies_come_along_and_secrets_are_sealed() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    for (name, value) in [("needed", "secret-of-a"), ("other", "secret-of-b")] {
        plane.put(
            &format!("namedValues/{name}"),
            json!({"displayName": name, "value": value, "secret": true}),
        );
    }
    plane.put("backends/away", json!({"url": backend.url(), "protocol": "http"}));
    plane.put(
        "policyFragments/shared",
        json!({"format": "rawxml", "value":
            "<fragment><set-header name=\"X-Key\" exists-action=\"override\"><value>{{needed}}</value></set-header></fragment>"}),
    );
    plane.api("one", "http://nowhere.invalid", &["a"]);
    plane.put(
        "apis/one",
        json!({"displayName": "one", "path": "one", "protocols": ["http"], "subscriptionRequired": true}),
    );
    plane.policy(
        "apis/one/policies/policy",
        "<include-fragment fragment-id=\"shared\" /><set-backend-service backend-id=\"away\" />",
    );
    plane.put(
        "products/gold",
        json!({"displayName": "gold", "state": "published", "subscriptionRequired": true}),
    );
    plane.put("products/gold/apis/one", json!({}));
    plane.put(
        "subscriptions/s",
        json!({"displayName": "s", "scope": "/products/gold", "state": "active", "primaryKey": "key-of-gold"}),
    );
    let gateway = follow(&plane, &token, &[]);
    eventually("the key opens the API", Duration::from_secs(10), || {
        gateway.get("/one/item", &[("Ocp-Apim-Subscription-Key", "key-of-gold")]).status == 200
    });
    assert_eq!(gateway.get("/one/item", &[]).status, 401);
    let seen = backend.seen();
    assert_eq!(seen.last().and_then(|request| request.header("X-Key")), Some("secret-of-a"));
    let (_, page) = admin(&gateway, "/config");
    assert!(page.contains("\"source\":\"plane\"") && page.contains("\"linked\":true"), "{page}");
}

/// Who is in which group comes along with the owner of a key, and changes with the plane; others' memberships stay.
#[test]
fn groups_of_callers_reach_the_gateway_and_change() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    plane.policy(
        "apis/one/policies/policy",
        "<return-response><set-body>@(string.Join(\",\", context.User.Groups.Select(g => g.Name)))</set-body></return-response>",
    );
    for user in ["ann", "eve"] {
        let email = format!("{user}@example.com");
        plane.put(&format!("users/{user}"), json!({"email": email, "firstName": user, "lastName": "x"}));
    }
    plane.put(
        "subscriptions/s",
        json!({"displayName": "s", "scope": "/apis", "state": "active", "ownerId": "/users/ann", "primaryKey": "key-of-ann"}),
    );
    let gateway = follow(&plane, &token, &[]);
    let shows = |groups: &str| {
        eventually(groups, Duration::from_secs(10), || {
            gateway.get("/one/item", &[("Ocp-Apim-Subscription-Key", "key-of-ann")]).text() == groups
        });
    };
    // Where the plane puts every user.
    shows("Developers");
    plane.put("groups/gold", json!({"displayName": "Gold users"}));
    plane.put("groups/gold/users/eve", json!({}));
    plane.put("groups/gold/users/ann", json!({}));
    shows("Developers,Gold users");
    plane.delete("groups/gold/users/ann");
    shows("Developers");
}

/// Row 25: while a policy flips, every answer is entirely the old or the new one.
#[test]
fn policy_that_flips_never_shows_half() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    let write = |text: &str| {
        plane.policy(
            "apis/one/policies/policy",
            &format!(
                "<set-variable name=\"x\" value=\"{text}\" /><return-response><set-body>@(\"{text}-\" + (string)context.Variables[\"x\"])</set-body></return-response>"
            ),
        );
    };
    plane.api("one", &backend.url(), &["a"]);
    write("old");
    let gateway = follow(&plane, &token, &[]);
    answered(&gateway, "/one/item", 200, "old-old");
    let traffic = Traffic::start(gateway.http(), "/one/item", |status, text| {
        status == 200 && (text == "old-old" || text == "new-new")
    });
    for number in 0..200 {
        write(if number % 2 == 0 { "new" } else { "old" });
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(traffic.stop() > 200);
}
