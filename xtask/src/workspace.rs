//! Where things are: the repository's root and cargo's target directory.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// The repository as cargo sees it.
pub struct Workspace {
    /// The folder of the workspace's `Cargo.toml`.
    pub root: PathBuf,
    /// `$CARGO_TARGET_DIR`, by default `target` in the root.
    pub target: PathBuf,
}

impl Workspace {
    /// Finds the root from the place of this crate, which cargo gives.
    pub fn find() -> anyhow::Result<Self> {
        let here = env::var_os("CARGO_MANIFEST_DIR").context("start this as `cargo xtask`")?;
        let root = Path::new(&here).parent().context("xtask has no parent folder")?.to_path_buf();
        let target =
            env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir));
        Ok(Self { root, target })
    }

    /// `cargo VERB` of the toolchain that runs us, at the root.
    pub fn cargo(&self, verb: &str) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root).arg(verb);
        command
    }
}
