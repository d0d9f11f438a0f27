//! What deployments would change, and the mode that leaves nothing besides.

use gateway_tests::plane::{Plane, Reply, SERVICE, TOKEN};
use serde_json::{Value, json};

use crate::definitions::{SHOP, import};
use crate::deployments::{GROUP, MADE, deploy, path, resource, template, whole, with};

fn what_if(plane: &Plane, sections: Value, parameters: Value) -> Reply {
    let body = json!({"properties": {"mode": "Incremental", "template": template(sections), "parameters": parameters}});
    plane.must("POST", &path("w", "/whatIf"), &body)
}

/// Id below the service and type of each change.
fn changes(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.body["status"], "Succeeded", "{}", reply.body);
    let changes = reply.body["properties"]["changes"].as_array().expect("changes");
    let text = |change: &Value, member: &str| change[member].as_str().unwrap_or_default().to_owned();
    changes.iter().map(|it| (text(it, "resourceId").replace(SERVICE, ""), text(it, "changeType"))).collect()
}

fn listed(changes: &[(&str, &str)]) -> Vec<(String, String)> {
    changes.iter().map(|(id, kind)| ((*id).to_owned(), (*kind).to_owned())).collect()
}

#[test]
fn what_if_says_what_would_change_and_changes_nothing() {
    let plane = Plane::start(&[]);
    let given = |secret: &str| json!({"service": {"value": "apim1"}, "key": {"value": secret}});
    let revision = plane.revision();
    let all = |kind: &'static str| {
        let mut all: Vec<(&str, &str)> = MADE.iter().map(|id| (*id, kind)).collect();
        // What each new product comes with.
        if kind == "Create" {
            all.push(("/products/gold/groups/administrators", kind));
            all.push(("/products/silver/groups/administrators", kind));
        }
        all.push(("", "Ignore"));
        listed(&all)
    };
    let before = what_if(&plane, whole(), given("s3cret"));
    assert_eq!(changes(&before), all("Create"));
    let api = &before.body["properties"]["changes"][0];
    assert_eq!((&api["before"], &api["delta"]), (&Value::Null, &Value::Null));
    assert_eq!(api["after"]["properties"]["displayName"], "ORDERS");
    assert_eq!(api["after"]["apiVersion"], "2024-05-01");
    assert_eq!(plane.revision(), revision);
    assert_eq!(plane.call("GET", &path("w", ""), &Value::Null).status, 404, "no deployment is kept");
    assert_eq!(plane.call("GET", "apis/orders", &Value::Null).status, 404);

    assert_eq!(deploy(&plane, "d", whole(), given("s3cret")).status, 201);
    let revision = plane.revision();
    assert_eq!(changes(&what_if(&plane, whole(), given("s3cret"))), all("NoChange"));
    let mut changed = whole();
    changed["resources"][1]["properties"]["path"] = json!("other");
    changed["resources"][1]["properties"]["protocols"] = json!(["https", "http"]);
    let reply = what_if(&plane, changed, given("an0ther"));
    let kinds = changes(&reply);
    assert_eq!(kinds[..2], listed(&[("/apis/orders", "Modify"), ("/namedValues/key", "Modify")]));
    assert!(kinds[2..7].iter().all(|(_, kind)| kind == "NoChange"), "{kinds:?}");
    let delta = &reply.body["properties"]["changes"][0]["delta"];
    let paths: Vec<_> = delta.as_array().into_iter().flatten().map(|it| &it["path"]).collect();
    assert_eq!(paths, ["properties.path", "properties.protocols"], "{delta}");
    assert_eq!((&delta[0]["before"], &delta[0]["after"]), (&json!("orders"), &json!("other")));
    assert_eq!(
        delta[1]["children"][0],
        json!({"path": "1", "propertyChangeType": "Create", "before": null, "after": "http"})
    );
    // That a secret changes is said, and what it is is not.
    assert_eq!(reply.body["properties"]["changes"][1]["delta"], json!([]));
    let told = reply.body.to_string();
    assert!(!told.contains("s3cret") && !told.contains("an0ther"), "{told}");
    assert_eq!(plane.revision(), revision);
}

#[test]
fn what_if_sees_what_an_import_would_replace() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/shop", &import("openapi", SHOP));
    let less = import("openapi", &SHOP.replace("    delete:", "    x-none:"));
    let sections = json!({"resources": [resource("apis", "apim1/shop", less["properties"].clone())]});
    let expected = [("/apis/shop", "NoChange"), ("/apis/shop/operations/dropitem", "Delete"), ("", "Ignore")];
    assert_eq!(changes(&what_if(&plane, sections.clone(), json!({}))), listed(&expected));
    let body = json!({"properties": {
        "mode": "Incremental", "template": template(sections), "whatIfSettings": {"resultFormat": "ResourceIdOnly"},
    }});
    let short = plane.must("POST", &path("w", "/whatIf"), &body);
    assert_eq!(changes(&short), listed(&expected));
    let first = json!({"resourceId": format!("{SERVICE}/apis/shop"), "changeType": "NoChange"});
    assert_eq!(short.body["properties"]["changes"][0], first);
}

#[test]
fn what_if_tells_what_would_be_refused() {
    let plane = Plane::start(&[]);
    let policy = json!({"format": "rawxml", "value": "<policies><inbound><nothing /></inbound></policies>"});
    let bad = json!({"resources": [resource("policies", "apim1/policy", policy)]});
    let reply = what_if(&plane, bad, json!({}));
    assert_eq!(reply.body["status"], "Failed");
    assert_eq!(reply.body["error"]["code"], "DeploymentFailed");
    assert!(reply.body["error"]["details"].to_string().contains("'nothing'"), "{}", reply.body);
    let body = json!({"properties": {"mode": "Incremental", "template": template(json!({}))}});
    let invalid = plane.call("POST", &path("w", "/whatIf"), &body);
    assert_eq!((invalid.status, invalid.code()), (400, "InvalidTemplate"));
    let body = json!({"properties": {"template": template(json!({"resources": []}))}});
    let reader = plane.bearer("Reader");
    let target = path("w", "/whatIf");
    let refused = plane.send("POST", &target, &[("Authorization", &reader)], body.to_string().as_bytes());
    assert_eq!((refused.status, refused.code()), (403, "AuthorizationFailed"));
    assert!(
        refused.messages().contains("Microsoft.Resources/deployments/whatIf/action"),
        "{}",
        refused.messages()
    );
}

/// Secrets that a template asks for are in the audit log of the plane, although the copy is gone.
#[test]
fn what_if_reveals_no_secret_unseen() {
    let plane = Plane::start(&[]);
    let key = json!({"properties": {"displayName": "key", "secret": true, "value": "s3cret"}});
    plane.must("PUT", "namedValues/key", &key);
    let sections = json!({"resources": [resource("tags", "apim1/t", json!({
        "displayName": "[listValue(resourceId('Microsoft.ApiManagement/service/namedValues', 'apim1', 'key'), '2024-05-01').value]",
    }))]});
    let reply = what_if(&plane, sections, json!({}));
    assert_eq!(reply.body["properties"]["changes"][0]["after"]["properties"]["displayName"], "s3cret");
    let store = rusqlite::Connection::open(plane.store()).expect("a store");
    let count = |operation: &str| {
        let question =
            "SELECT count(*) FROM audit WHERE operation = ?1 AND paths LIKE '%namedValues/key/listValue%'";
        store.query_row(question, [operation], |row| row.get::<_, i64>(0)).expect("a count")
    };
    assert_eq!(count("Deployments_WhatIf"), 1);
}

#[test]
fn mode_complete_keeps_services_and_what_is_in_them() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "tags/kept", &json!({"properties": {"displayName": "kept"}}));
    let tag = resource("tags", "apim1/t", json!({"displayName": "t"}));
    let service = json!({
        "type": "Microsoft.ApiManagement/service", "apiVersion": "2024-05-01", "name": "apim1", "location": "local",
        "sku": {"name": "Premium", "capacity": 1}, "properties": {"publisherEmail": "a@b.example", "publisherName": "a"},
    });
    let call = |method: &str, below: &str, resources: Value| {
        let body = json!({"properties": {"mode": "complete", "template": template(json!({ "resources": resources }))}});
        plane.call(method, &path("c", below), &body)
    };
    for (method, below) in [("PUT", ""), ("POST", "/validate"), ("POST", "/whatIf")] {
        for resources in [json!([tag]), json!([tag, with(service.clone(), json!({"condition": false}))])] {
            let refused = call(method, below, resources);
            assert_eq!(
                (refused.status, refused.code()),
                (400, "InvalidTemplateDeployment"),
                "{}",
                refused.body
            );
            assert!(
                refused.messages().contains("would delete the service 'apim1'"),
                "{}",
                refused.messages()
            );
        }
    }
    let done = call("PUT", "", json!([service, tag]));
    assert_eq!((done.status, &done.body["properties"]["mode"]), (201, &json!("Complete")), "{}", done.body);
    assert_eq!(plane.must("GET", "tags", &Value::Null).names(), ["kept", "t"]);
    let inner = json!({"mode": "Complete", "template": template(json!({"resources": []}))});
    let inner = json!({"type": "Microsoft.Resources/deployments", "apiVersion": "2025-04-01", "name": "in", "properties": inner});
    let refused = call("PUT", "", json!([service, inner]));
    assert_eq!(refused.status, 400);
    assert!(
        refused.messages().contains("has the mode 'Incremental', not 'Complete'"),
        "{}",
        refused.messages()
    );
    let other = format!("{GROUP}/providers/Microsoft.ApiManagement/service/apim2?api-version=2024-05-01");
    plane.must(
        "PUT",
        &other,
        &json!({"location": "local", "sku": service["sku"], "properties": service["properties"]}),
    );
    assert!(call("PUT", "", json!([service])).messages().contains("'apim2'"));
    let second = with(service.clone(), json!({"name": "apim2"}));
    let authorization = format!("Bearer {TOKEN}");
    let body = json!({"properties": {"mode": "Complete", "template": template(json!({"resources": [service, second]}))}});
    let target = path("c", "/whatIf");
    let both = plane.send("POST", &target, &[("Authorization", &authorization)], body.to_string().as_bytes());
    assert_eq!(both.status, 200, "{}", both.body);
}
