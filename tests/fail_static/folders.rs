//! Folders into planes, and planes into folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use gateway::cli::{Arguments, run};
use gateway_sync::folder::{Environment, FolderSettings, LoadOutcome, load};
use gateway_tests::{Api, Backend, Config, Federation, Throttle, plane};

use crate::{answered, follow};

fn read(folder: &Path) -> LoadOutcome {
    load(&FolderSettings { dir: folder.to_owned(), env: Environment::process(), ..FolderSettings::default() })
}

fn api<'a>(name: &'a str, url: &'a str) -> Api<'a> {
    Api { name, path: name, service_url: url, operations: &["GET /item"], more: "" }
}

/// What `gateway dev` does: the service is what the folder says, also after a change of it, and what cannot be read stays.
#[test]
fn folder_that_is_mirrored_reaches_the_gateway() {
    let (first, second) = (Backend::fixed("first"), Backend::fixed("second"));
    let config = Config::new();
    config.api(&api("a", &first.url())).api(&api("b", &first.url()));
    let plane = Federation::start();
    let importer = plane.importer();
    importer.mirror(&read(config.path()), "edge").expect("imported");
    let token = importer.token("edge").expect("a token");
    let gateway = follow(&plane, &token, &[]);
    answered(&gateway, "/a/item", 200, "first");
    answered(&gateway, "/b/item", 200, "first");
    let before = plane.revision();
    importer.mirror(&read(config.path()), "edge").expect("imported");
    assert_eq!(plane.revision(), before, "the same folder again is no change");

    config.api(&api("a", &second.url()));
    fs::remove_dir_all(config.path().join("apis/b")).expect("removed");
    importer.mirror(&read(config.path()), "edge").expect("imported");
    answered(&gateway, "/a/item", 200, "second");
    answered(&gateway, "/b/item", 404, "");

    config.file("apis/a/apiInformation.json", "{ no json");
    importer.mirror(&read(config.path()), "edge").expect("imported");
    std::thread::sleep(std::time::Duration::from_millis(300));
    answered(&gateway, "/a/item", 200, "second");
}

fn contents(folder: &Path, within: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(within).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            contents(folder, &path, found);
        } else {
            let name = path.strip_prefix(folder).expect("inside").display().to_string();
            found.insert(name, fs::read(&path).expect("a file"));
        }
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    contents(folder, folder, &mut found);
    found
}

fn command(arguments: &[&str]) {
    let arguments = Arguments::parse_from([&["gateway"], arguments].concat());
    assert_eq!(format!("{:?}", run(arguments)), format!("{:?}", ExitCode::SUCCESS));
}

/// A folder with a resource of many kinds.
fn one_of_each() -> Config {
    let config = Config::new();
    config
        .api(&api("a", "http://backend.invalid"))
        .policy(
            "apis/a/policy.xml",
            "<base /><set-header name=\"A\" exists-action=\"override\"><value>{{v}}</value></set-header>",
            "",
            "",
            "",
        )
        .product("gold", true, &["a"])
        .subscription("s", "/products/gold", "active")
        .file(
            "named values/v/namedValueInformation.json",
            r#"{"properties": {"displayName": "v", "value": "hidden", "secret": true}}"#,
        )
        .file(
            "backends/b/backendInformation.json",
            r#"{"properties": {"url": "http://backend.invalid", "protocol": "http"}}"#,
        )
        .file("tags/t/tagInformation.json", r#"{"properties": {"displayName": "t"}}"#);
    config
}

/// Pushed, pulled and pulled again: the same bytes, and nothing is written that is there already.
#[test]
fn push_and_pull_are_stable() {
    let config = one_of_each();
    let plane = Federation::start();
    let service = format!("{}{}", plane.endpoint(), plane::SERVICE);
    let remote = ["--service", service.as_str(), "--token", plane::TOKEN];
    let folder = config.path().display().to_string();
    let push = [&["push", folder.as_str()], &remote[..]].concat();

    let before = plane.revision();
    command(&[&push[..], &["--dry-run"]].concat());
    assert_eq!(plane.revision(), before, "a dry run writes nothing");
    command(&push);
    assert_eq!(plane.call("GET", "apis/a", &serde_json::Value::Null).0, 200);
    let pushed = plane.revision();
    command(&push);
    assert_eq!(plane.revision(), pushed, "nothing differs the second time");

    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    for dir in [&one, &two] {
        let dir = dir.path().display().to_string();
        command(&[&["pull", dir.as_str(), "--with-secrets"], &remote[..]].concat());
    }
    assert_eq!(files(one.path()), files(two.path()));
    let set = read(one.path()).set;
    let wanted = read(config.path()).set;
    assert_eq!(set.subscriptions.len(), 1);
    assert_eq!(
        set.named_values.values().next().and_then(|v| v.value.clone()),
        wanted.named_values.values().next().and_then(|v| v.value.clone())
    );
    // What was pulled can be pushed, and differs in nothing.
    let dir = one.path().display().to_string();
    command(&[&["push", dir.as_str()], &remote[..]].concat());
    assert_eq!(plane.revision(), pushed);

    // Without secrets, none is on the disk.
    let bare = tempfile::tempdir().expect("a folder");
    let dir = bare.path().display().to_string();
    command(&[&["pull", dir.as_str()], &remote[..]].concat());
    for (name, bytes) in files(bare.path()) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("hidden") && !text.contains("s-primary"), "{name}");
    }

    // What the folder does not have any more goes when that is asked for.
    fs::remove_dir_all(config.path().join("tags")).expect("removed");
    command(&push);
    assert_eq!(plane.call("GET", "tags/t", &serde_json::Value::Null).0, 200);
    command(&[&push[..], &["--delete"]].concat());
    assert_eq!(plane.call("GET", "tags/t", &serde_json::Value::Null).0, 404);
    assert_eq!(plane.call("GET", "apis/a", &serde_json::Value::Null).0, 200);
}

/// A hub mirrors a service, serves it to its gateways, takes no writes, and goes on while the service is away.
#[test]
fn hub_serves_a_mirrored_service_and_survives_it() {
    let backend = Backend::fixed("ok");
    let mut origin = Federation::start();
    origin.gateway("edge");
    origin.api("one", &backend.url(), &["edge"]);
    origin.put("namedValues/v", serde_json::json!({"displayName": "v", "value": "hidden", "secret": true}));
    origin.policy(
        "apis/one/policies/policy",
        "<set-header name=\"X-Key\" exists-action=\"override\"><value>{{v}}</value></set-header>",
    );
    let service = format!("{}{}", origin.endpoint(), plane::SERVICE);
    let hub = Federation::with(&[
        ("management.mirror", &service),
        ("management.mirror.token", plane::TOKEN),
        ("management.mirror.interval", "0.2"),
    ]);
    crate::eventually("the mirror has the gateway", std::time::Duration::from_secs(10), || {
        hub.call("GET", "gateways/edge", &serde_json::Value::Null).0 == 200
    });
    let gateway = follow(&hub, &hub.token("edge", "primary"), &[]);
    answered(&gateway, "/one/item", 200, "ok");
    assert_eq!(backend.seen().last().and_then(|request| request.header("X-Key")), Some("hidden"));
    assert_eq!(hub.call("DELETE", "apis/one", &serde_json::Value::Null).0, 409);

    origin.api("two", &backend.url(), &["edge"]);
    origin.delete("gateways/edge/apis/one");
    answered(&gateway, "/two/item", 200, "ok");
    answered(&gateway, "/one/item", 404, "");
    let revision = hub.revision();
    std::thread::sleep(std::time::Duration::from_millis(600));
    assert_eq!(hub.revision(), revision, "the same again is no change");

    origin.stop();
    std::thread::sleep(std::time::Duration::from_millis(500));
    let late = follow(&hub, &hub.token("edge", "secondary"), &[]);
    answered(&late, "/two/item", 200, "ok");
}

/// A service that throttles, as Azure's does, is read at the pace that it asks for, and whole.
#[test]
fn hub_waits_where_it_is_throttled() {
    let origin = Federation::start();
    origin.gateway("edge");
    for number in 0..5 {
        origin.api(&format!("api-{number}"), "http://backend.invalid", &["edge"]);
    }
    let throttle = Throttle::start(origin.address(), 15);
    let service = format!("http://{}{}", throttle.address, plane::SERVICE);
    let hub = Federation::with(&[
        ("management.mirror", &service),
        ("management.mirror.token", plane::TOKEN),
        ("management.mirror.interval", "60"),
    ]);
    let paths = ["gateways/edge/apis/api-4", "apis/api-4/operations/item"];
    crate::eventually("the mirror has everything", std::time::Duration::from_secs(60), || {
        hub.call("HEAD", paths[0], &serde_json::Value::Null).0 < 300
            && hub.call("GET", paths[1], &serde_json::Value::Null).0 == 200
    });
    let (throttled, early) = throttle.throttled_and_early();
    assert!(throttled >= 2, "{throttled} requests were throttled");
    assert_eq!(early, 0, "requests that did not wait");
}
