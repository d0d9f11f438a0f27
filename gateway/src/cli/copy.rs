//! `gateway pull` and `gateway push`: configuration between a service behind an ARM endpoint and a folder.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use gateway_model::Diagnostic;
use gateway_policy::backend::BackendTls;
use gateway_proxy::upstream::{Offer, Roots, TlsClient};
use gateway_sync::arm::{Kind, Service, changes, differing_lines};
use gateway_sync::folder::{WriteSettings, files, load, write};

use super::{EXIT_FAILED, EXIT_SETTINGS, Source, fail};
use crate::plane_transport::{Authorization, Endpoint, PlaneTransport};

const TIMEOUT: Duration = Duration::from_secs(30);

/// The service.
#[derive(Clone, Debug, clap::Args)]
struct Remote {
    /// The service: an endpoint and its ARM id, `http://localhost:8082/subscriptions/…/service/NAME`
    #[arg(long, value_name = "URL")]
    service: String,
    /// Bearer token; better in the environment, where others do not see it
    #[arg(long, value_name = "TOKEN", env = "GATEWAY_ARM_TOKEN", hide_env_values = true)]
    token: String,
    /// File with roots for the endpoint, PEM
    #[arg(long, value_name = "FILE")]
    roots: Option<PathBuf>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, clap::Args)]
pub struct Pull {
    /// Folder to write
    dir: PathBuf,
    #[command(flatten)]
    remote: Remote,
    /// Ask for secret values and keys and write them as well
    #[arg(long)]
    with_secrets: bool,
}

#[derive(Debug, clap::Args)]
pub struct Push {
    /// Folder to read
    dir: PathBuf,
    #[command(flatten)]
    remote: Remote,
    #[command(flatten)]
    source: Source,
    /// Delete what the folder does not have
    #[arg(long)]
    delete: bool,
}

impl Remote {
    fn service(&self, with_secrets: bool) -> Result<Service<PlaneTransport>, String> {
        let mut endpoint = Endpoint::parse(&self.service).map_err(|reason| format!("--service: {reason}"))?;
        let path = std::mem::take(&mut endpoint.prefix);
        if !path.to_ascii_lowercase().contains("/providers/microsoft.apimanagement/service/") {
            return Err("--service: there is no ARM id of a service behind the endpoint".to_owned());
        }
        let mut roots = Roots::system();
        if let Some(file) = &self.roots {
            roots.add_file(file).map_err(|error| format!("--roots {}: {error}", file.display()))?;
        }
        let tls = TlsClient::new(roots).config(&BackendTls::default(), Offer::Http1);
        let tls = tls.ok_or("TLS cannot be set up")?;
        let token = Authorization::Given(format!("Bearer {}", self.token).into());
        Ok(Service::new(PlaneTransport::new(endpoint, &token, tls, TIMEOUT)?, &path, with_secrets))
    }
}

impl Pull {
    pub fn execute(self) -> ExitCode {
        let service = match self.remote.service(self.with_secrets) {
            Ok(service) => service,
            Err(message) => return fail(EXIT_SETTINGS, message),
        };
        match run(async { self.pull(&service).await }) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => fail(EXIT_FAILED, message),
        }
    }

    async fn pull(&self, service: &Service<PlaneTransport>) -> Result<(), String> {
        let (set, findings) = service.read().await.map_err(|error| error.to_string())?;
        warn(&findings);
        let settings = WriteSettings { secrets: self.with_secrets };
        let mut changed = 0;
        for (name, text) in files(&set, settings).map_err(|error| error.to_string())? {
            let old = fs::read_to_string(self.dir.join(&name));
            if old.as_ref().is_ok_and(|old| *old == text) {
                continue;
            }
            changed += 1;
            println!("{} {name}", if old.is_ok() { '~' } else { '+' });
            if let Ok(old) = old {
                for line in differing_lines(&old, &text) {
                    println!("    {line}");
                }
            }
        }
        println!("{changed} files differ");
        if self.remote.dry_run {
            return Ok(());
        }
        write(&set, &self.dir, settings).map_err(|error| error.to_string())
    }
}

impl Push {
    pub fn execute(self) -> ExitCode {
        if !self.dir.is_dir() {
            return fail(EXIT_SETTINGS, format!("{}: there is no such folder", self.dir.display()));
        }
        let service = match self.remote.service(true) {
            Ok(service) => service,
            Err(message) => return fail(EXIT_SETTINGS, message),
        };
        match run(async { self.push(&service).await }) {
            Ok(()) => ExitCode::SUCCESS,
            Err(message) => fail(EXIT_FAILED, message),
        }
    }

    async fn push(&self, service: &Service<PlaneTransport>) -> Result<(), String> {
        let outcome = load(&self.source.folder(self.dir.clone()));
        warn(&outcome.diagnostics);
        if let Some(error) = outcome.diagnostics.iter().find(|finding| finding.is_error()) {
            return Err(format!("nothing is pushed from a folder with errors: {error}"));
        }
        let (there, findings) = service.read().await.map_err(|error| error.to_string())?;
        warn(&findings);
        let steps = changes(&there, &outcome.set, self.delete);
        for step in &steps {
            let mark = match step.kind {
                Kind::Create => '+',
                Kind::Update => '~',
                Kind::Delete => '-',
            };
            println!("{mark} {}", step.document.0);
            for line in &step.lines {
                println!("    {line}");
            }
            if self.remote.dry_run {
                continue;
            }
            let done = match step.kind {
                Kind::Delete => service.delete(&step.document.0).await,
                Kind::Create | Kind::Update => service.put(&step.document).await,
            };
            done.map_err(|error| error.to_string())?;
        }
        println!("{} resources differ", steps.len());
        Ok(())
    }
}

fn warn(findings: &[Diagnostic]) {
    for finding in findings {
        eprintln!("{finding}");
    }
}

fn run<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| format!("there is no runtime: {error}"))?.block_on(work)
}
