//! What was acknowledged is there, whatever becomes of the process.

use std::collections::BTreeMap;

use gateway_tests::plane::{SERVICE, TOKEN, reply, target};
use gateway_tests::process::Process;
use gateway_tests::{Answer, Client};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

struct Served {
    process: Process,
    address: std::net::SocketAddr,
}

fn start(store: &str) -> Served {
    let process =
        Process::manage(&["--store", store, "--set", &format!("management.auth.static-token={TOKEN}")]);
    let address = Process::address(&process.line_with("GatewayListening"), "management");
    Served { process, address }
}

/// A call that may fail because the process is gone.
fn call(client: &mut Client, method: &str, path: &str, body: &Value) -> Option<Answer> {
    let text = if body.is_null() { String::new() } else { body.to_string() };
    let head = format!(
        "{method} {} HTTP/1.1\r\nHost: plane\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {}\r\n\r\n{text}",
        target(path),
        text.len()
    );
    client.try_send(head.as_bytes()).then(|| client.answer(false))?
}

/// D-08 of reliability-security.md. The moments of the kills come from a seed, which is told when the test fails.
#[test]
fn kill_during_writes_loses_nothing_acknowledged_and_halves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("plane.db");
    let store = store.to_str().expect("a path");
    let mut acknowledged: BTreeMap<String, String> = BTreeMap::new();
    let mut seed = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a time").subsec_nanos() | 1;
    for round in 0..4 {
        // Xorshift (Marsaglia, 2003).
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        let moment = std::time::Duration::from_millis(150 + u64::from(seed % 350));
        eprintln!("round {round}: killed {moment:?} after the start");
        let Served { mut process, address } = start(store);
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                std::thread::spawn(move || {
                    let mut client = Client::connect(address);
                    let mut done = Vec::new();
                    for number in 0..10_000 {
                        let name = format!("products/p-{round}-{writer}-{number}");
                        let body = json!({"properties": {"displayName": name}});
                        let Some(answer) = call(&mut client, "PUT", &name, &body) else { break };
                        assert_eq!(answer.status, 201, "{}", answer.text());
                        done.push((name, answer.header("etag").expect("an ETag").to_owned()));
                    }
                    done
                })
            })
            .collect();
        std::thread::sleep(moment);
        process.signal(Signal::SIGKILL);
        process.wait();
        acknowledged.extend(writers.into_iter().flat_map(|writer| writer.join().expect("a writer")));
    }
    assert!(acknowledged.len() > 20, "{} writes", acknowledged.len());
    let served = start(store);
    let mut client = Client::connect(served.address);
    for (name, etag) in &acknowledged {
        let found = call(&mut client, "GET", name, &Value::Null).expect("an answer");
        assert_eq!((found.status, found.header("etag")), (200, Some(etag.as_str())), "{name}");
    }
    // A product and its link to the administrators are one change.
    let products = call(&mut client, "GET", "products?$top=1000", &Value::Null).expect("an answer");
    for name in reply(products).names() {
        let link = format!("{SERVICE}/products/{name}/groups");
        let groups = call(&mut client, "GET", &link, &Value::Null).expect("an answer");
        assert_eq!(reply(groups).names(), ["administrators"], "{name}");
    }
}

/// D-09 of reliability-security.md: a store with a damaged document is not served, and is left as it is.
#[test]
fn damaged_store_is_refused_with_the_way_out() {
    let mut plane = gateway_tests::plane::Plane::start(&[]);
    plane.must("PUT", "tags/t", &json!({"properties": {"displayName": "t"}}));
    plane.stop();
    let store = plane.store();
    let connection = rusqlite::Connection::open(&store).expect("a store");
    let changed = connection.execute(
        // Another last byte, whatever it was.
        "UPDATE document SET body = CAST(substr(body, 1, length(body) - 1)
         || iif(substr(body, -1) = x'00', x'01', x'00') AS BLOB) WHERE path = 'tags/t'",
        (),
    );
    assert_eq!(changed.expect("changed"), 1);
    drop(connection);
    let refusal = |store: &std::path::Path| {
        let store = store.to_str().expect("a path");
        let output =
            gateway_tests::process::run(&["manage", "--management", "127.0.0.1:0", "--store", store]);
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let text = refusal(&store);
    assert!(text.contains("tags/t is damaged") && text.contains("--restore"), "{text}");
    let bytes = std::fs::read(&store).expect("a store");
    std::fs::write(&store, bytes.iter().map(|byte| byte ^ 0x55).collect::<Vec<_>>()).expect("written");
    let text = refusal(&store);
    assert!(text.contains("the store is damaged") && text.contains("--restore"), "{text}");
}

#[test]
fn restart_keeps_etags_secrets_and_built_in_keys() {
    let plane = gateway_tests::plane::Plane::start(&[]);
    plane.must(
        "PUT",
        "namedValues/n",
        &json!({"properties": {"displayName": "n", "value": "v", "secret": true}}),
    );
    let before = plane.must("GET", "namedValues/n", &Value::Null);
    let keys = plane.must("POST", "subscriptions/master/listSecrets", &Value::Null).body;
    let plane = plane.restarted(&[]);
    let after = plane.must("GET", "namedValues/n", &Value::Null);
    assert_eq!((after.etag, after.body), (before.etag, before.body));
    assert_eq!(plane.must("POST", "namedValues/n/listValue", &Value::Null).body["value"], "v");
    assert_eq!(plane.must("POST", "subscriptions/master/listSecrets", &Value::Null).body, keys);
}
