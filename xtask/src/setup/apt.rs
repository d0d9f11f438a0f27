//! Packages of Debian and Ubuntu.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail};

use super::needs::{Group, PACKAGES, Package};
use crate::process;
use crate::workspace::Workspace;

/// Package lists that this program fetched less than this long ago are not fetched again.
const LISTS_AGE_MAX: Duration = Duration::from_hours(24);

/// Installs without asking. Services of the packages are neither started now (policy-rc.d) nor at the next boot.
/// Arguments: the services, `--`, the packages.
const INSTALL: &str = r#"
set -eu
services=
while [ "$1" != -- ]; do services="$services $1"; shift; done
shift
policy=/usr/sbin/policy-rc.d
if [ -n "$services" ] && [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 755 $policy
fi
DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends "$@"
for service in $services; do
    if command -v systemctl >/dev/null; then systemctl -q disable "$service" || true; fi
done
"#;

/// Installs the packages of `groups` that are missing; how many.
pub fn ensure(workspace: &Workspace, groups: &[Group]) -> anyhow::Result<usize> {
    let wanted: Vec<&Package> = PACKAGES.iter().filter(|package| groups.contains(&package.group)).collect();
    if process::find("dpkg-query").is_none() {
        note_other_distribution(&wanted);
        return Ok(0);
    }
    let installed = installed_packages()?;
    let missing: Vec<&Package> =
        wanted.into_iter().filter(|package| !installed.contains(package.name)).collect();
    if missing.is_empty() {
        return Ok(0);
    }
    update_lists(workspace)?;
    let candidates = candidates(&missing)?;
    let (available, absent): (Vec<_>, Vec<_>) =
        missing.into_iter().partition(|package| candidates.contains(package.name));
    let given_up = give_up(&absent)?;
    // Packages that serve the same purpose stand and fall together.
    let useful: Vec<&Package> = available
        .into_iter()
        .filter(|package| package.otherwise.is_none_or(|otherwise| !given_up.contains_key(otherwise)))
        .collect();
    if !useful.is_empty() {
        install(&useful)?;
    }
    Ok(useful.len())
}

/// What is done without, and the packages that would be needed for it; said in a line each. Fails where there is no
/// doing without.
fn give_up<'a>(absent: &[&'a Package]) -> anyhow::Result<BTreeMap<&'a str, Vec<&'a str>>> {
    let mut given_up: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in absent {
        let Some(otherwise) = package.otherwise else {
            bail!("this distribution has no package {}", package.name)
        };
        given_up.entry(otherwise).or_default().push(package.name);
    }
    for (otherwise, packages) in &given_up {
        eprintln!("setup: no package {} here: {otherwise}", packages.join(", "));
    }
    Ok(given_up)
}

fn install(packages: &[&Package]) -> anyhow::Result<()> {
    let names: Vec<&str> = packages.iter().map(|package| package.name).collect();
    let services: Vec<&str> = packages.iter().filter_map(|package| package.service).collect();
    eprintln!("setup: installing {}", names.join(", "));
    if !services.is_empty() {
        eprintln!("setup: not started and not enabled as services: {}", services.join(", "));
    }
    let mut command = process::as_root("sh")?;
    process::run(command.args(["-c", INSTALL, "install"]).args(services).arg("--").args(names))
}

/// The names of all packages that are fully installed.
fn installed_packages() -> anyhow::Result<BTreeSet<String>> {
    let mut command = Command::new("dpkg-query");
    let list = process::output(command.args(["-W", "-f", "${db:Status-Status} ${Package}\\n"]))?;
    Ok(list.lines().filter_map(|line| line.strip_prefix("installed ")).map(str::to_owned).collect())
}

/// `apt-get update`, unless it was done lately.
fn update_lists(workspace: &Workspace) -> anyhow::Result<()> {
    let stamp = workspace.target.join("setup/package-lists");
    let fetched = fs::metadata(&stamp).and_then(|metadata| metadata.modified()).ok();
    if fetched.and_then(|time| time.elapsed().ok()).is_some_and(|age| age < LISTS_AGE_MAX) {
        return Ok(());
    }
    eprintln!("setup: fetching the package lists");
    process::run(process::as_root("apt-get")?.args(["-q", "update"]))?;
    fs::create_dir_all(workspace.target.join("setup"))?;
    fs::write(&stamp, "").with_context(|| format!("cannot write {}", stamp.display()))
}

/// Which of `packages` this distribution has.
fn candidates(packages: &[&Package]) -> anyhow::Result<BTreeSet<String>> {
    let mut command = Command::new("apt-cache");
    command.env("LC_ALL", "C").arg("policy").args(packages.iter().map(|package| package.name));
    Ok(with_candidate(&process::output(&mut command)?))
}

/// The packages for which `apt-cache policy` names a version to install.
fn with_candidate(policy: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut name = "";
    for line in policy.lines() {
        if let Some(heading) = line.strip_suffix(':').filter(|line| !line.starts_with(' ')) {
            name = heading;
        } else if line.trim().strip_prefix("Candidate: ").is_some_and(|version| version != "(none)") {
            names.insert(name.to_owned());
        }
    }
    names
}

fn note_other_distribution(wanted: &[&Package]) {
    let absent: Vec<&str> = wanted.iter().map(|package| package.name).collect();
    eprintln!(
        "setup: no dpkg here; these of Debian's packages are used, under whatever names they have: {}",
        absent.join(", ")
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policy_without_candidate_is_left_out() {
        let policy = "wrk:\n  Installed: (none)\n  Candidate: 4.1.0-3+b2\n  Version table:\n\
                      ghost:\n  Installed: (none)\n  Candidate: (none)\n";
        assert_eq!(with_candidate(policy), BTreeSet::from(["wrk".to_owned()]));
    }

    #[test]
    fn absent_package_is_given_up_by_purpose_or_refused() -> anyhow::Result<()> {
        let absent: Vec<&Package> = PACKAGES.iter().filter(|package| package.group == Group::Ebpf).collect();
        assert_eq!(give_up(&absent)?.len(), 1);
        let needed: Vec<&Package> = PACKAGES.iter().filter(|package| package.otherwise.is_none()).collect();
        assert!(give_up(&needed).is_err());
        Ok(())
    }
}
