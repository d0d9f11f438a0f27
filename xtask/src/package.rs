//! `cargo xtask package deb|tar|oci|helm`: what is handed to others, below `target/package`.

mod deb;
mod helm;
mod oci;
mod release;
mod tar;

use crate::build;
use crate::setup::{self, Group};
use crate::workspace::Workspace;
use release::Release;

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    manner: build::Manner,
    #[arg(value_enum)]
    form: Form,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Form {
    /// Debian package: binary, systemd unit, /etc/gateway
    Deb,
    /// Tarball of the same
    Tar,
    /// OCI image layout in a tar file; needs no container engine
    Oci,
    /// Helm chart
    Helm,
}

/// Builds what the form holds, packs it and prints the file's path.
pub fn run(workspace: &Workspace, arguments: &Arguments) -> anyhow::Result<()> {
    let release = Release::of(workspace)?;
    let file = match arguments.form {
        Form::Helm => helm::pack(workspace, &release)?,
        form => {
            setup::ensure(workspace, &[Group::Build])?;
            let binary = build::run(workspace, arguments.manner)?;
            match form {
                Form::Deb => deb::pack(workspace, &release, &binary)?,
                Form::Oci => oci::pack(workspace, &release, &binary)?,
                _ => tar::pack(workspace, &release, &binary)?,
            }
        }
    };
    println!("{}", file.display());
    Ok(())
}
