//! The backend of all proxies: nginx returning 1 KiB.

use std::fs;
use std::path::Path;

use gateway_benches::scratch::{Cores, Process, free_port};

/// A backend that runs until dropped.
#[derive(Debug)]
pub struct Backend {
    pub port: u16,
    _process: Process,
}

impl Backend {
    pub fn start(dir: &Path) -> anyhow::Result<Self> {
        let dir = dir.join("backend");
        fs::create_dir_all(&dir)?;
        let port = free_port()?;
        let file = dir.join("nginx.conf");
        fs::write(&file, configuration(&dir, port))?;
        let process =
            Process::start(Cores::Load, Path::new("nginx"), [Path::new("-c"), &file], &dir.join("log"))?;
        Ok(Self { port, _process: process })
    }
}

/// A metadata service, for the exporters' tokens; what they send is taken by the other location.
const TOKENS: &str = "    client_max_body_size 0;\n    location = /metadata/identity/oauth2/token {\n      return 200 \
     '{\"access_token\":\"token\",\"expires_in\":\"86399\",\"resource\":\"x\",\"token_type\":\"Bearer\"}';\n    }\n";

fn configuration(dir: &Path, port: u16) -> String {
    let (dir, body) = (dir.display(), "x".repeat(1024));
    format!(
        "daemon off;\nworker_processes 1;\npid {dir}/pid;\nerror_log {dir}/error.log crit;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  keepalive_requests 1000000000;\n  keepalive_timeout 3600s;\n\
         \x20 client_body_temp_path {dir}/body;\n\
         \x20 server {{\n    listen 127.0.0.1:{port} backlog=4096;\n    location / {{ return 200 \"{body}\"; }}\n{TOKENS}  }}\n}}\n"
    )
}
