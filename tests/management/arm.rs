//! ARM's ways: versions, tokens, envelopes, ETags (management-api.md §2).

use gateway_tests::plane::{Plane, SERVICE, TOKEN};
use serde_json::{Value, json};

#[test]
fn etag_guards_writes_and_saves_reads() {
    let plane = Plane::start(&[]);
    let made = plane.must("PUT", "tags/t", &json!({"properties": {"displayName": "T"}}));
    assert_eq!(made.status, 201);
    assert_eq!(made.body["id"], format!("{SERVICE}/tags/t"));
    assert_eq!(made.body["type"], "Microsoft.ApiManagement/service/tags");
    let etag = made.etag.expect("an ETag");
    let again = plane.must("PUT", "tags/t", &json!({"properties": {"displayName": "T"}}));
    assert_eq!((again.status, again.etag.as_deref()), (200, Some(etag.as_str())));
    let bearer = format!("Bearer {TOKEN}");
    let with = |method, name, value: &str, body| {
        plane.call_with(method, "tags/t", &[("Authorization", &bearer), (name, value)], body)
    };
    assert_eq!(with("GET", "If-None-Match", &etag, &Value::Null).status, 304);
    let other = json!({"properties": {"displayName": "U"}});
    assert_eq!(with("PUT", "If-None-Match", "*", &other).code(), "PreconditionFailed");
    assert_eq!(with("PATCH", "If-Match", "\"AAAAAAAAAAE=\"", &other).status, 412);
    let bare = etag.trim_matches('"');
    assert_eq!(with("PATCH", "If-Match", &format!("\"x\", {bare}"), &other).status, 200);
    assert_eq!(with("DELETE", "If-Match", &etag, &Value::Null).status, 412);
    assert_eq!(with("DELETE", "If-Match", "*", &Value::Null).status, 200);
    assert_eq!(plane.call("DELETE", "tags/t", &Value::Null).status, 204);
}
