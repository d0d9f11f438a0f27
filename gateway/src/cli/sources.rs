//! Where the settings of a verb come from, besides its own flags: the same for every verb.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gateway_expression::Options;
use gateway_store::Store;

use super::{EXIT_SETTINGS, fail};
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

    /// The settings of a verb about the store of a management plane, which must be there already.
    pub fn of_store(&self, store: Option<String>) -> Result<Settings, ExitCode> {
        let (settings, _) = self.read(&[("management.store", store)])?;
        let store = &settings.management.store;
        if !Store::is_server(store) && !Path::new(store).is_file() {
            let text = format!("there is no store {store}: start `gateway manage` first");
            return Err(fail(EXIT_SETTINGS, text));
        }
        Ok(settings)
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
