//! The `gateway` command.

use std::process::ExitCode;

use clap::Parser;
use gateway::cli;

/// glibc's costs 9 % more instructions a request (callgrind, W1).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run(cli::Arguments::parse())
}
