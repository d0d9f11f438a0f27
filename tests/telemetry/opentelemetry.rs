//! OTLP by gRPC and HTTP (`self-hosted-gateway.md` §3.2, §8 row 44): a collector that reads the published messages and
//! refuses what does not conform.

use std::collections::HashSet;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use flate2::read::GzDecoder;
use gateway_tests::{Backend, Client, Config, Recorded, Reply};
use http::{HeaderMap, HeaderValue, Response};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use crate::collector::World;

/// What has arrived.
#[derive(Default)]
pub struct Arrived {
    pub traces: Vec<ExportTraceServiceRequest>,
    pub metrics: Vec<ExportMetricsServiceRequest>,
    pub logs: Vec<ExportLogsServiceRequest>,
}

pub type Shared = Arc<Mutex<Arrived>>;

pub fn lock(arrived: &Shared) -> std::sync::MutexGuard<'_, Arrived> {
    arrived.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps a message; `None`: it is none of this service.
fn keep(arrived: &Shared, service: &str, compressed: &[u8]) -> Option<()> {
    let mut message = Vec::new();
    GzDecoder::new(compressed).read_to_end(&mut message).ok()?;
    let mut arrived = lock(arrived);
    match service {
        "traces" => arrived.traces.push(ExportTraceServiceRequest::decode(&*message).ok()?),
        "metrics" => arrived.metrics.push(ExportMetricsServiceRequest::decode(&*message).ok()?),
        "logs" => arrived.logs.push(ExportLogsServiceRequest::decode(&*message).ok()?),
        _ => return None,
    }
    Some(())
}

/// The collector's gRPC port.
fn grpc_collector() -> (SocketAddr, Shared) {
    let arrived = Shared::default();
    let kept = Arc::clone(&arrived);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a listener");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(connection(stream, Arc::clone(&kept)));
            }
        });
    });
    (address, arrived)
}

async fn connection(stream: tokio::net::TcpStream, arrived: Shared) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let arrived = Arc::clone(&arrived);
        tokio::spawn(async move {
            let (head, mut body) = request.into_parts();
            let mut bytes = Vec::new();
            while let Some(Ok(data)) = body.data().await {
                let _ = body.flow_control().release_capacity(data.len());
                bytes.extend_from_slice(&data);
            }
            let field = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
            let service = match head.uri.path() {
                "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => "traces",
                "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => "metrics",
                "/opentelemetry.proto.collector.logs.v1.LogsService/Export" => "logs",
                _ => "unknown",
            };
            let framed = bytes.len() >= 5
                && bytes[0] == 1
                && bytes.len() - 5 == u32::from_be_bytes([bytes[1], bytes[2], bytes[3], bytes[4]]) as usize;
            let well = framed
                && field("content-type") == Some("application/grpc")
                && field("grpc-encoding") == Some("gzip")
                && field("te") == Some("trailers");
            let code = match well.then(|| keep(&arrived, service, &bytes[5..])) {
                Some(Some(())) => "0",
                Some(None) => "12",
                None => "3",
            };
            let answer = Response::builder().header("content-type", "application/grpc").body(());
            let Ok(mut out) = respond.send_response(answer.expect("a head"), false) else { return };
            let _ = out.send_data(Bytes::from_static(&[0; 5]), false);
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", HeaderValue::from_static(code));
            let _ = out.send_trailers(trailers);
        });
    }
}

/// The collector's HTTP port.
pub fn http_collector() -> (Backend, Shared) {
    let arrived = Shared::default();
    let kept = Arc::clone(&arrived);
    let service = Backend::start(move |request: &Recorded| {
        let well = request.header("content-type") == Some("application/x-protobuf")
            && request.header("content-encoding") == Some("gzip");
        let service = request.target.strip_prefix("/v1/").unwrap_or("unknown");
        match well.then(|| keep(&kept, service, &request.body)) {
            Some(Some(())) => Reply::ok(""),
            Some(None) => Reply::with(404, &[], ""),
            None => Reply::with(415, &[], ""),
        }
    });
    (service, arrived)
}

fn start(collector: &str, protocol: &str) -> World {
    configured(|_| {}, collector, protocol)
}

fn configured(more: impl FnOnce(&Config), collector: &str, protocol: &str) -> World {
    let settings = [
        ("observability.opentelemetry.enabled", "true"),
        ("observability.opentelemetry.collector.uri", collector),
        ("observability.opentelemetry.protocol", protocol),
        ("observability.opentelemetry.traces.enabled", "true"),
        ("observability.opentelemetry.logs.enabled", "true"),
        ("gateway.location", "attic"),
    ];
    World::configured(more, &settings)
}

pub fn spans(arrived: &Shared) -> Vec<Span> {
    let arrived = lock(arrived);
    let scopes = arrived.traces.iter().flat_map(|message| &message.resource_spans);
    scopes.flat_map(|resource| &resource.scope_spans).flat_map(|scope| scope.spans.clone()).collect()
}

/// All three signals of ten thousand requests, each once.
fn carries_everything(world: World, arrived: &Shared) {
    world.load("/shop/ok", 10_000);
    world.wait_for("otlp-traces", 30_000);
    world.wait_for("otlp-logs", 10_000);
    world.stop();
    let spans = spans(arrived);
    let ids: HashSet<(Vec<u8>, Vec<u8>)> =
        spans.iter().map(|span| (span.trace_id.clone(), span.span_id.clone())).collect();
    // The request, the section that forwards it, and the call.
    assert_eq!((spans.len(), ids.len()), (30_000, 30_000));
    let clients: Vec<&Span> = spans.iter().filter(|span| span.kind == 3).collect();
    assert_eq!(clients.len(), 10_000);
    assert!(clients.iter().all(|span| ids.contains(&(span.trace_id.clone(), span.parent_span_id.clone()))));
    assert!(!format!("{spans:?}").contains("secret"));
    let arrived = lock(arrived);
    let records = arrived.logs.iter().flat_map(|message| &message.resource_logs);
    let records = records.flat_map(|resource| &resource.scope_logs).map(|scope| scope.log_records.len());
    assert_eq!(records.sum::<usize>(), 10_000);
    let last = arrived.metrics.last().expect("metrics at the end");
    let metrics = &last.resource_metrics[0].scope_metrics[0].metrics;
    let requests =
        metrics.iter().find(|metric| metric.name == "Requests").and_then(|metric| metric.data.as_ref());
    let Some(Data::Sum(requests)) = requests else { panic!("no Requests in {metrics:?}") };
    let point = format!("{:?}", requests.data_points);
    assert!(point.contains("AsInt(10000)") && point.contains("attic"), "{point}");
    assert!(metrics.iter().any(|metric| metric.name == "BackendDurationInMs"));
}

#[test]
fn grpc_carries_metrics_traces_and_logs() {
    let (address, arrived) = grpc_collector();
    carries_everything(start(&format!("http://{address}"), "auto"), &arrived);
}

#[test]
fn http_carries_metrics_traces_and_logs() {
    let (collector, arrived) = http_collector();
    carries_everything(start(&collector.url(), "http/protobuf"), &arrived);
}

/// W3C Trace Context, in and out.
#[test]
fn trace_goes_on_from_the_caller_to_the_backend() {
    let (collector, arrived) = http_collector();
    let world = start(&collector.url(), "http/protobuf");
    let get = |fields: &[(&str, &str)]| {
        Client::connect(world.gateway.http()).request("GET", "/shop/ok", fields);
    };
    get(&[
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "a=1,b=2"),
    ]);
    get(&[("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00")]);
    get(&[]);
    world.wait_for("otlp-traces", 6);
    let seen = world.backend.seen();
    let spans = spans(&arrived);
    assert_eq!(spans.len(), 6, "the caller of the second did not want its trace");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let [server, section, client, ..] = &spans[..] else { panic!("{spans:?}") };
    assert_eq!(hex(&server.trace_id), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(hex(&server.parent_span_id), "b7ad6b7169203331");
    assert_eq!((section.name.as_str(), &section.parent_span_id), ("backend", &server.span_id));
    assert_eq!(client.parent_span_id, section.span_id);
    let told = format!("00-0af7651916cd43dd8448eb211c80319c-{}-01", hex(&client.span_id));
    assert_eq!(seen[0].header("traceparent"), Some(told.as_str()));
    assert_eq!(seen[0].header("tracestate"), Some("a=1,b=2"));
    assert!(seen[1].header("traceparent").is_some_and(|told| told.ends_with("-00")));
    assert!(seen[2].header("traceparent").is_some_and(|told| told.contains(&hex(&spans[3].trace_id))));
    assert!(client.start_time_unix_nano >= server.start_time_unix_nano);
    assert!(client.end_time_unix_nano <= server.end_time_unix_nano);
}

/// A section is a span, and so is a call of its policies: the other side is told of it.
#[test]
fn call_of_a_policy_is_a_span_within_its_section() {
    let side = Backend::fixed("side");
    let (collector, arrived) = http_collector();
    let send = format!(
        "<base /><send-request mode=\"new\" response-variable-name=\"r\"><set-url>{}/side?code=secret</set-url>\
         <set-method>GET</set-method></send-request>",
        side.url()
    );
    let more = |config: &Config| {
        config.policy(
            "apis/shop/policy.xml",
            &send,
            "",
            "<base /><set-header name=\"X\"><value>1</value></set-header>",
            "",
        );
    };
    let world = configured(more, &collector.url(), "http/protobuf");
    assert_eq!(world.gateway.get("/shop/ok", &[]).status, 200);
    world.wait_for("otlp-traces", 6);
    let spans = spans(&arrived);
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["shop;rev=1 - operation-1", "inbound", "backend", "outbound", "GET", "GET"]);
    let [server, inbound, backend, outbound, sent, forwarded] = &spans[..] else { panic!("{spans:?}") };
    for section in [inbound, backend, outbound] {
        assert_eq!(section.parent_span_id, server.span_id);
    }
    assert_eq!((&sent.parent_span_id, &forwarded.parent_span_id), (&inbound.span_id, &backend.span_id));
    assert!(inbound.end_time_unix_nano <= backend.start_time_unix_nano);
    assert!(!format!("{spans:?}").contains("secret"));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let told = format!("00-{}-{}-01", hex(&server.trace_id), hex(&sent.span_id));
    assert_eq!(side.only().header("traceparent"), Some(told.as_str()));
}
