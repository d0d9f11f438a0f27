//! The exporters that the settings ask for.

use std::sync::Arc;

use gateway_telemetry::diagnostic::LoggerKind;
use gateway_telemetry::export::application_insights::{self, ApplicationInsights};
use gateway_telemetry::export::event_hubs::{self, EventHubs};
use gateway_telemetry::export::logs_ingestion::{self, LogsIngestion};
use gateway_telemetry::export::monitor_metrics::{self, MonitorMetrics};
use gateway_telemetry::export::otlp::{self, Otlp, Signal};
use gateway_telemetry::export::statsd::{self, Statsd};
use gateway_telemetry::export::{Intake, Pipeline, Sampling, Shown, Spec};
use gateway_telemetry::{Instance, Registry};

use crate::settings::{ExportSettings, Settings};

/// Adds them. The error names the setting that is missing.
pub fn add(
    pipeline: &Pipeline,
    settings: &Settings,
    registry: &Arc<Registry>,
    instance: &Arc<Instance>,
) -> Result<(), String> {
    let export = &settings.export;
    let specs = [
        application_insights(export, instance),
        monitor_logs(export, instance)?,
        monitor_metrics(export, registry, instance)?,
        event_hubs(export, instance),
        statsd(export, instance)?,
    ];
    for spec in specs.into_iter().flatten().chain(opentelemetry(export, registry, instance)?) {
        pipeline.add(spec);
    }
    Ok(())
}

/// Whether an exporter of these settings sends traces.
pub fn sends_traces(export: &ExportSettings) -> bool {
    let own = &export.opentelemetry;
    (own.enabled && own.traces) || export.application_insights.connection.is_some()
}

fn opentelemetry(
    export: &ExportSettings,
    registry: &Arc<Registry>,
    instance: &Arc<Instance>,
) -> Result<Vec<Spec>, String> {
    let own = &export.opentelemetry;
    if !own.enabled {
        return Ok(Vec::new());
    }
    let Some((collector, protocol)) = own.target() else {
        return Err("setting observability.opentelemetry.collector.uri is missing".to_owned());
    };
    let settings = otlp::Settings { collector, protocol, system_metrics: own.system_metrics };
    let signals = [
        (Signal::Metrics, own.metrics, None),
        (Signal::Traces, own.traces, Some(Intake::all(own.traces_sampling))),
        (Signal::Logs, own.logs, Some(Intake::all(Sampling::default()))),
    ];
    let wanted = signals.into_iter().filter(|(_, wanted, _)| *wanted);
    let spec = |(signal, _, requests): (Signal, bool, Option<Intake>)| {
        let (settings, registry, instance) = (settings.clone(), Arc::clone(registry), Arc::clone(instance));
        Spec {
            name: signal.name().to_owned(),
            requests,
            make: Box::new(move || Box::new(Otlp::new(&settings, signal, registry, &instance))),
        }
    };
    Ok(wanted.map(spec).collect())
}

fn application_insights(export: &ExportSettings, instance: &Arc<Instance>) -> Option<Spec> {
    let own = &export.application_insights;
    let mut connection = own.connection.clone()?;
    if let Some(endpoint) = &own.endpoint {
        endpoint.clone_into(&mut connection.ingestion_endpoint);
    }
    let settings = application_insights::Settings { connection, identity: own.identity.clone() };
    let instance = Arc::clone(instance);
    Some(Spec {
        name: "application-insights".to_owned(),
        requests: Some(Intake::of_settings(LoggerKind::ApplicationInsights, own.sampling)),
        make: Box::new(move || Box::new(ApplicationInsights::new(settings, &instance))),
    })
}

fn monitor_logs(export: &ExportSettings, instance: &Arc<Instance>) -> Result<Option<Spec>, String> {
    let own = &export.monitor_logs;
    let Some(endpoint) = own.endpoint.clone() else { return Ok(None) };
    let settings = logs_ingestion::Settings {
        endpoint,
        rule: needed("telemetry.azure-monitor.logs.rule", own.rule.as_ref())?,
        stream: own.stream.clone(),
        audience: own.audience.clone(),
        client_id: own.client_id.clone(),
    };
    let instance = Arc::clone(instance);
    Ok(Some(Spec {
        name: "azure-monitor-logs".to_owned(),
        requests: Some(Intake::of_settings(LoggerKind::AzureMonitor, Sampling::default())),
        make: Box::new(move || Box::new(LogsIngestion::new(&settings, instance))),
    }))
}

fn monitor_metrics(
    export: &ExportSettings,
    registry: &Arc<Registry>,
    instance: &Arc<Instance>,
) -> Result<Option<Spec>, String> {
    let own = &export.monitor_metrics;
    let Some(resource) = own.resource.clone() else { return Ok(None) };
    let endpoint = if let Some(endpoint) = &own.endpoint {
        endpoint.clone()
    } else {
        let region = needed("telemetry.azure-monitor.metrics.region", own.region.as_ref())?;
        format!("https://{region}.monitoring.azure.com")
    };
    let settings = monitor_metrics::Settings {
        endpoint,
        resource,
        namespace: own.namespace.clone(),
        audience: own.audience.clone(),
        client_id: own.client_id.clone(),
    };
    let (registry, instance) = (Arc::clone(registry), Arc::clone(instance));
    Ok(Some(Spec {
        name: "azure-monitor-metrics".to_owned(),
        requests: Some(Intake::all(Sampling::default())),
        make: Box::new(move || Box::new(MonitorMetrics::new(&settings, registry, &instance))),
    }))
}

fn event_hubs(export: &ExportSettings, instance: &Arc<Instance>) -> Option<Spec> {
    let own = &export.event_hubs;
    let settings = own.hub.clone().or_else(|| {
        let token = Shown::Token { audience: own.audience.clone(), client_id: own.client_id.clone() };
        own.url.clone().map(|hub| event_hubs::Settings { hub, shown: token })
    })?;
    let instance = Arc::clone(instance);
    Some(Spec {
        name: "event-hubs".to_owned(),
        requests: Some(Intake::of_settings(LoggerKind::AzureMonitor, Sampling::default())),
        make: Box::new(move || Box::new(EventHubs::new(&settings, instance))),
    })
}

fn statsd(export: &ExportSettings, instance: &Arc<Instance>) -> Result<Option<Spec>, String> {
    let own = &export.statsd;
    if !own.enabled {
        return Ok(None);
    }
    let endpoint = needed("telemetry.metrics.local.statsd.endpoint", own.endpoint.as_ref())?;
    let settings = statsd::Settings { endpoint, tags: own.tags };
    let instance = Arc::clone(instance);
    Ok(Some(Spec {
        name: "statsd".to_owned(),
        requests: Some(Intake::all(own.sampling)),
        make: Box::new(move || Box::new(Statsd::new(settings, &instance))),
    }))
}

fn needed(setting: &str, value: Option<&String>) -> Result<String, String> {
    value.cloned().ok_or_else(|| format!("setting {setting} is missing"))
}
