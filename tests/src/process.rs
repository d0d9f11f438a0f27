//! A gateway as a process of its own: exit codes, signals, standard output.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// The built binary: `GATEWAY_BINARY`, else the one beside the test's own, which the same build made.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("GATEWAY_BINARY") {
        return path.into();
    }
    let own = std::env::current_exe().expect("the test's path");
    let path = own.ancestors().nth(2).expect("target/debug").join("gateway");
    assert!(path.exists(), "{} is missing: cargo build -p gateway", path.display());
    path
}

/// A file that setup has fetched into the target directory; `None`, said aloud, where it could not.
pub fn fetched(file: &str) -> Option<PathBuf> {
    let own = std::env::current_exe().expect("the test's path");
    let path = own.ancestors().nth(3).expect("the target directory").join("clients").join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there: `cargo xtask setup test` could not fetch it", path.display());
    None
}

/// A program of another maker; `None`, said aloud, where it is not installed.
pub fn installed(program: &str) -> Option<PathBuf> {
    let places = ["/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin"];
    let found = places.iter().map(|place| Path::new(place).join(program)).find(|path| path.exists());
    if found.is_none() {
        eprintln!("SKIPPED: {program} is not installed: `cargo xtask setup test` brings it");
    }
    found
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    command(arguments).output().expect("the binary runs")
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary());
    command.args(arguments).stdin(Stdio::null());
    command
}

/// A process that serves; killed when dropped.
pub struct Process {
    child: Child,
    lines: Receiver<String>,
}

impl Process {
    /// Starts `gateway run` on free ports with JSON logs and waits until it listens.
    pub fn start(arguments: &[&str]) -> Self {
        let fixed =
            ["run", "--http", "127.0.0.1:0", "--https", "off", "--admin", "127.0.0.1:0", "--datapath", "off"];
        Self::serve(&[&fixed, arguments].concat())
    }

    /// Starts `gateway manage` on a free port with JSON logs.
    pub fn manage(arguments: &[&str]) -> Self {
        Self::serve(&[&["manage", "--management", "127.0.0.1:0"], arguments].concat())
    }

    /// Starts `gateway dev` over a folder, on free ports with JSON logs.
    pub fn dev(folder: &Path) -> Self {
        let ports =
            ["--http", "127.0.0.1:0", "--https", "off", "--admin", "127.0.0.1:0", "--datapath", "off"];
        let folder = folder.to_str().expect("a path of UTF-8");
        let fixed = ["dev", "--config", folder, "--set", "management.address=127.0.0.1:0"];
        Self::serve(&[&fixed[..], &ports].concat())
    }

    /// Starts the binary with these arguments, and JSON logs.
    pub fn serve(arguments: &[&str]) -> Self {
        let mut child = command(arguments)
            .args(["--set", "telemetry.logs.std=json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let stdout = child.stdout.take().expect("its output");
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Self { child, lines }
    }

    /// The next log line that holds `part`.
    pub fn line_with(&self, part: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).expect("a log line");
            if line.contains(part) {
                return line;
            }
        }
    }

    /// All lines that hold `part` and come before nothing has come for so long.
    pub fn lines_with(&self, part: &str, quiet: Duration) -> Vec<String> {
        let lines = std::iter::from_fn(|| self.lines.recv_timeout(quiet).ok());
        lines.filter(|line| line.contains(part)).collect()
    }

    /// The bound address of a listener, from the line of `GatewayListening`.
    pub fn address(line: &str, listener: &str) -> std::net::SocketAddr {
        let part = format!("\"{listener}\":\"");
        let from = line.find(&part).unwrap_or_else(|| panic!("{listener} in {line}")) + part.len();
        line[from..].split('"').next().expect("an address").parse().expect("an address")
    }

    /// The process's number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        nix::sys::signal::kill(pid, signal).expect("a signal sent");
    }

    /// Waits for the end; the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        self.child.wait().expect("the end").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
