//! Where the settings of a verb come from, besides its own flags: the same for every verb.

use std::path::PathBuf;
use std::process::ExitCode;

use gateway_expression::Options;

use super::EXIT_SETTINGS;
use crate::settings::Settings;

/// Flags that name settings.
#[derive(Debug, Default, clap::Args)]
pub struct Sources {
    /// A setting; may be given several times
    #[arg(long = "set", value_name = "NAME=VALUE", global = true)]
    assignments: Vec<String>,
    /// Settings file (TOML)
    #[arg(long, value_name = "FILE", global = true)]
    settings: Option<PathBuf>,
}

impl Sources {
    /// Gathers all sources, and the names that are not known. Mistakes are printed, one a line, and end the process with 64.
    pub fn read(&self, flags: &[(&str, Option<String>)]) -> Result<(Settings, Vec<String>), ExitCode> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let gathered = Settings::gather(environment, self.settings.clone(), &self.assignments, flags);
        gathered.map_err(|mistakes| {
            for mistake in &mistakes {
                eprintln!("gateway: {mistake}");
            }
            ExitCode::from(EXIT_SETTINGS)
        })
    }

    /// How expressions are compiled, for verbs that read a folder and nothing else.
    pub fn expressions(&self) -> Result<Options, ExitCode> {
        let (settings, unknown) = self.read(&[])?;
        for name in unknown {
            eprintln!("gateway: the setting {name} is not known and is ignored");
        }
        Ok(settings.expressions)
    }
}

/// A setting that nobody knows does not stop the start.
pub fn warn_of(unknown: Vec<String>) {
    for name in unknown {
        tracing::warn!(
            event_type = "UnknownSetting",
            name,
            "a setting of this name is not known and is ignored"
        );
    }
}
