//! OData: an HTTP API with metadata, whose requests are held against it.

use gateway_tests::{Api, Backend, Config, Running};

const METADATA: &str = "<edmx:Edmx Version='4.0' xmlns:edmx='http://docs.oasis-open.org/odata/ns/edmx'><edmx:DataServices>\
    <Schema Namespace='M' xmlns='http://docs.oasis-open.org/odata/ns/edm'><EntityType Name='Order'><Key><PropertyRef \
    Name='ID'/></Key><Property Name='ID' Type='Edm.Int32' Nullable='false'/><Property Name='Price' Type='Edm.Decimal'/>\
    </EntityType><EntityContainer Name='C'><EntitySet Name='Orders' EntityType='M.Order'/></EntityContainer></Schema>\
    </edmx:DataServices></edmx:Edmx>";

#[test]
fn odata_requests_are_held_against_the_metadata() {
    let backend = Backend::fixed("{}");
    let config = Config::new();
    let url = backend.url();
    let operations = ["GET /*", "POST /*"];
    config.api(&Api {
        name: "o",
        path: "o",
        service_url: &url,
        operations: &operations,
        more: r#""type": "odata""#,
    });
    let schema = serde_json::json!({"properties": {
        "contentType": "application/vnd.ms-azure-apim.odata.schema", "document": {"value": METADATA},
    }});
    config.file("apis/o/schemas/metadata/schemaInformation.json", &schema.to_string());
    config.policy(
        "apis/o/policy.xml",
        r#"<base /><validate-odata-request error-variable-name="errors" min-odata-version="4.0" max-size="100" />"#,
        "",
        "",
        "",
    );
    let gateway = Running::start(config.path(), &[]);
    for (target, status) in [
        ("/o/Orders(1)?$select=ID", 200),
        ("/o/Orders?$filter=Price%20gt%205&$orderby=ID", 200),
        ("/o/Customers", 400),
        ("/o/Orders?$select=Secret", 400),
        ("/o/Orders?$filter=Price%20gt%20%27;drop%20table", 400),
    ] {
        assert_eq!(gateway.get(target, &[]).status, status, "{target}");
    }
    assert_eq!(gateway.get("/o/Orders", &[("OData-Version", "3.0")]).status, 400);
    let large = gateway.client().request_with("POST", "/o/Orders", &[], &[b'x'; 101]);
    assert_eq!((large.status, backend.seen().len()), (400, 2));
}
