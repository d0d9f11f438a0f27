//! SOAP pass-through: operations told apart by the SOAP action.

use gateway_tests::{Api, Backend, Config, Running};

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
