//! Export of definitions (management-api.md §3.4).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_tests::Client;
use gateway_tests::plane::{Plane, SERVICE};
use serde_json::{Value, json};

use crate::definitions::{SHOP, WSDL, import};

/// Follows the link of an export without credentials.
fn exported(plane: &Plane, api: &str, format: &str) -> (String, String) {
    let answer = plane.must("GET", &format!("apis/{api}?export=true&format={format}"), &Value::Null).body;
    let link = answer["value"]["link"].as_str().unwrap_or_default().to_owned();
    assert_eq!(answer["properties"]["value"]["link"], link.as_str());
    assert_eq!(answer["id"], format!("{SERVICE}/apis/{api}"));
    let target = link.strip_prefix(&plane.url()).unwrap_or_else(|| panic!("{link}"));
    let followed = Client::connect(plane.address()).request("GET", target, &[]);
    assert_eq!(followed.status, 200, "{}", followed.text());
    (followed.header("content-type").unwrap_or_default().to_owned(), followed.text())
}

#[test]
fn export_gives_links_that_need_no_token() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/shop", &import("openapi", SHOP));
    let (kind, text) = exported(&plane, "shop", "openapi%2Bjson-link");
    assert_eq!(kind, "application/vnd.oai.openapi+json");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["info"]["title"], "Shop");
    assert_eq!(document["servers"][0]["url"], "/shop");
    assert_eq!(document["paths"]["/items/{sku}"]["get"]["operationId"], "getitem");
    assert_eq!(document["paths"]["/items/{sku}"]["get"]["summary"], "Get an item");
    let scheme = &document["components"]["securitySchemes"]["apiKeyHeader"];
    assert_eq!(scheme["name"], "Ocp-Apim-Subscription-Key");
    let (kind, yaml) = exported(&plane, "shop", "openapi-link");
    assert!(kind == "application/vnd.oai.openapi" && yaml.starts_with("openapi: "), "{yaml}");
    let (_, swagger) = exported(&plane, "shop", "swagger-link");
    let swagger: Value = serde_json::from_str(&swagger).expect("JSON");
    assert_eq!((&swagger["swagger"], &swagger["basePath"]), (&json!("2.0"), &json!("/shop")));
    let (kind, wadl) = exported(&plane, "shop", "wadl-link");
    assert!(kind == "application/vnd.sun.wadl+xml" && wadl.contains("path=\"/items/{sku}\""), "{wadl}");
    // As older versions name them.
    assert_eq!(exported(&plane, "shop", "wadl"), (kind, wadl));
    for format in ["wsdl-link", "wsdl", "graphql-link"] {
        let none = plane.call("GET", &format!("apis/shop?export=true&format={format}"), &Value::Null);
        assert_eq!(none.status, 406, "{format}");
    }
    let unknown = plane.call("GET", "apis/shop?export=True&format=pdf", &Value::Null);
    assert!(unknown.status == 400 && unknown.messages().contains("'format' must be one of"));
    assert_eq!(plane.call("GET", "apis/none?export=true&format=openapi-link", &Value::Null).status, 404);
    let forged = Client::connect(plane.address()).request("GET", "/definitions/AAAA", &[]);
    assert_eq!(forged.status, 404);
}

#[test]
fn export_of_a_wsdl_is_the_document_itself_and_servers_are_host_names() {
    let plane = Plane::start(&[]);
    let body = json!({"properties": {"path": "sum", "format": "wsdl", "value": WSDL}});
    plane.must("PUT", "apis/sum", &body);
    assert_eq!(exported(&plane, "sum", "wsdl-link"), ("application/wsdl+xml".to_owned(), WSDL.to_owned()));
    let gateway = json!({"properties": {"locationData": {"name": "here"}}});
    plane.must("PUT", "gateways/g", &gateway);
    plane.must("PUT", "gateways/g/apis/sum", &Value::Null);
    let pfx = include_bytes!("../../gateway/policy/tests/cases/keys/client.pfx");
    let certificate = json!({"properties": {"data": STANDARD.encode(pfx), "password": "secret"}});
    plane.must("PUT", "certificates/c", &certificate);
    let host = json!({"properties": {"hostname": "api.example", "certificateId": "/certificates/c"}});
    plane.must("PUT", "gateways/g/hostnameConfigurations/h", &host);
    let (_, text) = exported(&plane, "sum", "openapi%2Bjson-link");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["servers"], json!([{"url": "https://api.example/sum"}]));
}

#[test]
fn what_is_exported_is_imported_as_the_same() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/shop", &import("openapi", SHOP));
    let operations = |api: &str| plane.must("GET", &format!("apis/{api}/operations"), &Value::Null).body;
    let before = operations("shop");
    let (_, yaml) = exported(&plane, "shop", "openapi-link");
    let (_, json) = exported(&plane, "shop", "openapi%2Bjson-link");
    let (_, swagger) = exported(&plane, "shop", "swagger-link");
    let (_, wadl) = exported(&plane, "shop", "wadl-link");
    for (format, text) in [("openapi", yaml), ("openapi+json", json)] {
        plane.must("PUT", "apis/shop", &import(format, &text));
        assert_eq!(operations("shop"), before, "{format}");
    }
    // These formats say less, and keep schemas under another name or not at all.
    let essence = |mut all: Value| {
        let operations = all["value"].as_array_mut().expect("a list");
        for operation in operations.iter_mut() {
            let responses = operation["properties"]["responses"].as_array_mut().expect("a list");
            for representation in
                responses.iter_mut().flat_map(|it| it["representations"].as_array_mut()).flatten()
            {
                *representation = representation["contentType"].clone();
            }
        }
        all
    };
    for (format, text) in [("swagger-json", swagger), ("wadl-xml", wadl)] {
        plane.must("PUT", "apis/shop", &import(format, &text));
        assert_eq!(essence(operations("shop")), essence(before.clone()), "{format}");
    }
    plane.must("PUT", "apis/sum", &json!({"properties": {"path": "sum", "format": "wsdl", "value": WSDL}}));
    let before = operations("sum");
    let (_, text) = exported(&plane, "sum", "wsdl-link");
    plane.must("PUT", "apis/sum", &json!({"properties": {"path": "sum", "format": "wsdl", "value": text}}));
    assert_eq!(operations("sum"), before);
    let graph = json!({"properties": {"path": "g", "displayName": "g", "type": "graphql"}});
    plane.must("PUT", "apis/g", &graph);
    let sdl = "type Query { users: [String] }";
    let schema = json!({"properties": {"contentType": "application/vnd.ms-azure-apim.graphql.schema", "document": {"value": sdl}}});
    plane.must("PUT", "apis/g/schemas/graphql", &schema);
    assert_eq!(exported(&plane, "g", "graphql-link").1, sdl);
}

#[test]
fn keys_are_asked_for_by_the_names_of_the_api() {
    let plane = Plane::start(&[]);
    let mut body = import("openapi", SHOP);
    body["properties"]["subscriptionKeyParameterNames"] = json!({"header": "X-Key", "query": "key"});
    plane.must("PUT", "apis/shop", &body);
    let schemes = |format: &str, pointer: &str| {
        let (_, text) = exported(&plane, "shop", format);
        let document: Value = serde_json::from_str(&text).expect("JSON");
        document.pointer(pointer).cloned().unwrap_or_default()
    };
    let expected = json!({
        "apiKeyHeader": {"type": "apiKey", "name": "X-Key", "in": "header"},
        "apiKeyQuery": {"type": "apiKey", "name": "key", "in": "query"},
    });
    assert_eq!(schemes("openapi%2Bjson-link", "/components/securitySchemes"), expected);
    assert_eq!(schemes("swagger-link", "/securityDefinitions"), expected);
    body["properties"]["subscriptionRequired"] = json!(false);
    plane.must("PUT", "apis/shop", &body);
    assert_eq!(schemes("openapi%2Bjson-link", "/components/securitySchemes"), Value::Null);
}
