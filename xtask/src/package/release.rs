//! What all packages share: version, architecture, time, and the folders they are made in.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::process;
use crate::workspace::Workspace;

/// One release of the gateway.
pub struct Release {
    /// Of the workspace's packages.
    pub version: String,
    /// Debian's and OCI's name of the processor: `amd64`, `arm64`.
    pub architecture: &'static str,
    /// Seconds since 1970 that every packed file carries, so that the same sources give the same package.
    pub epoch: String,
    /// Where the packages go.
    pub folder: PathBuf,
}

impl Release {
    pub fn of(workspace: &Workspace) -> anyhow::Result<Self> {
        let manifest: toml::Table = fs::read_to_string(workspace.root.join("Cargo.toml"))?.parse()?;
        let version =
            manifest.get("workspace").and_then(|table| table.get("package")?.get("version")?.as_str());
        let mut git = Command::new("git");
        let epoch = git.current_dir(&workspace.root).args(["log", "-1", "--format=%ct"]);
        let folder = workspace.target.join("package");
        fs::create_dir_all(&folder)?;
        Ok(Self {
            version: version.context("Cargo.toml gives the workspace no version")?.to_owned(),
            architecture: match std::env::consts::ARCH {
                "x86_64" => "amd64",
                "aarch64" => "arm64",
                other => other,
            },
            epoch: process::output(epoch)?.trim().to_owned(),
            folder,
        })
    }

    /// An empty folder to lay files out in.
    pub fn stage(&self, name: &str) -> anyhow::Result<PathBuf> {
        let stage = self.folder.join("stage").join(name);
        if stage.exists() {
            fs::remove_dir_all(&stage)?;
        }
        fs::create_dir_all(&stage)?;
        Ok(stage)
    }

    /// `tar` that writes the same bytes for the same files: sorted, owned by root, of one time.
    pub fn tar(&self) -> Command {
        let mut command = Command::new("tar");
        command.args(["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]);
        command.arg(format!("--mtime=@{}", self.epoch));
        command
    }
}

/// Copies a file, making folders on the way; `mode` as for chmod.
pub fn install(from: &Path, to: &Path, mode: u32) -> anyhow::Result<()> {
    make_parent(to)?;
    fs::copy(from, to).with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Writes a file, making folders on the way.
pub fn write(to: &Path, text: &str, mode: u32) -> anyhow::Result<()> {
    make_parent(to)?;
    fs::write(to, text).with_context(|| format!("cannot write {}", to.display()))?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Copies a folder with all below it; readable by all.
pub fn install_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            install_folder(&entry.path(), &target)?;
        } else {
            install(&entry.path(), &target, 0o644)?;
        }
    }
    Ok(())
}

fn make_parent(file: &Path) -> anyhow::Result<()> {
    let Some(folder) = file.parent() else { return Ok(()) };
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

/// The binary, unit, settings, documents and samples at their places below `root`.
pub fn lay_out(workspace: &Workspace, binary: &Path, root: &Path) -> anyhow::Result<()> {
    let from = &workspace.root;
    install(binary, &root.join("usr/bin/gateway"), 0o755)?;
    install(
        &from.join("deploy/systemd/gateway.service"),
        &root.join("usr/lib/systemd/system/gateway.service"),
        0o644,
    )?;
    install(&from.join("deploy/systemd/gateway.toml"), &root.join("etc/gateway/gateway.toml"), 0o644)?;
    let documents = root.join("usr/share/doc/gateway");
    for name in ["README.md", "CHANGELOG.md"] {
        install(&from.join(name), &documents.join(name), 0o644)?;
    }
    install(&from.join("LICENSE"), &documents.join("copyright"), 0o644)?;
    let samples = from.join("samples");
    if samples.is_dir() {
        install_folder(&samples, &documents.join("samples"))?;
    }
    fs::create_dir_all(root.join("etc/gateway/apis"))?;
    Ok(())
}
