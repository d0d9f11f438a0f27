//! WADL, WSDL, OData metadata and protocol buffers, and definitions written back.

use gateway_model::resource::{Parameter, Representation, Request, Response};
use gateway_model::{Api, Operation};
use gateway_specification::write::{Source, yaml};
use gateway_specification::{
    Definition, Format, Outcome, Settings, WsdlSelector, introspection, read, read_as,
};
use proptest::prelude::*;
use serde_json::json;

fn outcome(text: &str, format: Format) -> Outcome {
    read_as(text, &"f".into(), &Settings::default(), format)
}

fn good(text: &str, format: Format) -> Definition {
    let outcome = outcome(text, format);
    let errors: Vec<_> = outcome.diagnostics.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    outcome.definition.expect("a definition")
}

fn errors(text: &str, format: Format) -> String {
    let found = outcome(text, format).diagnostics;
    found.iter().filter(|finding| finding.is_error()).map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn lines(definition: &Definition) -> Vec<String> {
    let line = |it: &Operation| format!("{} {} {}", it.id, it.method, it.url_template);
    definition.operations.iter().map(line).collect()
}

const WADL: &str = r##"<application xmlns="http://wadl.dev.java.net/2009/02" xmlns:xs="http://www.w3.org/2001/XMLSchema">
<doc title="Shop">Things to buy.</doc>
<resources base="https://shop.example/api/">
 <resource path="items">
  <method name="GET" id="listItems"><request><param name="page" style="query" type="xs:int" default="1"/>
    <param name="q" style="query" type="xs:string" required="true"/><param name="X-A" style="header"/></request>
   <response status="200 203"><representation mediaType="application/json"/></response></method>
  <resource path="{sku}"><param name="sku" style="template" type="xs:string"/>
   <method href="#del"/></resource>
 </resource>
</resources>
<method name="DELETE" id="del"/>
</application>"##;

#[test]
fn wadl_resources_and_methods_become_operations() {
    let definition = good(WADL, Format::Wadl);
    assert_eq!(definition.title.as_deref(), Some("Shop"));
    assert_eq!(definition.service_url.as_deref(), Some("https://shop.example/api"));
    assert_eq!(lines(&definition), ["listitems GET /items?q={q}", "del DELETE /items/{sku}"]);
    let list = &definition.operations[0];
    assert_eq!(list.responses.iter().map(|it| it.status_code).collect::<Vec<_>>(), [200, 203]);
    assert_eq!(list.request.as_ref().map(|it| (it.query_parameters.len(), it.headers.len())), Some((1, 1)));
}

fn wsdl(types: &str, actions: [&str; 2]) -> String {
    let [get, put] = actions;
    format!(
        r#"<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
 xmlns:soap12="http://schemas.xmlsoap.org/wsdl/soap12/" xmlns:t="urn:t" targetNamespace="urn:t"><wsdl:types>{types}</wsdl:types>
 <wsdl:portType name="Stock"><wsdl:operation name="GetItem"><wsdl:documentation>One item.</wsdl:documentation></wsdl:operation>
  <wsdl:operation name="PutItem"/></wsdl:portType>
 <wsdl:binding name="B" type="t:Stock"><soap:binding style="document"/>
  <wsdl:operation name="GetItem"><soap:operation soapAction="{get}"/></wsdl:operation>
  <wsdl:operation name="PutItem"><soap:operation soapAction="{put}"/></wsdl:operation></wsdl:binding>
 <wsdl:binding name="B12" type="t:Stock"><soap12:binding style="document"/>
  <wsdl:operation name="GetItem"><soap12:operation soapAction="urn:t/G12"/></wsdl:operation></wsdl:binding>
 <wsdl:service name="StockService"><wsdl:port name="P12" binding="t:B12"><soap12:address location="http://h/12"/></wsdl:port>
  <wsdl:port name="P" binding="t:B"><soap:address location="http://h/11"/></wsdl:port></wsdl:service>
</wsdl:definitions>"#
    )
}

#[test]
fn wsdl_operations_are_told_apart_by_their_actions() {
    let text = wsdl("", ["urn:t/Get", "urn:t/Put"]);
    let definition = good(&text, Format::Wsdl);
    assert_eq!(definition.title.as_deref(), Some("StockService"));
    assert_eq!(definition.service_url.as_deref(), Some("http://h/11"), "SOAP 1.1 goes first");
    let expected = ["getitem POST /?soapAction=urn:t/Get", "putitem POST /?soapAction=urn:t/Put"];
    assert_eq!(lines(&definition), expected);
    assert_eq!(definition.operations[0].description.as_deref(), Some("One item."));
    let settings = Settings {
        wsdl: WsdlSelector { service: Some("StockService".into()), endpoint: Some("P12".into()) },
        ..Settings::default()
    };
    let chosen = read_as(&text, &"f".into(), &settings, Format::Wsdl).definition.expect("a definition");
    assert_eq!(chosen.service_url.as_deref(), Some("http://h/12"));
    assert_eq!(lines(&chosen), ["getitem POST /?soapAction=urn:t/G12"]);
}

#[test]
fn documents_that_load_or_expand_are_refused_with_their_place() {
    let import = r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema"><xsd:include schemaLocation="file:///etc/passwd"/></xsd:schema>"#;
    let bomb = format!("<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '{}'>]><a>&b;</a>", "&a;".repeat(1000));
    let deep = format!("{}{}", "<a>".repeat(5_000), "</a>".repeat(5_000));
    let large = format!("<a>{}</a>", " ".repeat(5 << 20));
    for (text, format, part) in [
        (wsdl(import, ["a", "b"]), Format::Wsdl, "include"),
        (
            wsdl("", ["a", "b"]).replace("<wsdl:types>", "<wsdl:import location='http://h/'/><wsdl:types>"),
            Format::Wsdl,
            "wsdl:import",
        ),
        (wsdl("", ["a", "b"]).replace("\"document\"", "\"rpc\""), Format::Wsdl, "style rpc"),
        (
            wsdl("", ["a", "b"]).replace("/wsdl/soap", "/wsdl/other"),
            Format::Wsdl,
            "no service with a SOAP port",
        ),
        (wsdl("", ["same", "same"]), Format::Wsdl, "same SOAP action 'same'"),
        (bomb.clone(), Format::Wsdl, "DOCTYPE"),
        (bomb, Format::Wadl, "DOCTYPE"),
        ("<!DOCTYPE a SYSTEM 'http://h/'><a/>".to_owned(), Format::OData, "DOCTYPE"),
        (deep, Format::OData, "depth"),
        (large, Format::Wadl, "4194304 are allowed"),
        ("<a/>".to_owned(), Format::Wsdl, "no WSDL 1.1 document"),
        ("<a/>".to_owned(), Format::Wadl, "no WADL document"),
        ("<a/>".to_owned(), Format::OData, "no OData metadata"),
        ("message A {}".to_owned(), Format::Grpc, "no service"),
        ("/* open".to_owned(), Format::Grpc, "not closed"),
        (String::new(), Format::Wsdl, ""),
        (WADL.replace("#del", "http://h/x#del"), Format::Wadl, "leads out of the document"),
    ] {
        let found = errors(&text, format);
        let head: String = text.chars().take(60).collect();
        assert!(!found.is_empty() && found.to_lowercase().contains(&part.to_lowercase()), "{head}: {found}");
    }
}

#[test]
fn odata_container_becomes_operations_and_the_document_a_schema() {
    let text = r#"<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="N" xmlns="http://docs.oasis-open.org/odata/ns/edm"><EntityContainer Name="Shop">
<EntitySet Name="Items" EntityType="N.Item"/><Singleton Name="Me" Type="N.User"/><FunctionImport Name="Top" Function="N.Top"/>
<ActionImport Name="Reset" Action="N.Reset"/></EntityContainer></Schema></edmx:DataServices></edmx:Edmx>"#;
    let definition = good(text, Format::OData);
    let lines = lines(&definition);
    for wanted in [
        "metadata GET /$metadata",
        "list-items GET /Items",
        "get-one-of-items GET /Items({key})",
        "get-me GET /Me",
        "reset POST /Reset",
    ] {
        assert!(lines.iter().any(|line| line == wanted), "{wanted}: {lines:?}");
    }
    assert_eq!(definition.schemas.len(), 1);
    assert!(
        definition.schemas[0].document.value.as_deref().is_some_and(|value| value.contains("<edmx:Edmx"))
    );
}

#[test]
fn protocol_buffers_give_one_operation_for_each_rpc() {
    let text = r#"syntax = "proto3"; // "service X {"
package shop.v1;
/* service Hidden { rpc A (B) returns (C); } */
message Item { string sku = 1; message Inner { string rpc = 1; } }
service Stock {
  option deprecated = true;
  rpc Get (Item) returns (Item) { option (google.api.http) = { get: "/v1/{rpc}" }; }
  rpc Watch (stream Item) returns (stream Item);
}"#;
    let definition = good(text, Format::Grpc);
    assert_eq!(definition.title.as_deref(), Some("Stock"));
    let expected = ["stock-get POST /shop.v1.Stock/Get", "stock-watch POST /shop.v1.Stock/Watch"];
    assert_eq!(lines(&definition), expected);
}

#[test]
fn introspection_becomes_a_schema_and_hostile_names_do_not() {
    let of = |name: &str| {
        json!({"queryType": {"name": "Query"}, "types": [
            {"kind": "OBJECT", "name": "Query", "interfaces": [], "description": "All \"of\" it\nhere", "fields": [
                {"name": name, "args": [{"name": "id", "type": {"kind": "NON_NULL", "ofType": {"kind": "SCALAR", "name": "ID"}}, "defaultValue": "\"1\""}],
                 "type": {"kind": "LIST", "ofType": {"kind": "ENUM", "name": "Size"}}, "isDeprecated": true, "deprecationReason": "old"}]},
            {"kind": "ENUM", "name": "Size", "enumValues": [{"name": "SMALL"}, {"name": "LARGE"}]},
            {"kind": "SCALAR", "name": "ID"}, {"kind": "OBJECT", "name": "__Type", "fields": []}],
            "directives": [{"name": "deprecated", "locations": ["FIELD"]}]})
    };
    let expected = "schema {\n  query: Query\n}\n\n\"All \\\"of\\\" it\\nhere\"\ntype Query {\n  sizes(id: ID! = \"1\"): [Size] @deprecated(reason: \"old\")\n}\n\nenum Size {\n  SMALL\n  LARGE\n}\n\n";
    assert_eq!(introspection::to_sdl(&of("sizes")).as_deref(), Ok(expected));
    assert!(introspection::to_sdl(&of("a } type Evil {")).is_err());
    let mut endless = json!({"kind": "SCALAR", "name": "ID"});
    for _ in 0..100 {
        endless = json!({"kind": "LIST", "ofType": endless});
    }
    let schema = json!({"types": [{"kind": "UNION", "name": "U", "possibleTypes": [endless]}]});
    assert!(introspection::to_sdl(&schema).is_err());
}

#[test]
fn what_is_written_is_well_formed_in_every_format() {
    let text = r##"{"openapi": "3.0.1", "info": {"title": "A", "version": "2", "description": "x: \"y\"\n- z"},
"paths": {"/items/{id}": {"put": {"operationId": "put-item", "summary": "Put <it>",
  "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "integer", "enum": [1, 2]}},
    {"name": "q", "in": "query", "required": true, "schema": {"type": "string"}},
    {"name": "tags", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
    {"name": "X-A", "in": "header", "schema": {"type": "string", "default": "d"}}],
  "requestBody": {"description": "b", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}, "example": {"id": 1}}}},
  "responses": {"200": {"description": "ok", "headers": {"ETag": {"schema": {"type": "string"}}},
    "content": {"application/json": {"schema": {"type": "array", "items": {"$ref": "#/components/schemas/Item"}}}}}, "204": {"description": "none"}}}}},
"components": {"schemas": {"Item": {"type": "object", "properties": {"id": {"type": "integer"}, "next": {"$ref": "#/components/schemas/Item"}}}}}}"##;
    let definition = read(text, &"f".into(), &Settings::default()).definition.expect("a definition");
    let source = Source {
        api: Api { display_name: "A".into(), ..Api::default() },
        operations: definition.operations.clone(),
        schemas: definition.schemas.clone(),
        servers: vec!["https://gateway.example/a".into()],
    };
    let strip = |mut definition: Definition| {
        definition.operations.iter_mut().for_each(|it| it.origin = gateway_model::Origin::default());
        (definition.operations, definition.schemas.into_iter().map(|it| it.document).collect::<Vec<_>>())
    };
    let openapi = source.openapi();
    for written in [openapi.to_string(), yaml(&openapi)] {
        let again = read(&written, &"f".into(), &Settings::default());
        assert!(again.diagnostics.is_empty(), "{:?}\n{written}", again.diagnostics);
        assert_eq!(strip(again.definition.expect("a definition")), strip(definition.clone()), "{written}");
    }
    let swagger = source.swagger();
    assert_eq!(swagger["definitions"]["Item"]["properties"]["next"]["$ref"], "#/definitions/Item");
    let again = read(&swagger.to_string(), &"f".into(), &Settings::default());
    assert!(again.diagnostics.is_empty(), "{:?}\n{swagger}", again.diagnostics);
    let again = again.definition.expect("a definition");
    assert_eq!(again.service_url.as_deref(), Some("https://gateway.example/a"));
    assert_eq!(lines(&again), lines(&definition));
    let wadl = good(&source.wadl(), Format::Wadl);
    assert_eq!(lines(&wadl), lines(&definition));
    assert_eq!(wadl.operations[0].display_name, "Put <it>");
}

fn operation() -> impl Strategy<Value = Operation> {
    let parameter = |required| {
        ("[a-z]{1,6}", "(string|integer|boolean)", prop::option::of("[ -~]{1,9}")).prop_map(
            move |(name, kind, description)| Parameter {
                name,
                description,
                parameter_type: kind,
                required,
                ..Parameter::default()
            },
        )
    };
    let method = prop::sample::select(vec!["GET", "PUT", "POST", "DELETE"]);
    let status = prop::sample::select(vec![200_u16, 404]);
    (method, parameter(true), prop::option::of(parameter(false)), prop::option::of(status), "[ -~]{1,20}")
        .prop_map(|(method, in_path, in_query, status, title)| {
            let in_query = in_query.filter(|it| it.name != in_path.name);
            let response = |status_code| Response {
                status_code,
                representations: vec![Representation {
                    content_type: "text/plain".to_owned(),
                    ..Representation::default()
                }],
                ..Response::default()
            };
            Operation {
                id: method.to_ascii_lowercase().as_str().into(),
                display_name: Some(title.trim().to_owned())
                    .filter(|it| !it.is_empty())
                    .unwrap_or("x".to_owned()),
                method: method.to_owned(),
                url_template: format!("/a/{{{}}}/b", in_path.name),
                template_parameters: vec![in_path],
                request: in_query.map(|it| Request { query_parameters: vec![it], ..Request::default() }),
                responses: status.map(response).into_iter().collect(),
                ..Operation::default()
            }
        })
}

proptest! {
    #[test]
    fn operations_survive_being_written_and_read(operation in operation()) {
        let source = Source { operations: vec![operation.clone()], ..Source::default() };
        for text in [source.openapi().to_string(), yaml(&source.openapi())] {
            let outcome = read(&text, &"f".into(), &Settings::default());
            prop_assert!(outcome.diagnostics.iter().all(|it| !it.is_error()), "{:?}\n{}", outcome.diagnostics, text);
            let mut read = outcome.definition.unwrap_or_default().operations;
            read.iter_mut().for_each(|it| it.origin = gateway_model::Origin::default());
            prop_assert_eq!(&read, &vec![operation.clone()], "{}", text);
        }
    }
}
