//! Starting other programs, and saying so.

use std::env;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// Runs `command` with our terminal; an exit other than 0 is an error.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let line = line_of(command);
    eprintln!("+ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs `command` quietly; its standard output, or an error with what it complained of.
pub fn output(command: &mut Command) -> anyhow::Result<String> {
    let line = line_of(command);
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Where `program` is on the PATH.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// True when this process may change the system itself.
pub fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// `program` as root: directly, or through sudo.
pub fn as_root(program: &str) -> anyhow::Result<Command> {
    if is_root() {
        return Ok(Command::new(program));
    }
    if find("sudo").is_none() {
        bail!("`{program}` has to run as root, and there is no sudo here");
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    Ok(command)
}

fn line_of(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy()];
    words.extend(command.get_args().map(|argument| argument.to_string_lossy()));
    // A whole script as an argument would drown the rest.
    words.iter().map(|word| if word.contains('\n') { "…" } else { word }).collect::<Vec<_>>().join(" ")
}
