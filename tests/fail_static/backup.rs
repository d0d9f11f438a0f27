//! Starting without the plane.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use gateway_tests::process::Process;
use gateway_tests::{Backend, Client, Federation, Running};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
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

/// Sets what the API `one` answers.
fn answer_by(plane: &Federation, text: &str) {
    plane.policy(
        "apis/one/policies/policy",
        &format!("<return-response><set-body>{text}</set-body></return-response>"),
    );
}

/// A process that follows the plane, with a folder for its backup.
fn process(plane: &Federation, token: &str, folder: &Path) -> Process {
    let settings = [
        format!("config.service.endpoint={}", plane.endpoint()),
        format!("config.service.auth={token}"),
        "config.service.poll=1".to_owned(),
        format!("config.backup.folder={}", folder.to_str().expect("a path")),
    ];
    let arguments: Vec<&str> = settings.iter().flat_map(|setting| ["--set", setting.as_str()]).collect();
    Process::start(&arguments)
}

fn text_of(gateway: &Process) -> (u16, String) {
    let http = Process::address(&gateway.line_with("GatewayListening"), "http");
    eventually("it serves", Duration::from_secs(15), || {
        Client::connect(http).request("GET", "/one/item", &[]).status == 200
    });
    let answer = Client::connect(http).request("GET", "/one/item", &[]);
    (answer.status, answer.text())
}

/// Row 38: far more changes than the plane keeps steps of, deletions and what was made again among them: a gateway that was
/// away for all of them ends where the plane is.
#[test]
fn gateway_catches_up_with_more_changes_than_are_kept() {
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    for name in ["one", "kept", "gone", "again"] {
        plane.api(name, &backend.url(), &["a"]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let settings = [("config.backup.folder", folder.path().to_str().expect("a path"))];
    let gateway = follow(&plane, &token, &settings);
    answered(&gateway, "/gone/item", 200, "ok");
    drop(gateway);
    for number in 0..500 {
        answer_by(&plane, &format!("v{number}"));
        match number {
            100 => plane.delete("apis/gone"),
            200 => plane.delete("apis/again"),
            300 => plane.api("again", &backend.url(), &["a"]),
            400 => plane.api("new", &backend.url(), &["a"]),
            _ => {}
        }
    }
    let gateway = follow(&plane, &token, &settings);
    answered(&gateway, "/one/item", 200, "v499");
    let status = |name: &str| gateway.get(&format!("/{name}/item"), &[]).status;
    assert_eq!(["kept", "gone", "again", "new"].map(status), [200, 404, 200, 200]);
}

/// D-01, D-02 and row 32: while it writes one generation after the other a gateway is killed; what it left is whole, and not
/// older than what it said to have written.
#[test]
fn killed_at_any_moment_it_starts_from_a_whole_backup() {
    let backend = Backend::fixed("ok");
    let mut plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    answer_by(&plane, "v0");
    let folder = tempfile::tempdir().expect("a folder");
    let mut written = 0;
    for round in 0..8_u32 {
        let mut gateway = process(&plane, &token, folder.path());
        text_of(&gateway);
        // Not the same moment of a write each time.
        for _ in 0..3 + round {
            written += 1;
            answer_by(&plane, &format!("v{written}"));
        }
        std::thread::sleep(Duration::from_millis(u64::from(round * 7)));
        gateway.signal(Signal::SIGKILL);
        gateway.wait();
        plane.stop();
        let gateway = process(&plane, &token, folder.path());
        let (status, text) = text_of(&gateway);
        let number: u32 = text.trim_start_matches('v').parse().expect("a version");
        assert!(status == 200 && number <= written, "{text} of {written}");
        drop(gateway);
        plane.resume();
    }
    let left = files(folder.path()).len();
    assert!(left <= 4, "{left} files: two generations, the lock, and what the last kill may leave");
}

/// D-03: a disk that is full, and one that has become read-only, are warned of once and survived; the backup is written
/// again when there is room.
#[test]
fn full_disk_and_read_only_volume_are_warned_of_once() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: not root, no disk can be mounted");
        return;
    }
    let backend = Backend::fixed("ok");
    let plane = Federation::start();
    let token = plane.gateway("a");
    plane.api("one", &backend.url(), &["a"]);
    answer_by(&plane, "v0");
    let on_small_disk = || {
        let folder = tempfile::tempdir().expect("a folder");
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).expect("private");
        let disk = |flags, options: &str| {
            mount(Some("tmpfs"), folder.path(), Some("tmpfs"), flags, Some(options)).expect("a disk");
        };
        disk(MsFlags::empty(), "size=64k");
        let filler = folder.path().join("filler");
        let gateway = process(&plane, &token, folder.path());
        text_of(&gateway);
        let mut number = 0;
        let mut change = |times: usize| {
            for _ in 0..times {
                number += 1;
                answer_by(&plane, &format!("v{number}"));
                std::thread::sleep(Duration::from_millis(300));
            }
        };
        for trouble in ["full", "read-only"] {
            if trouble == "full" {
                // Fails when there is no room left.
                let _ = fs::write(&filler, vec![b'x'; 1 << 20]);
            } else {
                disk(MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY, "size=64k");
            }
            change(5);
            let told = gateway.lines_with("Backup", Duration::from_secs(2));
            let failed = told.iter().filter(|line| line.contains("BackupFailed")).count();
            assert_eq!(failed, 1, "{trouble}: {told:#?}");
            disk(MsFlags::MS_REMOUNT, "size=64k");
            let _ = fs::remove_file(&filler);
            change(1);
            gateway.line_with("BackupWritten");
        }
        drop(gateway);
        umount2(folder.path(), MntFlags::MNT_DETACH).expect("unmounted");
    };
    // A thread of its own: the mount is seen by what it starts, and by nobody else.
    std::thread::scope(|scope| scope.spawn(on_small_disk).join().expect("the thread in the namespace"));
}
