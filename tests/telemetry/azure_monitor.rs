//! Azure Monitor (`self-hosted-gateway.md` §4.1, §4.2, §8 rows 26 and 27): servers that refuse what the services would.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use gateway_tests::{Backend, Recorded, Reply};
use serde_json::Value;

use crate::collector::{World, bearer, body, identity, reply};

/// Columns of §3.4 that a row may have, and whether each is text.
const TEXTS: [&str; 25] = [
    "ApiId",
    "ApiRevision",
    "ApimSubscriptionId",
    "BackendId",
    "BackendMethod",
    "BackendProtocol",
    "BackendUrl",
    "Cache",
    "CallerIpAddress",
    "Category",
    "ClientProtocol",
    "ClientTlsVersion",
    "CorrelationId",
    "LastErrorMessage",
    "LastErrorReason",
    "LastErrorScope",
    "LastErrorSection",
    "LastErrorSource",
    "Method",
    "OperationId",
    "OperationName",
    "ProductId",
    "Region",
    "Url",
    "UserId",
];
const NUMBERS: [&str; 8] = [
    "BackendResponseCode",
    "BackendTime",
    "CacheTime",
    "ClientTime",
    "LastErrorElapsed",
    "RequestSize",
    "ResponseCode",
    "ResponseSize",
];

/// The Logs Ingestion API.
pub fn ingestion(request: &Recorded) -> Reply {
    let Some((path, query)) = request.target.split_once('?') else { return reply(400, "no api-version") };
    if query != "api-version=2023-01-01" {
        return reply(400, "unsupported api-version");
    }
    if path != "/dataCollectionRules/dcr-1/streams/Custom-ApiManagementGatewayLogs_CL" {
        return reply(404, "no such rule or stream");
    }
    if request.header("authorization") != Some(&bearer("https://monitor.azure.com")) {
        return reply(401, "wrong audience");
    }
    let Some(text) = body(request) else { return reply(400, "no gzip") };
    if request.header("content-type") != Some("application/json") || text.len() > 1 << 20 {
        return reply(if text.len() > 1 << 20 { 413 } else { 415 }, "");
    }
    let Ok(rows) = serde_json::from_str::<Vec<Value>>(&text) else { return reply(400, "no JSON array") };
    match rows.iter().find_map(stray) {
        Some(fault) => reply(400, &fault),
        None => reply(204, ""),
    }
}

/// A column that the table does not have, or of another type.
fn stray(row: &Value) -> Option<String> {
    let members = row.as_object()?;
    let fits = |name: &str, value: &Value| match name {
        "TimeGenerated" => value.as_str().is_some_and(|time| time.ends_with('Z')),
        "IsRequestSuccess" => value.is_boolean(),
        "Errors" | "TraceRecords" => value.is_array(),
        _ if name.ends_with("RequestHeaders") || name.ends_with("ResponseHeaders") => value.is_object(),
        _ if name.ends_with("RequestBody") || name.ends_with("ResponseBody") => value.is_string(),
        "TotalTime" => value.is_u64(),
        _ => (TEXTS.contains(&name) && value.is_string()) || (NUMBERS.contains(&name) && value.is_u64()),
    };
    let found = members.iter().find(|(name, value)| !fits(name, value));
    found.map(|(name, value)| format!("column {name}: {value}"))
}

pub fn rows(service: &Backend, accepted: impl Fn(&Recorded) -> bool) -> Vec<Value> {
    let seen = service.seen();
    let texts = seen.iter().filter(|request| accepted(request)).map(|request| body(request).expect("gzip"));
    texts.flat_map(|text| serde_json::from_str::<Vec<Value>>(&text).expect("an array")).collect()
}

fn logs(service: &Backend, identity: &Backend) -> World {
    let (endpoint, metadata) = (service.url(), identity.url());
    World::start(&[
        ("telemetry.azure-monitor.logs.endpoint", &endpoint),
        ("telemetry.azure-monitor.logs.rule", "dcr-1"),
        ("identity.source", "vm"),
        ("identity.metadata.host", &metadata),
        ("gateway.location", "attic"),
    ])
}

#[test]
fn every_request_is_a_row_once() {
    let (service, identity) = (Backend::start(ingestion), identity());
    let world = logs(&service, &identity);
    world.load("/shop/ok", 9_990);
    world.load("/shop/none", 5);
    world.load("/shop/fail", 5);
    world.wait_for("azure-monitor-logs", 10_000);
    let rows = rows(&service, |_| true);
    assert_eq!(rows.len(), 10_000);
    let ids: HashSet<&str> = rows.iter().filter_map(|row| row["CorrelationId"].as_str()).collect();
    assert_eq!(ids.len(), 10_000);
    assert!(
        rows.iter().all(|row| row["Region"] == "attic"
            && row["Url"].as_str().is_some_and(|url| url.ends_with("&sig=***")))
    );
    let with = |name: &str, value: Value| rows.iter().filter(|row| row[name] == value).count();
    assert_eq!(with("ResponseCode", 200.into()), 9_990);
    assert_eq!(with("LastErrorReason", "OperationNotFound".into()), 5);
    assert_eq!(with("LastErrorReason", "BackendConnectionFailure".into()), 5);
    assert_eq!(with("BackendResponseCode", 200.into()), 9_990);
    assert_eq!(with("ResponseSize", 10.into()), 9_990);
}

#[test]
fn throttled_logs_wait_as_long_as_the_service_asks() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let service = Backend::start(|request| {
        if ASKED.fetch_add(1, Ordering::Relaxed) == 0 {
            return Reply::with(429, &[("Retry-After", "3")], "");
        }
        ingestion(request)
    });
    let identity = identity();
    let world = logs(&service, &identity);
    let began = std::time::Instant::now();
    world.load("/shop/ok", 10);
    world.wait_for("azure-monitor-logs", 10);
    assert!(began.elapsed() >= std::time::Duration::from_secs(3));
    let first = std::cell::Cell::new(true);
    assert_eq!(rows(&service, |_| !first.replace(false)).len(), 10);
}

pub const RESOURCE: &str =
    "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/contoso";

/// The custom metrics endpoint of a region.
pub fn metrics(request: &Recorded) -> Reply {
    if request.target != format!("{RESOURCE}/metrics") {
        return reply(404, "");
    }
    if request.header("authorization") != Some(&bearer("https://monitoring.azure.com/")) {
        return reply(401, "wrong audience");
    }
    if request.header("content-type") != Some("application/x-ndjson") {
        return reply(415, "");
    }
    let Some(text) = body(request) else { return reply(400, "no gzip") };
    if text.len() > 4_000_000 {
        return reply(413, "");
    }
    for line in text.lines() {
        let Ok(object) = serde_json::from_str::<Value>(line) else { return reply(400, "no JSON") };
        let data = &object["data"]["baseData"];
        let (Some(names), Some(series)) = (data["dimNames"].as_array(), data["series"].as_array()) else {
            return reply(400, "no dimNames or series");
        };
        let whole = |point: &Value| {
            point["dimValues"].as_array().is_some_and(|values| {
                values.len() == names.len()
                    && values.iter().all(|value| {
                        value.as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= 256)
                    })
            }) && ["min", "max", "sum", "count"].iter().all(|name| point[*name].is_number())
        };
        if names.len() > 10 || !series.iter().all(whole) || !object["time"].is_string() {
            return reply(400, line);
        }
    }
    reply(200, "")
}

/// What is left of the minute goes out when the gateway stops.
#[test]
fn requests_become_aggregates_of_a_minute() {
    let (service, identity) = (Backend::start(metrics), identity());
    let (endpoint, metadata) = (service.url(), identity.url());
    let world = World::start(&[
        ("telemetry.azure-monitor.metrics.resource", RESOURCE),
        ("telemetry.azure-monitor.metrics.endpoint", &endpoint),
        ("identity.source", "vm"),
        ("identity.metadata.host", &metadata),
        ("gateway.location", "attic"),
    ]);
    world.load("/shop/ok", 1000);
    world.load("/shop/none", 10);
    world.stop();
    let seen = service.seen();
    let text: Vec<String> = seen.iter().map(|request| body(request).expect("gzip")).collect();
    let objects: Vec<Value> = text
        .iter()
        .flat_map(|text| text.lines())
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let total = |metric: &str, value: &str, figure: &str| -> f64 {
        let of_metric = objects.iter().map(|object| &object["data"]["baseData"]);
        of_metric
            .filter(|data| data["metric"] == metric)
            .flat_map(|data| data["series"].as_array().expect("series"))
            .filter(|point| point["dimValues"].to_string().contains(value))
            .filter_map(|point| point[figure].as_f64())
            .sum()
    };
    assert_eq!(total("Requests", "\"200\",\"2xx\",\"200\",\"2xx\"", "sum"), 1000.0);
    assert_eq!(total("Requests", "OperationNotFound", "count"), 10.0);
    assert_eq!(total("Duration", "attic", "count"), 1010.0);
    assert_eq!(total("BackendDuration", "attic", "count"), 1000.0);
    assert!(total("Duration", "attic", "sum") >= total("BackendDuration", "attic", "sum"));
}
