//! ARM's ways: versions, tokens, envelopes, ETags (management-api.md §2).

use gateway_tests::plane::{Plane, SERVICE, TOKEN};
use serde_json::{Value, json};

#[test]
fn etag_guards_writes_and_saves_reads() {
    let plane = Plane::start(&[]);
    let made = plane.must("PUT", "tags/t", &json!({"properties": {"displayName": "T"}}));
    assert_eq!(made.status, 201);
    assert_eq!(made.body["id"], format!("{SERVICE}/tags/t"));
    assert_eq!(made.body["type"], "Microsoft.ApiManagement/service/tags");
    let etag = made.etag.expect("an ETag");
    let again = plane.must("PUT", "tags/t", &json!({"properties": {"displayName": "T"}}));
    assert_eq!((again.status, again.etag.as_deref()), (200, Some(etag.as_str())));
    let bearer = format!("Bearer {TOKEN}");
    let with = |method, name, value: &str, body| {
        plane.call_with(method, "tags/t", &[("Authorization", &bearer), (name, value)], body)
    };
    assert_eq!(with("GET", "If-None-Match", &etag, &Value::Null).status, 304);
    let other = json!({"properties": {"displayName": "U"}});
    assert_eq!(with("PUT", "If-None-Match", "*", &other).code(), "PreconditionFailed");
    assert_eq!(with("PATCH", "If-Match", "\"AAAAAAAAAAE=\"", &other).status, 412);
    let bare = etag.trim_matches('"');
    assert_eq!(with("PATCH", "If-Match", &format!("\"x\", {bare}"), &other).status, 200);
    assert_eq!(with("DELETE", "If-Match", &etag, &Value::Null).status, 412);
    assert_eq!(with("DELETE", "If-Match", "*", &Value::Null).status, 200);
    assert_eq!(plane.call("DELETE", "tags/t", &Value::Null).status, 204);
}

#[test]
fn version_is_asked_for_before_the_token_and_known_after_it() {
    let plane = Plane::start(&[]);
    let get = |query: &str, token: bool| {
        let bearer = format!("Bearer {TOKEN}");
        let headers: &[(&str, &str)] = if token { &[("Authorization", &bearer)] } else { &[] };
        let reply = plane.send("GET", &format!("{SERVICE}/apis{query}"), headers, b"");
        (reply.status, reply.code().to_owned())
    };
    assert_eq!(get("", false), (400, "MissingApiVersionParameter".to_owned()));
    assert_eq!(get("?api-version=1999-01-01", false), (401, "AuthenticationFailed".to_owned()));
    assert_eq!(get("?api-version=1999-01-01", true), (400, "InvalidApiVersionParameter".to_owned()));
    for version in ["2016-10-10", "2021-08-01", "2024-05-01", "2026-03-01-preview"] {
        assert_eq!(get(&format!("?API-Version={version}"), true).0, 200, "{version}");
    }
}

#[test]
fn paths_are_refused_by_the_first_part_that_is_missing() {
    let plane = Plane::start(&[]);
    let other = |from: &str, to: &str| SERVICE.replace(from, to);
    for (path, status, code, message) in [
        (
            format!("{}/apis", other("00000000-0000", "11111111-0000")),
            404,
            "SubscriptionNotFound",
            "The subscription '11111111-0000-0000-0000-000000000000' could not be found.",
        ),
        (
            format!("{}/apis", other("rg1", "rg2")),
            404,
            "ResourceGroupNotFound",
            "Resource group 'rg2' could not be found.",
        ),
        (
            format!("{}/apis", other("apim1", "apim2")),
            404,
            "ResourceNotFound",
            "The Resource 'Microsoft.ApiManagement/service/apim2' under resource group 'rg1' was not found.",
        ),
        ("apis/x/operations/y".to_owned(), 404, "ResourceNotFound", "Api not found."),
        ("products/x".to_owned(), 404, "ResourceNotFound", "Product not found."),
        ("nothing".to_owned(), 404, "ResourceNotFound", "Resource not found."),
    ] {
        let reply = plane.call("GET", &path, &Value::Null);
        assert_eq!(
            (reply.status, reply.code(), reply.messages().as_str()),
            (status, code, message),
            "{path}"
        );
        assert_eq!(reply.body["error"]["details"], Value::Null);
        assert_eq!(reply.raw.header("content-type"), Some("application/json; charset=utf-8"));
    }
    plane.must("PUT", "products/gold", &json!({"properties": {"displayName": "Gold"}}));
    let link = plane.call("GET", "products/gold/groups/administrators", &Value::Null);
    assert_eq!((link.status, link.code()), (405, "MethodNotAllowed"));
    assert_eq!(plane.call("HEAD", "products/gold/groups/administrators", &Value::Null).status, 204);
    assert_eq!(plane.call("HEAD", "products/gold/groups/guests", &Value::Null).status, 404);
    assert_eq!(plane.call("PATCH", "apis", &json!({})).code(), "MethodNotAllowed");
}

#[test]
fn lists_are_filtered_counted_and_paged_by_address() {
    let plane = Plane::start(&[]);
    for number in 0..5 {
        plane.must(
            "PUT",
            &format!("tags/t{number}"),
            &json!({"properties": {"displayName": format!("T{number}")}}),
        );
    }
    let first = plane.must("GET", "tags?$top=2&$filter=name%20ne%20%27t0%27", &Value::Null);
    assert_eq!((first.names(), &first.body["count"]), (vec!["t1".to_owned(), "t2".to_owned()], &json!(4)));
    let next = first.body["nextLink"].as_str().expect("a next page");
    let next = next.strip_prefix(&plane.url()).expect("this plane").to_owned();
    let second = plane.must("GET", &next, &Value::Null);
    assert_eq!((second.names(), second.body.get("nextLink")), (vec!["t3".to_owned(), "t4".to_owned()], None));
    assert_eq!(plane.must("GET", "loggers", &Value::Null).body, json!({"value": [], "count": 0}));
    for query in ["$filter=nothing%20eq%201", "$filter=name%20is%201", "$top=0", "$top=x", "$skip=-1"] {
        let reply = plane.call("GET", &format!("tags?{query}"), &Value::Null);
        assert_eq!(reply.code(), "ValidationError", "{query}");
        let target = query.split('=').next().expect("a name");
        assert_eq!(reply.body["error"]["details"][0]["target"], target, "{query}");
    }
}

#[test]
fn clients_find_subscription_group_and_provider_first() {
    let plane = Plane::start(&[]);
    let id = "00000000-0000-0000-0000-000000000000";
    let tenants = plane.must("GET", "/tenants?api-version=2022-12-01", &Value::Null);
    assert_eq!(tenants.body["value"][0]["tenantId"], id);
    let subscriptions = plane.must("GET", "/subscriptions?api-version=2022-12-01", &Value::Null);
    assert_eq!(subscriptions.body["value"][0]["state"], "Enabled");
    let group = format!("/subscriptions/{id}/resourcegroups/RG1?api-version=2021-04-01");
    assert_eq!(plane.must("GET", &group, &Value::Null).body["name"], "rg1");
    assert_eq!(plane.must("HEAD", &group, &Value::Null).status, 204);
    let provider = format!("/subscriptions/{id}/providers/Microsoft.ApiManagement");
    let register = plane.must("POST", &format!("{provider}/register?api-version=2016-02-01"), &Value::Null);
    assert_eq!(register.body["registrationState"], "Registered");
    let echoed = plane.call_with("GET", &provider, &[("x-ms-client-request-id", "mine")], &Value::Null);
    assert_eq!(echoed.raw.header("x-ms-client-request-id"), Some("mine"));
    assert_eq!(echoed.raw.header("cache-control"), Some("no-cache"));
}

#[test]
fn service_is_made_changed_and_removed() {
    let plane = Plane::start(&[]);
    let second = SERVICE.replace("apim1", "second");
    let body = json!({
        "location": "local", "sku": {"name": "Developer", "capacity": 1}, "tags": {"a": "b"},
        "properties": {
            "publisherEmail": "a@b.example", "publisherName": "A",
            "hostnameConfigurations": [{"type": "Proxy", "hostName": "api.example", "certificatePassword": "s3cret"}],
        },
    });
    for (change, target) in [
        (json!({"sku": {"name": "Huge", "capacity": 1}}), "sku.name"),
        (json!({"properties": {"publisherName": "A"}}), "publisherEmail"),
    ] {
        let mut bad = body.clone();
        bad.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let reply = plane.call("PUT", &second, &bad);
        assert_eq!(reply.body["error"]["details"][0]["target"], target, "{}", reply.body);
    }
    let made = plane.must("PUT", &second, &body);
    assert_eq!(made.status, 201);
    assert_eq!(made.body["properties"]["provisioningState"], "Succeeded");
    assert_eq!(made.body["properties"]["gatewayUrl"], "https://api.example");
    assert!(!made.body.to_string().contains("s3cret"));
    assert_eq!(plane.must("PUT", &second, &body).status, 200);
    let patched = plane.must("PATCH", &second, &json!({"tags": {"c": "d"}}));
    assert_eq!(patched.body["tags"], json!({"a": "b", "c": "d"}));
    assert_eq!(patched.body["properties"]["publisherName"], "A");
    let elsewhere = second.replace("rg1", "rg2");
    assert_eq!(plane.call("PUT", &elsewhere, &body).code(), "ServiceAlreadyExists");
    plane.must("PUT", &format!("{second}/tags/t"), &json!({"properties": {"displayName": "T"}}));
    assert_eq!(plane.call("GET", "tags/t", &Value::Null).status, 404, "services are apart");
    assert_eq!(plane.must("DELETE", &second, &Value::Null).status, 200);
    assert_eq!(plane.must("DELETE", &second, &Value::Null).status, 204);
    assert_eq!(plane.call("GET", &format!("{second}/tags/t"), &Value::Null).status, 404);
    let plane = plane.restarted(&[]);
    assert_eq!(plane.call("GET", &second, &Value::Null).status, 404);
}

#[test]
fn tls_speaks_both_versions_of_http_with_a_certificate_that_stays() {
    let plane = Plane::start(&[("management.tls", "on")]);
    let certificate = std::fs::read(plane.certificate()).expect("a certificate");
    for (option, version) in [("--http1.1", "1.1"), ("--http2", "2")] {
        let output = std::process::Command::new("curl")
            .args([
                "-sS",
                option,
                "-H",
                &format!("Authorization: Bearer {TOKEN}"),
                "-w",
                " %{http_version}",
                "--cacert",
            ])
            .arg(plane.certificate())
            .arg(format!("{}{SERVICE}/apis?api-version=2024-05-01", plane.url()))
            .output()
            .expect("curl runs");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            text,
            format!("{{\"value\":[],\"count\":0}} {version}"),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let plane = plane.restarted(&[("management.tls", "on")]);
    assert_eq!(std::fs::read(plane.certificate()).expect("a certificate"), certificate);
}

#[test]
fn static_token_stays_on_loopback_unless_told_otherwise() {
    let output = gateway_tests::process::run(&[
        "manage",
        "--management",
        "0.0.0.0:0",
        "--set",
        "management.auth.static-token=x",
    ]);
    assert_eq!(output.status.code(), Some(64));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("management.auth.static-token.remote=true"), "{text}");
}
