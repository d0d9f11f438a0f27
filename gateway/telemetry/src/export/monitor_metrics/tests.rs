//! The exporter in the pipeline, on a virtual clock.

use std::rc::Rc;

use serde_json::Value as Json;
use tokio::time::sleep;

use super::*;
use crate::event::{MetricRecord, RequestEvent};
use crate::export::testing::{World, answer, request, run, start};
use crate::export::{Intake, Limits, Sampling, Spec};
use crate::metrics::exporters::Outcome;
use crate::metrics::kernel::{KernelCounters, Tcp, Traffic};
use crate::metrics::{Buckets, Registry};

fn settings() -> Settings {
    Settings {
        endpoint: "https://westeurope.monitoring.azure.com".to_owned(),
        resource: "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x".to_owned(),
        namespace: "API Management Gateway".to_owned(),
        audience: "https://monitoring.azure.com/".to_owned(),
        client_id: None,
    }
}

fn spec(registry: Arc<Registry>) -> Spec {
    let instance = Instance { region: "attic".into(), ..Instance::default() };
    Spec {
        name: "azure-monitor-metrics".to_owned(),
        requests: Some(Intake::all(Sampling::default())),
        make: Box::new(move || Box::new(MonitorMetrics::new(&settings(), registry, &instance))),
    }
}

fn registry() -> Arc<Registry> {
    Arc::new(Registry::new(1, Buckets::default(), Arc::default()))
}

/// Every object of all bodies.
fn metrics(world: &World) -> Vec<Json> {
    let bodies = world.bodies();
    bodies.iter().flat_map(|body| body.lines()).map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn series<'a>(metrics: &'a [Json], name: &str) -> Vec<&'a Json> {
    let of_name = metrics.iter().map(|metric| &metric["data"]["baseData"]);
    of_name
        .filter(|data| data["metric"] == name)
        .flat_map(|data| data["series"].as_array().unwrap())
        .collect()
}

#[test]
fn a_minute_of_requests_is_one_exact_aggregate() {
    let world = World::new(|_, _| answer(200, "", ""));
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(registry()), &world, |bench| async move {
        let metric = MetricRecord { namespace: "own", name: "Cups", value: 2.5, dimensions: &[("Kind", "")] };
        for number in 1..=60_u64 {
            let event = RequestEvent {
                total_time: Duration::from_millis(number),
                metrics: &[metric],
                ..request(if number > 50 { 404 } else { 200 })
            };
            bench.telemetry.emit(0, &event);
        }
        sleep(Duration::from_secs(130)).await;
        bench.pipeline.stop();
    });
    assert_eq!(shown.times(), [65]);
    let (_, sent) = &shown.sent.borrow()[0];
    assert_eq!(
        sent.url,
        "https://westeurope.monitoring.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x/metrics"
    );
    assert!(
        sent.headers.contains(&("Authorization", "Bearer https://monitoring.azure.com/ system".to_owned()))
    );
    let metrics = metrics(&shown);
    assert!(metrics.iter().all(|metric| metric["time"] == "2027-01-15T08:00:00Z"));
    let duration = series(&metrics, "Duration");
    let expected = r#"{"dimValues":["attic","None","shop"],"min":1,"max":60,"sum":1830,"count":60}"#;
    assert_eq!(duration.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    let counts: Vec<_> = series(&metrics, "Requests").iter().map(|point| point["count"].clone()).collect();
    assert_eq!(counts, [50, 10]);
    assert_eq!(series(&metrics, "BackendDuration").len(), 0, "no backend was called");
    assert_eq!(series(&metrics, "Cups")[0]["sum"], 150.0);
    for metric in &metrics {
        let data = &metric["data"]["baseData"];
        let names = data["dimNames"].as_array().unwrap().len();
        assert!(names <= 10);
        assert!(
            data["series"]
                .as_array()
                .unwrap()
                .iter()
                .all(|one| one["dimValues"].as_array().unwrap().len() == names)
        );
    }
}

#[test]
fn kernel_counters_become_what_each_minute_added() {
    let registry = registry();
    let set = |packets: u64, rtt: u64| {
        let mut rtt_counts = [0; crate::metrics::kernel::TIME_BUCKETS];
        rtt_counts[9] = rtt;
        let traffic = Traffic {
            listener: "http".into(),
            protocol: "tcp".into(),
            direction: "in".into(),
            verdict: "pass".into(),
            packets,
            bytes: packets * 100,
        };
        let tcp = Tcp {
            listener: "http".into(),
            syn: packets,
            rtt_counts,
            rtt_sum_micros: rtt * 600,
            ..Tcp::default()
        };
        KernelCounters { traffic: vec![traffic], tcp: vec![tcp], ..KernelCounters::default() }
    };
    registry.set_kernel(Some(set(7, 2)));
    let world = World::new(|_, _| answer(200, "", ""));
    let (shown, own) = (Rc::clone(&world), Arc::clone(&registry));
    run(Limits::default(), spec(registry), &world, |bench| async move {
        sleep(Duration::from_secs(70)).await;
        own.set_kernel(Some(set(17, 2)));
        sleep(Duration::from_mins(1)).await;
        bench.pipeline.stop();
    });
    let metrics = metrics(&shown);
    let sums = |name| series(&metrics, name).iter().map(|point| point["sum"].clone()).collect::<Vec<_>>();
    assert_eq!(sums("KernelPackets"), [7.0, 10.0]);
    assert_eq!(sums("KernelBytes"), [700.0, 1000.0]);
    assert_eq!(sums("KernelSegments"), [7.0, 10.0]);
    let rtt = series(&metrics, "KernelRoundTripTime");
    assert_eq!(rtt.len(), 1, "nothing in the second minute");
    assert_eq!(rtt[0]["count"], 2);
    let time = |name: &str| rtt[0][name].as_f64().unwrap();
    assert!(time("min") <= 0.6 && time("max") >= 0.6 && (time("sum") - 1.2).abs() < 1e-9, "{}", rtt[0]);
}

#[test]
fn metrics_older_than_the_service_takes_are_given_up() {
    let world =
        World::new(|number, _| if number == 0 { answer(500, "1500", "") } else { answer(200, "", "") });
    let shown = Rc::clone(&world);
    run(Limits::default(), spec(registry()), &world, |bench| async move {
        bench.telemetry.emit(0, &request(200));
        sleep(Duration::from_mins(25)).await;
        bench
            .telemetry
            .emit(0, &RequestEvent { time_generated: start() + Duration::from_mins(25), ..request(200) });
        sleep(Duration::from_mins(2)).await;
        let figures = &bench.telemetry.registry().exporters().list()[0];
        assert_eq!((figures.ended(Outcome::Expired), figures.ended(Outcome::Sent)), (4, 4));
        bench.pipeline.stop();
    });
    assert_eq!(shown.sent.borrow().len(), 2);
}
