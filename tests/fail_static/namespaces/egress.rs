//! Row 20: a gateway that may send to TCP port 443 and nowhere else.

use std::io::Write;
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use gateway_tests::namespaces::{GATEWAY_INTERFACE as PLANE_END, Namespace, World};
use gateway_tests::process::installed;
use gateway_tests::{Backend, Recorded, Relay, Reply};
use serde_json::json;

use super::{Edge, PLANE, PORT, Plane, in_an_hour};
use crate::eventually;

/// Where the backend and the event hub are reached.
const BACKEND: &str = "192.0.2.3";
const HUB: &str = "192.0.2.4";

/// Everything that leaves by an interface goes to port 443, or is counted and dropped; nothing comes in that was not asked for.
const RULES: &str = "table inet cut {
    counter dropped { }
    chain out {
        type filter hook output priority 0; policy accept;
        oifname \"lo\" accept
        tcp dport 443 accept
        meta l4proto ipv6-icmp accept
        counter name dropped drop
    }
    chain in {
        type filter hook input priority 0; policy accept;
        iifname \"lo\" accept
        tcp sport 443 accept
        meta l4proto ipv6-icmp accept
        counter name dropped drop
    }
}
";

/// Gives `nft` its input inside a namespace.
fn nft(namespace: &Namespace, arguments: &[&str], input: &str) -> String {
    namespace.run(|| {
        let mut command = Command::new("nft");
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("nft");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("writing to nft");
        let output = child.wait_with_output().expect("nft ends");
        assert!(output.status.success(), "nft: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    })
}

/// Packets that were dropped.
fn dropped(namespace: &Namespace) -> u64 {
    let shown = nft(namespace, &["-j", "list", "counters"], "");
    let shown: serde_json::Value = serde_json::from_str(&shown).expect("JSON of nft");
    let counters = shown["nftables"].as_array().into_iter().flatten();
    counters.filter_map(|one| one["counter"]["packets"].as_u64()).sum()
}

#[test]
fn gateway_needs_nothing_but_port_443_outwards() {
    let Some(world) = World::plain() else { return };
    if installed("nft").is_none() {
        return;
    }
    let folders = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    for address in [BACKEND, HUB] {
        world.gateway.ip(&format!("address add {address}/24 dev {PLANE_END}"));
    }
    let (backend, hub) = world.gateway.run(|| {
        let backend = Backend::fixed("ok");
        let hub = Backend::start(|_: &Recorded| Reply::with(201, &[], ""));
        for (address, to) in [(BACKEND, backend.address()), (HUB, hub.address())] {
            Relay::start(&format!("{address}:{PORT}"), to);
        }
        (backend, hub)
    });
    nft(&world.client, &["-f", "-"], RULES);

    let plane = Plane::start(&world.gateway, folders[0].path());
    plane.put("gateways/edge", &json!({}));
    let expiry = json!({"keyType": "primary", "expiry": in_an_hour()});
    let token = plane.call("POST", "gateways/edge/generateToken", &expiry);
    let token = format!("GatewayKey {}", token["value"].as_str().expect("a token"));
    plane.api("one", &format!("http://{BACKEND}:{PORT}"));
    plane.mark("first");
    let hub_setting = format!(
        "telemetry.event-hubs.connection-string=Endpoint=sb://{HUB}:{PORT}/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0;\
         EntityPath=logs;UseDevelopmentEmulator=true"
    );
    let edge = Edge::start_with(&world.client, &token, folders[1].path(), &["--set", &hub_setting]);
    edge.has_mark("first");
    plane.mark("second");
    edge.has_mark("second");
    eventually("heartbeats arrive", Duration::from_secs(20), || {
        let shown = plane.call("GET", "gateways/edge/instances", &serde_json::Value::Null);
        shown["value"].as_array().is_some_and(|instances| !instances.is_empty())
    });
    eventually("the event hub has the requests", Duration::from_secs(30), || !hub.seen().is_empty());
    assert!(!backend.seen().is_empty());
    assert_eq!(dropped(&world.client), 0, "packets to or from elsewhere");

    // The rules do cut: who goes to another port is counted, and never arrives.
    let relay = world.gateway.run(|| Relay::start(&format!("{PLANE}:8443"), backend.address()));
    let reached = |namespace: &Namespace| {
        let wait = Duration::from_secs(1);
        namespace.run(|| TcpStream::connect_timeout(&relay.address, wait).is_ok())
    };
    assert!(reached(&world.gateway) && !reached(&world.client));
    assert!(dropped(&world.client) > 0);
    assert_eq!(edge.get("/one/item").status, 200);
}
