//! Validation and transformation through the listeners: contracts out of an OpenAPI document, schemas of the service,
//! bodies changed on both ways.

use gateway_tests::{Api, Backend, Config, Reply, Running};

const SPECIFICATION: &str = r##"openapi: 3.0.3
info: { title: shop, version: "1" }
paths:
  /orders/{id}:
    put:
      parameters:
        - { name: id, in: path, required: true, schema: { type: integer, minimum: 1 } }
      requestBody:
        content:
          application/json:
            schema: { $ref: "#/components/schemas/Order" }
      responses:
        "200":
          description: done
          content:
            application/json:
              schema: { $ref: "#/components/schemas/Order" }
components:
  schemas:
    Order:
      type: object
      required: [name]
      properties: { name: { type: string, maxLength: 5 }, note: { type: string, nullable: true } }
"##;

const VALIDATION: &str = r#"<base />
<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="ignore" />
<validate-content unspecified-content-type-action="prevent" max-size="1000" size-exceeded-action="prevent">
  <content validate-as="json" action="prevent" />
</validate-content>"#;

#[test]
fn requests_are_held_against_the_openapi_document() {
    let backend =
        Backend::start(|_| Reply::with(200, &[("Content-Type", "application/json")], r#"{"name":"Ann"}"#));
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "shop", path: "shop", service_url: &url, operations: &[], more: "" });
    config.file("apis/shop/specification.yaml", SPECIFICATION);
    config.policy("apis/shop/policy.xml", VALIDATION, "", "", "");
    let gateway = Running::start(config.path(), &[]);
    let put = |target: &str, body: &str| {
        gateway.client().request_with("PUT", target, &[("Content-Type", "application/json")], body.as_bytes())
    };
    assert_eq!(put("/shop/orders/1", r#"{"name":"Ann","note":null}"#).status, 200);
    let long = put("/shop/orders/1", r#"{"name":"Annette"}"#);
    assert_eq!(long.status, 400);
    let text = "String 'Annette' exceeds maximum length of 5. Line: 1, Position: 17";
    assert!(long.text().contains(text), "{}", long.text());
    assert_eq!(put("/shop/orders/0", r#"{"name":"Ann"}"#).status, 400);
    assert_eq!(put("/shop/orders/1", "{").status, 400);
    assert_eq!(put("/shop/orders/1", &format!("{{\"name\":\"{}\"}}", "a".repeat(2000))).status, 400);
    assert_eq!(backend.seen().len(), 1);
}

#[test]
fn bodies_are_changed_on_both_ways() {
    let soap = r#"<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><r><item>a</item><item>b</item></r></e:Body></e:Envelope>"#;
    let backend = Backend::start(move |_| Reply::with(200, &[("Content-Type", "text/xml")], soap));
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["POST /item"], more: "" });
    let inbound = r#"<base /><set-body template="liquid"><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><name>{{body.name | Escape}}</name></e:Body></e:Envelope></set-body>
        <set-header name="Content-Type" exists-action="override"><value>text/xml</value></set-header>"#;
    let outbound = r#"<base /><set-body template="liquid">[{% JSONArrayFor item in body.envelope.body.r.item %}"{{item}}"{% endJSONArrayFor %}]</set-body>
        <set-header name="Content-Type" exists-action="override"><value>application/json</value></set-header>"#;
    config.policy("apis/a/policy.xml", inbound, "", outbound, "");
    let gateway = Running::start(config.path(), &[]);
    let headers = [("Content-Type", "application/json")];
    let answer = gateway.client().request_with("POST", "/a/item", &headers, br#"{"name":"<Ann>"}"#);
    assert_eq!((answer.status, answer.text()), (200, r#"["a","b"]"#.to_owned()));
    let seen = String::from_utf8(backend.only().body).unwrap();
    assert!(seen.contains("<name>&lt;Ann&gt;</name>"), "{seen}");
}

#[test]
fn the_cross_domain_file_belongs_to_no_api() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    let inbound = r#"<cross-domain><cross-domain-policy><allow-access-from domain="*" /></cross-domain-policy></cross-domain>"#;
    config.policy("policy.xml", inbound, "<forward-request />", "", "");
    let gateway = Running::start(config.path(), &[]);
    let answer = gateway.get("/crossdomain.xml", &[]);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/x-cross-domain-policy")));
    assert!(answer.text().contains("<allow-access-from domain=\"*\" />"), "{}", answer.text());
    assert_eq!(gateway.get("/a/item", &[]).text(), "ok");
}
