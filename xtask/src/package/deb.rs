//! The Debian package, made by dpkg-deb.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use super::release::{self, Release};
use crate::process;
use crate::workspace::Workspace;

const CONFFILES: &str = "/etc/gateway/gateway.toml\n";

/// Debian keeps one copy of each licence for all packages.
const COPYRIGHT: &str = "\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: The gateway authors
License: Apache-2.0
 The full text is in /usr/share/common-licenses/Apache-2.0.
";

/// Nothing starts before there are APIs: enabling is the operator's.
const POSTINST: &str = r#"#!/bin/sh
set -e
if [ "$1" = configure ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # An upgrade goes on as it was.
    systemctl try-restart gateway.service
    [ -n "$2" ] || echo "gateway: put APIs into /etc/gateway/apis, then: systemctl enable --now gateway"
fi
"#;

const PRERM: &str = r#"#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now gateway.service
fi
"#;

const POSTRM: &str = r#"#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then rm -rf /var/lib/private/gateway /var/lib/gateway; fi
"#;

pub fn pack(workspace: &Workspace, release: &Release, binary: &Path) -> anyhow::Result<PathBuf> {
    let root = release.stage("deb")?;
    release::lay_out(workspace, binary, &root)?;
    release::write(&root.join("usr/share/doc/gateway/copyright"), COPYRIGHT, 0o644)?;
    let packed = root.join("usr/bin/gateway");
    process::run(Command::new("strip").arg(&packed))?;
    let control = control(release, &dependencies(release, &packed)?, installed_kib(&root)?);
    let scripts = [("control", control.as_str(), 0o644), ("conffiles", CONFFILES, 0o644)];
    let hooks = [("postinst", POSTINST, 0o755), ("prerm", PRERM, 0o755), ("postrm", POSTRM, 0o755)];
    for (name, text, mode) in scripts.into_iter().chain(hooks) {
        release::write(&root.join("DEBIAN").join(name), text, mode)?;
    }
    let file = release.folder.join(format!("gateway_{}_{}.deb", release.version, release.architecture));
    let mut command = Command::new("dpkg-deb");
    command.env("SOURCE_DATE_EPOCH", &release.epoch).args(["--root-owner-group", "--build"]);
    process::run(command.arg(&root).arg(&file))?;
    Ok(file)
}

fn control(release: &Release, dependencies: &str, installed_kib: u64) -> String {
    format!(
        "Package: gateway\n\
         Version: {}\n\
         Architecture: {}\n\
         Maintainer: The gateway authors <gateway@localhost>\n\
         Section: net\n\
         Priority: optional\n\
         Depends: {dependencies}\n\
         Recommends: ca-certificates\n\
         Installed-Size: {installed_kib}\n\
         Description: API gateway with Azure API Management's policies\n\
         \x20Serves APIs from a folder or a management plane, with subscription\n\
         \x20keys, products and policies; counts and steers traffic in the kernel\n\
         \x20with eBPF where that is to be had.\n",
        release.version, release.architecture
    )
}

/// The libraries that the binary is linked with, as package names with versions.
fn dependencies(release: &Release, binary: &Path) -> anyhow::Result<String> {
    // dpkg-shlibdeps wants a source package around it.
    let folder = release.stage("shlibdeps")?;
    release::write(
        &folder.join("debian/control"),
        "Source: gateway\n\nPackage: gateway\nArchitecture: any\n",
        0o644,
    )?;
    let mut command = Command::new("dpkg-shlibdeps");
    let line = process::output(command.current_dir(&folder).arg("-O").arg(binary))?;
    let names = line.trim().strip_prefix("shlibs:Depends=").context("dpkg-shlibdeps named no libraries")?;
    Ok(names.to_owned())
}

fn installed_kib(folder: &Path) -> anyhow::Result<u64> {
    let mut kib = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        kib += if entry.file_type()?.is_dir() {
            installed_kib(&entry.path())?
        } else {
            entry.metadata()?.len().div_ceil(1024)
        };
    }
    Ok(kib)
}
