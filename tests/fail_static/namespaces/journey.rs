//! Rows 20, 29, 35–38: connect, change, cut, restart offline, reconnect, catch up. All the while the gateway has no address
//! but the plane's port 443 to go to, and nobody connects to it.

use std::fs;
use std::time::{Duration, Instant};

use gateway_tests::Backend;
use gateway_tests::namespaces::{CLIENT_INTERFACE as GATEWAY_END, World};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Edge, Plane, in_an_hour};
use crate::eventually;
use crate::traffic::{Traffic, summary};

/// Answers of a step before the next one begins.
const ENOUGH: u64 = 200;

/// A plane with a gateway of two APIs, `one` and `gone`.
struct Scene<'w> {
    world: &'w World,
    plane: Plane<'w>,
    backend: Backend,
    token: String,
    /// Of the gateway.
    folder: TempDir,
    _store: TempDir,
}

impl<'w> Scene<'w> {
    fn new(world: &'w World) -> Self {
        let [store, folder] = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let backend = world.client.run(|| Backend::fixed("ok"));
        let plane = Plane::start(&world.gateway, store.path());
        plane.put("gateways/edge", &json!({"locationData": {"name": "here"}}));
        let expiry = json!({"keyType": "primary", "expiry": in_an_hour()});
        let token = plane.call("POST", "gateways/edge/generateToken", &expiry);
        let token = format!("GatewayKey {}", token["value"].as_str().expect("a token"));
        plane.api("one", &backend.url());
        plane.api("gone", &backend.url());
        plane.mark("first");
        Self { world, plane, backend, token, folder, _store: store }
    }

    fn edge(&self, more: &[&str]) -> Edge<'w> {
        let socket = format!("takeover.socket={}", self.folder.path().join("takeover").display());
        let words = [&["--set", socket.as_str()], more].concat();
        Edge::start_with(&self.world.client, &self.token, self.folder.path(), &words)
    }

    fn link(&self, way: &str) {
        self.world.client.ip(&format!("link set {GATEWAY_END} {way}"));
    }

    fn backup(&self) -> Vec<u8> {
        fs::read(self.folder.path().join("edge.backup")).unwrap_or_default()
    }

    /// Gives the gateway a second version, and sees it in the backup.
    fn change(&self, edge: &Edge<'_>) {
        eventually("the backup is written", Duration::from_secs(10), || !self.backup().is_empty());
        let before = self.backup();
        self.plane.mark("second");
        edge.has_mark("second");
        eventually("the change is kept", Duration::from_secs(10), || self.backup() != before);
    }

    /// Cuts the link, and changes what the gateway cannot see.
    fn cut(&self, edge: &Edge<'_>) {
        self.link("down");
        eventually("the loss shows", Duration::from_secs(30), || edge.config()["linked"] == false);
        self.plane.mark("third");
        self.plane.call("DELETE", "apis/gone", &Value::Null);
        self.plane.api("new", &self.backend.url());
        assert_eq!(edge.get("/gone/item").status, 200);
    }

    /// What was changed while the gateway was alone is served.
    fn is_caught_up(&self, edge: &Edge<'_>) {
        edge.has_mark("third");
        let patience = Duration::from_secs(20);
        eventually("what is new is served", patience, || edge.get("/new/item").status == 200);
        assert_eq!(edge.get("/gone/item").status, 404);
        eventually("the source is told", patience, || edge.config()["source"] == "plane");
    }
}

/// Goes on when the traffic has seen enough of this step.
fn enough(traffic: &Traffic) {
    eventually("the step has traffic", Duration::from_secs(60), || traffic.good() >= ENOUGH);
}

/// Traffic without a pause through all of it. The restart is what `systemctl reload` does: a new process takes over, which has
/// nothing but the backup.
#[test]
fn no_request_fails_from_the_first_view_to_the_last() {
    let Some(world) = World::plain() else { return };
    let scene = Scene::new(&world);
    let mut old = scene.edge(&[]);
    old.has_mark("first");
    let traffic = old.traffic();
    let step = |name| {
        enough(&traffic);
        traffic.step(name);
    };

    traffic.step("connect");
    step("change");
    scene.change(&old);
    step("cut");
    scene.cut(&old);
    step("restart offline");
    let new = scene.edge(&["--takeover"]);
    assert_eq!(new.http, old.http);
    assert_eq!(old.process.wait(), Some(0), "the old one ends by itself");
    assert_eq!(new.config()["source"], "backup");
    enough(&traffic);
    step("reconnect");
    scene.link("up");
    eventually("the link is back", Duration::from_secs(30), || new.config()["linked"] == true);
    step("catch up");
    scene.is_caught_up(&new);
    enough(&traffic);

    let log = traffic.log();
    println!("{}", summary(&log));
    let marks = |name| {
        let step = log.iter().find(|step| step.name == name).expect("a step");
        step.marks.iter().map(String::as_str).collect::<Vec<_>>()
    };
    assert_eq!(marks("connect"), ["first"]);
    // The new process has what the old one had, and nothing of the plane's.
    assert_eq!((marks("cut"), marks("restart offline")), (vec!["second"], vec!["second"]));
    assert!(marks("catch up").contains(&"third"));
}

/// The same with a stop before the start.
#[test]
fn gateway_that_is_stopped_starts_offline_from_its_backup() {
    let Some(world) = World::plain() else { return };
    let scene = Scene::new(&world);
    let mut edge = scene.edge(&["--set", "shutdown.delay=0"]);
    edge.has_mark("first");
    scene.change(&edge);
    scene.cut(&edge);
    edge.process.signal(Signal::SIGTERM);
    assert_eq!(edge.process.wait(), Some(0));

    let began = Instant::now();
    let edge = scene.edge(&[]);
    let answer = edge.get("/one/item");
    let took = began.elapsed();
    assert_eq!((answer.status, answer.header("x-mark")), (200, Some("second")), "after {took:?}");
    assert_eq!(edge.config()["source"], "backup");
    scene.link("up");
    scene.is_caught_up(&edge);
}
