//! The status page, the Grafana dashboard and the workbook name only what exists.

use std::path::Path;

use gateway_telemetry::metrics::table::{Kind, Metric, TABLE};
use gateway_tests::Client;
use serde_json::Value;

use crate::collector::World;

fn repository(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Words of a text that look like names of metrics.
fn names(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("gateway_") || word.starts_with("process_")).collect()
}

fn exists(name: &str) -> bool {
    TABLE.iter().any(|metric| match metric.kind {
        Kind::Histogram => {
            ["_bucket", "_sum", "_count"].iter().any(|end| name == format!("{}{end}", metric.name))
        }
        Kind::Counter | Kind::Gauge => name == metric.name,
    })
}

#[test]
fn grafana_dashboard_asks_for_metrics_that_exist() {
    let text = repository("deploy/grafana/gateway.json");
    serde_json::from_str::<serde_json::Value>(&text).expect("JSON");
    let names = names(&text);
    assert!(names.len() > 10);
    for name in names {
        assert!(exists(name), "{name}");
    }
}

/// All `expr`s below a value.
fn expressions<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("expr").and_then(Value::as_str));
            members.values().for_each(|member| expressions(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

/// What stands between each `open` and the `close` behind it.
fn between<'t>(text: &'t str, open: &'t str, close: char) -> impl Iterator<Item = &'t str> {
    text.split(open).skip(1).filter_map(move |rest| rest.split(close).next())
}

#[test]
fn grafana_dashboard_splits_by_labels_that_exist() {
    let board: Value = serde_json::from_str(&repository("deploy/grafana/gateway.json")).expect("JSON");
    let mut found = Vec::new();
    expressions(&board, &mut found);
    let mut seen = 0;
    for expression in found {
        let metrics = names(expression);
        let grouped = between(expression, "by (", ')').flat_map(|list| list.split(','));
        let filtered = between(expression, "{", '}').flat_map(|list| list.split(','));
        let filtered = filtered.filter_map(|one| one.split(['=', '!', '~']).next());
        for label in grouped.chain(filtered).map(str::trim).filter(|label| !label.is_empty()) {
            let has = |metric: &Metric| {
                metric.labels.contains(&label) || label == "le" && metric.kind == Kind::Histogram
            };
            let of = |name: &&str| TABLE.iter().find(|metric| name.starts_with(metric.name) && has(metric));
            assert!(metrics.iter().all(|name| of(name).is_some()), "{label} in {expression}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn workbook_asks_for_metrics_and_columns_that_exist() {
    let text = repository("deploy/azure/workbook.json");
    let book: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let exporter = [
        "gateway/telemetry/src/export/monitor_metrics/aggregate.rs",
        "gateway/telemetry/src/export/monitor_metrics/kernel.rs",
    ]
    .map(repository)
    .concat();
    let columns = repository("gateway/telemetry/src/export/logs_ingestion/row.rs");
    let mut seen = 0;
    for item in book["items"].as_array().expect("items") {
        for metric in item["content"]["metrics"].as_array().into_iter().flatten() {
            let name = metric["metric"].as_str().and_then(|name| name.split_once("--")).expect("a name").1;
            assert!(exporter.contains(&format!("\"{name}\"")), "{name}");
            if let Some(dimension) = metric["splitBy"].as_str() {
                assert!(exporter.contains(&format!("\"{dimension}\"")), "{dimension}");
            }
            seen += 1;
        }
        if let Some(query) = item["content"]["query"].as_str() {
            for column in
                ["ApiId", "OperationId", "ResponseCode", "LastErrorReason", "TotalTime", "BackendTime"]
            {
                assert!(!query.contains(column) || columns.contains(&format!("\"{column}\"")), "{column}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 8);
}

#[test]
fn status_page_stands_alone_and_reads_what_exists() {
    let world = World::start(&[]);
    let answer = Client::connect(world.gateway.admin()).request("GET", "/", &[]);
    let text = answer.text();
    assert_eq!(answer.status, 200);
    assert!(!text.contains("http://") && !text.contains("https://"), "nothing from elsewhere");
    for name in names(&text) {
        assert!(exists(name), "{name}");
    }
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
}
