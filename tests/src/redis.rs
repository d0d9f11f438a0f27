//! A Redis server of its own for a test.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A running server on a free port; killed when dropped.
pub struct Redis {
    child: Child,
    port: u16,
    password: Option<String>,
    _dir: TempDir,
}

impl Redis {
    /// Starts Debian's server; `None`, with a line that says so, where it is not installed.
    pub fn start(password: Option<&str>) -> Option<Self> {
        let port = free_port();
        let found = Self::start_at(port, password);
        if found.is_none() {
            eprintln!("skipped: there is no redis-server here; `cargo xtask setup test` installs it");
        }
        found
    }

    /// The same on a given port, as after a restart.
    pub fn start_at(port: u16, password: Option<&str>) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut command = Command::new("redis-server");
        command
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .arg("--dir")
            .arg(dir.path())
            .stdout(Stdio::null());
        if let Some(password) = password {
            command.args(["--requirepass", password]);
        }
        let child = command.spawn().ok()?;
        let redis = Self { child, port, password: password.map(str::to_owned), _dir: dir };
        redis.wait();
        Some(redis)
    }

    fn wait(&self) {
        let address: SocketAddr = ([127, 0, 0, 1], self.port).into();
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < Duration::from_secs(20), "redis-server does not accept connections");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// As a `Cache` resource or `state.redis` has it.
    pub fn connection_string(&self) -> String {
        let password = self.password.as_ref().map(|text| format!(",password={text}")).unwrap_or_default();
        format!("127.0.0.1:{}{password},ssl=False,abortConnect=False", self.port)
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"));
        nix::sys::signal::kill(pid, signal).expect("a signal sent");
    }

    /// The output of redis-cli.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("redis-cli");
        command.args(["-p", &self.port.to_string(), "--no-auth-warning"]);
        if let Some(password) = &self.password {
            command.args(["-a", password]);
        }
        let output = command.args(arguments).output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port that nobody uses now.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}
