//! A new process takes over from the one that serves: nobody is refused, nobody is cut, or the old one stays.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use gateway_tests::load::{Load, ask};
use gateway_tests::process::{Process, binary, run};
use gateway_tests::{Api, Backend, Client, Config, Reply};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::Pid;

const TAKEOVERS: usize = 5;
const CLIENTS: usize = 4;

/// A configuration, and a folder for the socket.
struct Scene {
    config: Config,
    folder: tempfile::TempDir,
}

impl Scene {
    fn new() -> Self {
        let backend = Backend::start(|request| {
            if request.target.ends_with("slow") {
                std::thread::sleep(Duration::from_millis(1500));
            }
            Reply::ok("hello")
        });
        let config = Config::new();
        let url = backend.url();
        let operations = &["GET /item", "GET /slow"];
        config.api(&Api { name: "a", path: "a", service_url: &url, operations, more: "" });
        Self { config, folder: tempfile::tempdir().unwrap() }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.folder.path().join("takeover.sock")
    }

    fn arguments(&self) -> Vec<String> {
        let config = self.config.path().to_str().unwrap();
        let socket = format!("takeover.socket={}", self.socket().display());
        ["--config", config, "--workers", "2", "--set", &socket].map(str::to_owned).to_vec()
    }

    fn start(&self, more: &[&str]) -> (Process, SocketAddr) {
        let arguments = self.arguments();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).chain(more.iter().copied()).collect();
        let process = Process::start(&arguments);
        let address = Process::address(&process.line_with("\"eventType\":\"GatewayListening\""), "http");
        (process, address)
    }

    /// Everything that `gateway run` takes, for a process that is not waited for.
    fn command(&self, more: &[&str]) -> Vec<String> {
        let fixed =
            ["run", "--http", "127.0.0.1:0", "--https", "off", "--admin", "127.0.0.1:0", "--datapath", "off"];
        fixed
            .iter()
            .map(|one| (*one).to_owned())
            .chain(self.arguments())
            .chain(more.iter().map(|one| (*one).to_owned()))
            .collect()
    }
}

fn serves(socket: &Path) -> Pid {
    let stream = UnixStream::connect(socket).unwrap();
    Pid::from_raw(getsockopt(&stream, sockopt::PeerCredentials).unwrap().pid())
}

#[test]
fn takeovers_under_load_refuse_and_cut_nobody() {
    let scene = Scene::new();
    let (mut old, address) = scene.start(&[]);
    let load = Load::default();
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| load.ask_on_and_on(&[address], Duration::ZERO));
        }
        for _ in 0..TAKEOVERS {
            let before = load.served();
            let mut waiting = Client::connect(address);
            waiting.send(b"GET /a/slow HTTP/1.1\r\nHost: a\r\n\r\n");
            let (new, same) = scene.start(&["--takeover"]);
            assert_eq!(same, address);
            let answer = waiting.answer(false).expect("what was in flight is answered");
            assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
            assert_eq!(old.wait(), Some(0), "the old one ends by itself");
            old = new;
            load.wait_for_more_than(before);
        }
        load.end();
    });
    load.expect_all_served("over loopback");
    old.signal(Signal::SIGTERM);
    old.line_with("GatewayStopped");
    assert!(!scene.socket().exists(), "nobody to take over from");
}

#[test]
fn takeover_that_does_not_fit_leaves_the_old_one() {
    let scene = Scene::new();
    let (old, address) = scene.start(&[]);
    let other = scene.folder.path().join("other").display().to_string();
    for (more, part) in [
        (vec!["--takeover", "--workers", "3"], "127.0.0.1:0 with 3 workers is asked for: restart instead"),
        (vec!["--takeover", "--http", "off"], "off is asked for: restart instead"),
        (vec!["--takeover", "--config", "/no/such/folder"], "config.folder"),
        (vec!["--takeover", "--set", "neighborhood.host=localhost"], "neighborhood.host is set"),
        (vec!["--takeover", "--set", &format!("takeover.socket={other}")], "no gateway hands over at"),
        (vec!["--takeover", "--set", "takeover.socket="], "--takeover needs the setting takeover.socket"),
        (vec![], "another gateway is there"),
    ] {
        // The last of two values holds.
        let arguments: Vec<String> = replace(scene.command(&[]), &more);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = run(&arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(matches!(output.status.code(), Some(69 | 64)), "{more:?}: {text}");
        assert!(text.contains(part), "{more:?}: {text}");
        assert_eq!(ask(address), Ok(()), "{more:?}");
    }
    drop(old);
}

/// The arguments with those flags' values exchanged, which are there, and the rest behind them.
fn replace(mut arguments: Vec<String>, more: &[&str]) -> Vec<String> {
    let mut more = more.iter();
    while let Some(flag) = more.next() {
        let place = arguments.iter().position(|one| one == flag).filter(|_| *flag != "--set");
        match place {
            Some(place) => arguments[place + 1] = (*more.next().expect("a value")).to_owned(),
            None => arguments.push((*flag).to_owned()),
        }
    }
    arguments
}

/// E-06: what an older or newer layout says is not guessed at.
#[test]
fn takeover_from_a_gateway_of_another_layout_is_refused() {
    let scene = Scene::new();
    let listener = UnixListener::bind(scene.socket()).unwrap();
    let old = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let text = br#"{"protocol": 99, "things": []}"#;
        stream.write_all(&(text.len() as u32).to_be_bytes()).unwrap();
        stream.write_all(text).unwrap();
        // Until the other one is gone.
        assert_eq!(stream.read(&mut [0]).unwrap(), 0, "it does not say that it serves");
    });
    let arguments = scene.command(&["--takeover"]);
    let output = run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{text}");
    assert!(text.contains("speaks version 99 of the hand-over, this one version "), "{text}");
    old.join().unwrap();
}

#[test]
fn takeover_in_the_background_returns_when_the_new_one_serves() {
    let scene = Scene::new();
    let (mut old, address) = scene.start(&[]);
    let background = |more: &[&str]| {
        let arguments = scene.command(&[&["--takeover", "--background"], more].concat());
        let mut command = Command::new(binary());
        command.args(&arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().code()
    };
    assert_eq!(
        background(&["--set", "neighborhood.host=localhost"]),
        Some(69),
        "the reason is the new one's"
    );
    let first = serves(&scene.socket());
    assert_eq!(background(&[]), Some(0));
    assert_eq!(old.wait(), Some(0));
    let second = serves(&scene.socket());
    assert_ne!(first, second);
    assert_eq!(ask(address), Ok(()));
    kill(second, Signal::SIGTERM).unwrap();
    while scene.socket().exists() {
        std::thread::yield_now();
    }
}

#[test]
fn systemd_is_told_which_process_serves() {
    let scene = Scene::new();
    let place = scene.folder.path().join("notify");
    let systemd = UnixDatagram::bind(&place).unwrap();
    systemd.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut child = Command::new(binary())
        .args(scene.command(&[]))
        .env("NOTIFY_SOCKET", &place)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let heard = || {
        let mut bytes = [0; 200];
        let length = systemd.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    assert_eq!(heard(), format!("READY=1\nMAINPID={}", child.id()));
    kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(heard(), "STOPPING=1");
    child.wait().unwrap();
}
