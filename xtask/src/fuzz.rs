//! `cargo xtask fuzz [TARGET]`: coverage-guided fuzzing of the parsers, by cargo-fuzz (libFuzzer).
//!
//! Targets are `tests/fuzz/targets/*.rs`. No sanitizer: the code under test has no unsafe blocks, and stable Rust is enough
//! without one. What was found stays in `tests/fuzz/artifacts`, what was learnt in `tests/fuzz/corpus`; git keeps neither.

use std::fs;
use std::path::Path;

use anyhow::{Context, bail};

use crate::process;
use crate::setup::{self, Group};
use crate::workspace::Workspace;

const FOLDER: &str = "tests/fuzz";

#[derive(clap::Args)]
pub struct Arguments {
    /// By default each, one after the other
    target: Option<String>,
    /// How long, for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
}

pub fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    setup::ensure(workspace, &[Group::Build, Group::Fuzz])?;
    let known = targets(&workspace.root.join(FOLDER).join("targets"))?;
    let chosen = match &arguments.target {
        None => known,
        Some(name) if known.contains(name) => vec![name.clone()],
        Some(name) => bail!("there is no fuzz target `{name}`; there are: {}", known.join(", ")),
    };
    for target in chosen {
        let mut command = workspace.cargo("fuzz");
        command.args(["run", "--fuzz-dir", FOLDER, "--sanitizer", "none", &target, "--"]);
        command.arg(format!("-max_total_time={}", arguments.seconds));
        process::run(command.env("CARGO_TARGET_DIR", workspace.target.join("fuzz")))?;
    }
    Ok(())
}

fn targets(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}
