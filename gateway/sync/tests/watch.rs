//! Changes of a folder arrive, within two seconds and once each.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use gateway_model::Secret;
use gateway_sync::folder::{FolderSettings, LoadOutcome, Watch, load, watch};

/// A change must be live in this time; the rest of the way to the snapshot takes milliseconds.
const LIVE: Duration = Duration::from_secs(2);
/// Shorter than the rescan, so that only an event can be in time, and long enough for a busy machine.
const EVENT: Duration = Duration::from_secs(8);
/// Longer than the quiet time after an event, shorter than the rescan.
const NOTHING: Duration = Duration::from_millis(2500);

fn write(dir: &Path, file: &str, text: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().unwrap_or(dir)).unwrap_or_else(|error| panic!("{error}"));
    fs::write(path, text).unwrap_or_else(|error| panic!("{error}"));
}

fn greeting(dir: &Path, value: &str) {
    let text = format!(r#"{{"properties":{{"displayName":"greeting","value":"{value}"}}}}"#);
    write(dir, "named values/greeting/namedValueInformation.json", &text);
}

fn value(outcome: &LoadOutcome) -> Option<String> {
    outcome.set.named_value("greeting")?.value.as_ref().map(Secret::expose).map(str::to_owned)
}

fn start(settings: FolderSettings) -> (Watch, Receiver<LoadOutcome>) {
    let (send, receive) = channel();
    let loaded = load(&settings);
    let watch = watch(settings, &loaded, move |outcome| {
        let _ = send.send(outcome);
    });
    (watch.unwrap_or_else(|error| panic!("{error}")), receive)
}

fn settings(dir: &Path) -> FolderSettings {
    FolderSettings { dir: dir.to_path_buf(), ..FolderSettings::default() }
}

fn scratch() -> tempfile::TempDir {
    tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"))
}

fn next(receive: &Receiver<LoadOutcome>) -> LoadOutcome {
    receive.recv_timeout(EVENT).unwrap_or_else(|error| panic!("no change within {EVENT:?}: {error}"))
}

#[test]
fn change_is_delivered_within_two_seconds_with_the_next_revision() {
    let dir = scratch();
    greeting(dir.path(), "one");
    let (_watch, receive) = start(settings(dir.path()));
    let began = Instant::now();
    greeting(dir.path(), "two");
    let outcome = next(&receive);
    assert!(began.elapsed() < LIVE);
    assert_eq!((value(&outcome).as_deref(), outcome.set.revision), (Some("two"), 2));
    // In a folder that did not exist before.
    write(dir.path(), "apis/new/apiInformation.json", r#"{"properties":{"path":"new"}}"#);
    let outcome = next(&receive);
    assert_eq!((outcome.set.apis.len(), outcome.set.revision), (1, 3));
    fs::remove_dir_all(dir.path().join("apis")).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(next(&receive).set.apis.len(), 0);
}

/// `gateway run --config config`: events have absolute paths.
#[test]
fn change_of_a_folder_named_by_a_relative_path_is_delivered() {
    let dir = scratch();
    let here = std::env::current_dir().unwrap_or_else(|error| panic!("{error}"));
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(dir.path().strip_prefix("/").unwrap_or(dir.path())).join("config");
    greeting(&relative, "one");
    let (_watch, receive) = start(settings(&relative));
    // The first reading covers what happened before the watch stood.
    std::thread::sleep(NOTHING);
    greeting(&relative, "two");
    assert_eq!(value(&next(&receive)).as_deref(), Some("two"));
}

#[test]
fn same_content_written_again_is_no_change() {
    let dir = scratch();
    greeting(dir.path(), "one");
    let (_watch, receive) = start(settings(dir.path()));
    greeting(dir.path(), "one");
    assert_eq!(receive.recv_timeout(NOTHING).err(), Some(RecvTimeoutError::Timeout));
}

#[test]
fn change_between_load_and_watch_is_not_lost() {
    let dir = scratch();
    greeting(dir.path(), "one");
    let settings = settings(dir.path());
    let loaded = load(&settings);
    greeting(dir.path(), "two");
    let (send, receive) = channel();
    let _watch = watch(settings, &loaded, move |outcome| {
        let _ = send.send(outcome);
    })
    .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(value(&next(&receive)).as_deref(), Some("two"));
}

/// As the kubelet does: a new folder, then the link `..data` renamed over the old one.
#[test]
fn swap_of_a_kubernetes_volume_is_delivered_as_one_change() {
    let dir = scratch();
    let fill = |version: &str| {
        let data = dir.path().join(format!("..{version}"));
        greeting(&data, version);
        write(&data, "policy.xml", "<policies/>");
        symlink(format!("..{version}"), dir.path().join("..data_tmp"))
            .unwrap_or_else(|error| panic!("{error}"));
        fs::rename(dir.path().join("..data_tmp"), dir.path().join("..data"))
            .unwrap_or_else(|error| panic!("{error}"));
    };
    fill("one");
    for name in ["named values", "policy.xml"] {
        symlink(format!("..data/{name}"), dir.path().join(name)).unwrap_or_else(|error| panic!("{error}"));
    }
    let settings = settings(dir.path());
    let loaded = load(&settings);
    assert_eq!((value(&loaded).as_deref(), loaded.set.policies.len()), (Some("one"), 1));
    let (_watch, receive) = start(settings);
    fill("two");
    assert_eq!(value(&next(&receive)).as_deref(), Some("two"));
    assert_eq!(receive.recv_timeout(NOTHING).err(), Some(RecvTimeoutError::Timeout));
}

#[test]
fn overrides_and_secrets_are_watched_too() {
    let (dir, beside) = (scratch(), scratch());
    greeting(dir.path(), "one");
    let overrides = beside.path().join("configuration.prod.yaml");
    fs::write(&overrides, "namedValues: []\n").unwrap_or_else(|error| panic!("{error}"));
    let secrets = beside.path().join("secrets");
    fs::create_dir(&secrets).unwrap_or_else(|error| panic!("{error}"));
    let key = r#"{"properties":{"displayName":"key","secret":true}}"#;
    write(dir.path(), "named values/key/namedValueInformation.json", key);
    let settings = FolderSettings {
        overrides: Some(overrides.clone()),
        secrets_dir: Some(secrets.clone()),
        ..settings(dir.path())
    };
    let (_watch, receive) = start(settings);
    let text = "namedValues: [{name: greeting, properties: {value: over}}]\n";
    fs::write(&overrides, text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(value(&next(&receive)).as_deref(), Some("over"));
    fs::write(secrets.join("NAMED_VALUE_KEY"), "k").unwrap_or_else(|error| panic!("{error}"));
    let outcome = next(&receive);
    let key = outcome.set.named_value("key").and_then(|key| key.value.clone());
    assert_eq!(key.as_ref().map(Secret::expose), Some("k"));
}

#[test]
fn folder_that_goes_away_is_told_once_and_comes_back() {
    let parent = scratch();
    let dir = parent.path().join("folder");
    greeting(&dir, "one");
    let (_watch, receive) = start(settings(&dir));
    fs::rename(&dir, parent.path().join("gone")).unwrap_or_else(|error| panic!("{error}"));
    assert!(!next(&receive).readable);
    fs::rename(parent.path().join("gone"), &dir).unwrap_or_else(|error| panic!("{error}"));
    let outcome = next(&receive);
    assert_eq!((outcome.readable, value(&outcome).as_deref()), (true, Some("one")));
    greeting(&dir, "two");
    assert_eq!(value(&next(&receive)).as_deref(), Some("two"));
}

/// Faster than the quiet time: nobody sees the folder missing, but the kernel's watch of it is gone.
#[test]
fn folder_moved_away_and_back_is_still_watched() {
    let parent = scratch();
    let (dir, gone) = (parent.path().join("folder"), parent.path().join("gone"));
    greeting(&dir, "one");
    let (_watch, receive) = start(settings(&dir));
    fs::rename(&dir, &gone).and_then(|()| fs::rename(&gone, &dir)).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(receive.recv_timeout(NOTHING).err(), Some(RecvTimeoutError::Timeout));
    greeting(&dir, "two");
    assert_eq!(value(&next(&receive)).as_deref(), Some("two"));
}

#[test]
fn link_to_another_release_is_followed() {
    let parent = scratch();
    let link = parent.path().join("current");
    for release in ["one", "two"] {
        greeting(&parent.path().join(release), release);
    }
    let point = |release: &str| {
        let new = parent.path().join("new");
        symlink(release, &new)
            .and_then(|()| fs::rename(&new, &link))
            .unwrap_or_else(|error| panic!("{error}"));
    };
    point("one");
    let (_watch, receive) = start(settings(&link));
    point("two");
    assert_eq!(value(&next(&receive)).as_deref(), Some("two"));
    greeting(&parent.path().join("two"), "three");
    assert_eq!(value(&next(&receive)).as_deref(), Some("three"));
}

#[test]
fn api_whose_document_breaks_keeps_its_address() {
    let dir = scratch();
    write(dir.path(), "apis/a/apiInformation.json", r#"{"properties":{"path":"orders"}}"#);
    let (_watch, receive) = start(settings(dir.path()));
    write(dir.path(), "apis/a/apiInformation.json", "{");
    let outcome = next(&receive);
    assert_eq!(outcome.set.apis.get(&"a".into()).map(|api| api.path.as_str()), Some("orders"));
    assert_eq!(outcome.diagnostics.first().and_then(|finding| finding.api.clone()), Some("a".into()));
    write(dir.path(), "apis/a/apiInformation.json", r#"{"properties":{"path":"orders2"}}"#);
    assert_eq!(
        next(&receive).set.apis.get(&"a".into()).map(|api| api.path.clone()),
        Some("orders2".to_owned())
    );
}
