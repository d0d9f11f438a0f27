//! The release binary by measure of its own work: an instrumented build, a minute of the benchmark's requests, and the
//! final build by what they left. Both builds are whole, so it takes twice as long; nothing is reproducible to the byte.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

use crate::process;
use crate::setup::{self, Group};
use crate::workspace::Workspace;

/// What the instrumented gateway serves: every workload of `bench http`, without its peers and side measurements.
const TRAINING: &[&str] =
    &["--peer", "gateway", "--rounds", "2", "--seconds", "3", "--idle", "0", "--starts", "0", "--rate", "0"];

/// Builds `gateway` and returns its path.
pub fn build(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    setup::ensure(workspace, &[Group::Bench, Group::ProfileGuided])?;
    let profdata = profdata()?;
    let folder = workspace.target.join("profile-guided");
    let raw = folder.join("raw");
    if raw.exists() {
        fs::remove_dir_all(&raw)?;
    }
    let instrumented = cargo(workspace, &folder.join("instrumented"), "profile-generate", &raw)?;
    let mut train = workspace.cargo("run");
    train.args(["--package", "gateway-benches", "--bin", "http", "--"]).args(TRAINING);
    process::run(train.arg("--dir").arg(folder.join("training")).env("GATEWAY_BINARY", &instrumented))?;
    let profile = folder.join("gateway.profdata");
    process::run(Command::new(profdata).arg("merge").arg("-o").arg(&profile).arg(&raw))?;
    cargo(workspace, &folder.join("final"), "profile-use", &profile)
}

/// A release build in `target` with one code generation option, a path.
fn cargo(workspace: &Workspace, target: &Path, option: &str, value: &Path) -> anyhow::Result<PathBuf> {
    let host = host()?;
    let mut build = workspace.cargo("build");
    // Naming the target keeps the option away from build scripts.
    build.args(["--release", "--package", "gateway", "--target", &host, "--target-dir"]).arg(target);
    build.env("RUSTFLAGS", format!("-C{option}={}", value.display()));
    process::run(&mut build)?;
    Ok(target.join(host).join("release/gateway"))
}

/// The machine as rustc names it.
fn host() -> anyhow::Result<String> {
    let version = process::output(Command::new(rustc()).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc -vV names no host")?.to_owned())
}

fn rustc() -> std::ffi::OsString {
    env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())
}

/// `llvm-profdata`: of the toolchain (component llvm-tools), or Debian's of the same version of LLVM.
fn profdata() -> anyhow::Result<PathBuf> {
    let sysroot = process::output(Command::new(rustc()).args(["--print", "sysroot"]))?;
    let own = Path::new(sysroot.trim()).join("lib/rustlib").join(host()?).join("bin/llvm-profdata");
    let version = process::output(Command::new(rustc()).arg("-vV"))?;
    let llvm = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or_default();
    let major = llvm.split('.').next().unwrap_or_default();
    let packaged = PathBuf::from(format!("/usr/lib/llvm-{major}/bin/llvm-profdata"));
    [own, packaged].into_iter().find(|file| file.is_file()).with_context(|| {
        format!("there is no llvm-profdata for LLVM {llvm}: `rustup component add llvm-tools` installs it")
    })
}
