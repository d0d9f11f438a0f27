//! `gateway dev`: the sample APIs in front of a built-in echo backend, with a management plane of their own.
//!
//! ```text
//! folder ─► import ─► management plane ─► gateway (by the protocol that every gateway speaks)
//! ```

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gateway_model::Diagnostic;
use gateway_sync::folder::{Environment, FolderSettings, LoadOutcome, Watch, load, watch};
use gateway_telemetry::Listener;

use super::run::{Common, chain, serve};
use super::{EXIT_FAILED, EXIT_SETTINGS, fail};
use crate::configuration::log_findings;
use crate::management::ManagementPlane;
use crate::settings::{Auth, Settings};
use crate::{Gateway, echo};

/// The gateway resource that gets all APIs of the folder.
const GATEWAY: &str = "dev";

#[derive(Debug, clap::Args)]
pub struct Dev {
    /// Folder to serve instead of the samples; `{#[ECHO_URL]#}` in it stands for the echo backend
    #[arg(long, value_name = "DIR", default_value = "samples")]
    config: PathBuf,
    #[command(flatten)]
    common: Common,
}

impl Dev {
    pub fn execute(self) -> ExitCode {
        if !self.config.is_dir() {
            let text = format!(
                "--config {}: there is no such folder (run from the project's root)",
                self.config.display()
            );
            return fail(EXIT_SETTINGS, text);
        }
        let echo = match echo::start() {
            Ok(address) => address,
            Err(error) => return fail(EXIT_FAILED, format!("the echo backend cannot start: {error}")),
        };
        let (mut settings, unknown) = match self.common.settings(None) {
            Ok(settings) => settings,
            Err(code) => return code,
        };
        settings.config.environment =
            Environment::process().with_default("ECHO_URL", &format!("http://{echo}"));
        let store = std::env::temp_dir().join(format!("gateway-dev-{}", std::process::id()));
        let code = match plane(&mut settings, &self.config, &store) {
            Ok(Started { plane, _watch, findings }) => {
                let management = plane.address;
                let code = serve((settings, unknown), |gateway| {
                    log_findings(&findings);
                    greet(gateway, management);
                });
                plane.stop();
                code
            }
            Err(message) => fail(EXIT_FAILED, message),
        };
        // It holds what was imported from the folder, and nothing else.
        let _ = std::fs::remove_dir_all(store);
        code
    }
}

/// A plane that follows a folder.
struct Started {
    plane: ManagementPlane,
    _watch: Watch,
    /// Of the first import: there was no log yet.
    findings: Vec<Diagnostic>,
}

/// Starts the plane over an empty store, imports the folder and watches it; the settings then say to follow the plane.
fn plane(settings: &mut Settings, dir: &Path, store: &Path) -> Result<Started, String> {
    std::fs::create_dir_all(store).map_err(|error| format!("{}: {error}", store.display()))?;
    settings.management.store = store.join("gateway.db").to_string_lossy().into_owned();
    let plane = ManagementPlane::start(&settings.management, &settings.expressions, &settings.identity)
        .map_err(|error| chain(&error))?;
    let folder = FolderSettings {
        dir: dir.to_owned(),
        overrides: settings.config.overrides.clone(),
        gateway: settings.config.gateway.clone(),
        secrets_dir: settings.config.secrets.clone(),
        env: settings.config.environment.clone(),
    };
    let importer = plane.importer();
    let outcome = load(&folder);
    importer.mirror(&outcome, GATEWAY).map_err(|error| error.to_string())?;
    let token = importer.token(GATEWAY).ok_or("the plane has no gateway for this process")?;
    settings.config.service.auth = Some(Auth::Token(token.into()));
    settings.config.service.endpoint = Some(crate::plane_transport::Endpoint::local(plane.address));
    let watched = watch(folder, &outcome, move |outcome| bring(&importer, &outcome));
    let watch = watched.map_err(|error| format!("the folder watch cannot start: {error}"))?;
    Ok(Started { plane, _watch: watch, findings: outcome.diagnostics })
}

/// A change of the folder; one that cannot be read at all changes nothing.
fn bring(importer: &crate::import::Importer, outcome: &LoadOutcome) {
    log_findings(&outcome.diagnostics);
    if !outcome.readable {
        return;
    }
    if let Err(error) = importer.mirror(outcome, GATEWAY) {
        tracing::error!(event_type = "ConfigurationRejected", %error, "the folder cannot be imported");
    }
}

/// Where to go from here, in two lines that can be pasted.
fn greet(gateway: &Gateway, management: std::net::SocketAddr) {
    let shown = |listener| gateway.address(listener).map(|address| format!("localhost:{}", address.port()));
    eprintln!();
    for (name, listener, scheme) in [
        ("HTTP", Listener::Http, "http"),
        ("HTTPS", Listener::Https, "https"),
        ("admin", Listener::Admin, "http"),
    ] {
        if let Some(place) = shown(listener) {
            eprintln!("  {name:<10} {scheme}://{place}");
        }
    }
    eprintln!("  {:<10} http://{management}", "management");
    if let Some(place) = shown(Listener::Http) {
        eprintln!("\n  curl -i http://{place}/public/books");
        eprintln!("  curl -i http://{place}/echo/items/7 -H 'Ocp-Apim-Subscription-Key: demo-starter-key'\n");
    }
}
