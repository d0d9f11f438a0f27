//! Telemetry of this process: who it is, its log, its registry.

mod exporters;

use std::io::IsTerminal;
use std::sync::Arc;

use gateway_telemetry::export::Pipeline;
use gateway_telemetry::{Instance, Log, LogSettings, Registry, Sink, Telemetry, UsageMeter};

use crate::settings::Settings;

/// Starts the log and the registry. The error names the setting.
pub fn start(settings: &Settings) -> Result<(Arc<Telemetry>, Instance), String> {
    let instance = instance(settings);
    let workers = crate::gateway::worker_count(settings);
    let registry = Arc::new(Registry::new(
        workers,
        settings.export.opentelemetry.buckets.clone(),
        Arc::new(instance.clone()),
    ));
    let mut wanted = LogSettings {
        std: settings.logs.std,
        color: settings.logs.color && std::io::stdout().is_terminal(),
        ..LogSettings::default()
    };
    wanted.set_level(&settings.logs.level).map_err(|error| error.to_string())?;
    let local = settings.logs.local.sink()?;
    let log = Log::of_process(wanted, local.as_ref(), Arc::new(instance.clone()), &registry.log_stats())
        .map_err(|error| format!("the log cannot be written: {error}"))?;
    let traces = exporters::sends_traces(&settings.export);
    let pipeline = Pipeline::new(settings.export.limits.clone(), Arc::clone(&registry));
    exporters::add(&pipeline, settings, &registry, &Arc::new(instance.clone()))?;
    // Before the log, which has the last word.
    let mut sinks: Vec<Box<dyn Sink>> = vec![Box::new(Arc::clone(&pipeline))];
    if let Some(log) = log {
        // A second gateway in the same process (tests) writes through the first one's log.
        let _ = log.install();
        sinks.push(Box::new(log));
    }
    let service = &settings.config.service;
    let is_reported = service.endpoint.is_some() && !service.report.is_zero();
    let usage = is_reported.then(|| Arc::new(UsageMeter::new(workers, service.report_requests)));
    let telemetry = Telemetry::new(registry, sinks).with_pipeline(pipeline).with_traces(traces);
    Ok((Arc::new(telemetry.with_usage(usage)), instance))
}

fn instance(settings: &Settings) -> Instance {
    Instance {
        gateway_id: settings.config.gateway_name(),
        region: settings.config.location.clone(),
        instance_id: uuid::Uuid::new_v4().to_string(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
