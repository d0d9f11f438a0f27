//! Programs of other makers that the tests run, clients of the management plane and collectors of telemetry: fetched from their registries
//! into the target directory. Without one, its test says so and is skipped.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::needs::Group;
use crate::process;
use crate::workspace::Workspace;

/// Python environments: folder, and what is installed in it.
const PYTHON: &[(&str, &[&str])] = &[
    ("python", &["azure-mgmt-apimanagement==5.0.0", "azure-identity==1.27.0"]),
    ("python-2020", &["azure-mgmt-apimanagement==1.0.0", "six"]),
    ("az", &["azure-cli==2.91.0"]),
    ("rotel", &["rotel==0.0.1a15"]),
];
/// Folders of Node's packages.
const NODE: &[(&str, &str)] = &[("node", "@azure/arm-apimanagement@10.0.0"), ("statsd", "statsd@0.9.0")];

/// Fetches what is missing; how many.
pub fn ensure(workspace: &Workspace, groups: &[Group]) -> anyhow::Result<usize> {
    if !groups.contains(&Group::Test) {
        return Ok(0);
    }
    let folder = workspace.target.join("clients");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let mut fetched = 0;
    for (name, packages) in PYTHON {
        fetched += usize::from(once(&folder.join(name), |to| python(to, packages)));
    }
    for (name, package) in NODE {
        fetched += usize::from(once(&folder.join(name), |to| node(to, package)));
    }
    Ok(fetched)
}

/// Does it when a mark of an earlier time is missing. What cannot be had is said, and is done without.
fn once(folder: &Path, fetch: impl Fn(&Path) -> anyhow::Result<()>) -> bool {
    let done = folder.join("complete");
    if done.exists() {
        return false;
    }
    eprintln!("setup: fetching clients for the tests into {}", folder.display());
    match fetch(folder).and_then(|()| Ok(fs::write(&done, "")?)) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("setup: {error:#}: the tests of these clients are skipped");
            false
        }
    }
}

fn python(folder: &Path, packages: &[&str]) -> anyhow::Result<()> {
    process::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder))?;
    process::run(Command::new(folder.join("bin/pip")).args(["install", "--quiet"]).args(packages))
}

fn node(folder: &Path, package: &str) -> anyhow::Result<()> {
    // Node's own packages bring npm along, Debian's do not and conflict with them: whoever has Node chose one.
    anyhow::ensure!(process::find("npm").is_some(), "there is no npm on this machine");
    fs::create_dir_all(folder)?;
    fs::write(folder.join("package.json"), "{\"private\": true}\n")?;
    process::run(Command::new("npm").current_dir(folder).args([
        "install",
        "--no-audit",
        "--no-fund",
        "--omit=optional",
        package,
    ]))
}
