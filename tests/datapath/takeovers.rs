//! Processes that take over from each other with the kernel path on: connections come by its programs all the while.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use gateway_datapath::Ingress;
use gateway_tests::load::Load;
use gateway_tests::namespaces::{GATEWAY_INTERFACE, GATEWAY_V4, GATEWAY_V6, World, modes};
use gateway_tests::process::Process;
use nix::sys::signal::Signal;

use crate::gateway::{folder, metric};

const TAKEOVERS: usize = 3;
/// Behind each answer.
const REST: Duration = Duration::from_millis(5);
/// Port 80 is bound by nobody: `sk_lookup` brings its connections to the workers' sockets.
const PORTS: [u16; 2] = [8080, 80];

/// A process of these gateways at the gateway's end, once it listens.
fn start(world: &World, config: &Path, socket: &str, xdp: Ingress, more: &[&str]) -> Process {
    let config = config.to_str().expect("a path of UTF-8");
    let (socket, xdp) = (format!("takeover.socket={socket}"), format!("datapath.xdp={xdp}"));
    let interface = format!("datapath.interface={GATEWAY_INTERFACE}");
    let flags = ["run", "--config", config, "--http", "[::]:8080", "--https", "off"];
    let more = [&["--admin", "127.0.0.1:9090", "--workers", "2", "--datapath", "required"], more].concat();
    let settings = [&socket, &xdp, &interface, "datapath.http.bindings=0.0.0.0:80,[::]:80"];
    let settings: Vec<&str> = settings.into_iter().flat_map(|setting| ["--set", setting]).collect();
    let process = world.gateway.run(|| Process::serve(&[&flags, more.as_slice(), &settings].concat()));
    process.line_with("\"eventType\":\"GatewayListening\"");
    process
}

#[test]
fn takeovers_with_the_kernel_path_refuse_and_cut_nobody() {
    for xdp in modes(&[Ingress::Native, Ingress::Generic, Ingress::Tcx]) {
        let Some(world) = World::new() else { return };
        let (config, place) = (folder(), tempfile::tempdir().unwrap());
        let socket = place.path().join("takeover.sock").display().to_string();
        let mut old = start(&world, config.path(), &socket, xdp, &[]);
        let load = Load::default();
        std::thread::scope(|scope| {
            for host in [GATEWAY_V4, GATEWAY_V6] {
                let host: IpAddr = host.parse().unwrap();
                let addresses = PORTS.map(|port| SocketAddr::new(host, port));
                let (world, load) = (&world, &load);
                scope.spawn(move || world.client.run(|| load.ask_on_and_on(&addresses, REST)));
            }
            for _ in 0..TAKEOVERS {
                let before = load.served();
                let new = start(&world, config.path(), &socket, xdp, &["--takeover"]);
                assert_eq!(old.wait(), Some(0), "the old one ends by itself");
                old = new;
                load.wait_for_more_than(before);
            }
            load.end();
        });
        load.expect_all_served(&xdp.to_string());
        let arrived = ["listener=\"http\"", "direction=\"in\"", "protocol=\"tcp\""];
        assert!(metric(&world, "gateway_datapath_packets_total", &arrived) > 0, "{xdp}: the last one counts");
        old.signal(Signal::SIGTERM);
        old.line_with("GatewayStopped");
    }
}
