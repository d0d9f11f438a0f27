//! Which diagnostics hold where, and what they ask for.

use gateway_telemetry::export::LoggerSettings;
use serde_json::{Value, json};

use super::*;

const KEY: &str = "00000000-0000-0000-0000-0000000000aa";

fn compiled(documents: &[(&str, Value)]) -> (Diagnostics, Vec<String>) {
    let mut set = ResourceSet::default();
    for (path, properties) in documents {
        set.insert_document(path, properties.as_object().unwrap()).unwrap();
    }
    let (entities, certificates) = (Arc::default(), Arc::default());
    let options = gateway_expression::Options::default();
    let references = References::new(&set, &entities, &certificates, &options);
    let mut found = Vec::new();
    let diagnostics = compile(&set, &references, &mut found);
    (diagnostics, found.iter().map(|finding| finding.message.to_string()).collect())
}

fn api(path: &str) -> Value {
    json!({"displayName": path, "path": path, "protocols": ["https"]})
}

fn insights(connection: &str) -> Value {
    json!({"loggerType": "applicationInsights", "credentials": {"connectionString": connection}})
}

/// The loggers and percentages that hold for an API.
fn holding(diagnostics: &Diagnostics, api: Option<(&str, &str)>) -> Vec<(String, f64)> {
    let rules = diagnostics.of(api).map(|diagnosed| diagnosed.rules.as_slice()).unwrap_or_default();
    rules.iter().map(|rules| (rules.logger.to_string(), rules.sampling.percentage)).collect()
}

#[test]
fn api_wins_over_the_service_with_the_same_logger_and_joins_it_with_another() {
    let sampled = |logger: &str, percentage: f64| json!({"loggerId": format!("/loggers/{logger}"), "sampling": {"samplingType": "fixed", "percentage": percentage}});
    let (diagnostics, found) = compiled(&[
        ("apis/a", api("a")),
        ("apis/a;rev=2", api("a")),
        ("apis/b", api("b")),
        ("apis/c", api("c")),
        ("namedValues/n", json!({"displayName": "ai", "secret": true, "value": KEY})),
        ("loggers/one", insights("{{ai}}")),
        ("loggers/two", insights(KEY)),
        ("loggers/unused", insights(KEY)),
        ("diagnostics/applicationinsights", sampled("one", 10.0)),
        ("apis/a/diagnostics/applicationinsights", sampled("one", 50.0)),
        ("apis/b/diagnostics/applicationinsights", sampled("two", 70.0)),
    ]);
    assert_eq!(found, Vec::<String>::new());
    let one = |percentage| vec![("one".to_owned(), percentage)];
    assert_eq!(holding(&diagnostics, None), one(10.0));
    assert_eq!(holding(&diagnostics, Some(("c", "1"))), one(10.0));
    assert_eq!(holding(&diagnostics, Some(("a", "1"))), one(50.0));
    assert_eq!(holding(&diagnostics, Some(("a", "2"))), one(10.0));
    assert_eq!(holding(&diagnostics, Some(("b", "1"))), [("two".to_owned(), 70.0), ("one".to_owned(), 10.0)]);
    let loggers: Vec<&str> = diagnostics.loggers.iter().map(|logger| &*logger.name).collect();
    assert_eq!(loggers, ["one", "two"]);
    let LoggerSettings::ApplicationInsights(settings) = &diagnostics.loggers[0].settings else {
        panic!("{:?}", diagnostics.loggers)
    };
    assert_eq!(settings.connection.instrumentation_key, KEY);
}

#[test]
fn every_property_becomes_a_rule_and_the_union_is_captured() {
    let masking = json!({
        "headers": [{"value": "X-Secret", "mode": "Hide"}],
        "queryParams": [{"value": "*", "mode": "Mask"}]
    });
    let (diagnostics, found) = compiled(&[
        ("loggers/l", insights(KEY)),
        ("loggers/azuremonitor", json!({"loggerType": "azureMonitor"})),
        (
            "diagnostics/applicationinsights",
            json!({
                "loggerId": "/loggers/l", "alwaysLog": "allErrors", "verbosity": "error", "logClientIp": true,
                "httpCorrelationProtocol": "W3C", "operationNameFormat": "Url", "metrics": true,
                "frontend": {"request": {"headers": ["Accept", "X-Secret"], "body": {"bytes": 100}, "dataMasking": masking}},
                "backend": {"response": {"body": {"bytes": 8192}}}
            }),
        ),
        (
            "diagnostics/azuremonitor",
            json!({
                "loggerId": "/loggers/azuremonitor", "logClientIp": false,
                "frontend": {"request": {"headers": ["accept", "Host"], "body": {"bytes": 7}}}
            }),
        ),
    ]);
    assert_eq!(found, Vec::<String>::new());
    let diagnosed = diagnostics.of(None).unwrap();
    let [insights, monitor] = &diagnosed.rules[..] else { panic!("{diagnosed:?}") };
    assert!(insights.sampling.all_errors && insights.log_client_ip && insights.metrics);
    assert_eq!(insights.verbosity.as_str(), "Error");
    assert_eq!(insights.operation_name.as_str(), "Url");
    assert!(
        insights.frontend.request.header_masks[0].hides && !insights.frontend.request.query_masks[0].hides
    );
    assert!(!monitor.sampling.all_errors && !monitor.log_client_ip && !monitor.metrics);
    assert_eq!((monitor.verbosity.as_str(), monitor.operation_name.as_str()), ("Info", "Name"));
    assert_eq!(diagnosed.protocols, Protocols { w3c: true, legacy: false });
    let wanted = diagnosed.wanted.as_deref().unwrap();
    let names: Vec<&str> = wanted[0].headers.iter().map(|name| &**name).collect();
    assert_eq!((names, wanted[0].body_bytes), (vec!["Accept", "X-Secret", "Host"], 100));
    assert_eq!(wanted[Place::BackendResponse as usize].body_bytes, 8192);
    assert_eq!(wanted[Place::BackendRequest as usize], Wanted::default());
    assert_eq!(diagnostics.loggers.len(), 1, "Azure Monitor is the sink of the settings");
}

#[test]
fn what_does_not_fit_is_told_and_stands_for_nothing() {
    let (diagnostics, found) = compiled(&[
        ("loggers/bad", insights("InstrumentationKey=no-key")),
        ("loggers/hub", json!({"loggerType": "azureEventHub", "credentials": {"name": "h"}})),
        ("loggers/good", insights(KEY)),
        ("diagnostics/applicationinsights", json!({"loggerId": "/loggers/bad"})),
        ("diagnostics/azureeventhub", json!({"loggerId": "/loggers/hub"})),
        ("diagnostics/local", json!({"loggerId": "/loggers/good"})),
        (
            "diagnostics/more",
            json!({
                "loggerId": "/loggers/good", "verbosity": "loud", "sampling": {"samplingType": "fixed", "percentage": 101},
                "frontend": {"response": {"body": {"bytes": 9000}}}, "httpCorrelationProtocol": "Zipkin"
            }),
        ),
    ]);
    for part in [
        "bad is not used: its connection string cannot be used: InstrumentationKey is missing or no GUID",
        "hub is not used: its credentials have neither connectionString nor endpointAddress",
        "diagnostic local",
        "verbosity is 'loud', expected is verbose, information, error",
        "sampling.percentage is 101",
        "frontend.response.body.bytes is 9000, 8192 is the most",
        "httpCorrelationProtocol is 'Zipkin'",
    ] {
        assert!(found.iter().any(|text| text.contains(part)), "{part}: {found:#?}");
    }
    let rules = &diagnostics.of(None).unwrap().rules;
    assert_eq!((rules.len(), rules[0].frontend.response.body_bytes), (1, 8192));
}
