//! The management plane in this process: store, listener, and the gateway's compiler as its judge of policies.

mod apart;
mod download;
mod issuer;
mod tls;
pub mod vault;

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use gateway_expression::Options;
use gateway_management::auth::{Authenticator, Oidc, Signing};
use gateway_management::http::{Management, serve};
use gateway_management::{ArmError, KeySource, Plane, PlaneError, PlaneSettings, PolicyCheck, ServiceName};
use gateway_model::{Diagnostic, PolicyScope, ResourceSet, Secret};
use gateway_proxy::ports::identity::IdentitySettings;
use gateway_proxy::snapshot::{check_certificate, check_policy};
use gateway_store::{Store, StoreError};
use serde_json::{Map, Value};
use tokio::runtime::Runtime;

use self::download::Links;
use self::vault::Vaults;
use crate::import::Importer;
use crate::mirror::{self, Mirror};
use crate::settings::{ListenAddress, ManagementSettings};

/// Why the plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("setting {name}: {reason}")]
    Setting { name: &'static str, reason: String },
    #[error("the management listener cannot be bound to {address}")]
    Bind { address: SocketAddr, source: std::io::Error },
    #[error("the runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    #[error("the management plane cannot start")]
    Plane(#[from] PlaneError),
    #[error("the backup cannot be made")]
    Backup(#[source] StoreError),
    #[error("the backup cannot be taken over")]
    Restore(#[source] StoreError),
    #[error("the key of the token endpoint cannot be kept")]
    Key(#[source] ArmError),
}

/// A running management plane.
pub struct ManagementPlane {
    runtime: Runtime,
    pub address: SocketAddr,
    pub plane: Arc<Plane>,
    service: ServiceName,
    mirror: Option<Mirror>,
}

impl ManagementPlane {
    /// Opens the store and serves; returns once the listener accepts.
    pub fn start(
        settings: &ManagementSettings,
        expressions: &Options,
        identity: &IdentitySettings,
    ) -> Result<Self, StartError> {
        let ListenAddress::At(wanted) = settings.address else {
            let reason = "the management plane needs a listener".to_owned();
            return Err(StartError::Setting { name: "management.address", reason });
        };
        let token = settings.static_token.as_ref().map(Secret::expose);
        if token.is_some() && !wanted.ip().is_loopback() && !settings.static_token_remote {
            let reason = format!(
                "{wanted} is no loopback address: set management.auth.static-token.remote=true to take it there"
            );
            return Err(StartError::Setting { name: "management.auth.static-token", reason });
        }
        let of_plane = plane_settings(settings)?;
        let has_tls = settings.tls || settings.certificate.is_some() || !wanted.ip().is_loopback();
        let tls = has_tls.then(|| tls::acceptor(settings, wanted.ip())).transpose()?;
        let bound = |source| StartError::Bind { address: wanted, source };
        let listener = TcpListener::bind(wanted).map_err(bound)?;
        listener.set_nonblocking(true).map_err(bound)?;
        let address = listener.local_addr().map_err(bound)?;
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .thread_name("management")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        let vaults = Vaults::new(settings.vault.clone(), identity.clone(), vec![address]);
        let plane = Arc::new(runtime.block_on(open_plane(&of_plane, expressions, vaults, vec![address]))?);
        let signing = runtime.block_on(Signing::open(&plane)).map_err(StartError::Key)?;
        let authenticator = Authenticator::new(signing, token, oidc(settings, address)?);
        let mut management = Management::new(Arc::clone(&plane), authenticator, tls.is_some());
        let is_mirror = settings.mirror().is_some();
        management.is_mirror = is_mirror;
        runtime.spawn(serve(Arc::new(management), listener, tls));
        runtime.spawn(follow_directory(Arc::clone(&plane)));
        runtime.spawn(Arc::clone(&plane).follow());
        if !is_mirror {
            runtime.spawn(Arc::clone(&plane).follow_vaults());
        }
        tracing::info!(event_type = "GatewayListening", management = %address, "the management plane listens");
        let service = of_plane.service;
        let mirror = settings
            .mirror()
            .map(|mirrored| mirror::start(mirrored, Arc::clone(&plane), service.clone()))
            .transpose()
            .map_err(|reason| StartError::Setting { name: "management.mirror", reason })?;
        Ok(Self { runtime, address, plane, service, mirror })
    }

    /// Revision of the service that the settings name; 0 where it is gone.
    pub fn revision(&self) -> u64 {
        self.plane.service(&self.service).map_or(0, |service| *service.watch().borrow())
    }

    /// What writes folders into the service that the settings name.
    pub fn importer(&self) -> Importer {
        Importer {
            runtime: self.runtime.handle().clone(),
            plane: Arc::clone(&self.plane),
            service: self.service.clone(),
        }
    }

    /// Copies the store of the settings to a new file.
    pub fn back_up(settings: &ManagementSettings, to: &Path) -> Result<(), StartError> {
        let runtime = tokio::runtime::Runtime::new().map_err(StartError::Runtime)?;
        let done = runtime.block_on(async { Store::open(&settings.store).await?.backup(to).await });
        done.map_err(StartError::Backup)
    }

    /// Fills the store of the settings, which must be empty, from a backup.
    pub fn restore(settings: &ManagementSettings, from: &Path) -> Result<(), StartError> {
        let runtime = tokio::runtime::Runtime::new().map_err(StartError::Runtime)?;
        let done = runtime.block_on(async { Store::open(&settings.store).await?.restore(from).await });
        done.map_err(StartError::Restore)
    }

    /// Stops; what was acknowledged is on disk.
    pub fn stop(self) {
        drop(self.mirror);
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    }
}

/// Opens the plane of a store with the gateway's compiler in it. `own` are this process's listeners, from which no linked
/// document may come.
pub async fn open_plane(
    settings: &PlaneSettings,
    expressions: &Options,
    vaults: Vaults,
    own: Vec<SocketAddr>,
) -> Result<Plane, PlaneError> {
    let (compiler, links) = (Compiler(expressions.clone()), Links::new(own));
    Plane::open(settings, Arc::new(compiler), Arc::new(links), Arc::new(vaults)).await
}

/// The other issuer of tokens, where there is one.
fn oidc(settings: &ManagementSettings, own: SocketAddr) -> Result<Option<Oidc>, StartError> {
    let Some(issuer) = &settings.issuer else { return Ok(None) };
    if settings.audiences.is_empty() {
        let reason = "an issuer in management.auth.issuer needs the audiences of its tokens".to_owned();
        return Err(StartError::Setting { name: "management.auth.audiences", reason });
    }
    let documents = Arc::new(issuer::Documents::new(own));
    Ok(Some(Oidc::new(issuer, settings.audiences.clone(), documents)))
}

/// Takes over what `gateway principal` has written: a principal that was removed is out within this time.
async fn follow_directory(plane: Arc<Plane>) {
    const EVERY: std::time::Duration = std::time::Duration::from_secs(5);
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = plane.refresh_directory().await {
            tracing::warn!(event_type = "ManagementFault", %error, "the directory cannot be read");
        }
    }
}

/// A file that is named after the store's; none where the store is a server's.
fn beside(settings: &ManagementSettings, ending: &str) -> Option<PathBuf> {
    (!Store::is_server(&settings.store)).then(|| PathBuf::from(format!("{}{ending}", settings.store)))
}

/// What the plane is started with. The nodes of a shared store need keys that all of them have: none is made for them.
pub fn plane_settings(settings: &ManagementSettings) -> Result<PlaneSettings, StartError> {
    let key_file = settings.key_file.clone().or_else(|| beside(settings, ".key"));
    let keys = match (&settings.key_command, key_file) {
        (Some(command), _) => KeySource::Command(command.clone()),
        (None, Some(file)) => KeySource::File(file),
        (None, None) => {
            let reason =
                "a store that several nodes share needs a key file, or a command, that all of them have";
            let reason = reason.to_owned();
            return Err(StartError::Setting { name: "management.store.key-file", reason });
        }
    };
    Ok(PlaneSettings {
        keys,
        service: ServiceName {
            subscription: settings.subscription.clone(),
            resource_group: settings.resource_group.clone(),
            name: settings.service.clone(),
        },
        store: settings.store.clone(),
    })
}

/// The compiler that gateways run, with the options of their expressions.
struct Compiler(Options);

impl PolicyCheck for Compiler {
    fn policy(&self, set: &ResourceSet, scope: &PolicyScope) -> Vec<Diagnostic> {
        check_policy(set, scope, &self.0)
    }

    fn certificate(&self, data: &str, password: &str) -> Result<Map<String, Value>, String> {
        let certificate = check_certificate(data, password)?;
        Ok(Map::from_iter([
            ("subject".to_owned(), Value::String(certificate.subject)),
            ("thumbprint".to_owned(), Value::String(certificate.thumbprint)),
            ("expirationDate".to_owned(), Value::String(certificate.expires)),
        ]))
    }
}
