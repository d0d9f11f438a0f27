//! Rules of single kinds that no contract shows (management-api.md §1.16).

use gateway_tests::plane::{Plane, Reply, SERVICE};
use serde_json::{Value, json};

fn put(plane: &Plane, path: &str, properties: &Value) -> Reply {
    plane.call("PUT", path, &json!({ "properties": properties }))
}

/// Every case is refused as `ValidationError` with a message that holds the text.
fn refused(plane: &Plane, cases: &[(&str, Value, &str)]) {
    for (path, properties, part) in cases {
        let reply = put(plane, path, properties);
        assert_eq!((reply.status, reply.code()), (400, "ValidationError"), "{path}: {}", reply.body);
        assert!(reply.messages().contains(part), "{path}: {}", reply.messages());
        assert_eq!(plane.call("GET", path, &Value::Null).status, 404, "{path} is not there");
    }
}

#[test]
fn rules_of_each_kind_refuse_by_name() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "namedValues/n", &json!({"properties": {"displayName": "taken", "value": "v"}}));
    plane.must(
        "PUT",
        "users/u",
        &json!({"properties": {"email": "a@b.example", "firstName": "A", "lastName": "B"}}),
    );
    plane.must(
        "PUT",
        "subscriptions/s",
        &json!({"properties": {"displayName": "S", "scope": "/apis", "primaryKey": "k1"}}),
    );
    plane.must(
        "PUT",
        "backends/pool",
        &json!({"properties": {"type": "Single", "url": "http://a", "protocol": "http"}}),
    );
    let user = |email: &str| json!({"email": email, "firstName": "A", "lastName": "B"});
    refused(
        &plane,
        &[
            ("namedValues/x", json!({"displayName": "Taken", "value": "v"}), "Another named value"),
            ("namedValues/x", json!({"displayName": "a b", "value": "v"}), "letters, digits"),
            ("namedValues/x", json!({"displayName": "x"}), "'value' must not be empty"),
            (
                "products/x",
                json!({"displayName": "X", "subscriptionRequired": false, "approvalRequired": true}),
                "approvalRequired",
            ),
            (
                "products/x",
                json!({"displayName": "X", "subscriptionRequired": false, "subscriptionsLimit": 3}),
                "subscriptionsLimit",
            ),
            ("users/x", user("A@B.example"), "Another user"),
            ("users/x", user("nobody"), "no e-mail address"),
            ("subscriptions/x", json!({"displayName": "X", "scope": "/products/none"}), "does not exist"),
            (
                "subscriptions/x",
                json!({"displayName": "X", "scope": "/apis", "ownerId": "/users/none"}),
                "does not exist",
            ),
            (
                "subscriptions/x",
                json!({"displayName": "X", "scope": "/apis", "secondaryKey": "k1"}),
                "Another subscription",
            ),
            (
                "subscriptions/x",
                json!({"displayName": "X", "scope": "/apis", "primaryKey": "y", "secondaryKey": "y"}),
                "must differ",
            ),
            ("backends/x", json!({"protocol": "http"}), "'url' must not be empty"),
            ("backends/x", json!({"protocol": "http", "url": "orders"}), "no absolute address"),
            ("backends/x", json!({"type": "Pool", "pool": {"services": []}}), "at least one service"),
            (
                "backends/x",
                json!({"type": "Pool", "pool": {"services": [{"id": "/backends/none"}]}}),
                "does not exist",
            ),
        ],
    );
}

#[test]
fn rules_of_gateways_and_sign_in_refuse_by_name() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "gateways/g", &json!({"properties": {"locationData": {"name": "L"}}}));
    refused(
        &plane,
        &[
            ("diagnostics/other", json!({"loggerId": "/loggers/l"}), "must be one of"),
            ("diagnostics/local", json!({"loggerId": "/loggers/none"}), "does not exist"),
            ("gateways/managed", json!({"locationData": {"name": "L"}}), "'managed'"),
            (
                "gateways/g/hostnameConfigurations/h",
                json!({"hostname": "*", "certificateId": "/certificates/none"}),
                "does not exist",
            ),
            ("gateways/g/hostnameConfigurations/h", json!({"hostname": "a b"}), "no host name"),
            (
                "apiVersionSets/x",
                json!({"displayName": "X", "versioningScheme": "Header"}),
                "versionHeaderName",
            ),
            ("identityProviders/other", json!({"clientId": "c", "clientSecret": "s"}), "named by its type"),
            ("identityProviders/aad", json!({"clientId": "c"}), "clientSecret"),
            ("certificates/x", json!({"data": "AAAA", "password": "x"}), ""),
            ("certificates/x", json!({}), "'data' must not be empty"),
            ("authorizationServers/x", json!({"displayName": "X"}), "'clientId' must not be empty"),
            (
                "openidConnectProviders/x",
                json!({"displayName": "X", "clientId": "c", "metadataEndpoint": "x"}),
                "absolute address",
            ),
        ],
    );
    for (method, path, part) in [
        ("DELETE", "subscriptions/master", "built-in"),
        ("DELETE", "groups/developers", "system"),
        ("DELETE", "users/1", "administrator"),
    ] {
        let reply = plane.call(method, path, &Value::Null);
        assert_eq!(reply.code(), "ValidationError", "{path}");
        assert!(reply.messages().contains(part), "{path}: {}", reply.messages());
    }
    assert_eq!(put(&plane, "products/none/apis/none", &Value::Null).messages(), "Product not found.");
    assert_eq!(
        put(&plane, "gateways/g/certificateAuthorities/none", &json!({})).messages(),
        "Certificate not found."
    );
}

#[test]
fn what_is_referred_to_stays_until_nothing_refers_to_it() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "backends/b", &json!({"properties": {"url": "http://a", "protocol": "http"}}));
    plane.must("PUT", "loggers/l", &json!({"properties": {"loggerType": "azureMonitor"}}));
    plane.must("PUT", "namedValues/n", &json!({"properties": {"displayName": "n", "value": "v"}}));
    let policy = r#"<policies><inbound><set-backend-service backend-id='b' />
        <set-header name="x" exists-action="override"><value>{{n}}</value></set-header></inbound>
        <backend><forward-request /></backend><outbound /><on-error /></policies>"#;
    plane.must("PUT", "policies/policy", &json!({"properties": {"value": policy, "format": "rawxml"}}));
    plane.must("PUT", "diagnostics/azuremonitor", &json!({"properties": {"loggerId": "/loggers/l"}}));
    let pool = json!({"properties": {"type": "Pool", "pool": {"services": [{"id": "/backends/b"}]}}});
    plane.must("PUT", "backends/pool", &pool);
    for (path, user) in [
        ("backends/b", "'/backends/pool'"),
        ("loggers/l", "'/diagnostics/azuremonitor'"),
        ("namedValues/n", "'/policies/policy'"),
    ] {
        let reply = plane.call("DELETE", path, &Value::Null);
        assert_eq!(reply.code(), "ValidationError", "{path}: {}", reply.body);
        assert!(reply.messages().contains(user), "{path}: {}", reply.messages());
    }
    plane.must("DELETE", "backends/pool", &Value::Null);
    assert!(plane.call("DELETE", "backends/b", &Value::Null).messages().contains("'/policies/policy'"));
    plane.must("DELETE", "policies/policy", &Value::Null);
    plane.must("DELETE", "diagnostics/azuremonitor", &Value::Null);
    for path in ["backends/b", "loggers/l", "namedValues/n"] {
        plane.must("DELETE", path, &Value::Null);
    }
}

#[test]
fn logger_keeps_its_credentials_in_a_secret_named_value() {
    let plane = Plane::start(&[]);
    let body = |key: &str| json!({"properties": {"loggerType": "applicationInsights", "credentials": {"instrumentationKey": key}}});
    let made = plane.must("PUT", "loggers/l", &body("key-1"));
    let reference = made.body["properties"]["credentials"]["instrumentationKey"]
        .as_str()
        .expect("a reference")
        .to_owned();
    assert!(reference.starts_with("{{Logger-Credentials--"), "{reference}");
    assert_eq!(plane.must("GET", "namedValues", &Value::Null).body["count"], 1);
    let again = plane.must("PUT", "loggers/l", &body("key-1"));
    assert_eq!(again.etag, made.etag, "the same key is no change");
    plane.must("PUT", "loggers/l", &body(&reference));
    plane.must("PUT", "loggers/l", &body("key-2"));
    let names = plane.must("GET", "namedValues", &Value::Null).names();
    assert_eq!(names.len(), 1, "the named value of the old key is gone");
    let value = plane.must("POST", &format!("namedValues/{}/listValue", names[0]), &Value::Null);
    assert_eq!(value.body["value"], "key-2");
    plane.must("DELETE", "loggers/l", &Value::Null);
    assert_eq!(plane.must("GET", "namedValues", &Value::Null).body["count"], 0);
}

#[test]
fn gateway_tokens_live_thirty_days_at_most_and_keys_are_renewed() {
    let plane = Plane::start(&[]);
    let made =
        plane.must("PUT", "gateways/g", &json!({"properties": {"locationData": {"name": "L", "city": "C"}}}));
    assert_eq!(made.body["properties"]["heartbeat"], Value::Null);
    let token = |body: Value| plane.call("POST", "gateways/g/generateToken", &body);
    for (expiry, is_good) in
        [("2000-01-01T00:00:00Z", false), ("2999-01-01T00:00:00Z", false), ("soon", false)]
    {
        let reply = token(json!({"keyType": "primary", "expiry": expiry}));
        assert_eq!(reply.status == 200, is_good, "{expiry}: {}", reply.body);
        assert_eq!(reply.body["error"]["details"][0]["target"], "expiry");
    }
    let reply = token(json!({"properties": {"keyType": "nothing", "expiry": "2999-01-01T00:00:00Z"}}));
    assert_eq!(reply.body["error"]["details"][0]["target"], "keyType", "the envelope is read as well");
    plane.must("PATCH", "gateways/g", &json!({"properties": {"locationData": {"name": "M"}}}));
    let found = plane.must("GET", "gateways/g", &Value::Null);
    assert_eq!(found.body["properties"]["locationData"], json!({"name": "M"}), "replaced, not merged");
    assert_eq!(found.body["properties"]["heartbeat"], json!([]));
    let before = plane.must("POST", "gateways/g/listKeys", &Value::Null).body;
    assert_eq!(plane.must("POST", "gateways/g/regenerateKey", &json!({"keyType": "secondary"})).status, 204);
    let after = plane.must("POST", "gateways/g/listKeys", &Value::Null).body;
    assert_eq!(before["primary"], after["primary"]);
    assert_ne!(before["secondary"], after["secondary"]);
}

#[test]
fn settings_of_the_portal_are_always_there() {
    let plane = Plane::start(&[]);
    assert_eq!(plane.must("GET", "portalsettings", &Value::Null).names(), ["signin", "signup", "delegation"]);
    let off = plane.must("GET", "portalsettings/delegation", &Value::Null);
    assert_eq!(off.body["properties"]["userRegistration"]["enabled"], false);
    let reply = put(&plane, "portalsettings/delegation", &json!({"subscriptions": {"enabled": true}}));
    assert_eq!(reply.body["error"]["details"][0]["target"], "url", "{}", reply.body);
    let on = json!({"url": "https://d.example", "validationKey": "a2V5", "subscriptions": {"enabled": true}});
    let made = put(&plane, "portalsettings/delegation", &on);
    assert_eq!((made.status, &made.body["properties"]["validationKey"]), (200, &Value::Null));
    let patched = plane.call(
        "PATCH",
        "portalsettings/delegation",
        &json!({"properties": {"url": "https://e.example"}}),
    );
    assert_eq!((patched.status, &patched.body), (204, &Value::Null));
    let secrets = plane.must("POST", "portalsettings/delegation/listSecrets", &Value::Null);
    assert_eq!(secrets.body, json!({"validationKey": "a2V5"}));
    let tenant = plane.must("GET", "settings/public", &Value::Null);
    let settings = &tenant.body["properties"]["settings"];
    assert_eq!(settings["CustomPortalSettings.DelegationUrl"], "https://e.example");
    assert_eq!(settings["CustomPortalSettings.DelegatedSubscriptionEnabled"], "True");
    assert_eq!(plane.call("GET", "settings/other", &Value::Null).status, 404);
    assert_eq!(plane.call("DELETE", "portalsettings/signin", &Value::Null).status, 405);
}

#[test]
fn connectivity_is_probed_for_real() {
    let plane = Plane::start(&[]);
    let check = |port: u16, address: &str| {
        plane.call("POST", "connectivityCheck", &json!({"destination": {"address": address, "port": port}}))
    };
    let open = check(plane.address().port(), "127.0.0.1");
    assert_eq!(open.body["connectionStatus"], "Connected", "{}", open.body);
    let closed =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let reply = check(closed, "127.0.0.1");
    assert_eq!(
        (&reply.body["connectionStatus"], &reply.body["probesFailed"]),
        (&json!("Disconnected"), &json!(3))
    );
    assert_eq!(check(80, "169.254.169.254").code(), "ValidationError");
    assert_eq!(check(0, "127.0.0.1").code(), "ValidationError");
}

#[test]
fn groups_are_expanded_on_request() {
    let plane = Plane::start(&[]);
    let user = json!({"properties": {"email": "a@b.example", "firstName": "A", "lastName": "B"}});
    plane.must("PUT", "users/u", &user);
    plane.must("PUT", "products/p", &json!({"properties": {"displayName": "P"}}));
    for (path, group) in [("users/u", "Developers"), ("products/p", "Administrators")] {
        let plain = plane.must("GET", path, &Value::Null);
        assert_eq!(plain.body["properties"].get("groups"), None, "{path}");
        let list = format!("{}?expandGroups=true", path.split('/').next().expect("a collection"));
        let all = plane.must("GET", &list, &Value::Null);
        let name = path.split('/').nth(1).expect("a name");
        let items = all.body["value"].as_array().expect("a list");
        let item = items.iter().find(|item| item["name"] == name).expect("the item");
        assert_eq!(item["properties"]["groups"][0]["displayName"], group, "{path}");
    }
}

#[test]
fn subscriptions_are_filtered_by_name_owner_scope_product_and_state() {
    let plane = Plane::start(&[]);
    let put = |path: &str, properties: Value| plane.must("PUT", path, &json!({ "properties": properties }));
    put("users/ann", json!({"firstName": "A", "lastName": "N", "email": "ann@example.org"}));
    put("products/gold", json!({"displayName": "Gold", "subscriptionRequired": true}));
    put("apis/a", json!({"displayName": "A", "path": "a", "protocols": ["https"]}));
    let all = [
        ("one", "/products/gold", Some("/users/ann"), "active"),
        ("two", "/products/gold", None, "suspended"),
        ("three", "/apis/a", Some("/users/ann"), "active"),
    ];
    for (name, scope, owner, state) in all {
        let path = format!("subscriptions/{name}");
        put(
            &path,
            json!({"displayName": format!("Sub {name}"), "scope": scope, "ownerId": owner, "state": state}),
        );
    }
    let ask = |plane: &Plane, filter: &str| {
        let filter = filter.replace(' ', "%20");
        let reply = plane.must("GET", &format!("subscriptions?$filter={filter}"), &Value::Null);
        assert_eq!(reply.body["count"], reply.names().len(), "{filter}");
        reply.names().join(" ")
    };
    let gold = format!("scope eq '{SERVICE}/products/GOLD'");
    let cases = [
        ("name eq 'TWO'", "two"),
        ("name eq 'none'", ""),
        ("name eq 'two' or name eq 'one'", "one two"),
        (&gold, "one two"),
        ("productId eq 'gold' and state eq 'active'", "one"),
        ("state eq 'suspended' and contains(scope,'gold')", "two"),
        ("userId eq 'ann'", "one three"),
        ("endswith(ownerId,'users/ann') and not (name eq 'one')", "three"),
        ("contains(displayName,'sub t') and state eq 'active'", "three"),
        ("displayName eq 'sub one'", "one"),
    ];
    for (filter, names) in cases {
        assert_eq!(ask(&plane, filter), names, "{filter}");
    }
    assert_eq!(plane.must("GET", "users/ann/subscriptions", &Value::Null).names(), ["one", "three"]);
    plane.must("PATCH", "subscriptions/one", &json!({"properties": {"ownerId": "/users/1"}}));
    assert_eq!(ask(&plane, "userId eq 'ann'"), "three");
    let plane = plane.restarted(&[]);
    assert_eq!(ask(&plane, "userId eq '1'"), "one");
    assert!(
        plane.call("DELETE", "users/ann", &Value::Null).messages().contains("The user has subscriptions.")
    );
    plane.must("DELETE", "users/ann?deleteSubscriptions=true", &Value::Null);
    assert_eq!(plane.call("GET", "subscriptions/three", &Value::Null).status, 404);
}
