//! `gateway run`.

use std::path::PathBuf;
use std::process::ExitCode;

use gateway_datapath::privileges;

use super::background;
use super::sources::{Sources, warn_of};
use super::{EXIT_FAILED, EXIT_SETTINGS, EXIT_UNAVAILABLE, fail};
use crate::gateway::Gateway;
use crate::notify;
use crate::settings::{Settings, help_text};
use crate::signals::Signals;
use crate::start_error::StartError;
use crate::telemetry;

#[derive(Debug, Default, clap::Args)]
#[command(after_long_help = help_text())]
pub struct Run {
    /// APIOps folder to serve (setting config.folder)
    #[arg(long, value_name = "DIR")]
    config: Option<PathBuf>,
    /// Take over from the gateway that runs: its sockets, and then its work. It goes on if anything does not fit
    #[arg(long)]
    takeover: bool,
    /// With --takeover: return when the new process serves, or has failed
    #[arg(long, requires = "takeover")]
    background: bool,
    #[command(flatten)]
    pub common: Common,
}

/// Flags that every serving verb takes: short forms of settings.
#[derive(Debug, Default, clap::Args)]
pub struct Common {
    #[command(flatten)]
    sources: Sources,
    /// HTTP listener
    #[arg(long, value_name = "ADDR:PORT")]
    http: Option<String>,
    /// HTTPS listener
    #[arg(long, value_name = "ADDR:PORT")]
    https: Option<String>,
    /// Admin listener
    #[arg(long, value_name = "ADDR:PORT")]
    admin: Option<String>,
    /// Worker threads; 0 = one a core
    #[arg(long, value_name = "N")]
    workers: Option<String>,
    /// Kernel path: auto, required or off
    #[arg(long, value_name = "MODE")]
    datapath: Option<String>,
    /// Interfaces of the kernel path, comma-separated
    #[arg(long, value_name = "NAMES")]
    interface: Option<String>,
}

impl Run {
    pub fn execute(self) -> ExitCode {
        let config = self.config.map(|path| path.to_string_lossy().into_owned());
        let (mut settings, unknown) = match self.common.settings(config) {
            Ok(settings) => settings,
            Err(code) => return code,
        };
        if self.takeover && settings.takeover.socket.is_none() {
            return fail(EXIT_SETTINGS, "--takeover needs the setting takeover.socket");
        }
        settings.takeover.asked = self.takeover;
        match settings.takeover.socket {
            Some(ref socket) if self.background => background::start(socket),
            _ => serve((settings, unknown), |_| {}),
        }
    }
}

impl Common {
    /// Gathers all sources. Mistakes are printed, one a line, and end the process with 64.
    pub fn settings(self, config: Option<String>) -> Result<(Settings, Vec<String>), ExitCode> {
        let flags = [
            ("config.folder", config),
            ("net.http.address", self.http),
            ("net.https.address", self.https),
            ("admin.address", self.admin),
            ("workers", self.workers),
            ("datapath.mode", self.datapath),
            ("datapath.interface", self.interface),
        ];
        let settings = self.sources.read(&flags)?;
        settings.0.check().map_err(|error| fail(EXIT_SETTINGS, error))?;
        Ok(settings)
    }
}

/// Serves until a signal; `started` is called when all listeners accept.
pub fn serve((settings, unknown): (Settings, Vec<String>), started: impl FnOnce(&Gateway)) -> ExitCode {
    let (telemetry, instance) = match telemetry::start(&settings) {
        Ok(telemetry) => telemetry,
        Err(message) => return fail(EXIT_SETTINGS, message),
    };
    warn_of(unknown);
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => return fail(EXIT_FAILED, format!("signals cannot be handled: {error}")),
    };
    let gateway = match Gateway::start(settings, telemetry, &instance) {
        Ok(gateway) => gateway,
        Err(error) => {
            let code = match error {
                StartError::Datapath(_) | StartError::Handover(_) => EXIT_UNAVAILABLE,
                StartError::Setting(_) => EXIT_SETTINGS,
                StartError::Bind(_) | StartError::Io { .. } => EXIT_FAILED,
            };
            return fail(code, chain(&error));
        }
    };
    started(&gateway);
    privileges::drop_all();
    notify::ready();
    match signals.wait(Some(gateway.handed_over())) {
        Ok(()) => {
            if !*gateway.handed_over().borrow() {
                notify::stopping();
            }
            gateway.stop();
            ExitCode::SUCCESS
        }
        Err(error) => fail(EXIT_FAILED, format!("signals cannot be waited for: {error}")),
    }
}

/// An error with its causes, on one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}
