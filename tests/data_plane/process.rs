//! The process: exit codes, the listening line, signals (`design.md` §6, R-05, R-11).

use gateway_tests::frames::{Frames, GOAWAY};
use gateway_tests::process::{Process, run};
use gateway_tests::{Api, Backend, Client, Config, Reply};
use nix::sys::signal::Signal;

fn served(backend: &Backend) -> Config {
    let config = Config::new();
    let url = backend.url();
    config.api(&Api { name: "a", path: "a", service_url: &url, operations: &["GET /item"], more: "" });
    config
}

#[test]
fn bad_settings_exit_64_and_name_the_setting() {
    for (arguments, part) in [
        (vec!["run", "--http", "nowhere"], "net.http.address"),
        (vec!["run", "--set", "workers=many"], "setting workers: the value \"many\""),
        (vec!["run", "--set", "workers"], "NAME=VALUE"),
        (vec!["run", "--config", "/no/such/folder"], "config.folder"),
        (vec!["run", "--settings", "/no/such/file"], "/no/such/file"),
    ] {
        let output = run(&arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {text}");
        assert!(text.contains(part), "{arguments:?}: {text}");
    }
}

#[test]
fn port_in_use_exits_with_one_line() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = run(&["run", "--http", &address, "--https", "off", "--admin", "off", "--datapath", "off"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.lines().any(|line| line.contains(&address) && line.contains("in use")), "{text}");
}

#[test]
fn listening_line_carries_the_addresses_and_traffic_flows() {
    let backend = Backend::fixed("ok");
    let config = served(&backend);
    let process = Process::start(&["--config", config.path().to_str().unwrap()]);
    let line = process.line_with("\"eventType\":\"GatewayListening\"");
    let mut client = Client::connect(Process::address(&line, "http"));
    assert_eq!(client.request("GET", "/a/item", &[]).text(), "ok");
    let mut admin = Client::connect(Process::address(&line, "admin"));
    assert_eq!(admin.request("GET", "/healthz/ready", &[]).status, 200);
    let record = process.line_with("\"eventType\":\"GatewayLogs\"");
    assert!(record.contains("\"apiId\":\"a\"") && record.contains("\"responseCode\":200"), "{record}");
}

#[test]
fn without_a_configuration_every_request_is_503() {
    let process = Process::start(&[]);
    let line = process.line_with("\"eventType\":\"GatewayListening\"");
    let mut client = Client::connect(Process::address(&line, "http"));
    assert_eq!(client.request("GET", "/a/item", &[]).status, 503);
    assert_eq!(client.request("GET", "/status-0123456789abcdef", &[]).status, 503);
    let mut admin = Client::connect(Process::address(&line, "admin"));
    assert_eq!(admin.request("GET", "/healthz/ready", &[]).status, 503);
}

#[test]
fn sigterm_finishes_what_is_in_flight() {
    let backend = Backend::start(|_| {
        std::thread::sleep(std::time::Duration::from_millis(700));
        Reply::ok("slow")
    });
    let config = served(&backend);
    let path = config.path().to_str().unwrap();
    let mut process = Process::start(&["--config", path, "--set", "shutdown.delay=0"]);
    let address = Process::address(&process.line_with("GatewayListening"), "http");
    let mut client = Client::connect(address);
    client.send(b"GET /a/item HTTP/1.1\r\nHost: a\r\n\r\n");
    // Long enough to be in flight, far shorter than the backend takes.
    std::thread::sleep(std::time::Duration::from_millis(200));
    process.signal(Signal::SIGTERM);
    let answer = client.answer(false).expect("an answer in spite of the signal");
    assert_eq!((answer.status, answer.text().as_str()), (200, "slow"));
    assert_eq!(process.wait(), Some(0));
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn second_signal_exits_at_once() {
    let mut process = Process::start(&["--set", "shutdown.delay=60"]);
    process.line_with("GatewayListening");
    process.signal(Signal::SIGTERM);
    process.line_with("GatewayStopping");
    process.signal(Signal::SIGTERM);
    assert_eq!(process.wait(), Some(1));
}

#[test]
fn draining_is_said_on_every_connection() {
    let backend = Backend::fixed("ok");
    let config = served(&backend);
    let path = config.path().to_str().unwrap();
    let mut process = Process::start(&["--config", path, "--set", "shutdown.delay=2"]);
    let line = process.line_with("GatewayListening");
    let (http, admin) = (Process::address(&line, "http"), Process::address(&line, "admin"));
    let mut kept = Client::connect(http);
    assert_eq!(kept.request("GET", "/a/item", &[]).header("connection"), None);
    let mut idle = Client::connect(http);
    assert_eq!(idle.request("GET", "/a/item", &[]).status, 200);
    let mut http2 = Frames::connect(http);
    http2.request(1, &[], true);
    assert_eq!(http2.status(), Some(200));
    process.signal(Signal::SIGTERM);
    process.line_with("GatewayStopping");
    // Not ready, but still serving, until load balancers have noticed.
    assert_eq!(Client::connect(admin).request("GET", "/healthz/ready", &[]).status, 503);
    assert_eq!(Client::connect(admin).request("GET", "/healthz/live", &[]).status, 200);
    assert_eq!(Client::connect(http).request("GET", "/a/item", &[]).status, 200);
    assert_eq!(kept.request("GET", "/a/item", &[]).status, 200);
    assert_eq!(http2.next(&[GOAWAY]).map(|frame| frame.code()), Some(0));
    assert!(idle.is_closed());
    assert_eq!(process.wait(), Some(0));
}

#[test]
fn help_lists_every_setting_with_default_and_unit() {
    let output = run(&["run", "--help"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0));
    for setting in gateway::settings::SETTINGS {
        let line = text.lines().find(|line| line.trim_start().starts_with(&format!("{} ", setting.name)));
        let line = line.unwrap_or_else(|| panic!("{} is not listed", setting.name));
        let default = if setting.default.is_empty() { "none" } else { setting.default };
        assert!(line.contains(&format!("[{}; default {default}]", setting.unit)), "{line}");
        assert!(!setting.unit.is_empty() && !setting.help.is_empty());
    }
}

#[test]
fn unknown_setting_warns_and_does_not_stop_the_start() {
    let process = Process::start(&["--set", "net.no.such.thing=1"]);
    let warning = process.line_with("UnknownSetting");
    assert!(warning.contains("net.no.such.thing") && warning.contains("\"level\":\"Warning\""), "{warning}");
    process.line_with("GatewayListening");
}

#[test]
fn missing_kernel_feature_is_69_when_required() {
    // An interface that is not there, so that it fails with every capability.
    let fixed = ["run", "--http", "127.0.0.1:0", "--https", "off", "--admin", "off"];
    let output = run(&[&fixed[..], &["--datapath", "required", "--interface", "no-such-if"]].concat());
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(69), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("gateway: ")).count(), 1, "{text}");
}
