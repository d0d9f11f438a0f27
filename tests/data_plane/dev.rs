//! `gateway dev`: the samples as README shows them, by way of a management plane in the same process.

use std::path::Path;
use std::time::{Duration, Instant};

use gateway_tests::process::Process;
use gateway_tests::{Client, Config};

const KEY: (&str, &str) = ("Ocp-Apim-Subscription-Key", "demo-starter-key");

/// A copy of `samples/` that may be changed.
fn samples() -> Config {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let config = Config::new();
    copy(&config, &from, &from);
    config
}

fn copy(config: &Config, root: &Path, folder: &Path) {
    for entry in std::fs::read_dir(folder).expect("a folder of the samples") {
        let path = entry.expect("its entry").path();
        if path.is_dir() {
            copy(config, root, &path);
        } else {
            let name = path.strip_prefix(root).expect("below the root").to_str().expect("a name");
            config.file(name, &std::fs::read_to_string(&path).expect("a text"));
        }
    }
}

#[test]
fn dev_serves_the_samples_and_follows_the_folder() {
    let config = samples();
    let process = Process::dev(config.path());
    let line = process.line_with("\"eventType\":\"GatewayListening\"");
    let address = Process::address(&line, "http");
    let mut client = Client::connect(address);

    let books = client.request("GET", "/public/books", &[]);
    assert_eq!((books.status, books.header("Content-Type")), (200, Some("application/json")), "{books:?}");
    assert_eq!(client.request("GET", "/echo/items/7", &[]).status, 401);

    let echoed = client.request("GET", "/echo/items/7", &[KEY]);
    assert_eq!(echoed.status, 200, "{echoed:?}");
    let seen: serde_json::Value = serde_json::from_slice(&echoed.body).expect("what the echo backend saw");
    assert_eq!((&seen["method"], &seen["target"]), (&"GET".into(), &"/anything/items/7".into()));
    assert_eq!(seen["headers"]["x-greeting"], "hello from the gateway");
    assert_eq!(seen["headers"]["x-called-with"], "demo-starter", "{seen}");
    assert!(seen["headers"].get("ocp-apim-subscription-key").is_none(), "{seen}");

    // The product allows 20 calls a minute; one was made.
    for call in 2..=20 {
        assert_eq!(client.request("GET", "/echo/items/7", &[KEY]).status, 200, "call {call}");
    }
    let limited = client.request("GET", "/echo/items/7", &[KEY]);
    assert_eq!(limited.status, 429);
    assert!(limited.header("Retry-After").is_some(), "{limited:?}");

    // No product, no limit.
    let free = [("Ocp-Apim-Subscription-Key", "demo-all-apis-key")];
    let greeting = "named values/greeting/namedValueInformation.json";
    config.file(greeting, r#"{"properties": {"displayName": "greeting", "value": "changed"}}"#);
    let start = Instant::now();
    while !client.request("GET", "/echo/items/7", &free).text().contains(r#""x-greeting":"changed""#) {
        assert!(start.elapsed() < Duration::from_secs(30), "the change is not live");
        std::thread::sleep(Duration::from_millis(50));
    }
}
