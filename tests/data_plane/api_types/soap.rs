//! SOAP: passed through, its operations told apart by the SOAP action; and put behind an API of JSON.

use gateway_tests::{Api, Backend, Config, Recorded, Reply, Running};

#[test]
fn soap_action_chooses_the_operation_of_either_version() {
    let backend = Backend::fixed("<soap/>");
    let config = Config::new();
    let operations = ["POST /?soapAction=http://t/Get", "POST /?soapAction=Put"];
    config.api(&Api {
        name: "s",
        path: "s",
        service_url: &backend.url(),
        operations: &operations,
        more: r#""type": "soap""#,
    });
    config.policy(
        "apis/s/policy.xml",
        "<base /><set-header name=\"X-Operation\"><value>@(context.Operation.Id)</value></set-header>",
        "",
        "",
        "",
    );
    let gateway = Running::start(config.path(), &[]);
    let send =
        |headers: &[(&str, &str)]| gateway.client().request_with("POST", "/s", headers, b"<a/>").status;
    assert_eq!(send(&[("SOAPAction", "\"http://t/Get\""), ("Content-Type", "text/xml")]), 200);
    assert_eq!(send(&[("Content-Type", "application/soap+xml; charset=utf-8; action=\"Put\"")]), 200);
    assert_eq!(send(&[("SOAPAction", "Delete")]), 404);
    assert_eq!(send(&[]), 404);
    let operations: Vec<_> =
        backend.seen().iter().map(|seen| seen.header("x-operation").unwrap().to_owned()).collect();
    assert_eq!(operations, ["operation-1", "operation-2"]);
    assert!(backend.seen().iter().all(|seen| seen.target == "/"), "the template's query stays here");
}

/// What an import of a WSDL as REST makes of an operation: a template for the envelope, one for its answer, one for a
/// fault.
#[test]
fn soap_service_answers_as_json() {
    let backend = Backend::start(|request: &Recorded| {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/"));
        assert_eq!(request.header("soapaction"), Some("\"http://t/GetOrders\""));
        assert_eq!(request.header("content-type"), Some("text/xml"));
        let body = String::from_utf8_lossy(&request.body);
        let answer = if body.contains("<of>&lt;Ann&gt;</of>") {
            "<e:Body><r:GetOrdersResponse xmlns:r='http://t'><r:orders><r:order><r:id>1</r:id></r:order><r:order><r:id>2</r:id></r:order></r:orders></r:GetOrdersResponse></e:Body>"
        } else {
            "<e:Body><e:Fault><faultcode>e:Client</faultcode><faultstring>who is that</faultstring></e:Fault></e:Body>"
        };
        let status = if answer.contains("Fault") { 500 } else { 200 };
        let envelope =
            format!("<e:Envelope xmlns:e='http://schemas.xmlsoap.org/soap/envelope/'>{answer}</e:Envelope>");
        Reply::with(status, &[("Content-Type", "text/xml; charset=utf-8")], &envelope)
    });
    let config = Config::new();
    let url = backend.url();
    let operations = ["GET /customers/{who}/orders"];
    config.api(&Api { name: "s", path: "s", service_url: &url, operations: &operations, more: "" });
    let inbound = r#"<base /><set-method>POST</set-method><rewrite-uri template="/" copy-unmatched-params="false" />
        <set-header name="SOAPAction" exists-action="override"><value>"http://t/GetOrders"</value></set-header>
        <set-header name="Content-Type" exists-action="override"><value>text/xml</value></set-header>
        <set-body template="liquid"><e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><GetOrders xmlns="http://t"><of>{{context.Request.MatchedParameters.who | Escape}}</of></GetOrders></e:Body></e:Envelope></set-body>"#;
    // The templates read the answer by its own type, so the field changes behind them.
    let outbound = r#"<base /><choose><when condition="@(context.Response.StatusCode < 400)">
          <set-body template="liquid">{"orders": [{% JSONArrayFor order in body.envelope.body.getordersresponse.orders %}{"id": {{order.id}}}{% endJSONArrayFor %}]}</set-body>
        </when><otherwise>
          <set-body template="liquid">{"error": {"code": "{{body.envelope.body.fault.faultcode}}", "message": "{{body.envelope.body.fault.faultstring}}"}}</set-body>
        </otherwise></choose>
        <set-header name="Content-Type" exists-action="override"><value>application/json</value></set-header>"#;
    config.policy("apis/s/policy.xml", inbound, "", outbound, "");
    let gateway = Running::start(config.path(), &[]);
    let answer = gateway.get("/s/customers/%3CAnn%3E/orders", &[]);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let body: serde_json::Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(body, serde_json::json!({"orders": [{"id": 1}, {"id": 2}]}));
    let fault = gateway.get("/s/customers/nobody/orders", &[]);
    assert_eq!(fault.status, 500);
    let body: serde_json::Value = serde_json::from_str(&fault.text()).unwrap();
    assert_eq!(body["error"]["message"], "who is that");
}
