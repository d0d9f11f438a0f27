//! Sinks that are away, slow or strange, and a disk that is full: one line at each change, and traffic as ever.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use gateway_tests::process::Process;
use gateway_tests::{Api, Backend, Client, Config};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use crate::application_insights::KEY;
use crate::collector::{World, identity, reply};

/// Exporters that answer by HTTP.
const EXPORTERS: [&str; 6] = [
    "application-insights",
    "azure-monitor-logs",
    "azure-monitor-metrics",
    "event-hubs",
    "otlp-traces",
    "otlp-logs",
];

/// A collector's protocol and address.
type Collector<'a> = (&'a str, &'a str);

/// Settings by which every exporter of Azure writes to one address, and those of OpenTelemetry to a collector.
fn all_to(url: &str, (protocol, collector): Collector<'_>, identity: &Backend) -> Vec<String> {
    let connection = format!("InstrumentationKey={KEY};IngestionEndpoint={url}");
    let metadata = identity.url();
    let hub = format!("{url}/hub");
    let settings = [
        ("telemetry.application-insights.connection-string", connection.as_str()),
        ("telemetry.azure-monitor.logs.endpoint", url),
        ("telemetry.azure-monitor.logs.rule", "dcr-1"),
        ("telemetry.azure-monitor.metrics.resource", crate::azure_monitor::RESOURCE),
        ("telemetry.azure-monitor.metrics.endpoint", url),
        ("telemetry.event-hubs.hub", &hub),
        ("identity.source", "vm"),
        ("identity.metadata.host", &metadata),
        ("observability.opentelemetry.enabled", "true"),
        ("observability.opentelemetry.collector.uri", collector),
        ("observability.opentelemetry.protocol", protocol),
        ("observability.opentelemetry.traces.enabled", "true"),
        ("observability.opentelemetry.logs.enabled", "true"),
    ];
    settings.iter().flat_map(|(name, value)| ["--set".to_owned(), format!("{name}={value}")]).collect()
}

/// Accepts, reads nothing, and answers one byte a second: `head`, and then `x`.
fn trickle(head: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                for byte in head.iter().chain([b'x'; 600].iter()) {
                    if stream.write_all(&[*byte]).is_err() {
                        return;
                    }
                    std::thread::sleep(Duration::from_secs(1));
                }
            });
        }
    });
    address
}

fn config(backend: &Backend) -> Config {
    let config = Config::new();
    config.api(&Api { name: "a", path: "a", service_url: &backend.url(), operations: &["GET /i"], more: "" });
    config
}

fn ask(http: SocketAddr, count: usize) {
    let mut client = Client::connect(http);
    for _ in 0..count {
        assert_eq!(client.request("GET", "/a/i", &[]).status, 200);
    }
}

/// Collectors are spoken to by this.
const PROTOCOLS: [&str; 2] = ["http/protobuf", "grpc"];

/// The sinks of a gateway are all in the same trouble: each is said to be away once, with `why`, and no request fails.
fn is_said_once(url: &str, collector: Collector<'_>, why: &str, after: Duration) {
    let (backend, identity) = (Backend::fixed("x"), identity());
    let config = config(&backend);
    let settings = all_to(url, collector, &identity);
    let mut arguments = vec!["--config", config.path().to_str().expect("a path")];
    arguments.extend(settings.iter().map(String::as_str));
    let gateway = Process::start(&arguments);
    let http = Process::address(&gateway.line_with("GatewayListening"), "http");
    ask(http, 500);
    let until = Instant::now() + after;
    let mut told = Vec::new();
    while Instant::now() < until {
        ask(http, 5);
        told.extend(gateway.lines_with("LinkState", Duration::from_millis(500)));
    }
    for exporter in EXPORTERS.iter().filter(|exporter| !exporter.ends_with("metrics")) {
        let own: Vec<&String> =
            told.iter().filter(|line| line.contains(&format!("\"{exporter}\""))).collect();
        assert!(
            own.len() == 1 && own[0].contains("\"available\":false") && own[0].contains(why),
            "{exporter}: {own:#?}"
        );
    }
}

#[test]
fn unreachable_sinks_are_one_line_each() {
    for protocol in PROTOCOLS {
        let url = "http://127.0.0.1:9";
        is_said_once(url, (protocol, url), "", Duration::from_secs(6));
    }
}

#[test]
fn sinks_that_speak_no_tls_are_one_line_each() {
    let plain = Backend::fixed("no TLS");
    for protocol in PROTOCOLS {
        let url = format!("https://{}", plain.address());
        is_said_once(&url, (protocol, &url), "", Duration::from_secs(6));
    }
}

/// A request to a sink is given up after 30 seconds.
#[test]
fn sinks_of_a_byte_a_second_are_one_line_each() {
    let http1 = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Long: ";
    // Empty SETTINGS, and a frame of 600 bytes of a type that nobody knows.
    let http2 = b"\0\0\0\x04\0\0\0\0\0\0\x02\x58\xfe\0\0\0\0\0";
    let url = format!("http://{}", trickle(http1));
    let (by_http, by_grpc) = (format!("http://{}", trickle(http1)), format!("http://{}", trickle(http2)));
    let after = Duration::from_secs(34);
    std::thread::scope(|scope| {
        scope.spawn(|| is_said_once(&url, ("http/protobuf", &by_http), "30000 ms", after));
        // Over HTTP/2 a PING without an answer tells it sooner.
        scope.spawn(|| is_said_once(&url, ("grpc", &by_grpc), "", after));
    });
}

/// The buffer's folder is on a disk of 64 KiB.
#[test]
fn full_disk_is_counted_and_delays_nobody() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("SKIPPED: not root, no disk can be mounted");
        return;
    }
    let filled = || {
        let folder = tempfile::tempdir().expect("a folder");
        unshare(CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
            .expect("private");
        mount(Some("tmpfs"), folder.path(), Some("tmpfs"), MsFlags::empty(), Some("size=64k"))
            .expect("a small disk");
        let sink = Backend::start(|_| reply(503, "busy"));
        let connection = format!("InstrumentationKey={KEY};IngestionEndpoint={}", sink.url());
        let world = World::start(&[
            ("telemetry.application-insights.connection-string", &connection),
            ("telemetry.queue.bytes.max", "65536"),
            ("telemetry.buffer.folder", folder.path().to_str().expect("a path")),
        ]);
        world.load("/shop/ok", 4000);
        let until = Instant::now() + Duration::from_secs(30);
        while world.gateway.metric("gateway_export_items_total", &["result=\"disk\""]) == 0.0 {
            assert!(Instant::now() < until, "{}", world.gateway.metrics());
            world.load("/shop/ok", 400);
        }
        let served = world.gateway.settled("gateway_requests_total", &["response_code=\"200\""]);
        let all = world.gateway.settled("gateway_requests_total", &[]);
        assert_eq!(served, all);
        world.stop();
        // Unmounted with the namespace; the folder stays for this thread until then.
        nix::mount::umount2(folder.path(), nix::mount::MntFlags::MNT_DETACH).expect("unmounted");
    };
    // A thread of its own: the mount is seen by what it starts, and by nobody else.
    std::thread::spawn(filled).join().expect("the thread in the namespace");
}
