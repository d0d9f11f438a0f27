//! `cargo xtask run`.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Context;

use crate::build::{self, Manner};
use crate::workspace::Workspace;

#[derive(clap::Args)]
pub struct Arguments {
    /// Handed on to `gateway dev`
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Becomes `gateway dev`, so that signals reach it.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    let binary = build::run(workspace, Manner::default())?;
    eprintln!("+ {} dev {}", binary.display(), arguments.arguments.join(" "));
    let error =
        Command::new(&binary).arg("dev").args(&arguments.arguments).current_dir(&workspace.root).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}
