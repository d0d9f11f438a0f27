//! Routes that change while the gateway serves, in its settings file.

use std::fmt::Write as _;
use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};

use gateway_tests::passing::connect;
use gateway_tests::process::Process;

use super::listen;

/// A gateway with a settings file of routes.
struct Scene {
    file: tempfile::NamedTempFile,
    process: Process,
}

impl Scene {
    fn start(routes: &[String]) -> (Self, SocketAddr) {
        let file = tempfile::NamedTempFile::new().expect("a file");
        write(&file, routes, "");
        let path = file.path().to_str().expect("a path of UTF-8");
        let process = Process::start(&["--settings", path, "--workers", "2"]);
        let address = Process::address(&process.line_with("RouteListening"), "address");
        process.line_with("GatewayListening");
        (Self { file, process }, address)
    }

    fn apply(&self, routes: &[String]) {
        write(&self.file, routes, "");
        self.process.line_with("SettingsApplied");
    }

    /// The line that says why not.
    fn refused(&self, routes: &[String], more: &str) -> String {
        write(&self.file, routes, more);
        self.process.line_with("SettingsRefused")
    }
}

fn write(file: &tempfile::NamedTempFile, routes: &[String], more: &str) {
    let mut text = format!("{more}\n[net.l4]\nroutes = [\n");
    for route in routes {
        writeln!(text, "{route:?},").expect("a line");
    }
    std::fs::write(file.path(), text + "]\n").expect("a file written");
}

fn route(listener: &str, target: &TcpListener) -> String {
    format!("{listener} -> {}", target.local_addr().expect("an address"))
}

#[test]
fn routes_come_change_and_go_and_open_connections_stay() {
    let (one, two, three) = (listen("127.0.0.1:0"), listen("127.0.0.1:0"), listen("127.0.0.1:0"));
    let (scene, first) = Scene::start(&[route("127.0.0.1:0", &one)]);
    let old = connect(first, &one);
    old.say_hello();

    scene.apply(&[route("127.0.0.1:0", &two)]);
    connect(first, &two).say_hello();
    old.say_hello();

    write(&scene.file, &[route("127.0.0.1:0", &two), route("127.0.0.2:0", &three)], "");
    let second = Process::address(&scene.process.line_with("RouteListening"), "address");
    scene.process.line_with("SettingsApplied");
    for _ in 0..8 {
        connect(second, &three).say_hello();
    }
    let newer = connect(first, &two);

    write(&scene.file, &[route("127.0.0.2:0", &three)], "");
    scene.process.line_with("RouteClosed");
    scene.process.line_with("SettingsApplied");
    let refused =
        || TcpStream::connect(first).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused);
    assert!(gateway_tests::namespaces::eventually(refused), "nobody listens there any more");
    old.say_hello();
    newer.say_hello();
    connect(second, &three).say_hello();

    scene.apply(&[route("127.0.0.2:0", &three), route("127.0.0.1:0", &one)]);
    old.say_hello();
}

#[test]
fn routes_that_are_wrong_change_nothing_and_are_said() {
    let target = listen("127.0.0.1:0");
    let good = route("127.0.0.1:0", &target);
    let (scene, address) = Scene::start(std::slice::from_ref(&good));
    let taken = listen("127.0.0.1:0");
    let taken = format!("{} -> a:1", taken.local_addr().expect("an address"));
    for (routes, more, expected) in [
        (vec!["127.0.0.1:0 -> nowhere".to_owned()], "", "is not HOST:PORT"),
        (vec![], "[[", "--settings"),
        (vec!["https a.example -> a:1".to_owned()], "", "there is no HTTPS listener"),
        (vec![taken], "", "cannot listen on"),
    ] {
        let line = scene.refused(&routes, more);
        assert!(line.contains(expected), "{expected} in {line}");
        connect(address, &target).say_hello();
    }
    // What takes a restart is said by name, and what does not is done.
    write(&scene.file, &[good, route("127.0.0.2:0", &target)], "shutdown.timeout = 7");
    assert!(scene.process.line_with("SettingWaits").contains("shutdown.timeout"));
    let address = Process::address(&scene.process.line_with("RouteListening"), "address");
    connect(address, &target).say_hello();
}
