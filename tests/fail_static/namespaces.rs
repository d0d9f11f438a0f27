//! A gateway and its plane in network namespaces of their own, joined by a pair of interfaces that can be cut.

mod egress;
mod journey;

use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use gateway_tests::namespaces::{
    CLIENT_V4 as GATEWAY, GATEWAY_INTERFACE as PLANE_END, GATEWAY_V4 as PLANE, Namespace, World,
};
use gateway_tests::plane::{TOKEN, target};
use gateway_tests::process::{Process, binary};
use gateway_tests::{Backend, Client, Relay};
use serde_json::{Value, json};

use crate::eventually;
use crate::traffic::Traffic;

/// The plane listens where gateways are let out to.
const PORT: u16 = 443;

/// A plane as a process in its namespace. It speaks plain HTTP on its loopback; a load balancer stands before it.
struct Plane<'w> {
    namespace: &'w Namespace,
    address: SocketAddr,
    _process: Process,
}

impl<'w> Plane<'w> {
    fn start(namespace: &'w Namespace, store: &std::path::Path) -> Self {
        let store = store.join("gateway.db");
        let token = format!("management.auth.static-token={TOKEN}");
        let words = ["--store", store.to_str().expect("a path"), "--set", token.as_str()];
        let process = namespace.run(|| Process::manage(&words));
        let line = process.line_with("\"management\":\"");
        let address = Process::address(&line, "management");
        namespace.run(|| Relay::start(&format!("{PLANE}:{PORT}"), address));
        Self { namespace, address, _process: process }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let authorization = format!("Bearer {TOKEN}");
        let fields = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        let address = self.address;
        let answer = self
            .namespace
            .run(|| Client::connect(address).request_with(method, &target(path), &fields, body.as_bytes()));
        assert!(answer.status < 300, "{method} {path}: {} {}", answer.status, answer.text());
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn put(&self, path: &str, properties: &Value) {
        self.call("PUT", path, &json!({ "properties": properties }));
    }

    /// An API of the gateway `edge` that answers with a text of its policy and the backend's.
    fn api(&self, name: &str, backend: &str) {
        self.put(
            &format!("apis/{name}"),
            &json!({"displayName": name, "path": name, "protocols": ["http"], "serviceUrl": backend,
                    "subscriptionRequired": false}),
        );
        self.put(
            &format!("apis/{name}/operations/item"),
            &json!({"displayName": "item", "method": "GET", "urlTemplate": "/item", "templateParameters": []}),
        );
        self.put(&format!("gateways/edge/apis/{name}"), &json!({}));
    }

    fn mark(&self, text: &str) {
        let value = format!(
            "<policies><inbound><base /></inbound><backend><base /></backend><outbound><base />\
             <set-header name=\"X-Mark\" exists-action=\"override\"><value>{text}</value></set-header></outbound>\
             <on-error><base /></on-error></policies>"
        );
        self.put("apis/one/policies/policy", &json!({"format": "rawxml", "value": value}));
    }

    /// Bytes that came and went by its end of the pair.
    fn bytes(&self) -> u64 {
        let shown: Value =
            serde_json::from_str(&self.namespace.ip(&format!("-s -j link show dev {PLANE_END}")))
                .expect("JSON of ip");
        let of = |way: &str| shown[0]["stats64"][way]["bytes"].as_u64().expect("a count");
        of("rx") + of("tx")
    }
}

/// A gateway as a process in its namespace, with a backup.
struct Edge<'w> {
    namespace: &'w Namespace,
    http: SocketAddr,
    admin: SocketAddr,
    process: Process,
}

impl<'w> Edge<'w> {
    fn start(namespace: &'w Namespace, token: &str, backup: &std::path::Path) -> Self {
        Self::start_with(namespace, token, backup, &[])
    }

    /// The same with further arguments.
    fn start_with(namespace: &'w Namespace, token: &str, backup: &std::path::Path, more: &[&str]) -> Self {
        let settings = [
            format!("config.service.endpoint=http://{PLANE}:{PORT}"),
            format!("config.service.auth={token}"),
            format!("config.backup.folder={}", backup.display()),
            "config.service.poll=1".to_owned(),
            "config.service.wait=2".to_owned(),
            "config.service.heartbeat=1".to_owned(),
            "config.service.integration.timeout=00:00:02".to_owned(),
        ];
        let settings = settings.iter().flat_map(|setting| ["--set", setting.as_str()]);
        let words: Vec<&str> = settings.chain(more.iter().copied()).collect();
        let process = namespace.run(|| Process::start(&words));
        let line = process.line_with("\"http\":\"");
        let (http, admin) = (Process::address(&line, "http"), Process::address(&line, "admin"));
        Self { namespace, http, admin, process }
    }

    fn get(&self, path: &str) -> gateway_tests::Answer {
        let http = self.http;
        self.namespace.run(|| Client::connect(http).request("GET", path, &[]))
    }

    fn config(&self) -> Value {
        let admin = self.admin;
        let answer = self.namespace.run(|| Client::connect(admin).request("GET", "/config", &[]));
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }

    fn has_mark(&self, text: &str) {
        eventually(&format!("the mark is {text}"), Duration::from_secs(20), || {
            self.get("/one/item").header("x-mark") == Some(text)
        });
    }

    /// Requests without end, each of which must be answered by the backend.
    fn traffic(&self) -> Traffic {
        let http = self.http;
        self.namespace.run(|| Traffic::start(http, "/one/item", |status, text| status == 200 && text == "ok"))
    }
}

/// Row 5: what clients send and get never comes near the plane.
#[test]
fn traffic_never_touches_the_plane() {
    const BODY: usize = 100_000;
    let Some(world) = World::plain() else { return };
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let text: &'static str = Box::leak("x".repeat(BODY).into_boxed_str());
    let backend = world.client.run(|| Backend::fixed(text));
    let plane = Plane::start(&world.gateway, folders[0].path());
    plane.put("gateways/edge", &json!({}));
    let expiry = json!({"keyType": "primary", "expiry": in_an_hour()});
    let token = plane.call("POST", "gateways/edge/generateToken", &expiry);
    plane.api("one", &backend.url());
    let token = format!("GatewayKey {}", token["value"].as_str().expect("a token"));
    let edge = Edge::start(&world.client, &token, folders[1].path());
    eventually("the API is served", Duration::from_secs(20), || edge.get("/one/item").status == 200);
    let before = plane.bytes();
    for _ in 0..50 {
        assert_eq!(edge.get("/one/item").body.len(), BODY);
    }
    let grown = plane.bytes() - before;
    assert!(grown < BODY as u64, "{grown} bytes passed the plane's interface");
}

/// Row 42: a gateway runs with a read-only root, as any user, without capabilities.
#[test]
fn gateway_needs_no_rights() {
    let Some(world) = World::plain() else { return };
    let store = tempfile::tempdir().expect("a folder");
    let backend = world.client.run(|| Backend::fixed("ok"));
    let plane = Plane::start(&world.gateway, store.path());
    plane.put("gateways/edge", &json!({}));
    let expiry = json!({"keyType": "primary", "expiry": in_an_hour()});
    let token = plane.call("POST", "gateways/edge/generateToken", &expiry);
    plane.api("one", &backend.url());
    // Wherever the project is: the user must be able to run the binary.
    let place = tempfile::tempdir().expect("a folder");
    let script = format!(
        "cd '{place}' && mount -t tmpfs -o mode=0755 none . && cd '{place}' && touch gateway && \
         mount --bind '{binary}' '{place}/gateway' && mount -o remount,bind,ro / && \
         exec setpriv --reuid 54321 --regid 54321 --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
         '{place}/gateway' run --http 127.0.0.1:8080 --https off --admin off \
         --set config.service.endpoint=http://{PLANE}:{PORT} --set 'config.service.auth=GatewayKey {token}' \
         --set config.backup.folder=/var/lib/gateway-test",
        place = place.path().display(),
        binary = binary().display(),
        token = token["value"].as_str().expect("a token"),
    );
    let mut process = world.client.run(|| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "sh", "-c", &script]).stdout(std::process::Stdio::null());
        command.spawn().expect("unshare (util-linux)")
    });
    let is_served = || {
        world.client.run(|| {
            let stream = std::net::TcpStream::connect("127.0.0.1:8080").ok()?;
            Some(Client::over(stream).request("GET", "/one/item", &[]).status)
        }) == Some(200)
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    while !is_served() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(50));
    }
    let served = is_served();
    let status = fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let _ = process.kill();
    let _ = process.wait();
    assert!(served, "{status}");
    assert!(status.contains("CapEff:\t0000000000000000") && status.contains("Uid:\t54321"), "{status}");
}

pub fn in_an_hour() -> String {
    let time = std::time::SystemTime::now() + Duration::from_secs(3_600);
    gateway_telemetry::rfc3339::Rfc3339 { time, digits: 0 }.to_string()
}

/// Row 20: nothing of the gateway's can be reached from the plane's side.
#[test]
fn plane_cannot_reach_a_gateway() {
    let Some(world) = World::plain() else { return };
    let store = tempfile::tempdir().expect("a folder");
    let plane = Plane::start(&world.gateway, store.path());
    plane.put("gateways/edge", &json!({}));
    let expiry = json!({"keyType": "primary", "expiry": in_an_hour()});
    let token = plane.call("POST", "gateways/edge/generateToken", &expiry);
    let token = format!("GatewayKey {}", token["value"].as_str().expect("a token"));
    let edge = Edge::start(&world.client, &token, store.path());
    eventually("it follows", Duration::from_secs(20), || edge.config()["linked"] == true);
    for port in [edge.http.port(), edge.admin.port()] {
        let reached = world.gateway.run(|| std::net::TcpStream::connect((GATEWAY, port)).is_ok());
        assert!(!reached, "port {port}");
    }
}
