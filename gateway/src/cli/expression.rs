//! `gateway expression`: policy expressions by JSON lines.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use super::{EXIT_FAILED, EXIT_SETTINGS, fail};

#[derive(Debug, clap::Args)]
pub struct Expression {
    /// JSON file with the `context`; a line's own `ctx` replaces top-level keys
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
}

impl Expression {
    pub fn execute(self) -> ExitCode {
        let fixture = match self.fixture.as_deref().map(read_fixture).transpose() {
            Ok(fixture) => fixture.unwrap_or_else(|| serde_json::json!({})),
            Err(message) => return fail(EXIT_SETTINGS, message),
        };
        let stdout = io::stdout();
        for line in io::stdin().lock().lines() {
            let answered = line.and_then(|line| {
                if line.trim().is_empty() {
                    return Ok(());
                }
                writeln!(stdout.lock(), "{}", gateway_expression::lines::answer(&line, &fixture))
            });
            match answered {
                Ok(()) => {}
                // The reader has seen enough.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
                Err(error) => return fail(EXIT_FAILED, error),
            }
        }
        ExitCode::SUCCESS
    }
}

fn read_fixture(file: &std::path::Path) -> Result<serde_json::Value, String> {
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("--fixture {}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("--fixture {}: {error}", file.display()))
}
