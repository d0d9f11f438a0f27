//! Definitions that are imported at the plane, as gateways serve them.

use gateway_tests::{Backend, Federation, Recorded, Reply};
use serde_json::{Value, json};

use crate::{answered, follow};

const SCHEMA: &str = r#"<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:shop" elementFormDefault="qualified">
 <xsd:element name="GetOrders"><xsd:complexType><xsd:sequence>
  <xsd:element name="Customer" type="xsd:string"/><xsd:element name="Limit" type="xsd:int" minOccurs="0"/>
  <xsd:element name="States" minOccurs="0"><xsd:complexType><xsd:sequence><xsd:element name="State" type="xsd:string" maxOccurs="unbounded"/></xsd:sequence></xsd:complexType></xsd:element>
 </xsd:sequence></xsd:complexType></xsd:element>
 <xsd:complexType name="Order"><xsd:sequence><xsd:element name="ID" type="xsd:int"/><xsd:element name="Note" type="xsd:string"/><xsd:element name="Paid" type="xsd:boolean"/></xsd:sequence></xsd:complexType>
 <xsd:element name="GetOrdersResponse"><xsd:complexType><xsd:sequence>
  <xsd:element name="Orders"><xsd:complexType><xsd:sequence><xsd:element name="Order" type="t:Order" minOccurs="0" maxOccurs="unbounded"/></xsd:sequence></xsd:complexType></xsd:element>
  <xsd:element name="Total" type="xsd:decimal"/><xsd:element name="Remark" type="xsd:string" minOccurs="0"/>
 </xsd:sequence></xsd:complexType></xsd:element></xsd:schema>"#;

fn wsdl(address: &str) -> String {
    format!(
        r#"<wsdl:definitions xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:t="urn:shop" targetNamespace="urn:shop">
<wsdl:types>{SCHEMA}</wsdl:types>
<wsdl:message name="In"><wsdl:part name="p" element="t:GetOrders"/></wsdl:message><wsdl:message name="Out"><wsdl:part name="p" element="t:GetOrdersResponse"/></wsdl:message>
<wsdl:portType name="P"><wsdl:operation name="GetOrders"><wsdl:input message="t:In"/><wsdl:output message="t:Out"/></wsdl:operation></wsdl:portType>
<wsdl:binding name="B" type="t:P"><soap:binding style="document"/><wsdl:operation name="GetOrders"><soap:operation soapAction="urn:shop/GetOrders"/></wsdl:operation></wsdl:binding>
<wsdl:service name="Shop"><wsdl:port name="S" binding="t:B"><soap:address location="{address}/shop.asmx"/></wsdl:port></wsdl:service></wsdl:definitions>"#
    )
}

/// A SOAP service of two orders, which knows nobody but Ann.
fn shop(request: &Recorded) -> Reply {
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/shop.asmx"));
    assert_eq!(request.header("soapaction"), Some("\"urn:shop/GetOrders\""));
    assert_eq!(request.header("content-type"), Some("text/xml; charset=utf-8"));
    let body = String::from_utf8_lossy(&request.body);
    let start = "<soap:Envelope xmlns:soap=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:n0=\"urn:shop\"><soap:Body><n0:GetOrders>";
    assert!(body.starts_with(start), "{body}");
    let (status, answer) = if body.contains("<n0:Customer>Ann &amp; &lt;co&gt;</n0:Customer>") {
        let one = "<r:Order><r:ID>1</r:ID><r:Note>a \"b\" \\ c\nd</r:Note><r:Paid>true</r:Paid></r:Order>";
        let two = "<r:Order><r:ID>2</r:ID><r:Note/><r:Paid>false</r:Paid></r:Order>";
        let both =
            if body.contains("<n0:Limit>1</n0:Limit>") { one.to_owned() } else { format!("{one}{two}") };
        (
            200,
            format!(
                "<r:GetOrdersResponse xmlns:r='urn:shop'><r:Orders>{both}</r:Orders><r:Total>9.50</r:Total></r:GetOrdersResponse>"
            ),
        )
    } else {
        assert!(
            body.contains("<n0:States><n0:State>open</n0:State><n0:State>paid</n0:State></n0:States>"),
            "{body}"
        );
        (
            500,
            "<e:Fault><faultcode>e:Client</faultcode><faultstring>who is \"that\"</faultstring></e:Fault>"
                .to_owned(),
        )
    };
    let envelope = format!(
        "<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'><e:Body>{answer}</e:Body></e:Envelope>"
    );
    Reply::with(status, &[("Content-Type", "text/xml; charset=utf-8")], &envelope)
}

/// `apiType: http` makes REST of a WSDL: JSON in, JSON out, SOAP between the gateway and the service.
#[test]
fn soap_service_is_imported_as_rest_and_served() {
    let backend = Backend::start(shop);
    let plane = Federation::start();
    let token = plane.gateway("a");
    let value = wsdl(&backend.url());
    plane.put(
        "apis/shop",
        json!({
            "path": "shop", "displayName": "Shop", "protocols": ["http"], "subscriptionRequired": false, "format": "wsdl",
            "apiType": "http", "value": value,
        }),
    );
    let (_, api) = plane.call("GET", "apis/shop", &Value::Null);
    assert_eq!(
        (&api["properties"]["type"], &api["properties"]["serviceUrl"]),
        (&json!("http"), &json!(backend.url()))
    );
    let (_, operation) = plane.call("GET", "apis/shop/operations/getorders", &Value::Null);
    assert_eq!(
        (&operation["properties"]["method"], &operation["properties"]["urlTemplate"]),
        (&json!("POST"), &json!("/GetOrders"))
    );
    // What was made is what the plane itself takes.
    let policy = "apis/shop/operations/getorders/policies/policy";
    let (_, made) = plane.call("GET", &format!("{policy}?format=rawxml"), &Value::Null);
    plane.put(policy, json!({"format": "rawxml", "value": made["properties"]["value"]}));
    plane.put("gateways/a/apis/shop", json!({}));
    let gateway = follow(&plane, &token, &[]);
    answered(&gateway, "/shop/nothing", 404, "");
    let ask = |body: Value| {
        let fields = [("Content-Type", "application/json")];
        let answer =
            gateway.client().request_with("POST", "/shop/GetOrders", &fields, body.to_string().as_bytes());
        assert_eq!(answer.header("content-type"), Some("application/json"), "{}", answer.text());
        let read = serde_json::from_str::<Value>(&answer.text());
        (answer.status, read.unwrap_or_else(|error| panic!("{error}: {}", answer.text())))
    };
    let first = json!({"iD": 1, "note": "a \"b\" \\ c\nd", "paid": true});
    let second = json!({"iD": 2, "note": "", "paid": false});
    let answer =
        |orders: Value| json!({"getOrdersResponse": {"orders": orders, "total": 9.50, "remark": null}});
    let ann = "Ann & <co>";
    assert_eq!(ask(json!({"getOrders": {"customer": ann}})), (200, answer(json!([first, second]))));
    assert_eq!(ask(json!({"getOrders": {"customer": ann, "limit": 1}})), (200, answer(json!([first]))));
    let (status, fault) = ask(json!({"getOrders": {"customer": "Bob", "states": ["open", "paid"]}}));
    assert_eq!((status, fault), (500, json!({"error": {"code": "e:Client", "message": "who is \"that\""}})));
}

#[test]
fn soap_that_cannot_become_rest_is_refused_by_name() {
    let plane = Federation::start();
    let good = wsdl("http://127.0.0.1:9");
    for (text, part) in [
        (
            good.replace("element=\"t:GetOrdersResponse\"", "element=\"t:Nothing\""),
            "no schema of the document has the element 't:Nothing'",
        ),
        (good.replace("element=\"t:GetOrders\"", "type=\"t:Order\""), "it is not document/literal"),
        (
            good.replace("type=\"xsd:decimal\"", "type=\"t:Order\"")
                .replace("name=\"Note\" type=\"xsd:string\"", "name=\"Note\" type=\"t:Order\""),
            "refers to itself",
        ),
        (
            good.replace(
                "</wsdl:message><wsdl:message name=\"Out\">",
                "<wsdl:part name=\"q\" element=\"t:GetOrders\"/></wsdl:message><wsdl:message name=\"Out\">",
            ),
            "has several parts",
        ),
    ] {
        let body = json!({"properties": {"path": "x", "format": "wsdl", "apiType": "http", "value": text}});
        let (status, answer) = plane.call("PUT", "apis/x", &body);
        assert_eq!(status, 400, "{part}");
        let told = answer.to_string();
        assert!(told.contains("operation 'GetOrders' cannot become REST") && told.contains(part), "{told}");
        assert_eq!(plane.call("GET", "apis/x", &Value::Null).0, 404);
    }
    let body = json!({"properties": {"path": "x", "format": "wsdl", "apiType": "grpc", "value": good}});
    assert!(plane.call("PUT", "apis/x", &body).1.to_string().contains("not 'grpc'"));
}
