//! Stores: two nodes over one PostgreSQL server, backup and restore, keys that change.

#[allow(dead_code, reason = "shared with the tests of the store")]
#[path = "../../gateway/store/tests/suite/server.rs"]
pub mod server;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_tests::plane::{Plane, SERVICE, TOKEN};
use gateway_tests::process::run;
use serde_json::{Value, json};
use server::Server;

const SECRET: &str = "not-to-be-found-at-rest";

fn named_value(value: &str) -> Value {
    json!({"properties": {"displayName": "n", "value": value, "secret": true}})
}

/// Two planes over one server.
struct Nodes {
    first: Plane,
    second: Plane,
    _keys: tempfile::TempDir,
    _server: Server,
}

fn nodes() -> Option<Nodes> {
    let server = Server::start()?;
    let folder = tempfile::tempdir().expect("a folder");
    let keys = folder.path().join("keys");
    let address = server.address();
    let settings = [
        ("management.store", address.as_str()),
        ("management.store.key-file", keys.to_str().expect("a path")),
    ];
    let (first, second) = (Plane::start(&settings), Plane::start(&settings));
    Some(Nodes { first, second, _keys: folder, _server: server })
}

#[test]
fn two_nodes_of_one_server_see_each_others_changes_and_lose_none() {
    let Some(Nodes { first, second, .. }) = &nodes() else { return };
    first.must("PUT", "namedValues/n", &named_value("1"));
    let begin = Instant::now();
    while second.call("GET", "namedValues/n", &Value::Null).status != 200 {
        assert!(begin.elapsed() < Duration::from_secs(2), "the other node does not see the change");
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::scope(|scope| {
        for (node, name) in [(first, "a"), (second, "b")] {
            scope.spawn(move || {
                for number in 0..20 {
                    let body = json!({"properties": {"displayName": format!("{name}{number}")}});
                    node.must("PUT", &format!("tags/{name}{number}"), &body);
                }
            });
        }
    });
    for node in [first, second] {
        let begin = Instant::now();
        while node.call("GET", "tags", &Value::Null).body["count"] != json!(40) {
            assert!(begin.elapsed() < Duration::from_secs(3), "a change is missing");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    // What one node has read is out of date when the other has written: If-Match holds across nodes.
    let etag = first.call("GET", "tags/a0", &Value::Null).etag.expect("an ETag");
    second.must("PUT", "tags/a0", &json!({"properties": {"displayName": "new"}}));
    let token = format!("Bearer {}", TOKEN);
    let headers = [("Authorization", token.as_str()), ("If-Match", etag.as_str())];
    let stale = first.call_with("DELETE", "tags/a0", &headers, &Value::Null);
    assert_eq!(stale.status, 412, "{}", stale.body);
}

/// A service's address, of the default group.
fn service(name: &str) -> String {
    SERVICE.replace("apim1", name)
}

#[test]
fn two_nodes_know_the_same_services_and_principals() {
    let Some(Nodes { first, second, .. }) = &nodes() else { return };
    let soon = |what: &str, is_so: &dyn Fn() -> bool| {
        let begin = Instant::now();
        while !is_so() {
            assert!(begin.elapsed() < Duration::from_secs(10), "not at the other node: {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let body = json!({
        "location": "here", "sku": {"name": "Premium", "capacity": 1},
        "properties": {"publisherEmail": "a@b.example", "publisherName": "a"},
    });
    let (tags, tag) = (format!("{}/tags", service("apim2")), format!("{}/tags/t", service("apim2")));
    for round in ["made", "made again"] {
        first.must("PUT", &service("apim2"), &body);
        first.must("PUT", &tag, &json!({"properties": {"displayName": round}}));
        soon(round, &|| second.call("GET", &tag, &Value::Null).body["properties"]["displayName"] == round);
        second.must("PUT", &format!("{tags}/u"), &json!({"properties": {"displayName": "u"}}));
        soon("written there", &|| first.call("GET", &tags, &Value::Null).body["count"] == 2);
        second.must("DELETE", &service("apim2"), &Value::Null);
        soon("deleted", &|| first.call("GET", &service("apim2"), &Value::Null).status == 404);
    }
    let bearer = first.bearer("Reader");
    let headers = [("Authorization", bearer.as_str())];
    soon("a principal", &|| second.call_with("GET", "tags", &headers, &Value::Null).status == 200);
}

#[test]
fn store_is_sealed_and_a_new_key_goes_in_front_of_the_old_one() {
    let mut plane = Plane::start(&[]);
    plane.must("PUT", "namedValues/n", &named_value(SECRET));
    plane.stop();
    let bytes = std::fs::read(plane.store()).expect("a store");
    assert!(!bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes()), "it stands in the file");
    let key_file = plane.store().with_extension("db.key");
    let old = std::fs::read_to_string(&key_file).expect("keys");
    let new = STANDARD.encode([7; 32]);
    std::fs::write(&key_file, format!("{new}\n{old}")).expect("written");
    plane.resume(&[]);
    plane.stop();
    // All is sealed with the new key by now: the old one can go.
    std::fs::write(&key_file, &new).expect("written");
    plane.resume(&[]);
    let value = plane.must("POST", "namedValues/n/listValue", &Value::Null);
    assert_eq!(value.body["value"], json!(SECRET));
    plane.stop();
    std::fs::write(&key_file, &old).expect("written");
    let store = plane.store();
    let output = run(&["manage", "--management", "127.0.0.1:0", "--store", store.to_str().expect("a path")]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("a key that is not among those given"), "{text}");
}

#[test]
fn backup_is_made_while_served_and_restored_elsewhere() {
    let plane = Plane::start(&[]);
    plane.must("PUT", "namedValues/n", &named_value(SECRET));
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).to_str().expect("a path").to_owned();
    let store = plane.store();
    let store = store.to_str().expect("a path");
    let output = run(&["manage", "--store", store, "--backup", &path("backup.db")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    plane.must("DELETE", "namedValues/n", &Value::Null);
    let output = run(&["manage", "--store", &path("new.db"), "--restore", &path("backup.db")]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let again = run(&["manage", "--store", &path("new.db"), "--restore", &path("backup.db")]);
    assert_eq!(again.status.code(), Some(1), "not over what is there");
    std::fs::copy(format!("{store}.key"), path("new.db.key")).expect("the key goes along");
    let new = path("new.db");
    let restored = Plane::start(&[("management.store", new.as_str())]);
    let value = restored.must("POST", "namedValues/n/listValue", &Value::Null);
    assert_eq!(value.body["value"], json!(SECRET));
}

#[test]
fn shared_store_needs_what_one_node_cannot_make_for_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let keys = format!("management.store.key-file={}", folder.path().join("keys").display());
    let store = "postgres://user:sesame@127.0.0.1:1/plane";
    let manage = ["manage", "--management", "127.0.0.1:0", "--store", store];
    let own_tls = ["--set", keys.as_str(), "--set", "management.tls=on"];
    for (arguments, setting) in [
        (manage.to_vec(), "management.store.key-file"),
        ([&manage[..], &own_tls[..]].concat(), "management.tls.certificate"),
        (vec!["principal", "list", "--store", store], "management.store.key-file"),
    ] {
        let output = run(&arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {text}");
        assert!(text.contains(setting) && !text.contains("sesame"), "{text}");
    }
    assert!(std::fs::read_dir(folder.path()).expect("a folder").next().is_none(), "nothing was made");
}
