//! Changes of configuration: live within two seconds, isolated where broken (`design.md` §3).

use std::time::{Duration, Instant};

use gateway_tests::{Api, Backend, Config, Running};

fn api<'a>(name: &'a str, url: &'a str) -> Api<'a> {
    Api { name, path: name, service_url: url, operations: &["GET /item"], more: "" }
}

/// Asks until the answer is as wanted; the last answer otherwise.
fn eventually(gateway: &Running, target: &str, wanted: (u16, &str)) -> (u16, String) {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = gateway.get(target, &[]);
        let found = (answer.status, answer.text());
        if (found.0, found.1.as_str()) == wanted || Instant::now() > deadline {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

const BROKEN: &str = "<policies><inbound><no-such-policy /></inbound></policies>";

#[test]
fn change_is_live_without_a_restart() {
    let (first, second) = (Backend::fixed("first"), Backend::fixed("second"));
    let config = Config::new();
    config.api(&api("a", &first.url()));
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/a/item", &[]).text(), "first");
    config.api(&api("a", &second.url()));
    assert_eq!(eventually(&gateway, "/a/item", (200, "second")), (200, "second".to_owned()));
    config.api(&api("b", &first.url()));
    assert_eq!(eventually(&gateway, "/b/item", (200, "first")), (200, "first".to_owned()));
}

#[test]
fn api_that_never_compiled_is_503_and_the_others_serve() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    config.api(&api("good", &backend.url())).api(&api("bad", &backend.url()));
    config.file("apis/bad/policy.xml", BROKEN);
    let gateway = Running::start(config.path(), &[]);
    assert_eq!(gateway.get("/good/item", &[]).status, 200);
    let answer = gateway.get("/bad/item", &[]);
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("API bad is unavailable"), "{}", answer.text());
    assert_eq!(gateway.metric("gateway_snapshot_apis", &["isolated"]), 1.0);
}

#[test]
fn api_that_breaks_keeps_its_last_good_version() {
    let (old, new) = (Backend::fixed("old"), Backend::fixed("new"));
    let config = Config::new();
    config.api(&api("a", &old.url())).api(&api("b", &old.url()));
    let gateway = Running::start(config.path(), &[]);
    config.file("apis/a/policy.xml", BROKEN).api(&api("b", &new.url()));
    assert_eq!(eventually(&gateway, "/b/item", (200, "new")).1, "new");
    assert_eq!(gateway.get("/a/item", &[]).text(), "old");
}

#[test]
fn folder_that_goes_away_changes_nothing() {
    let backend = Backend::fixed("ok");
    let config = Config::new();
    config.api(&api("a", &backend.url()));
    let folder = config.path().join("tree");
    std::fs::create_dir(&folder).unwrap();
    std::fs::rename(config.path().join("apis"), folder.join("apis")).unwrap();
    let gateway = Running::start(&folder, &[]);
    std::fs::remove_dir_all(&folder).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while gateway.metric("gateway_snapshots_total", &["rejected"]) < 1.0 {
        assert!(Instant::now() < deadline, "the loss was not noticed");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(gateway.get("/a/item", &[]).status, 200);
}
