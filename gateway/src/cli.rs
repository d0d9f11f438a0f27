//! Verbs of the command line (`design.md` §2). Exit codes: 0 clean, 1 failed, 64 bad settings, 69 unavailable.

mod audit;
mod background;
mod check;
mod copy;
mod datapath;
mod dev;
mod explain;
mod expression;
mod manage;
mod principal;
mod run;
mod sources;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A check or run failed.
pub const EXIT_FAILED: u8 = 1;
/// A setting or argument is wrong (`EX_USAGE`).
pub const EXIT_SETTINGS: u8 = 64;
/// A required service or kernel feature is unavailable (`EX_UNAVAILABLE`).
pub const EXIT_UNAVAILABLE: u8 = 69;

/// A self-hosted API gateway, compatible with Azure API Management.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 110)]
pub struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serve APIs from a configuration folder
    Run(run::Run),
    /// Serve the management plane: one place for all gateways, by Azure's ARM interface
    Manage(manage::Manage),
    /// Add, list and remove those who may sign in at the management plane
    Principal(principal::Principal),
    /// Print who changed what at the management plane, and who read which secret
    Audit(audit::Audit),
    /// Serve the sample APIs with a built-in echo backend
    Dev(dev::Dev),
    /// Copy a service behind an ARM endpoint, ours or Azure's, into a configuration folder
    Pull(copy::Pull),
    /// Bring a service behind an ARM endpoint to what a configuration folder says
    Push(copy::Push),
    /// Compile a configuration folder and print what is wrong with it
    Check(check::Check),
    /// Print the effective policy of an operation, each statement with the scope it came from
    Explain(explain::Explain),
    /// Evaluate policy expressions: one JSON object a line in, one out
    Expression(expression::Expression),
    /// What is loaded in the kernel
    Datapath(datapath::Datapath),
}

/// Where configuration is read from, for every verb that reads some.
#[derive(Clone, Debug, clap::Args)]
pub struct Source {
    /// Override file, laid over the folder
    #[arg(long, value_name = "FILE")]
    overrides: Option<PathBuf>,
    /// Folder of files with the secrets that the configuration leaves out
    #[arg(long, value_name = "DIR")]
    secrets: Option<PathBuf>,
    /// Gateway resource whose APIs are read; all when it has no list
    #[arg(long, value_name = "NAME")]
    gateway: Option<String>,
}

impl Source {
    fn folder(&self, dir: PathBuf) -> gateway_sync::folder::FolderSettings {
        gateway_sync::folder::FolderSettings {
            dir,
            overrides: self.overrides.clone(),
            gateway: self.gateway.clone(),
            secrets_dir: self.secrets.clone(),
            env: gateway_sync::folder::Environment::process(),
        }
    }
}

/// Runs a verb to its end.
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.verb {
        Verb::Run(verb) => verb.execute(),
        Verb::Manage(verb) => verb.execute(),
        Verb::Principal(verb) => verb.execute(),
        Verb::Audit(verb) => verb.execute(),
        Verb::Dev(verb) => verb.execute(),
        Verb::Pull(verb) => verb.execute(),
        Verb::Push(verb) => verb.execute(),
        Verb::Check(verb) => verb.execute(),
        Verb::Explain(verb) => verb.execute(),
        Verb::Expression(verb) => verb.execute(),
        Verb::Datapath(verb) => verb.execute(),
    }
}

/// One line on standard error, and the exit code.
fn fail(code: u8, message: impl std::fmt::Display) -> ExitCode {
    eprintln!("gateway: {message}");
    ExitCode::from(code)
}
