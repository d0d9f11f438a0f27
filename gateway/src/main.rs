//! The `gateway` command.

use std::process::ExitCode;

use clap::Parser;
use gateway::cli;

fn main() -> ExitCode {
    cli::run(cli::Arguments::parse())
}
