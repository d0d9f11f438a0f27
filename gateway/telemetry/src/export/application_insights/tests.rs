//! The exporter in the pipeline, on a virtual clock.

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::sleep;

use super::*;
use crate::diagnostic::LoggerKind;
use crate::event::{Call, CallKind, LastError, MetricRecord, RequestEvent, Severity, TraceRecord};
use crate::export::testing::{World, answer, request, run};
use crate::export::{Intake, Limits, Sampling, Spec};
use crate::metrics::exporters::{Outcome, Place};
use crate::metrics::labels::BackendId;
use crate::sink::Instance;

const KEY: &str = "00000000-0000-0000-0000-0000000000aa";

fn spec(sampling: Sampling, identity: Option<Identity>) -> Spec {
    let connection =
        ConnectionString::parse(&format!("InstrumentationKey={KEY};IngestionEndpoint=https://in/"));
    let settings = Settings { connection: connection.unwrap(), identity };
    let who = Instance { gateway_id: "gw".into(), region: "attic".into(), ..Instance::default() };
    Spec {
        name: "application-insights".to_owned(),
        requests: Some(Intake::of_settings(LoggerKind::ApplicationInsights, sampling)),
        make: Box::new(move || Box::new(ApplicationInsights::new(settings, &who))),
    }
}

fn items(world: &World) -> Vec<Json> {
    let bodies = world.bodies();
    bodies.iter().flat_map(|body| body.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn request_becomes_correlated_items_without_secrets() {
    let world = World::new(|_, _| answer(200, "", ""));
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Sampling::default(), Some(Identity::Own)), &world, |bench| async move {
        let call = Call {
            kind: CallKind::Forward,
            label: BackendId::OTHER,
            backend_id: None,
            application: None,
            is_open: false,
            method: "POST",
            url: "https://b.test/x?code=secret",
            response_code: 503,
            protocol: None,
            span: [7; 8],
            started: Duration::from_millis(10),
            elapsed: Duration::from_millis(5),
        };
        let error = LastError {
            reason: "BackendConnectionFailure",
            message: "no way",
            source: "forward-request",
            ..LastError::default()
        };
        let trace = TraceRecord {
            elapsed: Duration::ZERO,
            source: "p",
            severity: Severity::Warning,
            message: "look",
            metadata: &[("password", "secret"), ("k", "v")],
        };
        let metric = MetricRecord { namespace: "n", name: "m", value: 2.0, dimensions: &[("d", "x")] };
        let (calls, traces, metrics) = ([call], [trace], [metric]);
        let event = RequestEvent { calls: &calls, traces: &traces, metrics: &metrics, ..request(500) };
        bench.telemetry.emit(0, &RequestEvent { last_error: Some(error), ..event });
        sleep(Duration::from_secs(2)).await;
        bench.pipeline.stop();
    });
    let (_, sent) = &shown.sent.borrow()[0];
    assert_eq!(sent.url, "https://in/v2.1/track");
    assert!(sent.headers.contains(&("Authorization", "Bearer https://monitor.azure.com system".to_owned())));
    let text = shown.bodies().concat();
    assert!(!text.contains("secret"), "{text}");
    let items = items(&shown);
    let names: Vec<&str> = items.iter().filter_map(|item| item["name"].as_str()).collect();
    assert_eq!(names, ["Request", "RemoteDependency", "Exception", "Message", "Metric"]);
    let span = &items[0]["data"]["baseData"]["id"];
    for (item, name) in items.iter().zip(names) {
        assert_eq!(item["iKey"], KEY);
        assert_eq!(item["data"]["baseType"], format!("{name}Data"));
        assert_eq!(item["tags"]["ai.operation.id"], items[0]["tags"]["ai.operation.id"]);
        assert_eq!(item["tags"]["ai.operation.name"], "shop;rev=1 - get-items");
        assert!(name == "Request" || item["tags"]["ai.operation.parentId"] == *span, "{item}");
    }
    let request = &items[0]["data"]["baseData"];
    assert_eq!(request["duration"], "00.00:00:00.030000");
    assert_eq!((&request["success"], &request["responseCode"]), (&Json::Bool(false), &Json::from("500")));
    assert_eq!(request["url"], "https://api.test/shop/items?id=7&sig=***");
    assert_eq!(items[1]["data"]["baseData"]["id"], "0707070707070707");
    assert_eq!(items[1]["time"], "2027-01-15T08:00:00.0100000Z");
    assert_eq!(items[2]["data"]["baseData"]["exceptions"][0]["typeName"], "BackendConnectionFailure");
    assert_eq!(items[3]["data"]["baseData"]["properties"]["password"], "***");
    assert_eq!(items[4]["data"]["baseData"]["metrics"][0]["value"], 2.0);
}

#[test]
fn partial_answer_sends_only_what_may_be_sent_again() {
    let errors = r#"{"itemsReceived":4,"itemsAccepted":1,"errors":[
        {"index":1,"statusCode":429,"message":"x"},{"index":2,"statusCode":400,"message":"x"},
        {"index":3,"statusCode":500,"message":"x"}]}"#;
    let world = World::new(move |number, _| match number {
        0 => answer(206, "5", errors),
        _ => answer(200, "", ""),
    });
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Sampling::default(), None), &world, |bench| async move {
        (1..=4).for_each(|number| bench.telemetry.emit(0, &request(200 + number)));
        sleep(Duration::from_secs(10)).await;
        let figures = &bench.telemetry.registry().exporters().list()[0];
        assert_eq!((figures.ended(Outcome::Sent), figures.ended(Outcome::Refused)), (3, 1));
        bench.pipeline.stop();
    });
    assert_eq!(shown.times(), [1, 6]);
    let codes: Vec<_> =
        items(&shown).iter().map(|item| item["data"]["baseData"]["responseCode"].to_string()).collect();
    assert_eq!(codes[4..], ["\"202\"", "\"204\""]);
}

#[test]
fn throttled_sink_is_left_alone_and_loses_nothing() {
    let world = World::new(|number, _| match number {
        0 => answer(439, "300", "quota"),
        1 => answer(429, "", ""),
        2 => Err("connection refused".to_owned()),
        3 => answer(401, "", ""),
        _ => answer(200, "", ""),
    });
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Sampling::default(), None), &world, |bench| async move {
        bench.telemetry.emit(0, &request(200));
        sleep(Duration::from_secs(500)).await;
        assert_eq!(
            *bench.states.0.lock().unwrap(),
            [
                "application-insights false: status 439: quota",
                "application-insights true: the sink takes telemetry again"
            ]
        );
        bench.pipeline.stop();
    });
    let times = shown.times();
    assert_eq!(times[..3], [1, 301, 361]);
    assert!(times.len() == 5 && times[4] < 375, "{times:?}");
    assert!(shown.bodies().windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn permanent_refusals_are_dropped_and_counted() {
    for status in [400, 402, 404] {
        let world = World::new(move |_, _| answer(status, "", ""));
        run(Limits::default(), spec(Sampling::default(), None), &world, |bench| async move {
            bench.telemetry.emit(0, &request(200));
            sleep(Duration::from_secs(100)).await;
            let figures = &bench.telemetry.registry().exporters().list()[0];
            assert_eq!((figures.ended(Outcome::Refused), figures.waiting(Place::Memory)), (1, (0, 0)));
            assert_eq!(figures.trouble(), Some(format!("status {status}")));
            bench.pipeline.stop();
        });
    }
}

#[test]
fn redirect_is_followed_and_kept() {
    let world = World::new(|_, request| {
        if request.url == "https://in/v2.1/track" {
            let headers = vec![("location".to_owned(), "https://region/v2.1/track".to_owned())];
            return Ok(HttpResponse { status: 308, headers, body: Vec::new() });
        }
        answer(200, "", "")
    });
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(Sampling::default(), None), &world, |bench| async move {
        for _ in 0..2 {
            bench.telemetry.emit(0, &request(200));
            sleep(Duration::from_secs(3)).await;
        }
        bench.pipeline.stop();
    });
    let urls: Vec<String> = shown.sent.borrow().iter().map(|(_, request)| request.url.clone()).collect();
    assert_eq!(urls, ["https://in/v2.1/track", "https://region/v2.1/track", "https://region/v2.1/track"]);
}

#[test]
fn outage_of_half_an_hour_loses_nothing_and_keeps_order() {
    let dir = tempfile::tempdir().unwrap();
    let limits =
        Limits { memory_bytes_max: 10_000, folder: Some(dir.path().to_owned()), ..Limits::default() };
    let world = World::new(|_, _| Err("no route".to_owned()));
    let mut expected = Vec::new();
    for number in 0..1800 {
        expected.push(format!("\"{}\"", 200 + number % 100));
    }
    run(limits.clone(), spec(Sampling::default(), None), &world, |bench| async move {
        for number in 0..1800 {
            bench.telemetry.emit(0, &request(200 + number % 100));
            sleep(Duration::from_secs(1)).await;
        }
        let figures = &bench.telemetry.registry().exporters().list()[0];
        assert!(figures.waiting(Place::Memory).1 <= 10_000 && figures.waiting(Place::Disk).0 > 1000);
        bench.pipeline.stop();
    });
    assert!(world.sent.borrow().len() < 60, "one try a minute at most");
    let world = World::new(|_, _| answer(200, "", ""));
    run(limits, spec(Sampling::default(), None), &world, |bench| async move {
        sleep(Duration::from_mins(1)).await;
        bench.pipeline.stop();
    });
    let codes: Vec<_> =
        items(&world).iter().map(|item| item["data"]["baseData"]["responseCode"].to_string()).collect();
    assert_eq!(codes, expected);
}
