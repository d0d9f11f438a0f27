//! Revisions, releases, versions, copies, and what is unique (management-api.md §1.16).

use gateway_tests::plane::{Plane, SERVICE};
use serde_json::{Value, json};

fn api(path: &str) -> Value {
    json!({"properties": {"path": path, "displayName": path, "serviceUrl": "http://one.example"}})
}

fn operation(method: &str, template: &str) -> Value {
    json!({"properties": {"displayName": "O", "method": method, "urlTemplate": template}})
}

const POLICY: &str = "<policies><inbound><base /></inbound></policies>";

fn policy() -> Value {
    json!({"properties": {"format": "rawxml", "value": POLICY}})
}

fn revisions(plane: &Plane, api: &str) -> Vec<(String, bool)> {
    let list = plane.must("GET", &format!("apis/{api}/revisions"), &Value::Null).body;
    let items = list["value"].as_array().cloned().unwrap_or_default();
    let one = |it: &Value| (it["apiId"].as_str().unwrap_or_default().to_owned(), it["isCurrent"] == true);
    items.iter().map(one).collect()
}

#[test]
fn revision_copies_and_release_makes_it_current() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/x", &api("x"));
    plane.must("PUT", "apis/x/operations/get", &operation("GET", "/a"));
    plane.must("PUT", "apis/x/operations/get/policies/policy", &policy());
    plane.must("PUT", "tags/t", &json!({"properties": {"displayName": "T"}}));
    plane.must("PUT", "apis/x/tags/t", &Value::Null);
    let second = json!({"properties": {"path": "ignored", "sourceApiId": "/apis/x", "apiRevisionDescription": "adds b",
        "serviceUrl": "http://two.example"}});
    let made = plane.must("PUT", "apis/x%3Brev%3D2", &second);
    assert_eq!((made.status, &made.body["name"]), (201, &json!("x;rev=2")));
    let properties = &made.body["properties"];
    assert_eq!((&properties["path"], &properties["apiRevision"]), (&json!("x"), &json!("2")));
    assert_eq!(
        (&properties["isCurrent"], &properties["serviceUrl"]),
        (&json!(false), &json!("http://two.example"))
    );
    plane.must("GET", "apis/x;rev=2/operations/get/policies/policy", &Value::Null);
    plane.must("HEAD", "apis/x;rev=2/tags/t", &Value::Null);
    plane.must("PUT", "apis/x;rev=2/operations/put", &operation("PUT", "/a"));
    assert_eq!(plane.must("GET", "apis/x/operations", &Value::Null).names(), ["get"]);
    // `x;rev=1` is `x` while 1 is the current one.
    assert_eq!(plane.must("GET", "apis/x;rev=1", &Value::Null).body["id"], format!("{SERVICE}/apis/x"));
    assert_eq!(plane.must("GET", "apis/x;rev=1/operations", &Value::Null).names(), ["get"]);
    assert_eq!(
        revisions(&plane, "x"),
        [("/apis/x;rev=2".to_owned(), false), ("/apis/x;rev=1".to_owned(), true)]
    );
    assert_eq!(plane.must("GET", "apis", &Value::Null).names(), ["x", "x;rev=2"]);
    let current = plane.must("GET", "apis?$filter=isCurrent%20eq%20true", &Value::Null);
    assert_eq!(current.names(), ["x"]);

    let release =
        |revision: &str| json!({"properties": {"apiId": format!("/apis/x;rev={revision}"), "notes": "n"}});
    let made = plane.must("PUT", "apis/x/releases/r1", &release("2"));
    assert_eq!(
        (made.status, &made.body["properties"]["apiId"]),
        (201, &json!(format!("{SERVICE}/apis/x;rev=2")))
    );
    assert!(made.body["properties"]["createdDateTime"].is_string());
    assert_eq!(plane.must("GET", "apis/x/operations", &Value::Null).names(), ["get", "put"]);
    assert_eq!(plane.must("GET", "apis/x", &Value::Null).body["properties"]["apiRevision"], "2");
    assert_eq!(plane.must("GET", "apis/x;rev=1/operations", &Value::Null).names(), ["get"]);
    assert_eq!(
        revisions(&plane, "x"),
        [("/apis/x;rev=2".to_owned(), true), ("/apis/x;rev=1".to_owned(), false)]
    );
    plane.must("PUT", "apis/x/releases/r2", &release("1"));
    assert_eq!(plane.must("GET", "apis/x", &Value::Null).body["properties"]["apiRevision"], "1");
    // Notes of an older release bring nothing back.
    plane.must("PATCH", "apis/x/releases/r1", &json!({"properties": {"notes": "better"}}));
    assert_eq!(plane.must("GET", "apis/x", &Value::Null).body["properties"]["apiRevision"], "1");
    assert_eq!(plane.must("GET", "apis/x/releases", &Value::Null).names(), ["r1", "r2"]);
    plane.must("HEAD", "apis/x/releases/r1", &Value::Null);
    for (id, part) in
        [("/apis/y;rev=2", "none of the API"), ("/apis/x;rev=9", "does not exist"), ("", "none of the API")]
    {
        let refused = plane.call("PUT", "apis/x/releases/r3", &json!({"properties": {"apiId": id}}));
        assert!(refused.status == 400 && refused.messages().contains(part), "{id}: {}", refused.body);
    }
    plane.must("DELETE", "apis/x/releases/r1", &Value::Null);
    assert_eq!(plane.call("DELETE", "apis/x/releases/r1", &Value::Null).status, 204);
}

#[test]
fn revisions_share_what_belongs_to_the_api() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/x", &api("x"));
    plane.must("PUT", "apis/x;rev=2", &json!({"properties": {"path": "x", "sourceApiId": "/apis/x"}}));
    plane.must(
        "PATCH",
        "apis/x",
        &json!({"properties": {"path": "moved", "serviceUrl": "http://new.example"}}),
    );
    let second = plane.must("GET", "apis/x;rev=2", &Value::Null).body;
    assert_eq!(
        (&second["properties"]["path"], &second["properties"]["serviceUrl"]),
        (&json!("moved"), &json!("http://one.example"))
    );
    plane.must("PUT", "products/p", &json!({"properties": {"displayName": "P"}}));
    plane.must("PUT", "products/p/apis/x", &Value::Null);
    for path in ["apis/x/products", "apis/x;rev=2/products"] {
        assert_eq!(plane.must("GET", path, &Value::Null).names(), ["p"], "{path}");
    }
    let refused = plane.call("DELETE", "apis/x", &Value::Null);
    assert!(
        refused.status == 400 && refused.messages().contains("Cannot delete the current revision of an API.")
    );
    assert_eq!(plane.call("DELETE", "apis/x;rev=1", &Value::Null).status, 400);
    assert_eq!(plane.must("DELETE", "apis/x;rev=2", &Value::Null).status, 204);
    plane.must("PUT", "apis/x;rev=3", &json!({"properties": {"path": "x", "sourceApiId": "/apis/x;rev=1"}}));
    assert_eq!(plane.must("DELETE", "apis/x?deleteRevisions=true", &Value::Null).status, 204);
    assert_eq!(plane.must("GET", "apis", &Value::Null).body["count"], 0);
    assert_eq!(plane.must("GET", "products/p/apis", &Value::Null).body["count"], 0);
    assert_eq!(plane.call("DELETE", "apis/x", &Value::Null).status, 204);
    // A first revision makes the API.
    let first = plane.must("PUT", "apis/n;rev=1", &api("n"));
    assert_eq!((first.status, &first.body["name"]), (201, &json!("n")));
    assert_eq!(plane.call("PUT", "apis/m;rev=2", &api("m")).status, 404);
    assert_eq!(plane.call("GET", "apis/none/revisions", &Value::Null).status, 404);
}

#[test]
fn versions_are_copies_in_a_set() {
    let plane = Plane::start(&[]);
    let set =
        json!({"properties": {"displayName": "S", "versioningScheme": "Header", "versionHeaderName": "V"}});
    assert_eq!(plane.must("PUT", "apiVersionSets/s", &set).status, 201);
    for (scheme, part) in [("Header", "versionHeaderName"), ("Query", "versionQueryName")] {
        let bad = json!({"properties": {"displayName": "S", "versioningScheme": scheme}});
        let refused = plane.call("PUT", "apiVersionSets/bad", &bad);
        assert!(refused.status == 400 && refused.messages().contains(part), "{}", refused.body);
    }
    plane.must("PUT", "apis/x", &api("x"));
    plane.must("PUT", "apis/x/operations/get", &operation("GET", "/a"));
    let full = format!("{SERVICE}/apiVersionSets/s");
    let version = json!({"properties": {"path": "x", "displayName": "x", "apiVersion": "v2", "apiVersionSetId": full, "sourceApiId": format!("{SERVICE}/apis/x")}});
    let made = plane.must("PUT", "apis/x-v2", &version).body;
    assert_eq!(made["properties"]["apiVersionSetId"], full);
    assert_eq!(made["properties"]["apiVersionSet"]["versionHeaderName"], "V");
    assert_eq!(made["properties"]["apiVersionSet"]["id"], full);
    assert_eq!(made["properties"]["apiRevision"], "1");
    assert_eq!(plane.must("GET", "apis/x-v2/operations", &Value::Null).names(), ["get"]);
    for (id, body, part) in [
        ("same", api("x"), "same Path 'x'"),
        ("again", version.clone(), "same Path 'x'"),
        (
            "set",
            json!({"properties": {"path": "q", "displayName": "q", "apiVersionSetId": "/apiVersionSets/none"}}),
            "does not exist",
        ),
        ("source", json!({"properties": {"path": "q", "sourceApiId": "/apis/none"}}), "does not exist"),
        (
            "lone",
            json!({"properties": {"path": "q", "displayName": "q", "apiVersion": "v1"}}),
            "needs an 'apiVersionSetId'",
        ),
        ("nothing", json!({"properties": {"displayName": "q"}}), "'path' must not be empty."),
        ("nameless", json!({"properties": {"path": "q"}}), "'displayName' must not be empty."),
        ("half", json!({"properties": {"path": "q", "value": "{}"}}), "'format' must say"),
    ] {
        let refused = plane.call("PUT", &format!("apis/{id}"), &body);
        assert_eq!((refused.status, refused.code()), (400, "ValidationError"), "{id}: {}", refused.body);
        assert!(refused.messages().contains(part), "{id}: {}", refused.messages());
    }
    assert_eq!(plane.call("DELETE", "apiVersionSets/s", &Value::Null).status, 400);
    // A set written inside the API is made once.
    let inline = |name: &str| {
        json!({"properties": {"path": name, "displayName": name, "apiVersion": "1",
            "apiVersionSet": {"name": "Inline", "versioningScheme": "Segment"}}})
    };
    let first = plane.must("PUT", "apis/i", &inline("i")).body;
    let second = plane.must("PUT", "apis/j", &inline("j")).body;
    assert_eq!(first["properties"]["apiVersionSetId"], second["properties"]["apiVersionSetId"]);
    assert_eq!(first["properties"]["apiVersionSet"]["name"], "Inline");
    assert_eq!(plane.must("GET", "apiVersionSets", &Value::Null).body["count"], 2);
}

#[test]
fn operations_keep_their_rules() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/x", &api("x"));
    let good = json!({"properties": {"displayName": "O", "method": "GET", "urlTemplate": "/a/{id}",
        "templateParameters": [{"name": "id", "type": "string", "required": true}]}});
    assert_eq!(plane.must("PUT", "apis/x/operations/o", &good).status, 201);
    for (body, part) in [
        (operation("GET", "/b/{id}"), "'id' is not"),
        (
            json!({"properties": {"displayName": "O", "method": "GET", "urlTemplate": "/b", "templateParameters": [{"name": "id", "type": "string"}]}}),
            "does not occur",
        ),
        (good.clone(), "same method and URL template"),
        (json!({"properties": {"displayName": "O", "method": "GET"}}), "'urlTemplate' must not be empty."),
    ] {
        let refused = plane.call("PUT", "apis/x/operations/other", &body);
        assert!(refused.status == 400 && refused.messages().contains(part), "{part}: {}", refused.body);
    }
    let patched =
        plane.must("PATCH", "apis/x/operations/o", &json!({"properties": {"displayName": "P"}})).body;
    assert_eq!(patched["properties"]["displayName"], "P");
    let filtered = plane.must("GET", "apis/x/operations?$filter=method%20eq%20'get'", &Value::Null);
    assert_eq!(filtered.names(), ["o"]);
    plane.must("HEAD", "apis/x/operations/o", &Value::Null);
    let none = plane.call("PUT", "apis/none/operations/o", &good);
    assert_eq!((none.status, none.messages().as_str()), (404, "Api not found."));
    assert_eq!(plane.must("DELETE", "apis/x/operations/o", &Value::Null).status, 200);
    assert_eq!(plane.call("DELETE", "apis/x/operations/o", &Value::Null).status, 204);
    let socket =
        json!({"properties": {"path": "w", "displayName": "w", "type": "websocket", "protocols": ["wss"]}});
    plane.must("PUT", "apis/w", &socket);
    assert_eq!(plane.must("GET", "apis/w/operations", &Value::Null).names(), ["onHandshake"]);
}

#[test]
fn apis_and_version_sets_are_read_patched_and_deleted() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/x", &api("x"));
    let etag = plane.must("HEAD", "apis/x", &Value::Null).etag;
    assert_eq!(plane.must("GET", "apis/x", &Value::Null).etag, etag);
    let patched =
        plane.must("PATCH", "apis/x", &json!({"properties": {"description": "d", "serviceUrl": null}}));
    assert_eq!(
        (&patched.body["properties"]["description"], &patched.body["properties"]["serviceUrl"]),
        (&json!("d"), &Value::Null)
    );
    assert_ne!(patched.etag, etag);
    let bad = plane.call("PATCH", "apis/x", &json!({"properties": {"displayName": ""}}));
    assert_eq!((bad.status, bad.code()), (400, "ValidationError"));
    for (method, path) in
        [("GET", "apis/y"), ("HEAD", "apis/y"), ("PATCH", "apis/y"), ("GET", "apis/y/operations")]
    {
        let none = plane.call(method, path, &json!({"properties": {}}));
        assert_eq!(none.status, 404, "{method} {path}");
        assert!(method == "HEAD" || none.messages() == "Api not found.", "{}", none.body);
    }
    for (filter, names) in [
        ("displayName%20eq%20'x'", vec!["x"]),
        ("properties/path%20eq%20'x'", vec!["x"]),
        ("contains(name,'z')", vec![]),
    ] {
        assert_eq!(
            plane.must("GET", &format!("apis?$filter={filter}"), &Value::Null).names(),
            names,
            "{filter}"
        );
    }
    assert_eq!(plane.call("GET", "apis?$filter=colour%20eq%20'red'", &Value::Null).status, 400);
    let set = json!({"properties": {"displayName": "S", "versioningScheme": "Segment"}});
    plane.must("PUT", "apiVersionSets/s", &set);
    plane.must("HEAD", "apiVersionSets/s", &Value::Null);
    let patched = plane.must("PATCH", "apiVersionSets/s", &json!({"properties": {"description": "d"}})).body;
    assert_eq!(
        (&patched["properties"]["description"], &patched["properties"]["versioningScheme"]),
        (&json!("d"), &json!("Segment"))
    );
    let refused =
        plane.call("PATCH", "apiVersionSets/s", &json!({"properties": {"versioningScheme": "Query"}}));
    assert_eq!(refused.status, 400);
    assert_eq!(plane.must("GET", "apiVersionSets", &Value::Null).names(), ["s"]);
    assert_eq!(plane.must("DELETE", "apiVersionSets/s", &Value::Null).status, 200);
    assert_eq!(plane.call("DELETE", "apiVersionSets/s", &Value::Null).status, 204);
}

#[test]
fn diagnostics_of_an_api_need_a_known_name_and_a_logger() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "apis/x", &api("x"));
    let logger = json!({"properties": {"loggerType": "applicationInsights", "credentials": {"instrumentationKey": "00000000-0000-0000-0000-000000000000"}}});
    plane.must("PUT", "loggers/l", &logger);
    let path = "apis/x/diagnostics/applicationinsights";
    let body = json!({"properties": {"loggerId": "/loggers/l", "alwaysLog": "allErrors", "sampling": {"samplingType": "fixed", "percentage": 50}}});
    let made = plane.must("PUT", path, &body);
    assert_eq!(
        (made.status, &made.body["properties"]["loggerId"]),
        (201, &json!(format!("{SERVICE}/loggers/l")))
    );
    plane.must("HEAD", path, &Value::Null);
    let patched = plane.must("PATCH", path, &json!({"properties": {"verbosity": "error"}})).body;
    assert_eq!(
        (&patched["properties"]["verbosity"], &patched["properties"]["alwaysLog"]),
        (&json!("error"), &json!("allErrors"))
    );
    assert_eq!(plane.must("GET", "apis/x/diagnostics", &Value::Null).names(), ["applicationinsights"]);
    for (name, body) in [
        ("other", body.clone()),
        ("applicationinsights", json!({"properties": {"loggerId": "/loggers/none"}})),
        (
            "applicationinsights",
            json!({"properties": {"loggerId": "/loggers/l", "sampling": {"samplingType": "fixed", "percentage": 101}}}),
        ),
        (
            "applicationinsights",
            json!({"properties": {"loggerId": "/loggers/l", "frontend": {"request": {"body": {"bytes": 8193}}}}}),
        ),
    ] {
        let refused = plane.call("PUT", &format!("apis/x/diagnostics/{name}"), &body);
        assert_eq!((refused.status, refused.code()), (400, "ValidationError"), "{name} {body}");
    }
    assert_eq!(plane.must("DELETE", path, &Value::Null).status, 200);
    assert_eq!(plane.call("GET", path, &Value::Null).status, 404);
}
