//! `gateway manage`.

use std::path::PathBuf;
use std::process::ExitCode;

use gateway_sync::folder::{FolderSettings, load};

use super::run::chain;
use super::sources::{Sources, warn_of};
use super::{EXIT_FAILED, EXIT_SETTINGS, fail};
use crate::configuration::log_findings;
use crate::management::{ManagementPlane, StartError};
use crate::settings::{Settings, help_text};
use crate::signals::Signals;
use crate::telemetry;

#[derive(Debug, clap::Args)]
#[command(after_long_help = help_text())]
pub struct Manage {
    #[command(flatten)]
    sources: Sources,
    /// Management listener
    #[arg(long, value_name = "ADDR:PORT")]
    management: Option<String>,
    /// SQLite file, or postgres://…
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// Service to mirror, read-only: an ARM endpoint and the id of the service
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
    /// APIOps folder to add to the service at the start
    #[arg(long, value_name = "DIR")]
    import: Option<PathBuf>,
    /// Copy the store to a new file, and end; also while another process serves it
    #[arg(long, value_name = "FILE", conflicts_with = "restore")]
    backup: Option<std::path::PathBuf>,
    /// Fill the store, which must be empty, from a backup, and end; the keys are those of the original
    #[arg(long, value_name = "FILE")]
    restore: Option<std::path::PathBuf>,
}

impl Manage {
    pub fn execute(self) -> ExitCode {
        let (settings, unknown) = match self.settings() {
            Ok(settings) => settings,
            Err(code) => return code,
        };
        let once = match (&self.backup, &self.restore) {
            (Some(to), _) => Some(ManagementPlane::back_up(&settings.management, to)),
            (None, Some(from)) => Some(ManagementPlane::restore(&settings.management, from)),
            (None, None) => None,
        };
        match once {
            Some(Ok(())) => return ExitCode::SUCCESS,
            Some(Err(error)) => return fail(EXIT_FAILED, chain(&error)),
            None => {}
        }
        if let Err(message) = telemetry::start(&settings) {
            return fail(EXIT_SETTINGS, message);
        }
        warn_of(unknown);
        let signals = match Signals::install() {
            Ok(signals) => signals,
            Err(error) => return fail(EXIT_FAILED, format!("signals cannot be handled: {error}")),
        };
        let plane =
            match ManagementPlane::start(&settings.management, &settings.expressions, &settings.identity) {
                Ok(plane) => plane,
                Err(error @ StartError::Setting { .. }) => return fail(EXIT_SETTINGS, chain(&error)),
                Err(error) => return fail(EXIT_FAILED, chain(&error)),
            };
        if let Some(dir) = self.import {
            let outcome = load(&FolderSettings {
                dir,
                secrets_dir: settings.config.secrets,
                overrides: settings.config.overrides,
                env: settings.config.environment,
                gateway: None,
            });
            log_findings(&outcome.diagnostics);
            if let Some(error) = outcome.diagnostics.iter().find(|finding| finding.is_error()) {
                return fail(EXIT_FAILED, format!("the folder is not imported: {error}"));
            }
            match plane.importer().add(&outcome) {
                Ok(count) => {
                    tracing::info!(event_type = "FolderImported", documents = count, "a folder was imported");
                }
                Err(error) => return fail(EXIT_FAILED, format!("the folder is not imported: {error}")),
            }
        }
        match signals.wait(None) {
            Ok(()) => {
                plane.stop();
                ExitCode::SUCCESS
            }
            Err(error) => fail(EXIT_FAILED, format!("signals cannot be waited for: {error}")),
        }
    }

    fn settings(&self) -> Result<(Settings, Vec<String>), ExitCode> {
        let flags = [
            ("management.address", self.management.clone()),
            ("management.store", self.store.clone()),
            ("management.mirror", self.mirror.clone()),
        ];
        self.sources.read(&flags)
    }
}
