//! This gateway with every exporter on.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::gateway;
use crate::setup::{Place, Setup};

/// The arguments to start with.
pub fn configure(setup: &Setup<'_>, place: &Place) -> anyhow::Result<Vec<PathBuf>> {
    let sink = format!("http://127.0.0.1:{}", setup.backend);
    let settings = [
        ("admin.address", format!("127.0.0.1:{}", place.admin)),
        (
            "telemetry.application-insights.connection-string",
            format!("InstrumentationKey=00000000-0000-0000-0000-0000000000aa;IngestionEndpoint={sink}"),
        ),
        ("telemetry.application-insights.identity", "on".to_owned()),
        ("telemetry.azure-monitor.logs.endpoint", sink.clone()),
        ("telemetry.azure-monitor.logs.rule", "dcr-1".to_owned()),
        (
            "telemetry.azure-monitor.metrics.resource",
            "/subscriptions/s/resourceGroups/g/providers/Microsoft.ApiManagement/service/x".to_owned(),
        ),
        ("telemetry.azure-monitor.metrics.endpoint", sink.clone()),
        ("telemetry.event-hubs.hub", format!("{sink}/hub")),
        ("identity.source", "vm".to_owned()),
        ("identity.metadata.host", sink.clone()),
        ("observability.opentelemetry.enabled", "true".to_owned()),
        ("observability.opentelemetry.collector.uri", sink),
        ("observability.opentelemetry.protocol", "http/protobuf".to_owned()),
        ("observability.opentelemetry.traces.enabled", "true".to_owned()),
        ("observability.opentelemetry.logs.enabled", "true".to_owned()),
        ("telemetry.metrics.local", "statsd".to_owned()),
        ("telemetry.metrics.local.statsd.endpoint", "127.0.0.1:9".to_owned()),
    ];
    let mut arguments = gateway::configure(setup, place)?;
    for (name, value) in settings {
        arguments.push("--set".into());
        arguments.push(OsString::from(format!("{name}={value}")).into());
    }
    Ok(arguments)
}
