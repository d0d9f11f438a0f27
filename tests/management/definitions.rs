//! Import of definitions, and what a hostile one gets (reliability-security.md M-07).
//!
//! The rules of management-api.md §3, and where they are tested; tests without a file are in this one:
//!
//! | rule | test |
//! | --- | --- |
//! | 3.1 each format, as text and as link | `every_format_is_taken_as_a_text_and_as_a_link`, `graphql_links_are_introspected_or_read` |
//! | 3.1 JSON under the name `openapi` | `every_format_is_taken_as_a_text_and_as_a_link` |
//! | 3.1 a WSDL as SOAP or as REST | `every_format…`, `imports` of `tests/fail_static` |
//! | 3.1 `wsdlSelector` | `wsdl_selector_chooses_the_port` |
//! | 3.1 replaces operations and schemas; without a format only properties | `import_again_keeps_the_policies_of_what_stays` |
//! | 3.1 `path`, `serviceUrl` of the request | `what_the_request_says_wins_over_the_definition` |
//! | 3.1 at most 4 MiB | `hostile_definitions_are_refused_in_time_and_leave_nothing`, `documents_over_the_size_limit_are_refused` of `gateway-specification` |
//! | 3.1 a schema of GraphQL without an import | `schemas::schemas_of_an_api_hold_texts_definitions_and_components` |
//! | 3.2 OpenAPI 2.0, 3.0, 3.1; `x-ms-paths`; recursion; what is resolved, what is dropped, and said | `definitions_give_what_is_expected` of `gateway-specification` (its files) |
//! | 3.2 references out of the document | `hostile_definitions…`, `references_that_lead_nowhere_are_errors` of `gateway-specification` |
//! | 3.2 servers, relative ones, `x-servers` | `service_url_is_that_of_the_server_that_counts`, `absolute_stands_on_the_source` of `gateway-specification`, `every_format…` |
//! | 3.2 names of the key's parameters | `exports::export_gives_links_that_need_no_token` |
//! | 3.2 required query parameters | `required_query_parameters_go_where_the_import_says` |
//! | 3.2 schemas of an API, `schemaId` and `typeName` | `import_makes_operations_schemas_and_properties` |
//! | 3.2 names and titles of operations | `names_are_normalised_shortened_and_unique`, `names_run_out_after_999_repeats`, `display_name_prefers_the_summary` of `gateway-specification` |
//! | 3.2 import again | `import_again_keeps_the_policies_of_what_stays` |
//! | 3.3 WSDL: one document, document style | `documents_that_load_or_expand_are_refused_with_their_place`, `wsdl_operations…` of `gateway-specification` |
//! | 3.3 WSDL to REST, several parts, recursion | `imports` of `tests/fail_static` |
//! | 3.3 WADL, OData, gRPC | `wadl_…`, `odata_…`, `protocol_buffers_…` of `gateway-specification` |
//! | 3.3 GraphQL: introspection, resolvers | `graphql_links_are_introspected_or_read`, `schemas::resolvers_answer_fields_of_graphql_apis` |
//! | 3.4 each format, its link, its answer | `exports::export_gives_links_that_need_no_token` |
//! | 3.4 what is exported is imported as the same | `exports::what_is_exported_is_imported_as_the_same`, `operations_survive_being_written_and_read` of `gateway-specification` |
//! | 3.4 host names, the key's parameters | `exports::export_of_a_wsdl_is_the_document_itself_and_servers_are_host_names`, `exports::keys_are_asked_for_by_the_names_of_the_api` |

use std::time::{Duration, Instant};

use gateway_tests::plane::Plane;
use gateway_tests::{Backend, Reply};
use serde_json::{Value, json};

pub const SHOP: &str = r##"openapi: 3.0.3
info: {title: Shop, description: Things, version: "1"}
servers: [{url: "https://shop.example/v1"}]
paths:
  /items/{sku}:
    get:
      operationId: getItem
      summary: Get an item
      parameters: [{name: sku, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: one, content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}}}
    delete:
      operationId: dropItem
      parameters: [{name: sku, in: path, required: true, schema: {type: string}}]
      responses: {"204": {description: gone}}
components: {schemas: {Item: {type: object, properties: {sku: {type: string}}}}}
"##;

pub fn import(format: &str, value: &str) -> Value {
    json!({"properties": {"path": "shop", "format": format, "value": value}})
}

#[test]
fn import_makes_operations_schemas_and_properties() {
    let plane = Plane::start(&[]);
    let made = plane.must("PUT", "apis/shop?import=true", &import("openapi", SHOP));
    assert_eq!(made.status, 201);
    let properties = &made.body["properties"];
    assert_eq!(properties["displayName"], "Shop");
    assert_eq!(properties["serviceUrl"], "https://shop.example/v1");
    assert_eq!(properties["path"], "shop");
    assert_eq!(properties["provisioningState"], "Succeeded");
    assert_eq!((&properties["value"], &properties["format"]), (&Value::Null, &Value::Null));
    assert_eq!(plane.must("GET", "apis/shop/operations", &Value::Null).names(), ["dropitem", "getitem"]);
    let operation = plane.must("GET", "apis/shop/operations/getitem", &Value::Null).body;
    assert_eq!(operation["properties"]["displayName"], "Get an item");
    assert_eq!(operation["properties"]["urlTemplate"], "/items/{sku}");
    let body = &operation["properties"]["responses"][0]["representations"][0];
    assert_eq!((&body["schemaId"], &body["typeName"]), (&json!("components"), &json!("Item")));
    let schema = plane.must("GET", "apis/shop/schemas/components", &Value::Null).body;
    assert_eq!(schema["properties"]["contentType"], "application/vnd.oai.openapi.components+json");
    assert_eq!(schema["properties"]["document"]["components"]["schemas"]["Item"]["type"], "object");
    // The same again changes nothing.
    let again = plane.must("PUT", "apis/shop", &import("openapi", SHOP));
    assert_eq!((again.status, &again.etag), (200, &made.etag));
}

#[test]
fn import_again_keeps_the_policies_of_what_stays() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/shop", &import("openapi", SHOP));
    let policy = |mark: &str| {
        let text = format!(
            "<policies><inbound><base /><set-header name=\"X\"><value>{mark}</value></set-header></inbound></policies>"
        );
        json!({"properties": {"format": "rawxml", "value": text}})
    };
    plane.must("PUT", "apis/shop/operations/getitem/policies/policy", &policy("get"));
    plane.must("PUT", "apis/shop/operations/dropitem/policies/policy", &policy("drop"));
    plane.must("PUT", "apis/shop/policies/policy", &policy("api"));
    // One keeps its name; one has another name for the same method and template; a new one comes.
    let changed = SHOP.replace("dropItem", "removeItem").replace(
        "components:",
        "  /items:\n    get: {operationId: list, responses: {\"200\": {description: all}}}\ncomponents:",
    );
    plane.must("PUT", "apis/shop", &import("openapi", &changed));
    let names = plane.must("GET", "apis/shop/operations", &Value::Null).names();
    assert_eq!(names, ["getitem", "list", "removeitem"]);
    for (path, mark) in [("operations/getitem/", "get"), ("operations/removeitem/", "drop"), ("", "api")] {
        let path = format!("apis/shop/{path}policies/policy?format=rawxml");
        let text = plane.must("GET", &path, &Value::Null).body;
        assert!(text["properties"]["value"].as_str().is_some_and(|it| it.contains(mark)), "{path}: {text}");
    }
    assert_eq!(plane.call("GET", "apis/shop/operations/list/policies/policy", &Value::Null).status, 404);
    // Without a definition only properties change.
    let plain = json!({"properties": {"path": "shop", "displayName": "Other"}});
    assert_eq!(plane.must("PUT", "apis/shop", &plain).body["properties"]["displayName"], "Other");
    assert_eq!(plane.must("GET", "apis/shop/operations", &Value::Null).body["count"], 3);
}

#[test]
fn required_query_parameters_go_where_the_import_says() {
    let plane = Plane::start(&[]);
    let text = r#"{"swagger": "2.0", "info": {"title": "S", "version": "1"}, "host": "h.example", "basePath": "/b", "schemes": ["http"],
        "paths": {"/p": {"get": {"operationId": "p", "parameters": [{"name": "q", "in": "query", "type": "string", "required": true}],
        "responses": {"200": {"description": "ok"}}}}}}"#;
    plane.must("PUT", "apis/a", &import("swagger-json", text));
    let template = |api: &str| {
        plane.must("GET", &format!("apis/{api}/operations/p"), &Value::Null).body["properties"].clone()
    };
    assert_eq!(template("a")["urlTemplate"], "/p?q={q}");
    let mut body = import("swagger-json", text);
    body["properties"]["path"] = json!("b");
    body["properties"]["translateRequiredQueryParameters"] = json!("query");
    let made = plane.must("PUT", "apis/b", &body).body;
    assert_eq!(made["properties"]["serviceUrl"], "http://h.example/b");
    assert_eq!(template("b")["urlTemplate"], "/p");
    assert_eq!(template("b")["request"]["queryParameters"][0]["name"], "q");
}

#[test]
fn links_are_read_and_what_leads_inside_is_not() {
    let plane = Plane::start(&[]);
    let backend = Backend::start(|request| match request.target.as_str() {
        "/shop.yaml" => Reply::ok(SHOP),
        "/moved" => Reply::with(302, &[("Location", "/shop.yaml")], ""),
        "/inside" => Reply::with(302, &[("Location", "http://169.254.169.254/latest/meta-data")], ""),
        "/circle" => Reply::with(302, &[("Location", "/circle")], ""),
        _ => Reply::with(404, &[], ""),
    });
    for target in ["shop.yaml", "moved"] {
        let link = format!("{}/{target}", backend.url());
        plane.must("PUT", "apis/shop", &import("openapi-link", &link));
        assert_eq!(plane.must("GET", "apis/shop/operations", &Value::Null).body["count"], 2, "{target}");
    }
    for (link, part) in [
        (format!("{}/none", backend.url()), "answers 404"),
        (format!("{}/inside", backend.url()), "cannot be read"),
        (format!("{}/circle", backend.url()), "redirects more than 3 times"),
        ("http://169.254.169.254/latest/meta-data".to_owned(), "cannot be read"),
        (format!("{}/metadata/endpoints", plane.url()), "cannot be read"),
        ("file:///etc/passwd".to_owned(), "must begin with http:// or https://"),
        ("gopher://h/".to_owned(), "must begin with http:// or https://"),
        ("http://".to_owned(), "cannot be read"),
    ] {
        let refused = plane.call("PUT", "apis/other", &import("openapi-link", &link));
        assert_eq!((refused.status, refused.code()), (400, "ValidationError"), "{link}");
        assert!(refused.messages().contains(part), "{link}: {}", refused.messages());
    }
    assert_eq!(plane.call("GET", "apis/other", &Value::Null).status, 404);
}

#[test]
fn graphql_links_are_introspected_or_read() {
    let plane = Plane::start(&[]);
    let backend = Backend::start(|request| match (request.method.as_str(), request.target.as_str()) {
        ("POST", "/graphql") => Reply::ok(
            r#"{"data": {"__schema": {"queryType": {"name": "Query"}, "directives": [], "types": [
                {"kind": "OBJECT", "name": "Query", "interfaces": [], "fields": [
                {"name": "hello", "args": [], "type": {"kind": "SCALAR", "name": "String"}}]}]}}}"#,
        ),
        ("GET", "/schema.graphql") => Reply::ok("type Query { users: [String] }"),
        ("GET", "/bad.graphql") => Reply::ok("type Query { users: Missing }"),
        _ => Reply::with(405, &[], ""),
    });
    let put = |api: &str, target: &str| {
        let value = format!("{}{target}", backend.url());
        let body = json!({"properties": {"path": api, "displayName": "G", "format": "graphql-link", "value": value}});
        plane.call("PUT", &format!("apis/{api}"), &body)
    };
    for (api, target, part) in
        [("g", "/graphql", "hello: String"), ("s", "/schema.graphql", "users: [String]")]
    {
        let made = put(api, target);
        assert_eq!(
            (made.status, &made.body["properties"]["type"]),
            (201, &json!("graphql")),
            "{}",
            made.body
        );
        let schema = plane.must("GET", &format!("apis/{api}/schemas/graphql"), &Value::Null).body;
        assert_eq!(schema["properties"]["contentType"], "application/vnd.ms-azure-apim.graphql.schema");
        let text = schema["properties"]["document"]["value"].as_str().unwrap_or_default();
        assert!(text.contains(part), "{text}");
    }
    let refused = put("b", "/bad.graphql");
    assert_eq!(refused.status, 400);
    assert!(refused.messages().contains("Parsing error(s)"), "{}", refused.messages());
}

pub const WSDL: &str = r#"<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:t="urn:t" targetNamespace="urn:t">
<wsdl:portType name="P"><wsdl:operation name="Add"/></wsdl:portType><wsdl:binding name="B" type="t:P"><soap:binding style="document"/>
<wsdl:operation name="Add"><soap:operation soapAction="urn:t/Add"/></wsdl:operation></wsdl:binding>
<wsdl:service name="Sum"><wsdl:port name="S" binding="t:B"><soap:address location="http://sum.example/svc"/></wsdl:port></wsdl:service></wsdl:definitions>"#;

const SWAGGER: &str = r#"{"swagger": "2.0", "info": {"title": "S", "version": "1"}, "basePath": "/b", "paths": {"/p": {"get": {"responses": {}}}}}"#;
const OPENAPI: &str = r#"{"openapi": "3.0.1", "info": {"title": "O", "version": "1"}, "servers": [{"url": "/v1"}], "paths": {"/p": {"get": {"responses": {}}}}}"#;
const ODATA: &str = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices><Schema Namespace="N" xmlns="http://docs.oasis-open.org/odata/ns/edm">
    <EntityContainer Name="C"><EntitySet Name="Items" EntityType="N.I"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;
const GRPC: &str = "syntax = \"proto3\"; package p; service S { rpc Get (A) returns (B); }";
const WADL: &str = r#"<application xmlns="http://wadl.dev.java.net/2009/02"><resources base="http://w.example/"><resource path="x"><method name="GET" id="getX"/></resource></resources></application>"#;

/// All formats but `graphql-link`, as texts and as links.
#[test]
fn every_format_is_taken_as_a_text_and_as_a_link() {
    let plane = Plane::start(&[]);
    let formats = [
        ("openapi", "openapi-link", OPENAPI, "http", "/p"),
        ("openapi+json", "openapi+json-link", OPENAPI, "http", "/p"),
        ("openapi", "openapi-link", SHOP, "http", "/items/{sku}"),
        ("swagger-json", "swagger-link-json", SWAGGER, "http", "/p"),
        ("wsdl", "wsdl-link", WSDL, "soap", "/?soapAction=urn:t/Add"),
        ("odata", "odata-link", ODATA, "odata", "/Items"),
        ("grpc", "grpc-link", GRPC, "grpc", "/p.S/Get"),
        ("wadl-xml", "wadl-link-json", WADL, "http", "/x"),
    ];
    let backend = Backend::start(move |request| {
        let at: usize = request.target.trim_start_matches("/docs/").parse().expect("a place in the table");
        Reply::ok(formats[at].2)
    });
    for (at, (inline, link, text, kind, template)) in formats.into_iter().enumerate() {
        for (format, value) in [(inline, text.to_owned()), (link, format!("{}/docs/{at}", backend.url()))] {
            let api = format!("apis/a{at}-{}", format.ends_with("-link"));
            let body =
                json!({"properties": {"path": api, "displayName": api, "format": format, "value": value}});
            let made = plane.must("PUT", &api, &body).body;
            assert_eq!(made["properties"]["type"], kind, "{format}");
            let operations = plane.must("GET", &format!("{api}/operations"), &Value::Null).body;
            let operations = operations["value"].as_array().cloned().unwrap_or_default();
            let has = operations.iter().any(|it| it["properties"]["urlTemplate"] == template);
            assert!(has, "{format}: {operations:?}");
            // Addresses without a host stand on that of the document.
            let (is_link, relative) = (value != text, if kind == "http" { text } else { "" });
            let expected = match (is_link, relative) {
                (true, OPENAPI) => json!(format!("{}/v1", backend.url())),
                (true, SWAGGER) => json!(format!("{}/b", backend.url())),
                (false, OPENAPI | SWAGGER) => Value::Null,
                _ => continue,
            };
            assert_eq!(made["properties"]["serviceUrl"], expected, "{format}");
        }
    }
    let body =
        json!({"properties": {"path": "rest", "format": "wsdl", "apiType": "websocket", "value": WSDL}});
    let refused = plane.call("PUT", "apis/rest", &body);
    assert!(
        refused.status == 400 && refused.messages().contains("not 'websocket'"),
        "{}",
        refused.messages()
    );
}

#[test]
fn wsdl_selector_chooses_the_port() {
    let plane = Plane::start(&[]);
    let second = WSDL.replace(
        "</wsdl:definitions>",
        r#"<wsdl:service name="Other"><wsdl:port name="O" binding="t:B"><soap:address location="http://other.example/"/></wsdl:port></wsdl:service></wsdl:definitions>"#,
    );
    let put = |selector: Value| {
        let body =
            json!({"properties": {"path": "s", "format": "wsdl", "value": second, "wsdlSelector": selector}});
        plane.call("PUT", "apis/s", &body)
    };
    let missing = put(json!({"wsdlServiceName": "Other", "wsdlEndpointName": "None"}));
    assert_eq!(missing.status, 400);
    assert!(
        missing.messages().contains("no SOAP port 'None' in a service 'Other'"),
        "{}",
        missing.messages()
    );
    let made = put(json!({"wsdlServiceName": "Other", "wsdlEndpointName": "O"})).body;
    assert_eq!(made["properties"]["serviceUrl"], "http://other.example/");
    assert_eq!(
        (&made["properties"]["displayName"], &made["properties"]["wsdlSelector"]),
        (&json!("Other"), &Value::Null)
    );
}

#[test]
fn what_the_request_says_wins_over_the_definition() {
    let plane = Plane::start(&[]);
    let mut body = import("openapi", SHOP);
    body["properties"]["serviceUrl"] = json!("https://mine.example");
    body["properties"]["displayName"] = json!("Mine");
    let made = plane.must("PUT", "apis/shop", &body).body;
    let properties = &made["properties"];
    assert_eq!(
        (&properties["serviceUrl"], &properties["displayName"]),
        (&json!("https://mine.example"), &json!("Mine"))
    );
    assert_eq!((&properties["description"], &properties["path"]), (&json!("Things"), &json!("shop")));
    let Value::Object(members) = &mut body["properties"] else { panic!("an object") };
    members.remove("path");
    let refused = plane.call("PUT", "apis/other", &body);
    assert_eq!((refused.status, refused.code()), (400, "ValidationError"), "{}", refused.body);
    assert_eq!(refused.body["error"]["details"][0]["target"], "path");
}

fn refused(plane: &Plane, format: &str, value: &str, part: &str) {
    let begin = Instant::now();
    let answer = plane.call("PUT", "apis/bad", &import(format, value));
    let head: String = value.chars().take(60).collect();
    assert_eq!((answer.status, answer.code()), (400, "ValidationError"), "{head}");
    let messages = answer.messages().to_lowercase();
    assert!(messages.contains(&part.to_lowercase()), "{head}: {messages}");
    assert!(begin.elapsed() < Duration::from_secs(5), "{head}: {:?}", begin.elapsed());
    assert_eq!(plane.call("GET", "apis/bad", &Value::Null).status, 404, "{head}");
}

#[test]
fn hostile_definitions_are_refused_in_time_and_leave_nothing() {
    let plane = Plane::start(&[]);
    let with = |paths: &str| {
        format!(r#"{{"openapi":"3.0.1","info":{{"title":"t","version":"1"}},"paths":{{{paths}}}}}"#)
    };
    let mut aliases = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x]\n");
    for level in 1..9 {
        let before = format!("*a{},", level - 1).repeat(9);
        aliases.push_str(&format!("a{level}: &a{level} [{}]\n", before.trim_end_matches(',')));
    }
    let deep = format!("{}1{}", "[".repeat(200_000), "]".repeat(200_000));
    let external =
        with(r#""/a":{"get":{"parameters":[{"$ref":"http://169.254.169.254/x#/p"}],"responses":{}}}"#);
    let file = with(r#""/a":{"get":{"parameters":[{"$ref":"file:///etc/passwd"}],"responses":{}}}"#);
    let cyclic = with(
        r##""/a":{"get":{"parameters":[{"$ref":"#/x/a"}],"responses":{}}}},"x":{"a":{"$ref":"#/x/b"},"b":{"$ref":"#/x/a"}"##,
    );
    refused(&plane, "openapi", &aliases, "alias");
    refused(&plane, "openapi+json", &deep, "recursion limit");
    refused(&plane, "openapi+json", &external, "leads out of the document");
    refused(&plane, "openapi+json", &file, "leads out of the document");
    refused(&plane, "openapi+json", &cyclic, "leads back to itself");
    refused(&plane, "openapi", "{", "Parsing error(s)");
    refused(&plane, "openapi", "just text", "Parsing error(s)");
    refused(&plane, "swagger-json", "PK\u{3}\u{4} zip", "Parsing error(s)");
    let bomb = format!("<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '{}'>]><a>&b;</a>", "&a;".repeat(100));
    for format in ["wsdl", "wadl-xml", "odata"] {
        refused(&plane, format, &bomb, "doctype");
        refused(&plane, format, "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "doctype");
        refused(&plane, format, &"<a>".repeat(100_000), "depth");
        refused(&plane, format, "", "value");
    }
    let include = WSDL.replace(
        "<wsdl:portType name",
        r#"<wsdl:types><x:schema xmlns:x="http://www.w3.org/2001/XMLSchema"><x:import namespace="u" schemaLocation="http://169.254.169.254/"/></x:schema></wsdl:types><wsdl:portType name"#,
    );
    refused(&plane, "wsdl", &include, "another document");
    refused(&plane, "grpc", "service", "no service");
    refused(&plane, "carrier-pigeon", "x", "must be one of");
    let huge = plane.call("PUT", "apis/bad", &import("openapi", &"x".repeat(5 << 20)));
    assert_eq!(huge.status, 413);
}
