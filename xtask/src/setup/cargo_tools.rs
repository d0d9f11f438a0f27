//! Tools from the crate registry, through `cargo install`.

use std::path::Path;

use super::needs::{CARGO_TOOLS, CargoTool, Group};
use crate::process;
use crate::workspace::Workspace;

/// Installs the tools of `groups` that are not on the PATH; how many.
pub fn ensure(workspace: &Workspace, groups: &[Group]) -> anyhow::Result<usize> {
    let mut installed = 0;
    for tool in CARGO_TOOLS {
        if groups.contains(&tool.group) && process::find(tool.name).is_none() {
            installed += usize::from(install(workspace, tool)?);
        }
    }
    Ok(installed)
}

fn install(workspace: &Workspace, tool: &CargoTool) -> anyhow::Result<bool> {
    if let Some(file) = tool.requires.filter(|file| !Path::new(file).exists()) {
        eprintln!("setup: {} is left out: it needs {file}", tool.name);
        return Ok(false);
    }
    eprintln!("setup: installing {} {} with cargo", tool.name, tool.version);
    let mut command = workspace.cargo("install");
    command.args(["--locked", "--version", tool.version]).args(tool.arguments).arg(tool.name);
    command.envs(tool.environment.iter().copied());
    // A folder of its own: these builds share nothing with ours.
    process::run(command.env("CARGO_TARGET_DIR", workspace.target.join("tools")))?;
    Ok(true)
}
