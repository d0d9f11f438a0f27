//! The exporter in the pipeline, on a virtual clock.

use std::rc::Rc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest,
};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use tokio::time::sleep;

use super::*;
use crate::export::testing::{World, answer, request, run};
use crate::export::{Intake, Limits, Sampling, Spec};
use crate::metrics::Buckets;
use crate::metrics::exporters::Outcome;

fn spec(signal: Signal, protocol: Protocol, registry: Arc<Registry>) -> Spec {
    let settings = Settings { collector: "http://c:4317".to_owned(), protocol, system_metrics: false };
    Spec {
        name: signal.name().to_owned(),
        requests: (signal != Signal::Metrics).then(|| Intake::all(Sampling::default())),
        make: Box::new(move || Box::new(Otlp::new(&settings, signal, registry, &Instance::default()))),
    }
}

fn registry() -> Arc<Registry> {
    Arc::new(Registry::new(1, Buckets::default(), Arc::default()))
}

fn grpc(code: &str, message: &[u8]) -> Result<HttpResponse, String> {
    let headers = vec![("grpc-status".to_owned(), code.to_owned())];
    let body = [&[0][..], &(message.len() as u32).to_be_bytes(), message].concat();
    Ok(HttpResponse { status: 200, headers, body })
}

fn message(body: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut out).unwrap();
    out
}

#[test]
fn grpc_codes_decide_what_is_sent_again() {
    let world = World::new(|number, _| match number {
        0 => grpc("14", b""),
        1 => Err("no route".to_owned()),
        2 => grpc("3", b""),
        3 => {
            let partial_success =
                Some(ExportTracePartialSuccess { rejected_spans: 1, error_message: String::new() });
            grpc("0", &ExportTraceServiceResponse { partial_success }.encode_to_vec())
        }
        _ => grpc("0", b""),
    });
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Signal::Traces, Protocol::Grpc, registry()), &world, |bench| async move {
        for _ in 0..3 {
            bench.telemetry.emit(0, &request(200));
            sleep(Duration::from_secs(20)).await;
        }
        let figures = &bench.telemetry.registry().exporters().list()[0];
        assert_eq!((figures.ended(Outcome::Sent), figures.ended(Outcome::Refused)), (1, 2));
        bench.pipeline.stop();
    });
    let sent = shown.sent.borrow();
    assert_eq!(sent.len(), 5);
    let (_, first) = &sent[0];
    assert_eq!(first.url, "http://c:4317/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    assert!(first.http2 && first.body[0] == 1);
    assert_eq!(u32::from_be_bytes(first.body[1..5].try_into().unwrap()) as usize, first.body.len() - 5);
    let read = ExportTraceServiceRequest::decode(&*message(&first.body[5..])).unwrap();
    let span = &read.resource_spans[0].scope_spans[0].spans[0];
    assert_eq!((span.name.as_str(), span.trace_id.len(), span.kind), ("shop;rev=1 - get-items", 16, 2));
    let query = span.attributes.iter().find(|one| one.key == "url.query").unwrap();
    assert!(format!("{query:?}").contains("id=7&sig=***"), "{query:?}");
}

/// Whoever finds five too many gets two, and two, and one; a single one that is too large is refused.
#[test]
fn what_is_too_large_comes_apart() {
    for (signal, protocol) in [
        (Signal::Traces, Protocol::Http),
        (Signal::Logs, Protocol::Grpc),
        (Signal::Traces, Protocol::Grpc),
        (Signal::Logs, Protocol::Http),
    ] {
        let world = World::new(move |_, sent| {
            let body = if protocol == Protocol::Grpc { &sent.body[5..] } else { &sent.body };
            let (count, text) = (items(signal, body), message(body));
            match (protocol, count > 2 || text.windows(4).any(|part| part == b"huge")) {
                (Protocol::Http, true) => answer(413, "", ""),
                (Protocol::Http, false) => answer(200, "", ""),
                (Protocol::Grpc, too_large) => grpc(if too_large { "8" } else { "0" }, b""),
            }
        });
        let shown = Rc::clone(&world);
        run(Limits::default(), spec(signal, protocol, registry()), &world, |bench| async move {
            for target in ["/1", "/2", "/3", "/huge", "/5"] {
                let url = crate::Url { target, ..request(200).url };
                bench.telemetry.emit(0, &crate::RequestEvent { url, ..request(200) });
            }
            sleep(Duration::from_secs(10)).await;
            let figures = &bench.telemetry.registry().exporters().list()[0];
            assert_eq!((figures.ended(Outcome::Sent), figures.ended(Outcome::Refused)), (4, 1));
            bench.pipeline.stop();
        });
        let sent = shown.sent.borrow();
        let start = if protocol == Protocol::Grpc { 5 } else { 0 };
        let counts: Vec<usize> = sent.iter().map(|(_, sent)| items(signal, &sent.body[start..])).collect();
        assert_eq!(counts, [5, 2, 3, 1, 2, 1, 1], "{signal:?} {protocol:?}");
    }
}

/// Metrics come apart by metric, data points and all.
#[test]
fn metrics_that_are_too_large_come_apart() {
    let registry = registry();
    registry.shard(0).record(&request(404));
    let world = World::new(|number, _| if number == 0 { answer(413, "", "") } else { answer(200, "", "") });
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Signal::Metrics, Protocol::Http, registry), &world, |bench| async move {
        sleep(Duration::from_secs(65)).await;
        let figures = &bench.telemetry.registry().exporters().list()[0];
        assert_eq!(figures.ended(Outcome::Refused), 0);
        bench.pipeline.stop();
    });
    let names = |number: usize| -> Vec<String> {
        let read =
            ExportMetricsServiceRequest::decode(&*message(&shown.sent.borrow()[number].1.body)).unwrap();
        read.resource_metrics[0].scope_metrics[0].metrics.iter().map(|metric| metric.name.clone()).collect()
    };
    assert_eq!(names(0), [names(1), names(2)].concat());
}

fn items(signal: Signal, body: &[u8]) -> usize {
    match signal {
        Signal::Traces => {
            let read = ExportTraceServiceRequest::decode(&*message(body)).unwrap();
            read.resource_spans[0].scope_spans[0].spans.len()
        }
        _ => {
            let read = ExportLogsServiceRequest::decode(&*message(body)).unwrap();
            read.resource_logs[0].scope_logs[0].log_records.len()
        }
    }
}

/// Collectors take 4 MiB by gRPC.
#[test]
fn many_long_requests_are_several_messages() {
    let world = World::new(|_, _| answer(200, "", ""));
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Signal::Logs, Protocol::Http, registry()), &world, |bench| async move {
        let target = format!("/{}", "x".repeat(8000));
        for _ in 0..700 {
            let url = crate::Url { target: &target, ..request(200).url };
            bench.telemetry.emit(0, &crate::RequestEvent { url, ..request(200) });
        }
        sleep(Duration::from_secs(5)).await;
        bench.pipeline.stop();
    });
    let messages: Vec<Vec<u8>> = shown.sent.borrow().iter().map(|(_, sent)| message(&sent.body)).collect();
    assert!(messages.len() > 2 && messages.iter().all(|message| message.len() < 3 << 20));
    let records = messages.iter().map(|message| {
        let read = ExportLogsServiceRequest::decode(&**message).unwrap();
        read.resource_logs[0].scope_logs[0].log_records.len()
    });
    assert_eq!(records.sum::<usize>(), 700);
}

#[test]
fn http_statuses_decide_what_is_sent_again() {
    let world = World::new(|number, _| match number {
        0 => answer(503, "3", ""),
        1 => answer(500, "", ""),
        _ => answer(200, "", ""),
    });
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Signal::Logs, Protocol::Http, registry()), &world, |bench| async move {
        for _ in 0..2 {
            bench.telemetry.emit(0, &request(200));
            sleep(Duration::from_secs(10)).await;
        }
        let figures = &bench.telemetry.registry().exporters().list()[0];
        assert_eq!((figures.ended(Outcome::Sent), figures.ended(Outcome::Refused)), (1, 1));
        bench.pipeline.stop();
    });
    assert_eq!(shown.times(), [1, 4, 10]);
    assert_eq!(shown.sent.borrow()[0].1.url, "http://c:4317/v1/logs");
}

#[test]
fn metrics_of_each_minute_have_the_names_of_the_original() {
    let registry = registry();
    registry.shard(0).record(&request(404));
    let world = World::new(|_, _| answer(200, "", ""));
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Signal::Metrics, Protocol::Http, registry), &world, |bench| async move {
        sleep(Duration::from_secs(130)).await;
        bench.pipeline.stop();
    });
    assert_eq!(shown.times(), [61, 121, 130]);
    let read = ExportMetricsServiceRequest::decode(&*message(&shown.sent.borrow()[0].1.body)).unwrap();
    let metrics = &read.resource_metrics[0].scope_metrics[0].metrics;
    let of =
        |name: &str| metrics.iter().find(|metric| metric.name == name).and_then(|metric| metric.data.clone());
    let Some(Data::Sum(requests)) = of("Requests") else { panic!("no Requests") };
    let shown = format!("{:?}", requests.data_points[0].attributes);
    for name in ["ResponseCode", "Status", "LastErrorReason", "GatewayId", "Location", "Hostname", "404"] {
        assert!(shown.contains(name), "{name}: {shown}");
    }
    let Some(Data::Histogram(durations)) = of("DurationInMs") else { panic!("no DurationInMs") };
    let point = &durations.data_points[0];
    assert_eq!((point.count, point.sum, point.explicit_bounds[0]), (1, Some(30.0), 5.0));
    assert!(of("process_threads").is_none());
}
