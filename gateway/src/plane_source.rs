//! A management plane as the gateway's source: a thread that follows it, applies what it says and keeps a backup.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway_model::Secret;
use gateway_sync::backup::Backup;
use gateway_sync::folder::LoadOutcome;
use gateway_sync::plane::{Client, Follower, Pace, View, follow};
use gateway_sync::protocol::{DIAGNOSTICS_MAX, Heartbeat, Token};
use gateway_telemetry::{Event, Instance};
use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;

use crate::configuration::Applier;
use crate::plane_transport::{Endpoint, PlaneTransport};

/// How long the start waits for the first answer of the plane: it is there, or the gateway begins without.
const FIRST_ROUND_WAIT: Duration = Duration::from_secs(1);

/// Which plane, and how to follow it.
#[derive(Clone, Debug)]
pub struct PlaneSettings {
    pub endpoint: Endpoint,
    /// `GatewayKey` and a token.
    pub token: Secret,
    /// Folder of the backup; `None`: there is none.
    pub backup: Option<std::path::PathBuf>,
    /// Until an answer begins, beyond what the plane may hold a request.
    pub timeout: Duration,
    pub pace: Pace,
}

/// What the source is at, for the admin page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceState {
    /// `plane` or `backup`; empty before the first.
    pub source: &'static str,
    /// Tag of the view in force.
    pub applied: String,
    /// Whether the plane answers; `None` before the first round.
    pub linked: Option<bool>,
}

/// Shared with the admin page.
pub type SharedState = Arc<Mutex<SourceState>>;

/// The thread; stops when dropped.
pub struct Following {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Brings the backup into force, where there is one, and follows the plane from then on. The error is one of settings or
/// of starting a thread.
pub fn start(
    settings: &PlaneSettings,
    applier: Applier,
    instance: &Instance,
    tls: Arc<ClientConfig>,
    state: SharedState,
) -> Result<Following, String> {
    let text = settings.token.expose().to_owned();
    let token = Token::parse(&text).ok_or("setting config.service.auth: this is no token of a gateway")?;
    let (gateway, secret) = (token.gateway.to_owned(), token.gateway_secret());
    let backup = settings.backup.as_deref().and_then(|folder| open_backup(folder, &gateway, &token));
    let (first, begun) = mpsc::channel();
    let mut source = Source {
        applier,
        backup,
        state,
        instance: instance.clone(),
        host: host_name(),
        started: Instant::now(),
        findings: Vec::new(),
        is_backup_broken: false,
        first: Some(first),
    };
    let kept = source.restore();
    let is_restored = kept.is_some();
    let (stop, mut stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the configuration thread has no runtime: {error}"))?;
    let PlaneSettings { endpoint, token, timeout, pace, .. } = settings.clone();
    let thread = std::thread::Builder::new().name("configuration".to_owned()).spawn(move || {
        let transport = match PlaneTransport::new(endpoint, &token, tls, timeout) {
            Ok(transport) => transport,
            Err(error) => return tracing::error!(%error, "the management plane cannot be asked"),
        };
        let client = Client::new(transport.clone(), &gateway, secret, kept);
        runtime.block_on(async {
            tokio::select! {
                () = follow(client, transport, &gateway, pace, source) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        });
    });
    let thread = thread.map_err(|error| format!("the configuration thread cannot start: {error}"))?;
    if !is_restored {
        // Whether it came in time or not: the gateway answers 503 until it has a configuration.
        let _ = begun.recv_timeout(FIRST_ROUND_WAIT);
    }
    Ok(Following { stop, thread: Some(thread) })
}

fn open_backup(folder: &Path, gateway: &str, token: &Token<'_>) -> Option<Backup> {
    match Backup::open(folder, gateway, token.gateway_secret()) {
        Ok(backup) => Some(backup),
        Err(error) => {
            tracing::warn!(
                event_type = "BackupUnavailable",
                %error,
                "there is no backup of the configuration: without its management plane this gateway cannot start again; \
                 make the folder of the setting config.backup.folder and let this user write to it"
            );
            None
        }
    }
}

struct Source {
    applier: Applier,
    backup: Option<Backup>,
    state: SharedState,
    instance: Instance,
    host: String,
    started: Instant,
    /// What did not compile.
    findings: Vec<String>,
    /// The last save failed, and that was said.
    is_backup_broken: bool,
    /// Told of the first round.
    first: Option<mpsc::Sender<()>>,
}

impl Source {
    /// Brings the backup into force.
    fn restore(&mut self) -> Option<View> {
        let (view, refused) = self.backup.as_ref()?.load();
        for error in refused {
            tracing::warn!(event_type = "BackupRefused", %error, "a backup of the configuration is not used");
        }
        let view = view?;
        self.bring_into_force(&view, "backup");
        Some(view)
    }

    fn bring_into_force(&mut self, view: &View, source: &'static str) {
        let (set, diagnostics) = view.documents.resources(view.tag.revision);
        if let Some(place) = set.gateways.values().next().and_then(|gateway| gateway.location_data.as_ref())
            && self.instance.region.is_empty()
        {
            self.applier.deployment.region.clone_from(&place.name);
        }
        let outcome = LoadOutcome { set, diagnostics, readable: true, content_hash: view.tag.hash };
        let findings = self.applier.apply(outcome);
        self.findings = findings.iter().take(DIAGNOSTICS_MAX).map(ToString::to_string).collect();
        self.change(|state| {
            state.source = source;
            state.applied = view.tag.to_string();
        });
    }

    fn save(&mut self, view: &View) {
        let Some(backup) = &self.backup else { return };
        match backup.save(view) {
            Ok(_) => {
                if std::mem::take(&mut self.is_backup_broken) {
                    tracing::info!(event_type = "BackupWritten", "the backup is written again");
                }
            }
            Err(error) if !self.is_backup_broken => {
                self.is_backup_broken = true;
                tracing::warn!(
                    event_type = "BackupFailed",
                    %error,
                    "the backup cannot be written; the gateway serves on, and says so again only when it can"
                );
            }
            Err(_) => {}
        }
    }

    fn change(&self, change: impl FnOnce(&mut SourceState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Follower for Source {
    fn apply(&mut self, view: &View) {
        self.bring_into_force(view, "plane");
        self.save(view);
        self.first = None;
    }

    fn link(&mut self, available: bool, message: &str) {
        self.applier.shared.telemetry.event(&Event::LinkState { message, link: "configuration", available });
        self.change(|state| state.linked = Some(available));
        if !available {
            self.first = None;
        }
    }

    fn heartbeat(&self) -> Heartbeat {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let snapshot = self.applier.shared.snapshot.load();
        let isolated = snapshot.as_ref().map_or(0, |snapshot| snapshot.unavailable().count() as u64);
        Heartbeat {
            instance_id: self.instance.instance_id.clone(),
            version: self.instance.version.clone(),
            host: self.host.clone(),
            uptime_seconds: self.started.elapsed().as_secs(),
            applied: state.applied,
            source: state.source.to_owned(),
            apis: snapshot
                .as_ref()
                .map_or(0, |snapshot| snapshot.api_count() as u64)
                .saturating_sub(isolated),
            apis_isolated: isolated,
            ready: snapshot.is_some(),
            diagnostics: self.findings.clone(),
        }
    }
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}
