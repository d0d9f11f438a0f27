//! The plane: its services, and the one way a change goes.

mod draft;
mod follow;
mod service;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gateway_model::{Diagnostic, PolicyScope, ResourceSet};
use gateway_store::{Commit, CommitError, Document, Store, StoreError, Write};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use crate::arm_error::ArmError;
use crate::federation::Federation;
use crate::figures::Figures;
use crate::key_source::{KeySource, KeySourceError};
use crate::seal::{SealError, Sealer};
use crate::service::download::Download;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record, Tree};
use crate::vault::Vault;

pub use service::Service;
pub(crate) use service::{apply, service};

/// Attempts of a change that other nodes keep overtaking.
const ATTEMPTS_MAX: u32 = 64;
/// Longest pause before the next attempt; a random part of it, so that two nodes do not keep step.
const PAUSE_MAX: Duration = Duration::from_millis(20);
/// Between two batches of heartbeats to the store.
const INSTANCES_SAVED: Duration = Duration::from_mins(1);
/// Between two looks for instances that have fallen silent.
const INSTANCES_LOOKED_AT: Duration = Duration::from_secs(5);
/// Place that tickets are sealed for; no document stands there.
const TICKET: &str = "ticket";

/// Subscription, resource group and name of a service; compared without case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName {
    pub subscription: String,
    pub resource_group: String,
    pub name: String,
}

impl ServiceName {
    /// The name in the store.
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.subscription, self.resource_group, self.name)
    }

    /// The ARM id.
    pub fn arm_id(&self) -> String {
        format!(
            "/subscriptions/{}/resourceGroups/{}/providers/Microsoft.ApiManagement/service/{}",
            self.subscription, self.resource_group, self.name
        )
    }

    fn parse(key: &str) -> Option<Self> {
        let mut parts = key.splitn(3, '/').map(str::to_owned);
        Some(Self { subscription: parts.next()?, resource_group: parts.next()?, name: parts.next()? })
    }

    fn is(&self, other: &Self) -> bool {
        self.key().eq_ignore_ascii_case(&other.key())
    }
}

/// What the plane is started with.
#[derive(Clone, Debug)]
pub struct PlaneSettings {
    /// SQLite file, or `postgres://…`.
    pub store: String,
    pub keys: KeySource,
    /// Service that a new store begins with.
    pub service: ServiceName,
}

/// Why the plane cannot start.
#[derive(Debug, thiserror::Error)]
pub enum PlaneError {
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    #[error("the documents of the store cannot be read")]
    Seal(#[from] SealError),
    #[error(transparent)]
    Keys(#[from] KeySourceError),
    #[error("a document of the store is not JSON: {0}")]
    Document(String),
}

/// The gateway's own compiler, by which policies are refused at save.
pub trait PolicyCheck: Send + Sync {
    /// Compiles the document of a scope in a set that holds what it refers to.
    fn policy(&self, set: &ResourceSet, scope: &PolicyScope) -> Vec<Diagnostic>;

    /// Opens a PFX (base64) by its password: `subject`, `thumbprint`, `expirationDate`; or why it cannot be opened.
    fn certificate(&self, data: &str, password: &str) -> Result<Properties, String>;
}

/// The management plane of one node.
pub struct Plane {
    pub store: Store,
    pub(crate) check: Arc<dyn PolicyCheck>,
    pub(crate) download: Arc<dyn Download>,
    pub(crate) vault: Arc<dyn Vault>,
    /// Changes with every restore of the store.
    pub epoch: u64,
    /// What gateways get.
    pub federation: Federation,
    /// Service that a new store begins with; its subscription is always there.
    pub home: ServiceName,
    /// What belongs to the plane itself: principals, the key of its tokens.
    pub(crate) directory: Arc<Service>,
    pub(crate) figures: OnceCell<Figures>,
    sealer: Arc<Sealer>,
    services: RwLock<Vec<Arc<Service>>>,
}

/// Who changes what, for the audit log.
#[derive(Clone, Copy, Debug)]
pub struct Author<'a> {
    pub principal: &'a str,
    pub operation: &'static str,
}

impl Plane {
    /// Opens the store and reads everything.
    pub async fn open(
        settings: &PlaneSettings,
        check: Arc<dyn PolicyCheck>,
        download: Arc<dyn Download>,
        vault: Arc<dyn Vault>,
    ) -> Result<Self, PlaneError> {
        let store = Store::open(&settings.store).await?;
        let contents = store.load().await?;
        let sealer = Arc::new(Sealer::new(&settings.keys.read(contents.services.is_empty())?)?);
        let mut services = Vec::new();
        store.create_service(&directory_name().key()).await?;
        let mut directory = Arc::new(service(directory_name(), Tree::default()));
        for found in &contents.services {
            let Some(name) = ServiceName::parse(&found.service) else { continue };
            let mut tree = Tree::at(found.revision);
            for document in &found.documents {
                tree.put(Arc::new(opened(&sealer, document)?));
            }
            if name.is(&directory.name) {
                directory = Arc::new(service(name, tree));
            } else {
                services.push(Arc::new(service(name, tree)));
            }
        }
        let mut outdated = Vec::new();
        for found in &contents.services {
            outdated.extend(sealer.outdated(found)?);
        }
        let (epoch, services, home) = (contents.epoch, RwLock::new(services), settings.service.clone());
        let (federation, figures) = (Federation::default(), OnceCell::new());
        let plane = Self {
            store,
            check,
            download,
            vault,
            epoch,
            federation,
            home,
            directory,
            figures,
            sealer,
            services,
        };
        if plane.services().is_empty() {
            plane.create_service(settings.service.clone()).await?;
        }
        if !outdated.is_empty() {
            let documents = outdated.len();
            plane.store.reseal(outdated).await?;
            tracing::info!(event_type = "StoreResealed", documents, "documents are sealed with the new key");
        }
        Ok(plane)
    }

    /// A key for a purpose, made of the key that the store is sealed with now.
    pub(crate) fn derived_key(&self, purpose: &str) -> Vec<u8> {
        self.sealer.derived_key(purpose)
    }

    /// A text that only this plane can have written, and only this plane can read.
    pub(crate) fn ticket(&self, text: &str) -> Result<String, SealError> {
        Ok(URL_SAFE_NO_PAD.encode(self.sealer.seal(TICKET, text.as_bytes())?))
    }

    /// What a ticket says; `None` for one of another's making.
    pub(crate) fn open_ticket(&self, ticket: &str) -> Option<String> {
        let sealed = URL_SAFE_NO_PAD.decode(ticket).ok()?;
        String::from_utf8(self.sealer.open(TICKET, &sealed).ok()?).ok()
    }

    /// All services.
    pub fn services(&self) -> Vec<Arc<Service>> {
        self.services.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A service by name.
    pub fn service(&self, name: &ServiceName) -> Option<Arc<Service>> {
        self.services().into_iter().find(|service| service.name.is(name))
    }

    /// Makes a service with its built-in resources; one that exists is given back.
    pub async fn create_service(&self, name: ServiceName) -> Result<Arc<Service>, StoreError> {
        if let Some(service) = self.service(&name) {
            return Ok(service);
        }
        self.store.create_service(&name.key()).await?;
        let service = {
            let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
            // Whoever made it in between has seeded it as well.
            if let Some(known) = services.iter().find(|known| known.name.is(&name)) {
                return Ok(Arc::clone(known));
            }
            let service = Arc::new(service(name, Tree::default()));
            services.push(Arc::clone(&service));
            service
        };
        let author = Author { principal: "system", operation: "ApiManagementService_CreateOrUpdate" };
        let seeded = self.write(&service, author, crate::service::built_in::seed).await;
        if let Err(error) = seeded {
            tracing::error!(event_type = "ManagementFault", %error, "the built-in resources cannot be written");
        }
        Ok(service)
    }

    /// Removes a service with everything in it.
    pub async fn delete_service(&self, name: &ServiceName) -> Result<bool, StoreError> {
        let Some(service) = self.service(name) else { return Ok(false) };
        self.store.delete_service(&service.name.key()).await?;
        let mut services = self.services.write().unwrap_or_else(PoisonError::into_inner);
        services.retain(|known| !known.name.is(name));
        Ok(true)
    }

    /// Decides a change and writes it, all or nothing. `decide` may run again, on newer documents, when another node was
    /// faster. Without a difference nothing is written, and the revision stays.
    pub async fn write<T>(
        &self,
        service: &Service,
        author: Author<'_>,
        decide: impl Fn(&mut Transaction<'_>) -> Result<T, ArmError>,
    ) -> Result<T, ArmError> {
        let _one_at_a_time = service.writer.lock().await;
        for attempt in 0..ATTEMPTS_MAX {
            let (result, records, expected) = {
                let tree = service.tree();
                let mut transaction = Transaction::new(&tree, now());
                let result = decide(&mut transaction)?;
                (result, transaction.into_changes(), tree.revision)
            };
            if records.is_empty() {
                return Ok(result);
            }
            let commit =
                self.commit_of(service, author, expected, &records).map_err(|e| ArmError::internal(&e))?;
            match self.store.commit(commit).await {
                Ok(revision) => {
                    apply(service, revision, records);
                    return Ok(result);
                }
                Err(CommitError::Stale { .. }) => {
                    tokio::time::sleep(pause(attempt)).await;
                    self.catch_up(service).await.map_err(|error| ArmError::internal(&error))?;
                }
                Err(CommitError::NoService) => return Err(ArmError::not_found("Service")),
                Err(error) => return Err(ArmError::internal(&error)),
            }
        }
        Err(ArmError::new(
            hyper::StatusCode::CONFLICT,
            "PessimisticConcurrencyConflict",
            "Other changes of the service were faster each time. Try again.",
        ))
    }

    fn commit_of(
        &self,
        service: &Service,
        author: Author<'_>,
        expected: u64,
        records: &[(String, Option<Record>)],
    ) -> Result<Commit, SealError> {
        let writes = records.iter().map(|(path, record)| {
            let body = record.as_ref().map(|record| self.sealer.seal(path, &body_of(record))).transpose()?;
            Ok(Write { path: path.clone(), body })
        });
        Ok(Commit {
            service: service.name.key(),
            expected,
            writes: writes.collect::<Result<_, SealError>>()?,
            principal: author.principal.to_owned(),
            operation: author.operation.to_owned(),
            at: now(),
        })
    }

    /// Takes over what other nodes have written.
    pub async fn catch_up(&self, service: &Service) -> Result<(), PlaneError> {
        let since = service.tree().revision;
        let Some(changes) = self.store.changes(&service.name.key(), since).await? else {
            return self.reload(service).await;
        };
        let Some(revision) = changes.last().map(|change| change.revision) else { return Ok(()) };
        let mut records = Vec::new();
        for change in changes {
            let record = change
                .body
                .map(|body| Document { path: change.path.clone(), version: change.revision, body })
                .map(|document| opened(&self.sealer, &document))
                .transpose()?;
            records.push((change.path, record));
        }
        apply(service, revision, records);
        Ok(())
    }

    /// Stores heartbeats and says who has fallen silent, until the runtime ends.
    pub(crate) async fn look_after_instances(self: Arc<Self>) {
        let mut saved = Instant::now();
        loop {
            tokio::time::sleep(INSTANCES_LOOKED_AT).await;
            self.federation.instances.look(now());
            if saved.elapsed() >= INSTANCES_SAVED {
                saved = Instant::now();
                if let Err(error) = self.federation.instances.save(&self.store).await {
                    tracing::warn!(event_type = "ManagementFault", %error, "heartbeats are not stored");
                }
                for service in self.services() {
                    if let Err(error) = self.store.prune(&service.name.key(), now()).await {
                        tracing::warn!(event_type = "ManagementFault", %error, "old reports are not dropped");
                    }
                }
            }
        }
    }

    async fn reload(&self, service: &Service) -> Result<(), PlaneError> {
        let key = service.name.key();
        let contents = self.store.load().await?;
        let Some(found) = contents.services.into_iter().find(|found| found.service == key) else {
            return Ok(());
        };
        let mut tree = Tree::at(found.revision);
        for document in &found.documents {
            tree.put(Arc::new(opened(&self.sealer, document)?));
        }
        service.remember(found.revision, None);
        *service.tree.write().unwrap_or_else(PoisonError::into_inner) = tree;
        service.changed.send_replace(found.revision);
        Ok(())
    }
}

/// The name under which the store keeps what belongs to the plane itself; no service can have it.
fn directory_name() -> ServiceName {
    ServiceName { subscription: String::new(), resource_group: String::new(), name: "directory".to_owned() }
}

fn body_of(record: &Record) -> Vec<u8> {
    let body = json!({
        "created": record.created, "modified": record.modified, "properties": record.properties,
    });
    body.to_string().into_bytes()
}

fn opened(sealer: &Sealer, document: &Document) -> Result<Record, PlaneError> {
    let text = sealer.open(&document.path, &document.body)?;
    let bad = || PlaneError::Document(document.path.clone());
    let body: Value = serde_json::from_slice(&text).map_err(|_| bad())?;
    let seconds = |name: &str| body.get(name).and_then(Value::as_i64).unwrap_or_default();
    let (created, modified) = (seconds("created"), seconds("modified"));
    let properties: Properties = match body {
        Value::Object(mut members) => match members.remove("properties") {
            Some(Value::Object(properties)) => properties,
            _ => return Err(bad()),
        },
        _ => return Err(bad()),
    };
    Ok(Record {
        path: document.path.as_str().into(),
        version: document.version,
        created,
        modified,
        properties,
    })
}

/// Longer with each attempt, and never the same on two nodes.
fn pause(attempt: u32) -> Duration {
    let most = PAUSE_MAX.min(Duration::from_millis(1 << attempt.min(5)));
    most.mul_f64(f64::from(uuid::Uuid::new_v4().as_fields().0) / f64::from(u32::MAX))
}

/// Seconds since 1970.
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
