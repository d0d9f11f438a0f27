//! The tarball: unpack it at `/`, or run the binary from where it lies.

use std::path::{Path, PathBuf};

use super::release::{self, Release};
use crate::process;
use crate::workspace::Workspace;

pub fn pack(workspace: &Workspace, release: &Release, binary: &Path) -> anyhow::Result<PathBuf> {
    let name = format!("gateway-{}-linux-{}", release.version, release.architecture);
    let stage = release.stage("tar")?;
    release::lay_out(workspace, binary, &stage.join(&name))?;
    let file = release.folder.join(format!("{name}.tar.gz"));
    let mut tar = release.tar();
    tar.args(["-I", "gzip -n", "-cf"]).arg(&file).arg("-C").arg(&stage).arg(&name);
    process::run(&mut tar)?;
    Ok(file)
}
