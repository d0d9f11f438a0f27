//! Policy documents and fragments: formats, positions of faults, references (management-api.md §1.16, §2.6).

use gateway_tests::Backend;
use gateway_tests::plane::{Plane, SERVICE};
use serde_json::{Value, json};

const RAW: &str = "<policies><!-- why --><inbound><base /><choose><when condition=\"@(context.Variables.GetValueOrDefault<int>(\"n\") > 1 && true)\"><return-response /></when></choose></inbound></policies>";
const XML: &str = "<policies>\r\n\t<!-- why -->\r\n\t<inbound>\r\n\t\t<base />\r\n\t\t<choose>\r\n\t\t\t<when condition=\"@(context.Variables.GetValueOrDefault&lt;int&gt;(&quot;n&quot;) &gt; 1 &amp;&amp; true)\">\r\n\t\t\t\t<return-response />\r\n\t\t\t</when>\r\n\t\t</choose>\r\n\t</inbound>\r\n</policies>";

fn document(format: &str, value: &str) -> Value {
    json!({"properties": {"format": format, "value": value}})
}

fn with_api(plane: &Plane) {
    plane.must("PUT", "apis/a", &json!({"properties": {"path": "a", "displayName": "A"}}));
    let operation = json!({"properties": {"displayName": "Get", "method": "GET", "urlTemplate": "/items/{id}",
        "templateParameters": [{"name": "id", "type": "string", "required": true}]}});
    plane.must("PUT", "apis/a/operations/get", &operation);
}

#[test]
fn default_document_stands_at_the_service_only() {
    let plane = Plane::start(&[]);
    with_api(&plane);
    let global = plane.must("GET", "policies/policy", &Value::Null).body;
    assert_eq!(global["properties"]["format"], "xml");
    let text = global["properties"]["value"].as_str().unwrap_or_default();
    assert!(
        text.starts_with("<policies>\r\n\t<inbound />") && text.contains("<forward-request />"),
        "{text}"
    );
    assert_eq!(plane.call("HEAD", "policies/policy", &Value::Null).status, 200);
    for path in ["apis/a/policies/policy", "apis/a/operations/get/policies/policy"] {
        for method in ["GET", "HEAD"] {
            assert_eq!(plane.call(method, path, &Value::Null).status, 404, "{method} {path}");
        }
        assert_eq!(plane.call("DELETE", path, &Value::Null).status, 204);
    }
    let none = plane.call("GET", "apis/none/policies/policy", &Value::Null);
    assert_eq!((none.status, none.messages().as_str()), (404, "Api not found."));
}

#[test]
fn documents_are_shown_in_the_format_asked_for() {
    let plane = Plane::start(&[]);
    with_api(&plane);
    plane.must("PUT", "products/p", &json!({"properties": {"displayName": "P"}}));
    for path in [
        "policies/policy",
        "apis/a/policies/policy",
        "apis/a/operations/get/policies/policy",
        "products/p/policies/policy",
    ] {
        let shown = |query: &str| {
            let body = plane.must("GET", &format!("{path}{query}"), &Value::Null).body;
            let member = |name: &str| body["properties"][name].as_str().unwrap_or_default().to_owned();
            (member("format"), member("value"))
        };
        let first = plane.must("PUT", path, &document("rawxml", RAW));
        assert_eq!(first.status, 201, "{path}");
        assert_eq!(first.body["name"], "policy");
        assert_eq!(shown("?format=rawxml"), ("rawxml".to_owned(), RAW.to_owned()), "{path}");
        assert_eq!(shown(""), ("xml".to_owned(), XML.to_owned()), "{path}");
        let second = plane.must("PUT", path, &document("xml", XML));
        assert_eq!(second.status, 200, "{path}");
        assert_eq!(shown("?format=xml").1, XML, "{path}");
        let raw = shown("?format=rawxml").1;
        assert!(raw.contains("GetValueOrDefault<int>(\"n\") > 1 && true"), "{raw}");
        // Written as xml it is kept indented: the same text in another shape changes nothing.
        let third =
            plane.must("PUT", path, &document("xml", &XML.replace("\r\n", "\n").replace('\t', "    ")));
        assert_eq!(third.etag, second.etag, "{path}");
        assert_eq!(plane.must("DELETE", path, &Value::Null).status, 200, "{path}");
    }
    plane.must("PUT", "apis/a/policies/policy", &document("xml", XML));
    let list = plane.must("GET", "apis/a/policies", &Value::Null);
    assert_eq!(
        (list.names(), &list.body["value"][0]["properties"]["value"]),
        (vec!["policy".to_owned()], &json!(XML))
    );
    let other = plane.call("PUT", "apis/a/policies/other", &document("xml", XML));
    assert_eq!(other.status, 400);
}

#[test]
fn links_to_documents_are_followed() {
    let plane = Plane::start(&[]);
    with_api(&plane);
    let backend = Backend::fixed(RAW);
    plane.must("PUT", "apis/a/policies/policy", &document("rawxml-link", &backend.url()));
    let shown = plane.must("GET", "apis/a/policies/policy?format=rawxml", &Value::Null).body;
    assert_eq!(shown["properties"]["value"], RAW);
    plane.must("PUT", "apis/a/policies/policy", &document("XML-link", &backend.url()));
    let refused = plane.call("PUT", "apis/a/policies/policy", &document("xml-link", "file:///etc/passwd"));
    assert_eq!((refused.status, refused.code()), (400, "ValidationError"));
}

#[test]
fn faults_are_told_with_their_places() {
    let plane = Plane::start(&[]);
    with_api(&plane);
    let inbound = |statement: &str| format!("<policies>\n<inbound>\n{statement}\n</inbound></policies>");
    for (statement, target, message) in [
        ("  <log-to-eventhub logger-id=\"none\">x</log-to-eventhub>", "log-to-eventhub", "line 3, column 3"),
        ("<set-header name=\"X\">text</set-header>", "set-header", "cannot contain text"),
        ("<set-backend-service backend-id=\"none\" />", "set-backend-service", "line 3"),
        ("<include-fragment fragment-id=\"none\" />", "include-fragment", "line 3"),
        ("<set-variable name=\"a\" value=\"@(1 +)\" />", "set-variable", "line 3"),
        ("<no-such-policy />", "no-such-policy", "line 3"),
        ("<a>", "representation", "not well formed"),
        (
            "<rewrite-uri template=\"/x/{other}\" />",
            "rewrite-uri",
            "Only parameters specified in the original URL template can be used in the rewrite template.",
        ),
    ] {
        let path = "apis/a/operations/get/policies/policy";
        let refused = plane.call("PUT", path, &document("rawxml", &inbound(statement)));
        assert_eq!(
            (refused.status, refused.code()),
            (400, "ValidationError"),
            "{statement}: {}",
            refused.body
        );
        let details = refused.body["error"]["details"].as_array().cloned().unwrap_or_default();
        let told = details.iter().any(|it| {
            it["target"] == target && it["message"].as_str().is_some_and(|text| text.contains(message))
        });
        assert!(told, "{statement}: {details:?}");
    }
    let good = "<rewrite-uri template=\"/x/{id}\" />";
    plane.must("PUT", "apis/a/operations/get/policies/policy", &document("rawxml", &inbound(good)));
    // Who is there is found.
    plane.must("PUT", "backends/b", &json!({"properties": {"url": "http://b.example", "protocol": "http"}}));
    plane.must(
        "PUT",
        "policyFragments/f",
        &document(
            "rawxml",
            "<fragment><base /></fragment>".replace("<base />", "<set-status code=\"200\" />").as_str(),
        ),
    );
    let good = "<set-backend-service backend-id=\"b\" /><include-fragment fragment-id=\"f\" />";
    plane.must("PUT", "apis/a/policies/policy", &document("rawxml", &inbound(good)));
}

#[test]
fn fragments_have_formats_references_and_stay_while_used() {
    let plane = Plane::start(&[]);
    with_api(&plane);
    let fragment = json!({"properties": {"format": "rawxml", "description": "d",
        "value": "<fragment><set-variable name=\"a\" value=\"@(1 < 2)\" /></fragment>"}});
    let made = plane.must("PUT", "policyFragments/f", &fragment);
    assert_eq!((made.status, &made.body["properties"]["provisioningState"]), (201, &json!("Succeeded")));
    let shown = |query: &str| {
        plane.must("GET", &format!("policyFragments/f{query}"), &Value::Null).body["properties"]["value"]
            .clone()
    };
    assert_eq!(shown(""), "<fragment>\r\n\t<set-variable name=\"a\" value=\"@(1 &lt; 2)\" />\r\n</fragment>");
    assert_eq!(
        shown("?format=rawxml"),
        "<fragment><set-variable name=\"a\" value=\"@(1 < 2)\" /></fragment>"
    );
    let user = "<policies><inbound><include-fragment fragment-id='f' /></inbound></policies>";
    plane.must("PUT", "apis/a/policies/policy", &document("xml", user));
    let references = plane.must("POST", "policyFragments/f/listReferences", &Value::Null).body;
    assert_eq!(references["count"], 1);
    assert_eq!(references["value"][0]["id"], format!("{SERVICE}/apis/a/policies/policy"));
    assert_eq!(plane.call("DELETE", "policyFragments/f", &Value::Null).status, 400);
    plane.must("DELETE", "apis/a/policies/policy", &Value::Null);
    assert_eq!(plane.must("DELETE", "policyFragments/f", &Value::Null).status, 200);
    assert_eq!(plane.call("POST", "policyFragments/f/listReferences", &Value::Null).status, 404);
}

#[test]
fn descriptions_and_ids_of_all_policies_are_listed() {
    let plane = Plane::start(&[]);
    with_api(&plane);
    let all = plane.must("GET", "policyDescriptions", &Value::Null);
    assert!(all.names().iter().any(|name| name == "rate-limit-by-key"), "{:?}", all.names());
    let product = plane.must("GET", "policyDescriptions?scope=Product", &Value::Null);
    assert!(!product.names().iter().any(|name| name == "cross-domain"));
    assert_eq!(plane.call("GET", "policyDescriptions?scope=Moon", &Value::Null).status, 400);
    plane.must("PUT", "apis/a/policies/policy", &document("rawxml", RAW));
    plane.must("PUT", "apis/a/operations/get/policies/policy", &document("rawxml", RAW));
    let ids = plane.must("GET", "allPolicies", &Value::Null).body;
    assert_eq!(ids["count"], 2);
    assert_eq!(
        ids["value"][1]["properties"]["referencePolicyId"],
        format!("{SERVICE}/apis/a/policies/policy")
    );
    assert_eq!(plane.must("GET", "policyRestrictions", &Value::Null).body["count"], 0);
}

#[test]
fn expressions_are_judged_by_the_settings_when_they_are_saved() {
    let text = r#"<policies><inbound><set-variable name="n" value="@(Regex.Matches("aa", "a").Count)" /></inbound></policies>"#;
    let put = |plane: &Plane| plane.call("PUT", "policies/policy", &document("rawxml", text));
    let plane = Plane::start(&[]);
    let refused = put(&plane);
    assert_eq!(refused.status, 400);
    let wanted = "'System.Text.RegularExpressions.MatchCollection' is not supported within expressions";
    assert!(refused.messages().contains(wanted), "{}", refused.messages());
    let plane = plane.restarted(&[("expressions.strict", "false")]);
    let taken = put(&plane);
    assert!(taken.status < 300, "{}", taken.messages());
}

#[test]
fn fragments_are_judged_wherever_they_may_be_included() {
    let plane = Plane::start(&[]);
    let fragment = |inside: &str| document("rawxml", &format!("<fragment>\n{inside}\n</fragment>"));
    for (inside, message) in [
        ("<set-variable name=\"n\" value=\"@(1 +)\" />", "line 2, column 1"),
        ("<set-variable name=\"n\" value=\"@(Regex.Matches(\"a\", \"a\").Count)\" />", "not supported"),
        ("<choose><when condition=\"@(nobody)\"><set-status code=\"200\" /></when></choose>", "nobody"),
        ("<set-header name=\"X\">text</set-header>", "cannot contain text"),
        ("<include-fragment fragment-id=\"f\" />", "cannot include another"),
    ] {
        let refused = plane.call("PUT", "policyFragments/f", &fragment(inside));
        assert_eq!((refused.status, refused.code()), (400, "ValidationError"), "{inside}: {}", refused.body);
        assert!(refused.messages().contains(message), "{inside}: {}", refused.messages());
        assert_eq!(refused.messages().matches(message).count(), 1, "told once: {}", refused.messages());
    }
    // Each for a section of its own, and one that is the content of a policy.
    for inside in [
        "<cache-store duration=\"60\" />",
        "<rewrite-uri template=\"/a\" />",
        "<forward-request />",
        "<set-variable name=\"e\" value=\"@(context.LastError.Message)\" />",
        "<origin>https://a.example</origin>",
    ] {
        plane.must("PUT", "policyFragments/f", &fragment(inside));
    }
}
