//! Schemas of APIs and of the service, resolvers, wikis.

use gateway_tests::plane::Plane;
use serde_json::{Value, json};

fn with_api(plane: &Plane, kind: &str) {
    plane.must("PUT", "apis/a", &json!({"properties": {"path": "a", "displayName": "A", "type": kind}}));
}

#[test]
fn schemas_of_an_api_hold_texts_definitions_and_components() {
    let plane = Plane::start(&[]);
    with_api(&plane, "http");
    for (name, properties) in [
        (
            "value",
            json!({"contentType": "application/json", "document": {"value": "{\"type\": \"object\"}"}}),
        ),
        (
            "definitions",
            json!({"contentType": "application/vnd.ms-azure-apim.swagger.definitions+json", "document": {"definitions": {"A": {}}}}),
        ),
        (
            "components",
            json!({"contentType": "application/vnd.oai.openapi.components+json", "document": {"components": {"schemas": {"A": {}}}}}),
        ),
        (
            "xsd",
            json!({"contentType": "application/vnd.ms-azure-apim.xsd+xml", "document": {"value": "<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema'/>"}}),
        ),
    ] {
        let path = format!("apis/a/schemas/{name}");
        let made = plane.must("PUT", &path, &json!({"properties": properties}));
        assert_eq!((made.status, &made.body["properties"]["provisioningState"]), (201, &json!("Succeeded")));
        let shown = plane.must("GET", &path, &Value::Null);
        assert_eq!(shown.body["properties"]["document"], properties["document"], "{name}");
        assert_eq!(plane.must("HEAD", &path, &Value::Null).etag, shown.etag);
    }
    for (kind, value) in [
        ("application/json", "{"),
        (
            "application/vnd.ms-azure-apim.xsd+xml",
            "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><a>&e;</a>",
        ),
        ("application/vnd.ms-azure-apim.graphql.schema", "type Query { a: Missing }"),
    ] {
        let body = json!({"properties": {"contentType": kind, "document": {"value": value}}});
        let refused = plane.call("PUT", "apis/a/schemas/bad", &body);
        assert_eq!((refused.status, refused.code()), (400, "ValidationError"), "{kind}: {}", refused.body);
    }
    assert_eq!(plane.call("PUT", "apis/a/schemas/bad", &json!({"properties": {}})).status, 400);
    let names = plane.must("GET", "apis/a/schemas", &Value::Null).names();
    assert_eq!(names, ["components", "definitions", "value", "xsd"]);
    let operation = json!({"properties": {"displayName": "O", "method": "POST", "urlTemplate": "/",
        "request": {"representations": [{"contentType": "application/json", "schemaId": "components", "typeName": "A"}]}}});
    plane.must("PUT", "apis/a/operations/o", &operation);
    let refused = plane.call("DELETE", "apis/a/schemas/components", &Value::Null);
    assert!(
        refused.status == 400 && refused.messages().contains("used by the operation 'o'"),
        "{}",
        refused.body
    );
    assert_eq!(plane.must("DELETE", "apis/a/schemas/components?force=true", &Value::Null).status, 200);
    let operation = plane.must("GET", "apis/a/operations/o", &Value::Null).body;
    assert_eq!(
        operation["properties"]["request"]["representations"],
        json!([{"contentType": "application/json"}])
    );
}

#[test]
fn schemas_of_the_service_are_json_or_xml() {
    let plane = Plane::start(&[]);
    let json_schema = json!({"properties": {"schemaType": "json", "document": {"type": "object"}}});
    let made = plane.must("PUT", "schemas/j", &json_schema);
    assert_eq!((made.status, &made.body["properties"]["document"]["type"]), (201, &json!("object")));
    let xml = json!({"properties": {"schemaType": "xml", "value": "<s xmlns='http://www.w3.org/2001/XMLSchema'/>"}});
    plane.must("PUT", "schemas/x", &xml);
    for body in [
        json!({"schemaType": "xml", "value": "<a>"}),
        json!({"schemaType": "xml"}),
        json!({"schemaType": "yaml", "value": "a"}),
        json!({"document": {}}),
    ] {
        assert_eq!(plane.call("PUT", "schemas/bad", &json!({"properties": body})).status, 400, "{body}");
    }
    assert_eq!(plane.must("GET", "schemas", &Value::Null).names(), ["j", "x"]);
    plane.must("HEAD", "schemas/x", &Value::Null);
    assert_eq!(plane.must("DELETE", "schemas/x", &Value::Null).status, 200);
}

#[test]
fn resolvers_answer_fields_of_graphql_apis() {
    let plane = Plane::start(&[]);
    with_api(&plane, "graphql");
    let resolver = |path: &str| json!({"properties": {"displayName": "R", "path": path}});
    assert_eq!(plane.must("PUT", "apis/a/resolvers/r", &resolver("Query/users")).status, 201);
    for (path, part) in [("users", "a type and a field"), ("Query/users", "answers 'Query/users' already")] {
        let refused = plane.call("PUT", "apis/a/resolvers/s", &resolver(path));
        assert!(refused.status == 400 && refused.messages().contains(part), "{}", refused.body);
    }
    let patched =
        plane.must("PATCH", "apis/a/resolvers/r", &json!({"properties": {"description": "d"}})).body;
    assert_eq!(
        (&patched["properties"]["description"], &patched["properties"]["path"]),
        (&json!("d"), &json!("Query/users"))
    );
    let policy = "<http-data-source><http-request><set-method>GET</set-method><set-url>http://b.example/u</set-url></http-request></http-data-source>";
    let body = json!({"properties": {"format": "rawxml", "value": policy}});
    assert_eq!(plane.must("PUT", "apis/a/resolvers/r/policies/policy", &body).status, 201);
    let shown = plane.must("GET", "apis/a/resolvers/r/policies/policy?format=rawxml", &Value::Null).body;
    assert_eq!(shown["properties"]["value"], policy);
    assert_eq!(plane.must("GET", "apis/a/resolvers/r/policies", &Value::Null).names(), ["policy"]);
    let bad = json!({"properties": {"format": "rawxml", "value": "<policies />"}});
    assert_eq!(plane.call("PUT", "apis/a/resolvers/r/policies/policy", &bad).status, 400);
    plane.must("DELETE", "apis/a/resolvers/r/policies/policy", &Value::Null);
    assert_eq!(plane.must("DELETE", "apis/a/resolvers/r", &Value::Null).status, 200);
    plane.must("PUT", "apis/b", &json!({"properties": {"path": "b", "displayName": "B"}}));
    assert_eq!(plane.call("PUT", "apis/b/resolvers/r", &resolver("Query/users")).status, 400);
}

#[test]
fn wikis_are_one_for_each_api_and_product() {
    let plane = Plane::start(&[]);
    with_api(&plane, "http");
    plane.must("PUT", "products/p", &json!({"properties": {"displayName": "P"}}));
    for above in ["apis/a", "products/p"] {
        let path = format!("{above}/wikis/default");
        assert_eq!(plane.call("GET", &path, &Value::Null).status, 404);
        let body = json!({"properties": {"documents": [{"documentationId": "d"}]}});
        let made = plane.must("PUT", &path, &body);
        assert_eq!((made.status, &made.body["name"]), (201, &json!("default")));
        plane.must("HEAD", &path, &Value::Null);
        let other = json!({"properties": {"documents": []}});
        assert_eq!(plane.must("PATCH", &path, &other).body["properties"]["documents"], json!([]));
        assert_eq!(plane.must("GET", &format!("{above}/wikis"), &Value::Null).names(), ["default"]);
        assert_eq!(plane.must("DELETE", &path, &Value::Null).status, 200);
    }
}
