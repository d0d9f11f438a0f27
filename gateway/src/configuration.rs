//! A change of configuration: folder → resource set → snapshot → in force.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use gateway_expression::Options;
use gateway_expression::host::Deployment;
use gateway_model::{Diagnostic, ResourceSet, diagnostic};
use gateway_proxy::downstream::TlsServer;
use gateway_proxy::snapshot::{Compiled, Snapshot, compile};
use gateway_proxy::worker::Shared;
use gateway_sync::folder::{FolderSettings, LoadOutcome, load};
use gateway_telemetry::metrics::SnapshotState;
use gateway_telemetry::{Buckets, Event, Instance, Registry};

/// Reads and compiles a folder outside of any running gateway.
pub fn load_and_compile(folder: &FolderSettings, expressions: &Options) -> (ResourceSet, Compiled) {
    let LoadOutcome { set, diagnostics, .. } = load(folder);
    let registry = Registry::new(1, Buckets::default(), Arc::new(Instance::default()));
    let compiled = compile(&set, diagnostics, Deployment::default(), expressions, None, &registry);
    (set, compiled)
}

/// The same, for those who need no resources.
pub fn compile_folder(folder: &FolderSettings, expressions: &Options) -> Compiled {
    load_and_compile(folder, expressions).1
}

/// Brings configurations into force.
pub struct Applier {
    pub shared: Arc<Shared>,
    /// The HTTPS listener, where there is one.
    pub tls: Option<Arc<TlsServer>>,
    pub deployment: Deployment,
    pub expressions: Options,
}

impl Applier {
    /// Compiles and swaps. Findings go to the log; what does not compile takes only its own API out.
    /// Gives the findings.
    pub fn apply(&self, outcome: LoadOutcome) -> Vec<Diagnostic> {
        let began = Instant::now();
        let telemetry = &self.shared.telemetry;
        let previous = self.shared.snapshot.load_full();
        if !outcome.readable {
            log_findings(&outcome.diagnostics);
            telemetry.registry().snapshot_rejected();
            let diagnostics = outcome.diagnostics.len() as u64;
            telemetry.event(&Event::ConfigurationRejected {
                message: "the configuration folder cannot be read",
                revision: "",
                diagnostics,
            });
            return outcome.diagnostics;
        }
        let Compiled { snapshot, diagnostics } = compile(
            &outcome.set,
            outcome.diagnostics,
            self.deployment.clone(),
            &self.expressions,
            previous.as_deref(),
            telemetry.registry(),
        );
        log_findings(&diagnostics);
        self.report(&snapshot, &diagnostics, previous.as_deref(), began);
        if let Some(tls) = &self.tls {
            tls.ask_clients(snapshot.asks_clients);
        }
        // The sinks are there before the requests that go to them.
        if let Some(pipeline) = telemetry.pipeline() {
            pipeline.follow(&snapshot.diagnostics.loggers);
        }
        self.shared.snapshot.store(Some(Arc::new(snapshot)));
        diagnostics
    }

    fn report(
        &self,
        snapshot: &Snapshot,
        diagnostics: &[Diagnostic],
        previous: Option<&Snapshot>,
        began: Instant,
    ) {
        let telemetry = &self.shared.telemetry;
        let broken = diagnostic::broken_apis(diagnostics);
        let revision = snapshot.revision.to_string();
        let (apis, isolated) = (snapshot.api_count() as u64, broken.len() as u64);
        for (api, finding) in &broken {
            telemetry.event(&Event::ApiIsolated {
                message: &finding.to_string(),
                api_id: api.as_str(),
                resource: &finding.resource.as_ref().map(ToString::to_string).unwrap_or_default(),
                serves_last_good: previous.is_some(),
            });
        }
        telemetry.registry().snapshot_applied(SnapshotState {
            revision: revision.clone(),
            applied: SystemTime::now(),
            apis: apis.saturating_sub(isolated),
            apis_isolated: isolated,
        });
        telemetry.event(&Event::ConfigurationLoaded {
            revision: &revision,
            apis,
            apis_isolated: isolated,
            elapsed_seconds: began.elapsed(),
        });
    }
}

/// Findings to the log.
pub fn log_findings(diagnostics: &[Diagnostic]) {
    for finding in diagnostics {
        if finding.is_error() {
            tracing::error!(event_type = "ConfigurationDiagnostic", finding = %finding, "configuration error");
        } else {
            tracing::warn!(event_type = "ConfigurationDiagnostic", finding = %finding, "configuration warning");
        }
    }
}
