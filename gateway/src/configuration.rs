//! A change of configuration: folder → resource set → snapshot → in force.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use gateway_expression::Options;
use gateway_expression::host::Deployment;
use gateway_model::{Diagnostic, ResourceSet, diagnostic};
use gateway_proxy::downstream::TlsServer;
use gateway_proxy::snapshot::{Compiled, Snapshot, compile};
use gateway_proxy::worker::Shared;
use gateway_sync::folder::{FolderSettings, LoadOutcome, load};
use gateway_telemetry::metrics::SnapshotState;
use gateway_telemetry::{Buckets, Event, Instance, Registry};

/// Of the thread that brings changes into force. Where the cores are not enough for all, traffic comes first; a tenth of a
/// worker's share is left, with which a change is in force within a second all the same.
const NICENESS: i32 = 10;
/// For the requests that a change has overtaken to end.
const OVERTAKEN: Duration = Duration::from_millis(50);

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
    /// What was in force before and may still have requests: whoever lets go of it last frees all of it, which is
    /// nothing for a worker to do in the middle of its requests.
    pub overtaken: Vec<Arc<Snapshot>>,
}

impl Applier {
    /// Compiles and swaps. Findings go to the log; what does not compile takes only its own API out.
    /// Gives the findings. From the first change on, the calling thread gives way to all others.
    pub fn apply(&mut self, outcome: LoadOutcome) -> Vec<Diagnostic> {
        let began = Instant::now();
        let telemetry = &self.shared.telemetry;
        let previous = self.shared.snapshot.load_full();
        if previous.is_some() {
            // Refused nowhere; without it the thread has the share of any other.
            let _ = rustix::process::setpriority_process(None, NICENESS);
        }
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
        self.overtaken.extend(previous);
        diagnostics
    }

    /// Frees what no request holds any more; what one holds for longer waits for the next change.
    pub fn free_overtaken(&mut self) {
        let is_held = |snapshot: &Arc<Snapshot>| Arc::strong_count(snapshot) > 1;
        if self.overtaken.iter().any(is_held) {
            std::thread::sleep(OVERTAKEN);
        }
        self.overtaken.retain(is_held);
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
