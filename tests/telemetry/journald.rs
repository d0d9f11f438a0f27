//! systemd's journal takes the records: a journald of this test's own, in a mount namespace with a `/run` of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use gateway_tests::process::{Process, installed};
use gateway_tests::{Api, Backend, Client, Config};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::collectors::Collector;
use crate::eventually;

const JOURNALD: &str = "/lib/systemd/systemd-journald";
const SOCKET: &str = "/run/systemd/journal/socket";
const MACHINE: &str = "/etc/machine-id";
const REQUESTS: usize = 200;

/// `auto` finds the journal's socket; each request is one entry, at its priority, with the record as its message.
#[test]
fn journald_takes_every_record() {
    let Some(journalctl) = installed("journalctl") else { return };
    if !Path::new(JOURNALD).exists() || !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: no systemd-journald, or not root");
        return;
    }
    let inside = move || {
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
            .expect("private");
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), None::<&str>).expect("a /run");
        fs::create_dir_all("/run/systemd/journal").expect("its folder");
        fs::create_dir_all("/run/log/journal").expect("the journal's folder");
        if fs::read_to_string(MACHINE).is_ok_and(|id| id.trim().len() == 32) {
            told(&journalctl);
        } else if Path::new(MACHINE).exists() {
            // A container's is often empty.
            fs::write("/run/machine-id", "0123456789abcdef0123456789abcdef\n").expect("a file");
            mount(Some("/run/machine-id"), MACHINE, None::<&str>, MsFlags::MS_BIND, None::<&str>)
                .expect("an id of the machine");
            told(&journalctl);
            umount2(MACHINE, MntFlags::MNT_DETACH).expect("unmounted");
        } else {
            eprintln!("SKIPPED: there is no {MACHINE}");
        }
        umount2("/run", MntFlags::MNT_DETACH).expect("unmounted");
    };
    // A thread of its own: what it mounts is seen by what it starts, and by nobody else.
    std::thread::spawn(inside).join().expect("the thread in the namespace");
}

fn told(journalctl: &Path) {
    let _journald = Collector::start(&mut Command::new(JOURNALD));
    eventually("journald listens", || Path::new(SOCKET).exists().then_some(()));
    let (config, backend) = (Config::new(), Backend::fixed("x"));
    config.api(&Api { name: "a", path: "a", service_url: &backend.url(), operations: &["GET /i"], more: "" });
    let folder = config.path().to_str().expect("a path");
    let gateway = Process::start(&["--config", folder, "--set", "telemetry.logs.local=auto"]);
    let http = Process::address(&gateway.line_with("GatewayListening"), "http");
    let mut client = Client::connect(http);
    for _ in 0..REQUESTS {
        assert_eq!(client.request("GET", "/a/i?key=secret", &[]).status, 200);
    }
    let entries = || -> Vec<Value> {
        let output = Command::new(journalctl)
            .args(["-D", "/run/log/journal", "-t", "gateway", "-o", "json", "--no-pager"])
            .output()
            .expect("journalctl runs");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let requests = eventually("every request is in the journal", || {
        let entries = entries();
        let of_request =
            |entry: &&Value| entry["MESSAGE"].as_str().is_some_and(|m| m.contains("GatewayLogs"));
        let requests: Vec<Value> = entries.iter().filter(of_request).cloned().collect();
        (requests.len() >= REQUESTS).then_some(requests)
    });
    let mut ids = std::collections::HashSet::new();
    for entry in &requests {
        assert_eq!((&entry["PRIORITY"], &entry["_TRANSPORT"]), (&"6".into(), &"journal".into()), "{entry}");
        let message = entry["MESSAGE"].as_str().expect("a message");
        let record: Value = serde_json::from_str(message).expect("JSON");
        assert_eq!((&record["responseCode"], &record["apiId"]), (&200.into(), &"a".into()));
        assert!(!message.contains("secret"), "{message}");
        ids.insert(record["correlationId"].to_string());
    }
    assert_eq!((requests.len(), ids.len()), (REQUESTS, REQUESTS));
}
