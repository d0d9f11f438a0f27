//! Tags: on APIs, operations and products, as links, in lists by tags, and what APIs say about them.

use gateway_tests::plane::{Plane, SERVICE};
use serde_json::{Value, json};

fn plane() -> Plane {
    let plane = Plane::start(&[]);
    for name in ["a", "b"] {
        plane.must(
            "PUT",
            &format!("apis/{name}"),
            &json!({"properties": {"path": name, "displayName": name.to_uppercase()}}),
        );
    }
    let operation = json!({"properties": {"displayName": "Get", "method": "GET", "urlTemplate": "/"}});
    plane.must("PUT", "apis/a/operations/get", &operation);
    plane.must("PUT", "products/p", &json!({"properties": {"displayName": "P"}}));
    for name in ["red", "blue"] {
        plane.must(
            "PUT",
            &format!("tags/{name}"),
            &json!({"properties": {"displayName": format!("{name} tag")}}),
        );
    }
    plane
}

#[test]
fn tags_are_unique_and_go_with_their_links() {
    let plane = plane();
    let taken = plane.call("PUT", "tags/other", &json!({"properties": {"displayName": "RED tag"}}));
    assert_eq!(taken.status, 400);
    assert_eq!(plane.call("PUT", "tags/other", &json!({"properties": {}})).status, 400);
    for (place, created) in [("apis/a", 201), ("apis/a/operations/get", 201), ("products/p", 201)] {
        let path = format!("{place}/tags/red");
        assert_eq!(plane.call("HEAD", &path, &Value::Null).status, 404, "{path}");
        assert_eq!(plane.must("PUT", &path, &Value::Null).status, created, "{path}");
        assert_eq!(plane.must("PUT", &path, &Value::Null).status, 200, "{path}");
        assert_eq!(plane.must("HEAD", &path, &Value::Null).status, 200, "{path}");
        let shown = plane.must("GET", &path, &Value::Null).body;
        assert_eq!((&shown["name"], &shown["properties"]["displayName"]), (&json!("red"), &json!("red tag")));
        assert_eq!(plane.must("GET", &format!("{place}/tags"), &Value::Null).names(), ["red"]);
        assert_eq!(plane.call("PUT", &format!("{place}/tags/none"), &Value::Null).status, 404);
    }
    assert_eq!(plane.must("GET", "tags?scope=apis/a", &Value::Null).names(), ["red"]);
    assert_eq!(plane.must("GET", "tags?scope=apis/b", &Value::Null).names(), Vec::<String>::new());
    plane.must("PUT", "apis/a/tagDescriptions/red", &json!({"properties": {"description": "d"}}));
    assert_eq!(plane.must("DELETE", "tags/red", &Value::Null).status, 200);
    for path in ["apis/a/tags", "apis/a/operations/get/tags", "products/p/tags", "apis/a/tagDescriptions"] {
        assert_eq!(plane.must("GET", path, &Value::Null).body["count"], 0, "{path}");
    }
    assert_eq!(plane.call("DELETE", "apis/a/tags/red", &Value::Null).status, 204);
}

#[test]
fn links_and_tags_are_two_views_of_one_thing() {
    let plane = plane();
    for (links, member, target, old) in [
        ("apiLinks", "apiId", "apis/a", "apis/a/tags/red"),
        ("operationLinks", "operationId", "apis/a/operations/get", "apis/a/operations/get/tags/red"),
        ("productLinks", "productId", "products/p", "products/p/tags/red"),
    ] {
        let path = format!("tags/red/{links}/link1");
        let body = json!({"properties": {member: format!("{SERVICE}/{target}")}});
        let made = plane.must("PUT", &path, &body);
        assert_eq!((made.status, &made.body["name"]), (201, &json!("link1")), "{links}");
        assert_eq!(made.body["properties"][member], format!("{SERVICE}/{target}"));
        assert_eq!(made.body["type"], format!("Microsoft.ApiManagement/service/tags/{links}"));
        assert_eq!(plane.must("PUT", &path, &body).status, 200);
        plane.must("HEAD", old, &Value::Null);
        let twice = plane.call("PUT", &format!("tags/red/{links}/link2"), &body);
        assert_eq!(twice.status, 409);
        assert!(
            twice.messages().starts_with("Link already exists between specified Tag and"),
            "{}",
            twice.body
        );
        assert_eq!(plane.must("GET", &format!("tags/red/{links}"), &Value::Null).names(), ["link1"]);
        let got = plane.must("GET", &path, &Value::Null);
        assert!(got.etag.is_some() && got.body == made.body);
        assert_eq!(plane.must("DELETE", &path, &Value::Null).status, 200);
        assert_eq!(plane.call("DELETE", &path, &Value::Null).status, 204);
        assert_eq!(plane.call("GET", &path, &Value::Null).status, 404);
        assert_eq!(plane.call("HEAD", old, &Value::Null).status, 404);
        // Made the old way it is called like what it leads to.
        plane.must("PUT", old, &Value::Null);
        let name = target.rsplit('/').next().unwrap_or_default();
        assert_eq!(plane.must("GET", &format!("tags/red/{links}"), &Value::Null).names(), [name]);
        for bad in ["/apis/none", "/backends/x", ""] {
            let refused =
                plane.call("PUT", &format!("tags/red/{links}/l"), &json!({"properties": {member: bad}}));
            assert_eq!((refused.status, refused.code()), (400, "ValidationError"), "{links} {bad}");
        }
    }
    assert_eq!(plane.call("GET", "tags/none/apiLinks", &Value::Null).status, 404);
    // Products have links too.
    let body = json!({"properties": {"apiId": "/apis/b"}});
    assert_eq!(plane.must("PUT", "products/p/apiLinks/one", &body).status, 201);
    assert_eq!(plane.must("HEAD", "products/p/apis/b", &Value::Null).status, 204);
    let twice = plane.call("PUT", "products/p/apiLinks/two", &body);
    assert_eq!(
        (twice.status, twice.messages().as_str()),
        (409, "Link already exists between specified Product and Api")
    );
    assert_eq!(plane.must("GET", "products/p/groupLinks", &Value::Null).names(), ["administrators"]);
}

#[test]
fn things_are_listed_by_their_tags() {
    let plane = plane();
    for path in
        ["apis/a/tags/red", "apis/a/tags/blue", "apis/a/operations/get/tags/red", "products/p/tags/blue"]
    {
        plane.must("PUT", path, &Value::Null);
    }
    let by = |path: &str| {
        let body = plane.must("GET", path, &Value::Null).body;
        let items = body["value"].as_array().cloned().unwrap_or_default();
        let name = |it: &Value, member: &str| it[member]["name"].as_str().unwrap_or("-").to_owned();
        let thing = |it: &Value| ["api", "operation", "product"].map(|member| name(it, member)).join("");
        items.iter().map(|it| format!("{} {}", name(it, "tag"), thing(it))).collect::<Vec<_>>()
    };
    assert_eq!(by("apisByTags"), ["blue tag A--", "red tag A--"]);
    assert_eq!(by("apisByTags?includeNotTaggedApis=true"), ["blue tag A--", "red tag A--", "- B--"]);
    assert_eq!(
        by("apisByTags?$filter=contains(api/name,'a')%20and%20tag/name%20eq%20'red%20tag'"),
        ["red tag A--"]
    );
    assert_eq!(by("apisByTags?$filter=path%20eq%20'b'&includeNotTaggedApis=true"), ["- B--"]);
    assert_eq!(by("apisByTags?$top=1").len(), 1);
    assert_eq!(by("apis/a/operationsByTags"), ["red tag -Get-"]);
    assert_eq!(by("productsByTags"), ["blue tag --P"]);
    assert_eq!(by("tagResources"), ["blue tag A--", "red tag A--", "red tag -Get-", "blue tag --P"]);
    let item = &plane.must("GET", "apis/a/operationsByTags", &Value::Null).body["value"][0];
    assert_eq!(item["operation"]["id"], format!("{SERVICE}/apis/a/operations/get"));
    assert_eq!((&item["operation"]["apiName"], &item["operation"]["method"]), (&json!("A"), &json!("GET")));
    assert_eq!(item["tag"]["id"], format!("{SERVICE}/tags/red"));
    assert_eq!(plane.call("GET", "apis/none/operationsByTags", &Value::Null).status, 404);
}

#[test]
fn descriptions_of_tags_belong_to_an_api() {
    let plane = plane();
    let body = json!({"properties": {"description": "d", "externalDocsUrl": "https://d.example", "tagId": "ignored"}});
    let path = "apis/a/tagDescriptions/red";
    let made = plane.must("PUT", path, &body);
    assert_eq!(made.status, 201);
    assert_eq!(made.body["properties"]["displayName"], "red tag");
    assert_eq!(made.body["properties"]["tagId"], format!("{SERVICE}/tags/red"));
    plane.must("HEAD", path, &Value::Null);
    assert_eq!(plane.must("GET", "apis/a/tagDescriptions", &Value::Null).names(), ["red"]);
    assert_eq!(plane.call("PUT", "apis/a/tagDescriptions/none", &body).status, 404);
    assert_eq!(plane.must("DELETE", path, &Value::Null).status, 200);
    assert_eq!(plane.call("GET", path, &Value::Null).status, 404);
}
