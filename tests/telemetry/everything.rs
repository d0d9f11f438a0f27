//! Every sink at once: ten thousand requests through one gateway arrive exactly once in each, and what the kernel programs
//! count arrives in Azure Monitor as it was sent.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::net::UdpSocket;
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gateway::Gateway;
use gateway_tests::namespaces::{self, GATEWAY_INTERFACE, GATEWAY_V4};
use gateway_tests::{Api, Backend, Client, Config, Reply, start_gateway};
use nix::sys::socket::{setsockopt, sockopt};
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use serde_json::{Value, json};

use crate::application_insights::{self, KEY};
use crate::azure_monitor::{self, RESOURCE};
use crate::collector::{World, body, identity};
use crate::diagnostics::diagnostic;
use crate::{local, opentelemetry};

const REQUESTS: usize = 10_000;

/// Fields whose values are secrets.
const NAMES: [&str; 6] = [
    "Authorization",
    "Proxy-Authorization",
    "Cookie",
    "Ocp-Apim-Subscription-Key",
    "X-Api-Key",
    "X-Functions-Key",
];

/// The settings of every sink, and those behind them.
struct Sinks {
    insights: Backend,
    logs: Backend,
    metrics: Backend,
    hub: Backend,
    identity: Backend,
    otlp: (Backend, opentelemetry::Shared),
    statsd: UdpSocket,
    /// Whether a socket that is not read for a moment keeps all that comes.
    statsd_keeps_all: bool,
    json: UnixDatagram,
    folder: tempfile::TempDir,
}

impl Sinks {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let statsd = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let json = UnixDatagram::bind(folder.path().join("log")).expect("a socket");
        let patience = Some(Duration::from_millis(200));
        statsd.set_read_timeout(patience).expect("a time-out");
        json.set_read_timeout(patience).expect("a time-out");
        Self {
            insights: Backend::start(application_insights::service),
            logs: Backend::start(azure_monitor::ingestion),
            metrics: Backend::start(azure_monitor::metrics),
            hub: Backend::start(local::hub),
            identity: identity(),
            otlp: opentelemetry::http_collector(),
            statsd_keeps_all: setsockopt(&statsd, sockopt::RcvBufForce, &(32 << 20)).is_ok(),
            statsd,
            json,
            folder,
        }
    }

    fn settings(&self) -> Vec<(&'static str, String)> {
        let statsd = self.statsd.local_addr().expect("an address").to_string();
        let json = self.folder.path().join("log").to_str().expect("a path").to_owned();
        let connection = format!("InstrumentationKey={KEY};IngestionEndpoint={}", self.insights.url());
        let text = str::to_owned;
        vec![
            ("telemetry.application-insights.connection-string", connection),
            ("telemetry.application-insights.identity", text("on")),
            ("telemetry.azure-monitor.logs.endpoint", self.logs.url()),
            ("telemetry.azure-monitor.logs.rule", text("dcr-1")),
            ("telemetry.azure-monitor.metrics.resource", text(RESOURCE)),
            ("telemetry.azure-monitor.metrics.endpoint", self.metrics.url()),
            ("telemetry.event-hubs.hub", format!("{}/logs", self.hub.url())),
            ("identity.source", text("vm")),
            ("identity.metadata.host", self.identity.url()),
            ("observability.opentelemetry.enabled", text("true")),
            ("observability.opentelemetry.collector.uri", self.otlp.0.url()),
            ("observability.opentelemetry.protocol", text("http/protobuf")),
            ("observability.opentelemetry.traces.enabled", text("true")),
            ("observability.opentelemetry.logs.enabled", text("true")),
            ("telemetry.metrics.local", text("statsd")),
            ("telemetry.metrics.local.statsd.endpoint", statsd),
            ("telemetry.metrics.local.statsd.tag-format", text("dogStatsD")),
            ("telemetry.logs.local", text("json")),
            ("telemetry.logs.local.json.endpoint", json),
            ("gateway.location", text("attic")),
        ]
    }
}

/// Reads a socket beside the test until it is told that nothing more comes.
fn gather(
    stopped: Arc<AtomicBool>,
    receive: impl Fn(&mut [u8]) -> std::io::Result<usize> + Send + 'static,
) -> Receiver<Vec<String>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), vec![0; 65_536]);
        loop {
            match receive(&mut buffer) {
                Ok(length) => all.push(String::from_utf8_lossy(&buffer[..length]).into_owned()),
                Err(_) if stopped.load(Relaxed) => break,
                Err(_) => {}
            }
        }
        let _ = sender.send(all);
    });
    receiver
}

/// The distinct request ids of records, and how many records there are.
fn ids<'r>(records: impl Iterator<Item = &'r Value>) -> (usize, HashSet<String>) {
    let all: Vec<String> = records.map(|id| id.as_str().expect("an id").to_owned()).collect();
    (all.len(), all.into_iter().collect())
}

#[test]
fn ten_thousand_requests_arrive_exactly_once_in_every_sink() {
    let sinks = Sinks::start();
    let settings = sinks.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let world = World::start(&settings);
    let (statsd, json) =
        (sinks.statsd.try_clone().expect("a socket"), sinks.json.try_clone().expect("a socket"));
    let stopped = Arc::new(AtomicBool::new(false));
    let statsd = gather(Arc::clone(&stopped), move |to| statsd.recv(to));
    let json = gather(Arc::clone(&stopped), move |to| json.recv(to));
    world.load("/shop/ok", REQUESTS);
    for (exporter, items) in [
        ("application-insights", 2 * REQUESTS),
        ("azure-monitor-logs", REQUESTS),
        ("event-hubs", REQUESTS),
        // The request, the backend section, and the call in it.
        ("otlp-traces", 3 * REQUESTS),
        ("otlp-logs", REQUESTS),
    ] {
        world.wait_for(exporter, items as u64);
    }
    world.wait_drained("azure-monitor-metrics");
    world.wait_drained("statsd");
    for outcome in ["refused", "queue-full", "buffer-full", "too-large", "disk", "expired"] {
        let label = format!("result=\"{outcome}\"");
        assert_eq!(world.gateway.metric("gateway_export_items_total", &[&label]), 0.0, "{outcome}");
    }
    world.stop();
    stopped.store(true, Relaxed);

    let items = application_insights::items(&sinks.insights);
    let requests = items.iter().filter(|item| item["name"] == "Request");
    let (count, expected) =
        ids(requests.clone().map(|item| &item["data"]["baseData"]["properties"]["Request Id"]));
    assert_eq!((count, expected.len()), (REQUESTS, REQUESTS));
    for item in requests {
        let data = &item["data"]["baseData"];
        assert_eq!(
            (&data["responseCode"], &data["name"]),
            (&"200".into(), &"shop;rev=1 - operation-1".into())
        );
    }
    assert_eq!(items.len(), 2 * REQUESTS);

    let urls = urls(&items);
    let rows = azure_monitor::rows(&sinks.logs, |_| true);
    let column = |name: &str| name[..1].to_uppercase() + &name[1..];
    are_right("Logs Ingestion", rows.iter().map(|row| (row, &row["CorrelationId"])), &urls, column);
    let events = local::events(&sinks.hub);
    let events = events.iter().map(|event| (&event["properties"], &event["correlationId"]));
    are_right("Event Hubs", events, &urls, str::to_owned);
    let records = json.recv().expect("the log");
    let records = records.iter().map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
    let records: Vec<Value> = records.filter(|record| record["eventType"] == "GatewayLogs").collect();
    are_right("JSON", records.iter().map(|one| (one, &one["correlationId"])), &urls, str::to_owned);
    opentelemetry_has(&sinks.otlp.1, &expected, &urls);
    assert_eq!(azure_sum(&sinks.metrics, "Requests", "\"200\""), REQUESTS as f64);
    let counted: f64 =
        statsd.recv().expect("datagrams").iter().flat_map(|text| text.lines()).filter_map(requests_of).sum();
    if sinks.statsd_keeps_all {
        assert_eq!(counted, REQUESTS as f64);
    } else {
        eprintln!("SKIPPED: StatsD's count: not root, the socket may have lost some of {counted}");
        assert!(counted <= REQUESTS as f64);
    }
}

/// Secrets in every place of a request that may hold one, with diagnostics that ask for all of them: no sink is told any.
#[test]
fn planted_secrets_are_in_no_sink() {
    let sinks = Sinks::start();
    let settings = sinks.settings();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let backend = Backend::start(|request| {
        let body = String::from_utf8_lossy(&request.body);
        Reply::with(200, &[("Set-Cookie", "session=planted"), ("Location", "/?sig=planted")], &body)
    });
    let world = World::configured(|config| secretive(config, &backend.url()), &settings);
    let stopped = Arc::new(AtomicBool::new(false));
    let json = sinks.json.try_clone().expect("a socket");
    let json = gather(Arc::clone(&stopped), move |to| json.recv(to));
    let statsd = sinks.statsd.try_clone().expect("a socket");
    let statsd = gather(Arc::clone(&stopped), move |to| statsd.recv(to));
    let requests = ask_with_secrets(&world);
    for exporter in ["application-insights", "azure-monitor-logs", "event-hubs", "otlp-traces", "otlp-logs"] {
        world.wait_for(exporter, requests);
    }
    world.stop();
    stopped.store(true, Relaxed);
    let of = |service: &Backend| -> String {
        service.seen().iter().map(|request| body(request).expect("gzip")).collect()
    };
    let told = [
        of(&sinks.insights),
        of(&sinks.logs),
        of(&sinks.metrics),
        of(&sinks.hub),
        format!("{:?}", opentelemetry::spans(&sinks.otlp.1)),
        format!("{:?}", opentelemetry::lock(&sinks.otlp.1).logs),
        json.recv().expect("the log").concat(),
        statsd.recv().expect("the counters").concat(),
    ];
    for (number, text) in told.iter().enumerate() {
        assert!(!text.is_empty(), "sink {number}");
        let place = text
            .find("planted")
            .or_else(|| text.find("caller-primary"))
            .map(|place| &text[place.saturating_sub(200)..place]);
        assert_eq!(place, None, "sink {number}");
    }
    // What is no secret is there.
    for text in [&told[0], &told[1], &told[3], &told[6]] {
        assert!(text.contains("page=2"), "{text}");
    }
    for reason in
        ["BackendConnectionFailure", "JwtInvalid", "ExpressionValueEvaluationFailure", "value of *** is"]
    {
        assert!(told[1].contains(reason), "{reason}: {}", told[1]);
    }
    assert!(told[6].contains("url-invalid"), "{}", told[6]);
    assert!(told[1].contains("pen") && told[1].contains("***"), "{}", told[1]);
}

/// Requests with secrets in every place; how many there were.
fn ask_with_secrets(world: &World) -> u64 {
    let query =
        "subscription-key=planted&sig=planted&code=planted&access_token=planted&api%2Dkey=planted&page=2";
    let fields: Vec<(&str, &str)> = NAMES.iter().map(|name| (*name, "planted")).collect();
    let content =
        br#"{"name":"pen","password":"planted","client_secret":"planted","access_token":"planted"}"#;
    let requests: [(&str, &str); 8] = [
        ("POST", "/own/echo"),
        ("GET", "/own/call"),
        ("GET", "/own/token"),
        ("GET", "/own/number"),
        ("GET", "/own/field"),
        ("GET", "/closed/ok"),
        ("GET", "/shop/fail"),
        ("GET", "/shop/none"),
    ];
    for (method, path) in requests {
        // An API's own names are secrets where that API is called.
        let has_own = !path.starts_with("/shop");
        let target = format!("{path}?{query}{}", if has_own { "&own%2Dkey=caller-primary" } else { "" });
        let own =
            [("Content-Type", "application/json"), ("Own-Key", if has_own { "caller-primary" } else { "-" })];
        let headers = [&fields[..], &own].concat();
        let content = if method == "POST" { &content[..] } else { b"" };
        Client::connect(world.gateway.http()).request_with(method, &target, &headers, content);
    }
    requests.len() as u64
}

/// An API's own names for its keys.
const KEYS: &str = r#""subscriptionKeyParameterNames": {"header": "Own-Key", "query": "own-key"}"#;

/// Diagnostics that ask for all of a message, APIs with [`KEYS`], and policies that fail over secrets.
fn secretive(config: &Config, backend: &str) {
    let logger = r#"{"properties": {"loggerType": "azureMonitor"}}"#;
    config.file("loggers/azuremonitor/loggerInformation.json", logger);
    let names = [&NAMES[..], &["Own-Key", "Set-Cookie", "Location"]].concat();
    let message = json!({"headers": names, "body": {"bytes": 8192}});
    let both = json!({"request": message, "response": message});
    let properties = json!({"loggerId": "/loggers/azuremonitor", "frontend": both, "backend": both});
    diagnostic(config, "", "azuremonitor", &properties);
    let operations = &["POST /echo", "GET /call", "GET /token", "GET /number", "GET /field"];
    config.api(&Api { name: "own", path: "own", service_url: backend, operations, more: KEYS });
    config.subscription("caller", "/apis/own", "active");
    let more = &format!(r#""subscriptionRequired": true, {KEYS}"#);
    let operations = &["GET /ok"];
    config.api(&Api { name: "closed", path: "closed", service_url: "http://127.0.0.1:9", operations, more });
    // Its configuration is refused, which is told, too.
    config.api(&Api { name: "bad", path: "bad", service_url: backend, operations: &["GET /i"], more: "" });
    let url = r#"<base /><set-backend-service base-url="http://me:planted@127.0.0.1/?sig=planted" />"#;
    config.policy("apis/bad/policy.xml", url, "", "", "");
    let inbound = [
        r#"<trace source="s"><message>seen</message><metadata name="Authorization" value="planted" /></trace>"#,
        r#"<send-request mode="new" response-variable-name="r" timeout="2" ignore-error="false">
            <set-url>http://127.0.0.1:9/x?sig=planted&amp;own-key=planted</set-url><set-method>GET</set-method>
            <set-header name="Authorization"><value>planted</value></set-header></send-request>"#,
        r#"<validate-jwt header-name="Authorization" require-scheme="" failed-validation-httpcode="401">
            <issuer-signing-keys><key>c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0</key></issuer-signing-keys></validate-jwt>"#,
        r#"<set-variable name="v" value="@(int.Parse(context.Request.Headers.GetValueOrDefault("Own-Key")))" />"#,
        r#"<check-header name="Own-Key" failed-check-httpcode="401" failed-check-error-message="no" ignore-case="true">
            <value>another</value></check-header>"#,
    ];
    for (at, inbound) in inbound.iter().enumerate() {
        let file = format!("apis/own/operations/operation-{}/policy.xml", at + 1);
        config.policy(&file, &format!("<base />{inbound}"), "<base />", "<base />", "<base />");
    }
}

/// Of the line of a counter.
fn requests_of(line: &str) -> Option<f64> {
    line.strip_prefix("Requests:")?.split('|').next()?.parse().ok()
}

/// URLs by request id. Each request has a query of its own, so that a sink which mixes requests up is found.
type Urls = HashMap<String, String>;

fn urls(items: &[Value]) -> Urls {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let requests =
        items.iter().filter(|item| item["name"] == "Request").map(|item| &item["data"]["baseData"]);
    let urls: Urls =
        requests.map(|data| (text(&data["properties"]["Request Id"]), text(&data["url"]))).collect();
    assert_eq!(urls.values().collect::<HashSet<_>>().len(), REQUESTS);
    assert!(urls.values().all(|url| url.contains("/shop/ok?n=") && url.ends_with("&sig=***")));
    urls
}

/// The records of a sink, each with its id, are those of all requests: once each, and right.
fn are_right<'r>(
    sink: &str,
    records: impl Iterator<Item = (&'r Value, &'r Value)> + Clone,
    urls: &Urls,
    named: impl Fn(&str) -> String + Copy,
) {
    let (count, found) = ids(records.clone().map(|(_, id)| id));
    assert_eq!((count, found.len()), (REQUESTS, REQUESTS), "{sink}");
    assert!(found.iter().all(|id| urls.contains_key(id)), "{sink}");
    records.for_each(|(record, id)| is_right(sink, record, id, urls, named));
}

/// The record of a sink says what happened, under the names that the sink has.
fn is_right(sink: &str, record: &Value, id: &Value, urls: &Urls, named: impl Fn(&str) -> String) {
    for (name, right) in [
        ("method", json!("GET")),
        ("responseCode", json!(200)),
        ("responseSize", json!(10)),
        ("isRequestSuccess", json!(true)),
        ("apiId", json!("shop")),
        ("apiRevision", json!("1")),
        ("operationId", json!("operation-1")),
        ("cache", json!("none")),
        ("clientProtocol", json!("HTTP/1.1")),
        ("backendMethod", json!("GET")),
        ("backendResponseCode", json!(200)),
        ("url", json!(id.as_str().and_then(|id| urls.get(id)).expect("a known id"))),
    ] {
        assert_eq!(record[named(name)], right, "{name} of {sink}: {record}");
    }
    let time = |name: &str| record[named(name)].as_u64();
    assert!(time("totalTime") >= time("backendTime") && time("backendTime").is_some(), "{sink}: {record}");
}

/// The attributes of an OTLP record as an object.
fn object(record: &LogRecord) -> Value {
    let value = |value: Option<AnyValue>| match value.and_then(|value| value.value) {
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(any_value::Value::BoolValue(holds)) => json!(holds),
        other => panic!("{other:?}"),
    };
    record.attributes.iter().map(|pair| (pair.key.clone(), value(pair.value.clone()))).collect()
}

fn opentelemetry_has(arrived: &opentelemetry::Shared, expected: &HashSet<String>, urls: &Urls) {
    let spans = opentelemetry::spans(arrived);
    let servers = spans.iter().filter(|span| span.kind == 2);
    let traces: HashSet<&[u8]> = servers.clone().map(|span| span.trace_id.as_slice()).collect();
    assert_eq!((servers.count(), traces.len()), (REQUESTS, REQUESTS));
    // A trace that nobody began has the request's id.
    let ids = expected.iter().map(|id| id.replace('-', ""));
    let hex = |id: &[u8]| {
        id.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    };
    assert_eq!(ids.collect::<HashSet<_>>(), traces.iter().map(|id| hex(id)).collect());
    let arrived = opentelemetry::lock(arrived);
    let records = arrived.logs.iter().flat_map(|message| &message.resource_logs);
    let records = records.flat_map(|resource| &resource.scope_logs).flat_map(|scope| &scope.log_records);
    let records: Vec<Value> = records.map(object).collect();
    are_right("OTLP", records.iter().map(|one| (one, &one["correlationId"])), urls, str::to_owned);
    assert!(format!("{:?}", arrived.metrics.last()).contains("AsInt(10000)"));
}

/// Sum of a metric over all series whose dimensions hold `part`, of all minutes.
fn azure_sum(service: &Backend, metric: &str, part: &str) -> f64 {
    let texts: Vec<String> = service.seen().iter().map(|request| body(request).expect("gzip")).collect();
    let objects = texts
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let data =
        objects.map(|object| object["data"]["baseData"].clone()).filter(|data| data["metric"] == metric);
    let series = data.flat_map(|data| data["series"].as_array().expect("series").clone());
    series
        .filter(|point| point["dimValues"].to_string().contains(part))
        .filter_map(|point| point["sum"].as_f64())
        .sum()
}

/// A gateway at its end of the world, with these settings beside those of the kernel path.
fn start(world: &namespaces::World, config: &Config, more: &[(&str, &str)]) -> Gateway {
    let own = [
        ("config.folder", config.path().to_str().expect("a path")),
        ("net.http.address", "[::]:8080"),
        ("net.https.address", "off"),
        ("admin.address", "127.0.0.1:9090"),
        ("datapath.mode", "required"),
        ("datapath.interface", GATEWAY_INTERFACE),
        ("datapath.xdp", "native"),
        ("telemetry.logs.std", "none"),
        ("shutdown.delay", "0"),
        ("shutdown.timeout", "2"),
    ];
    let settings = [&own, more].concat();
    world.gateway.run(|| start_gateway(&settings))
}

/// Every packet of ten thousand requests, as the client's own kernel counts them.
#[test]
fn kernel_packets_arrive_in_azure_monitor_as_they_were_sent() {
    let Some(world) = namespaces::World::new() else { return };
    let (service, identity) = world.gateway.run(|| (Backend::start(azure_monitor::metrics), identity()));
    let config = Config::new();
    config.api(&Api {
        name: "a",
        path: "a",
        service_url: "http://127.0.0.1:9",
        operations: &["GET /i"],
        more: "",
    });
    config.policy("apis/a/policy.xml", "<return-response />", "", "", "");
    let (endpoint, metadata) = (service.url(), identity.url());
    let gateway = start(
        &world,
        &config,
        &[
            ("telemetry.azure-monitor.metrics.resource", RESOURCE),
            ("telemetry.azure-monitor.metrics.endpoint", &endpoint),
            ("identity.source", "vm"),
            ("identity.metadata.host", &metadata),
        ],
    );
    let before = world.sent_by_client();
    let address = format!("{GATEWAY_V4}:8080").parse().expect("an address");
    world.client.run(|| {
        std::thread::scope(|scope| {
            for _ in 0..4 {
                // Threads of a thread in the namespace are in it, too.
                scope.spawn(|| {
                    let mut client = Client::connect(address);
                    for _ in 0..REQUESTS / 4 {
                        assert_eq!(client.request("GET", "/a/i", &[]).status, 200);
                    }
                });
            }
        });
    });
    // The maps are read once a second.
    let counted = || {
        let admin = "127.0.0.1:9090".parse().expect("an address");
        let text = world.gateway.run(|| Client::connect(admin).request("GET", "/metrics", &[]).text());
        let of_listener = "gateway_datapath_packets_total{listener=\"http\"";
        let lines = text.lines().filter(|line| line.starts_with(of_listener) && line.contains("\"in\""));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum::<f64>()
    };
    let sent = || (world.sent_by_client() - before) as f64;
    assert!(namespaces::eventually(|| counted() >= sent()), "{} of {} counted", counted(), sent());
    gateway.stop();
    assert!(sent() >= REQUESTS as f64);
    assert_eq!(azure_sum(&service, "KernelPackets", r#""http","tcp","in""#), sent());
    assert_eq!(azure_sum(&service, "Requests", "\"200\""), REQUESTS as f64);
}
