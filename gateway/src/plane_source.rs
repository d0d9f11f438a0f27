//! A management plane as the gateway's source: a thread that follows it, applies what it says and keeps a backup.

use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use gateway_model::Secret;
use gateway_proxy::upstream::UpstreamShared;
use gateway_sync::backup::Backup;
use gateway_sync::folder::LoadOutcome;
use gateway_sync::plane::{Client, Follower, Pace, View, follow, tell};
use gateway_sync::protocol::{DIAGNOSTICS_MAX, GatewaySecret, Heartbeat, Token};
use gateway_telemetry::{Event, Instance};
use tokio::sync::watch;
use tokio::task::LocalSet;
use tokio_rustls::rustls::ClientConfig;

use crate::configuration::Applier;
use crate::plane_transport::{Authorization, Endpoint, PlaneTransport};
use crate::reporting::{self, Reporting};
use crate::sign_in::{self, Granted, SignIn, SignInSettings};

/// How long the start waits for the first answer of the plane: it is there, or the gateway begins without.
const FIRST_ROUND_WAIT: Duration = Duration::from_secs(1);

/// When the gateway stops: for the plane to take what it has not been told.
const LAST_WORD_MAX: Duration = Duration::from_secs(3);

/// Which plane, and how to follow it.
#[derive(Clone, Debug)]
pub struct PlaneSettings {
    pub endpoint: Endpoint,
    pub auth: PlaneAuth,
    /// Folder of the backup; `None`: there is none.
    pub backup: Option<std::path::PathBuf>,
    /// Until an answer begins, beyond what the plane may hold a request.
    pub timeout: Duration,
    pub pace: Pace,
    /// Between two reports of what was used; zero: none.
    pub report: Duration,
}

/// How the gateway shows who it is.
#[derive(Clone, Debug)]
pub enum PlaneAuth {
    /// `GatewayKey` and a token.
    Token(Secret),
    /// By another issuer.
    SignIn(SignInSettings),
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
    upstream: UpstreamShared,
    state: SharedState,
) -> Result<Following, String> {
    let (gateway, secret) = match &settings.auth {
        PlaneAuth::Token(token) => {
            let token = Token::parse(token.expose());
            let token = token.ok_or("setting config.service.auth: this is no token of a gateway")?;
            (token.gateway.to_owned(), Some(token.gateway_secret()))
        }
        PlaneAuth::SignIn(sign_in) => {
            let kept = settings.backup.as_deref().and_then(|folder| sign_in.kept(folder));
            (sign_in.gateway.clone(), kept)
        }
    };
    let (first, begun) = mpsc::channel();
    let mut source = Source {
        applier,
        backup: None,
        opened_with: None,
        secret: None,
        called_in: 0,
        state,
        instance: instance.clone(),
        host: host_name(),
        started: Instant::now(),
        findings: Vec::new(),
        is_backup_broken: false,
        first: Some(first),
    };
    source.open_backup(settings, &gateway, secret.as_ref());
    source.hold(secret.as_ref());
    let kept = source.restore();
    let is_restored = kept.is_some();
    let (stop, mut stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("the configuration thread has no runtime: {error}"))?;
    let settings = settings.clone();
    let told = (Reporting::new(Arc::clone(&source.applier.shared), &instance.instance_id), stopped.clone());
    let thread = std::thread::Builder::new().name("configuration".to_owned()).spawn(move || {
        LocalSet::new().block_on(&runtime, async {
            tokio::select! {
                () = run(settings, &gateway, (kept, secret), source, told, (tls, upstream)) => {}
                () = async {
                    let _ = stopped.wait_for(|stopped| *stopped).await;
                    tokio::time::sleep(LAST_WORD_MAX).await;
                } => {}
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

/// Follows the plane and tells it what was used; ends when it was told to stop and has told.
async fn run(
    settings: PlaneSettings,
    gateway: &str,
    known: (Option<View>, Option<GatewaySecret>),
    source: Source,
    (reporting, mut stopped): (Reporting, watch::Receiver<bool>),
    (tls, upstream): (Arc<ClientConfig>, UpstreamShared),
) {
    let first = match &settings.auth {
        PlaneAuth::Token(token) => Authorization::Given(token.clone()),
        PlaneAuth::SignIn(_) => Authorization::SignsInLater,
    };
    let made = PlaneTransport::new(settings.endpoint.clone(), &first, Arc::clone(&tls), settings.timeout);
    let transport = match made {
        Ok(transport) => transport,
        Err(error) => return tracing::error!(%error, "the management plane cannot be asked"),
    };
    let pause = settings.report;
    tokio::select! {
        () = follow_plane(settings, gateway, known, source, transport.clone(), (tls, upstream)) => {}
        () = tell(transport, gateway, pause, reporting, stopped.clone()), if !pause.is_zero() => {}
        _ = stopped.wait_for(|stopped| *stopped), if pause.is_zero() => {}
    }
}

/// Follows the plane without end, by a token or by signing in.
async fn follow_plane(
    settings: PlaneSettings,
    gateway: &str,
    (mut kept, secret): (Option<View>, Option<GatewaySecret>),
    mut source: Source,
    transport: PlaneTransport,
    (tls, upstream): (Arc<ClientConfig>, UpstreamShared),
) {
    let PlaneSettings { endpoint, timeout, pace, .. } = settings.clone();
    let PlaneAuth::SignIn(sign_in) = &settings.auth else {
        let Some(secret) = secret else { return };
        let client = Client::new(transport.clone(), gateway, secret, kept);
        return follow(client, transport, gateway, pace, &mut source).await;
    };
    let desk = SignIn::new(sign_in.clone(), endpoint, tls, timeout, &upstream);
    let mut granted = signed_in(&desk, &mut source).await;
    loop {
        if let Err(error) = transport.authorize(&granted.authorization) {
            return tracing::error!(%error, "the management plane cannot be asked");
        }
        source.open_backup(&settings, gateway, Some(&granted.secret));
        source.hold(Some(&granted.secret));
        source.keep(&settings, sign_in, &granted.secret);
        let client = Client::new(transport.clone(), gateway, granted.secret.clone(), kept.take());
        granted = tokio::select! {
            () = follow(client, transport.clone(), gateway, pace, &mut source) => return,
            other = another_secret(&desk, &transport, &granted) => other,
        };
    }
}

/// The first token, whenever it can be had.
async fn signed_in(desk: &SignIn, source: &mut Source) -> Granted {
    let mut is_told = false;
    loop {
        match desk.exchange().await {
            Ok(granted) => return granted,
            Err(error) if !is_told => {
                is_told = true;
                source.link(false, &error);
            }
            Err(_) => {}
        }
        tokio::time::sleep(sign_in::RETRY).await;
    }
}

/// Renews the token until it comes with another secret: then the key of the gateway was made anew.
async fn another_secret(desk: &SignIn, transport: &PlaneTransport, first: &Granted) -> Granted {
    let mut renew_after = first.renew_after;
    loop {
        tokio::select! {
            () = tokio::time::sleep(renew_after) => {}
            () = transport.refused() => {}
        }
        match desk.exchange().await {
            Ok(granted) if granted.secret.bytes() != first.secret.bytes() => return granted,
            Ok(granted) => {
                renew_after = granted.renew_after;
                // It was sent before: it can be sent.
                let _ = transport.authorize(&granted.authorization);
            }
            Err(error) => {
                tracing::warn!(
                    event_type = "GatewaySignInFailed",
                    error,
                    "the token for the plane is not renewed"
                );
                renew_after = sign_in::RETRY;
            }
        }
    }
}

fn open_backup(folder: &Path, gateway: &str, secret: &GatewaySecret) -> Option<Backup> {
    match Backup::open(folder, gateway, secret.clone()) {
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
    /// The secret of the backup.
    opened_with: Option<GatewaySecret>,
    /// What the gateway has in common with its plane.
    secret: Option<GatewaySecret>,
    /// How often the plane called in debug credentials.
    called_in: u64,
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
    /// The backup under a secret; the one that is open already under the same secret stays.
    fn open_backup(&mut self, settings: &PlaneSettings, gateway: &str, secret: Option<&GatewaySecret>) {
        let (Some(folder), Some(secret)) = (&settings.backup, secret) else { return };
        if self.opened_with.as_ref().is_some_and(|opened| opened.bytes() == secret.bytes()) {
            return;
        }
        self.opened_with = Some(secret.clone());
        self.backup = open_backup(folder, gateway, secret);
    }

    /// Takes debug credentials that were made for the holder of a secret.
    fn hold(&mut self, secret: Option<&GatewaySecret>) {
        self.secret = secret.cloned().or(self.secret.take());
        if let Some(secret) = &self.secret {
            reporting::trust(&self.applier.shared, secret, self.called_in);
        }
    }

    /// Keeps the secret of a sign-in beside the backup.
    fn keep(&self, settings: &PlaneSettings, sign_in: &SignInSettings, secret: &GatewaySecret) {
        let Some(folder) = settings.backup.as_deref().filter(|_| self.backup.is_some()) else { return };
        if let Err(error) = sign_in.keep(folder, secret) {
            tracing::warn!(
                event_type = "BackupUnavailable",
                error,
                "without the plane this gateway cannot start again"
            );
        }
    }

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
        self.called_in =
            set.gateways.values().next().map_or(0, |gateway| gateway.debug_credentials_called_in);
        self.hold(None);
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
        self.applier.free_overtaken();
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
