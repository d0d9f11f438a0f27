//! Processes that take over from each other with the kernel path on: connections come by its programs all the while.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gateway_datapath::Ingress;
use gateway_tests::namespaces::{GATEWAY_INTERFACE, GATEWAY_V4, GATEWAY_V6, World, modes};
use gateway_tests::process::Process;
use nix::sys::signal::Signal;

use crate::gateway::{folder, metric};

const TAKEOVERS: usize = 3;
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

/// One request on a connection of its own.
fn ask(address: &str) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("{address}: {error}");
    let mut stream = TcpStream::connect(address).map_err(failed)?;
    stream.set_read_timeout(Some(Duration::from_secs(30))).map_err(failed)?;
    stream.write_all(b"GET /a/item HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").map_err(failed)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(failed)?;
    if answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello") { Ok(()) } else { Err(answer) }
}

#[test]
fn takeovers_with_the_kernel_path_refuse_and_cut_nobody() {
    for xdp in modes(&[Ingress::Native, Ingress::Generic, Ingress::Tcx]) {
        let Some(world) = World::new() else { return };
        let (config, place) = (folder(), tempfile::tempdir().unwrap());
        let socket = place.path().join("takeover.sock").display().to_string();
        let mut old = start(&world, config.path(), &socket, xdp, &[]);
        let (served, done, failures) = (AtomicUsize::new(0), AtomicBool::new(false), Mutex::new(Vec::new()));
        let ask_on_and_on = |host: String| {
            for port in PORTS.into_iter().cycle().take_while(|_| !done.load(Ordering::Relaxed)) {
                match ask(&format!("{host}:{port}")) {
                    Ok(()) => drop(served.fetch_add(1, Ordering::Relaxed)),
                    Err(failure) => failures.lock().unwrap().push(failure),
                }
            }
        };
        std::thread::scope(|scope| {
            for host in [GATEWAY_V4.to_owned(), format!("[{GATEWAY_V6}]")] {
                let (world, ask_on_and_on) = (&world, &ask_on_and_on);
                scope.spawn(move || world.client.run(|| ask_on_and_on(host)));
            }
            for _ in 0..TAKEOVERS {
                let before = served.load(Ordering::Relaxed);
                let new = start(&world, config.path(), &socket, xdp, &["--takeover"]);
                assert_eq!(old.wait(), Some(0), "the old one ends by itself");
                old = new;
                while served.load(Ordering::Relaxed) == before {
                    std::thread::yield_now();
                }
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(*failures.lock().unwrap(), Vec::<String>::new(), "{xdp}: of {served:?} requests");
        let arrived = ["listener=\"http\"", "direction=\"in\"", "protocol=\"tcp\""];
        assert!(metric(&world, "gateway_datapath_packets_total", &arrived) > 0, "{xdp}: the last one counts");
        old.signal(Signal::SIGTERM);
        old.line_with("GatewayStopped");
    }
}
