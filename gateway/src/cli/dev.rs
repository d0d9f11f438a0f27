//! `gateway dev`: the sample APIs in front of a built-in echo backend.

use std::path::PathBuf;
use std::process::ExitCode;

use gateway_sync::folder::Environment;
use gateway_telemetry::Listener;

use super::run::{Common, serve};
use super::{EXIT_FAILED, EXIT_SETTINGS, fail};
use crate::{Gateway, echo};

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
        let config = self.config.to_string_lossy().into_owned();
        let (mut settings, unknown) = match self.common.settings(Some(config)) {
            Ok(settings) => settings,
            Err(code) => return code,
        };
        settings.config.environment =
            Environment::process().with_default("ECHO_URL", &format!("http://{echo}"));
        serve((settings, unknown), greet)
    }
}

/// Where to go from here, in two lines that can be pasted.
fn greet(gateway: &Gateway) {
    let shown = |listener| gateway.address(listener).map(|address| format!("localhost:{}", address.port()));
    eprintln!();
    for (name, listener, scheme) in [
        ("HTTP", Listener::Http, "http"),
        ("HTTPS", Listener::Https, "https"),
        ("admin", Listener::Admin, "http"),
    ] {
        if let Some(place) = shown(listener) {
            eprintln!("  {name:<6} {scheme}://{place}");
        }
    }
    if let Some(place) = shown(Listener::Http) {
        eprintln!("\n  curl -i http://{place}/public/books");
        eprintln!("  curl -i http://{place}/echo/items/7 -H 'Ocp-Apim-Subscription-Key: demo-starter-key'\n");
    }
}
