//! Starting without the plane.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use gateway_tests::{Backend, Federation, Running};
use serde_json::json;

use crate::{admin, answered, eventually, follow};

fn files(folder: &Path) -> Vec<Vec<u8>> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| fs::read(path).expect("a file")).collect()
}

fn source(gateway: &Running) -> String {
    let page: serde_json::Value = serde_json::from_str(&admin(gateway, "/config").1).unwrap_or_default();
    page["source"].as_str().unwrap_or_default().to_owned()
}

/// Rows 31, 32, 35, 36, 38: a gateway with a backup starts without its plane, answers as before, and catches up later.
#[test]
fn gateway_starts_from_its_backup_and_catches_up() {
    let backend = Backend::fixed("ok");
    let mut plane = Federation::start();
    let token = plane.gateway("a");
    plane.put("namedValues/key", json!({"displayName": "key", "value": "text-of-a-secret", "secret": true}));
    plane.api("one", &backend.url(), &["a"]);
    plane.policy(
        "apis/one/policies/policy",
        "<set-header name=\"X-Key\" exists-action=\"override\"><value>{{key}}</value></set-header>",
    );
    plane.api("gone", &backend.url(), &["a"]);
    let outer = tempfile::tempdir().expect("a folder");
    let folder = outer.path().join("made/at/the/start");
    let settings = [("config.backup.folder", folder.to_str().expect("a path"))];
    let gateway = follow(&plane, &token, &settings);
    answered(&gateway, "/one/item", 200, "ok");
    eventually("the backup is written", Duration::from_secs(5), || {
        files(&folder).iter().any(|file| file.len() > 100)
    });
    for file in files(&folder) {
        assert!(!file.windows(16).any(|part| part == b"text-of-a-secret"));
    }
    drop(gateway);
    plane.stop();

    let began = Instant::now();
    let gateway = follow(&plane, &token, &settings);
    assert_eq!(gateway.get("/one/item", &[]).text(), "ok");
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(backend.seen().last().and_then(|request| request.header("X-Key")), Some("text-of-a-secret"));
    assert_eq!((source(&gateway).as_str(), admin(&gateway, "/healthz/ready").0), ("backup", 200));

    plane.resume();
    plane.delete("apis/gone");
    answered(&gateway, "/gone/item", 404, "");
    assert_eq!((gateway.get("/one/item", &[]).status, source(&gateway).as_str()), (200, "plane"));
}

/// Row 36: a damaged file is not used; the one before it is. A token of another key opens nothing.
#[test]
fn damaged_backup_gives_way_to_the_one_before() {
    let backend = Backend::fixed("ok");
    let mut plane = Federation::start();
    let token = plane.gateway("a");
    let second = plane.token("a", "secondary");
    plane.api("one", &backend.url(), &["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("config.backup.folder", folder.path().to_str().expect("a path"))];
    let gateway = follow(&plane, &token, &settings);
    answered(&gateway, "/one/item", 200, "ok");
    plane.api("two", &backend.url(), &["a"]);
    answered(&gateway, "/two/item", 200, "ok");
    let newest = folder.path().join("a.backup");
    eventually("two generations", Duration::from_secs(5), || {
        folder.path().join("a.backup.previous").exists()
    });
    drop(gateway);
    plane.stop();
    let mut bytes = fs::read(&newest).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).expect("written");
    let gateway = follow(&plane, &token, &settings);
    assert_eq!(gateway.get("/one/item", &[]).status, 200);
    assert_eq!(source(&gateway), "backup");
    drop(gateway);
    let gateway = follow(&plane, &second, &settings);
    assert_eq!(gateway.get("/one/item", &[]).status, 503);
}

/// Row 31 and D-06: a folder that cannot be made or written costs a warning, not the service.
#[test]
fn folder_that_cannot_be_used_does_not_stop_the_gateway() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    let file = tempfile::NamedTempFile::new().expect("a file");
    for folder in [&file.path().join("folder"), Path::new("/proc")] {
        let folder = folder.to_str().expect("a path");
        let gateway = follow(&plane, &token, &[("config.backup.folder", folder)]);
        answered(&gateway, "/one/item", 200, "ok");
    }
}

/// D-07: replicas that share a folder leave the newest view in it, whoever writes.
#[test]
fn replicas_share_a_folder() {
    let backend = Backend::fixed("ok");
    let mut plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("config.backup.folder", folder.path().to_str().expect("a path"))];
    let replicas = [follow(&plane, &token, &settings), follow(&plane, &token, &settings)];
    for number in 0..10 {
        let text = format!("v{number}");
        plane.policy(
            "apis/one/policies/policy",
            &format!("<return-response><set-body>{text}</set-body></return-response>"),
        );
    }
    for replica in &replicas {
        answered(replica, "/one/item", 200, "v9");
    }
    std::thread::sleep(Duration::from_millis(300));
    drop(replicas);
    plane.stop();
    let gateway = follow(&plane, &token, &settings);
    assert_eq!(gateway.get("/one/item", &[]).text(), "v9");
}
