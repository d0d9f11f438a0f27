//! A PostgreSQL server of the test's own, on a socket in a folder of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A running server; stopped and removed with the test.
pub struct Server {
    folder: tempfile::TempDir,
    programs: PathBuf,
    /// Address of the loopback network that it speaks TLS at.
    tls: Option<String>,
}

impl Server {
    /// Starts one; `None`, with a line that says so, where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        Self::with(None)
    }

    /// The same with TLS, at an address that is this process's own: the port is the usual one.
    pub fn start_with_tls() -> Option<Self> {
        let [_, _, high, low] = std::process::id().to_be_bytes();
        Self::with(Some(format!("127.{high}.{low}.54")))
    }

    fn with(tls: Option<String>) -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("skipped: there is no PostgreSQL here; `cargo xtask setup test` installs it");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").expect("a folder");
        let server = Self { folder, programs, tls };
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(server.folder.path()));
        }
        let initdb = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-sync", "-D"];
        run(server.program("initdb").args(initdb).arg(server.data()));
        if let Some(address) = &server.tls {
            server.certify(address);
        }
        server.control("start");
        Some(server)
    }

    /// For `Store::open`.
    pub fn address(&self) -> String {
        let folder = self.folder.path().to_string_lossy().replace('/', "%2F");
        format!("postgres://postgres@{folder}/postgres")
    }

    /// The same by TLS.
    pub fn tls_address(&self) -> String {
        let root = self.data().join("server.crt").display().to_string().replace('/', "%2F");
        let address = self.tls.as_deref().unwrap_or_default();
        format!("postgres://postgres@{address}/postgres?sslmode=require&sslrootcert={root}")
    }

    /// Key and certificate, where the server looks for them.
    fn certify(&self, address: &str) {
        let made = rcgen::generate_simple_self_signed([address.to_owned()]).expect("a certificate");
        let files = [("server.crt", made.cert.pem()), ("server.key", made.signing_key.serialize_pem())];
        for (name, text) in files {
            let path = self.data().join(name);
            std::fs::write(&path, text).expect("written");
            run(Command::new("chmod").arg("600").arg(&path));
            if is_root() {
                run(Command::new("chown").arg("postgres").arg(&path));
            }
        }
    }

    pub fn restart(&mut self) {
        self.control("restart");
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn control(&self, verb: &str) {
        let folder = self.folder.path().display();
        let listen = match &self.tls {
            Some(address) => format!("-c listen_addresses={address} -c ssl=on"),
            None => "-c listen_addresses=''".to_owned(),
        };
        let options = format!("{listen} -c unix_socket_directories={folder}");
        let log = self.folder.path().join("log");
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).arg("-l").arg(log).args([
            "-w",
            "-m",
            "immediate",
            "-o",
            &options,
            verb,
        ]);
        run(&mut command);
    }

    /// The server refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        if !is_root() {
            return Command::new(path);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut command = self.program("pg_ctl");
        command.arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]);
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout.trim_ascii() == b"0"
}

/// Debian keeps them beside each other, by version; the newest.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    found.retain(|path| path.join("initdb").exists());
    found.sort();
    found.pop()
}

fn run(command: &mut Command) {
    let done = command.current_dir("/").stdout(Stdio::null()).output().expect("a program that starts");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}
