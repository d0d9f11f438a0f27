//! `gateway check DIR`.

use std::path::PathBuf;
use std::process::ExitCode;

use gateway_model::diagnostic::render;

use super::sources::Sources;
use super::{EXIT_FAILED, Source};
use crate::configuration;

#[derive(Debug, clap::Args)]
pub struct Check {
    /// Configuration folder
    dir: PathBuf,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    settings: Sources,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    Text,
    Json,
    Sarif,
}

impl Check {
    pub fn execute(self) -> ExitCode {
        let expressions = match self.settings.expressions() {
            Ok(expressions) => expressions,
            Err(code) => return code,
        };
        let compiled = configuration::compile_folder(&self.source.folder(self.dir), &expressions);
        let diagnostics = &compiled.diagnostics;
        let format = match self.format {
            Format::Text => render::Format::Text,
            Format::Json => render::Format::Json,
            Format::Sarif => render::Format::Sarif,
        };
        print!("{}", render::render(diagnostics, format));
        if diagnostics.iter().any(gateway_model::Diagnostic::is_error) {
            return ExitCode::from(EXIT_FAILED);
        }
        if matches!(self.format, Format::Text) {
            println!("ok: {} APIs, {} keys", compiled.snapshot.api_count(), compiled.snapshot.keys.len());
        }
        ExitCode::SUCCESS
    }
}
