//! Collectors as people run them: Prometheus, rsyslog, Etsy's StatsD and an OpenTelemetry collector, where they are installed.
//!
//! Each listens on a loopback address of this process's own, at its usual port, so that no two tests meet.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gateway_tests::process::{fetched, installed};
use gateway_tests::{Api, Backend, Client, Config, process::Process};

use crate::collector::World;
use crate::eventually;
use crate::opentelemetry::{http_collector, lock, spans};

/// A collector; killed when dropped.
pub struct Collector(Child);

impl Collector {
    pub fn start(command: &mut Command) -> Self {
        Self(
            command
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("it starts"),
        )
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An address of 127.0.0.0/8 that no other process of these tests has.
fn own_address() -> Ipv4Addr {
    let [.., high, middle, low] = std::process::id().to_be_bytes();
    Ipv4Addr::new(127, 64 | high, middle, low.clamp(1, 254))
}

/// `promtool` finds nothing wrong with `/metrics`, and a server that scrapes it has the figures.
#[test]
fn prometheus_takes_the_metrics() {
    let (Some(promtool), Some(prometheus)) = (installed("promtool"), installed("prometheus")) else { return };
    let world = World::start(&[]);
    world.load("/shop/ok", 50);
    world.load("/shop/none", 7);
    let mut check = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    check.stdin.take().expect("its input").write_all(world.gateway.metrics().as_bytes()).expect("metrics");
    let output = check.wait_with_output().expect("its end");
    let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prometheus.yml");
    let configuration = format!(
        "global: {{ scrape_interval: 200ms, scrape_timeout: 200ms }}\nscrape_configs:\n  - job_name: gateway\n    \
         static_configs: [{{ targets: ['{}'] }}]\n",
        world.gateway.admin()
    );
    fs::write(&file, configuration).expect("a file");
    let address = SocketAddr::from((own_address(), 9090));
    let _server = Collector::start(
        Command::new(prometheus)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}")),
    );
    let query = |expression: &str| -> Option<f64> {
        let stream = TcpStream::connect(address).ok()?;
        let answer = Client::over(stream).request("GET", &format!("/api/v1/query?query={expression}"), &[]);
        let json: serde_json::Value = serde_json::from_slice(&answer.body).ok()?;
        json["data"]["result"][0]["value"][1].as_str()?.parse().ok()
    };
    let sum = |code: &str| format!("sum(gateway_requests_total%7Bresponse_code=%22{code}%22%7D)");
    eventually("all requests are counted", || {
        (query(&sum("200")) == Some(50.0) && query(&sum("404")) == Some(7.0)).then_some(())
    });
    assert_eq!(query("up"), Some(1.0));
    let quantile = "histogram_quantile(0.99,sum(gateway_request_duration_seconds_bucket)by(le))";
    eventually("a quantile of the durations", || query(quantile).filter(|value| *value > 0.0));
}

/// rsyslog reads the head of a record by RFC 5424 from its UDP port, and by RFC 3164 from its socket.
#[test]
fn rsyslog_reads_what_the_records_say() {
    let Some(rsyslogd) = installed("rsyslogd") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let address = own_address();
    let configuration = format!(
        r#"module(load="imudp")
module(load="imuxsock" SysSock.Use="off")
template(name="parts" type="string" string="%app-name%|%msgid%|%syslogfacility-text%|%syslogseverity-text%|%programname%|%msg%\n")
ruleset(name="all") {{ action(type="omfile" file="{}" template="parts") }}
input(type="imudp" address="{address}" port="5514" ruleset="all")
input(type="imuxsock" Socket="{}" ruleset="all")
"#,
        path("out"),
        path("socket"),
    );
    fs::write(folder.path().join("conf"), configuration).expect("a file");
    let _server =
        Collector::start(Command::new(rsyslogd).args(["-n", "-f", &path("conf"), "-i", &path("pid")]));
    eventually("rsyslog listens", || Path::new(&path("socket")).exists().then_some(()));
    let (config, backend) = (Config::new(), Backend::fixed("x"));
    config.api(&Api { name: "a", path: "a", service_url: &backend.url(), operations: &["GET /i"], more: "" });
    for (form, endpoint) in [("rfc5424", format!("{address}:5514")), ("localsyslog", path("socket"))] {
        let local = format!("telemetry.logs.local={form}");
        let endpoint = format!("telemetry.logs.local.{form}.endpoint={endpoint}");
        let facility = format!("telemetry.logs.local.{form}.facility=17");
        let folder = config.path().to_str().expect("a path");
        let gateway =
            Process::start(&["--config", folder, "--set", &local, "--set", &endpoint, "--set", &facility]);
        let http = Process::address(&gateway.line_with("GatewayListening"), "http");
        Client::connect(http).request("GET", &format!("/a/i?from={form}"), &[]);
        let record = eventually("the record is there", || {
            let text = fs::read_to_string(path("out")).unwrap_or_default();
            text.lines().find(|line| line.contains(&format!("from={form}"))).map(str::to_owned)
        });
        let parts: Vec<&str> = record.splitn(6, '|').collect();
        assert_eq!(parts[2..5], ["local1", "info", "gateway"], "{record}");
        if form == "rfc5424" {
            assert_eq!(parts[..2], ["gateway", "GatewayLogs"], "{record}");
        }
        let json: serde_json::Value = serde_json::from_str(parts[5].trim()).expect("JSON");
        assert_eq!((&json["responseCode"], &json["apiId"]), (&200.into(), &"a".into()));
    }
}

/// An OpenTelemetry collector of another maker (rotel) takes all three signals by gRPC and by HTTP, and passes on what it
/// has read of them: nothing is lost on the way.
#[test]
fn opentelemetry_collector_passes_everything_on() {
    let Some(libraries) = fetched("rotel/lib") else { return };
    let versions = fs::read_dir(libraries).expect("a folder").flatten();
    let mut programs = versions.map(|version| version.path().join("site-packages/rotel/rotel-agent"));
    let program = programs.find(|path| path.exists()).expect("the program of the package");
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (behind, arrived) = http_collector();
    let address = own_address();
    let (grpc, http) = (format!("{address}:4317"), format!("{address}:4318"));
    let _collector = Collector::start(
        Command::new(program)
            .args(["start", "--otlp-grpc-endpoint", &grpc, "--otlp-http-endpoint", &http])
            .args(["--exporter", "otlp", "--otlp-exporter-protocol", "http"])
            .args(["--otlp-exporter-endpoint", &behind.url()])
            .args(["--pid-file", &path("pid"), "--log-file", &path("log")]),
    );
    eventually("it listens", || TcpStream::connect(&*grpc).and(TcpStream::connect(&*http)).ok());
    let mut expected = 0;
    for (collector, protocol) in [(&grpc, "grpc"), (&http, "http/protobuf")] {
        let uri = format!("http://{collector}");
        let world = World::start(&[
            ("observability.opentelemetry.enabled", "true"),
            ("observability.opentelemetry.collector.uri", &uri),
            ("observability.opentelemetry.protocol", protocol),
            ("observability.opentelemetry.traces.enabled", "true"),
            ("observability.opentelemetry.logs.enabled", "true"),
        ]);
        world.load("/shop/ok", 500);
        world.wait_for("otlp-traces", 1500);
        world.wait_for("otlp-logs", 500);
        world.stop();
        expected += 500;
        eventually("all spans and records are behind it", || {
            let spans = spans(&arrived).len();
            let arrived = lock(&arrived);
            let logs = arrived.logs.iter().flat_map(|message| &message.resource_logs);
            let logs: usize =
                logs.flat_map(|resource| &resource.scope_logs).map(|scope| scope.log_records.len()).sum();
            (spans == 3 * expected && logs == expected && !arrived.metrics.is_empty()).then_some(())
        });
    }
    let spans = spans(&arrived);
    let server = spans.iter().find(|span| span.kind == 2).expect("a request");
    assert_eq!(server.name, "shop;rev=1 - operation-1");
    assert!(server.attributes.iter().any(|attribute| attribute.key == "http.response.status_code"));
    let names: Vec<String> = {
        let arrived = lock(&arrived);
        let resources = arrived.metrics.iter().flat_map(|message| &message.resource_metrics);
        let metrics = resources.flat_map(|resource| &resource.scope_metrics).flat_map(|scope| &scope.metrics);
        metrics.map(|metric| metric.name.clone()).collect()
    };
    assert!(names.iter().any(|name| name == "Requests"), "{names:?}");
}

/// Etsy's StatsD counts what the gateway tells it, and finds no bad line.
#[test]
fn statsd_counts_what_it_is_told() {
    let (Some(stats), Some(node)) = (fetched("statsd/node_modules/statsd/stats.js"), installed("node"))
    else {
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let address = own_address();
    let configuration = format!(
        "{{ port: 8125, address: '{address}', mgmt_port: 8126, mgmt_address: '{address}', flushInterval: 600000, \
         backends: ['./backends/console'] }}\n"
    );
    let file = folder.path().join("config.js");
    fs::write(&file, configuration).expect("a file");
    let _server = Collector::start(Command::new(node).arg(stats).arg(&file));
    let ask = |command: &str| -> Option<String> {
        let mut stream = TcpStream::connect((address, 8126)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(format!("{command}\n").as_bytes()).ok()?;
        let (mut text, mut piece) = (String::new(), [0; 4096]);
        while !text.contains("END") {
            let count = stream.read(&mut piece).ok().filter(|count| *count > 0)?;
            text.push_str(&String::from_utf8_lossy(&piece[..count]));
        }
        Some(text)
    };
    eventually("StatsD listens", || ask("counters"));
    let endpoint = format!("{address}:8125");
    let world = World::start(&[
        ("telemetry.metrics.local", "statsd"),
        ("telemetry.metrics.local.statsd.endpoint", &endpoint),
    ]);
    world.load("/shop/ok", 60);
    world.load("/shop/none", 7);
    let counters =
        eventually("all are counted", || ask("counters").filter(|text| text.contains("Requests: 67")));
    assert!(counters.contains("'statsd.bad_lines_seen': 0"), "{counters}");
    let timers = ask("timers").expect("an answer");
    assert!(timers.contains("DurationInMS") && timers.contains("BackendDurationInMS"), "{timers}");
}
