//! Where the management plane keeps what it was told: documents by service, one gapless revision counter a service, and
//! the log of changes that other nodes and gateways follow.
//!
//! The plane holds all documents in memory and decides there; a commit says which revision it was decided on, and is
//! refused as [`CommitError::Stale`] when another node was faster. So there is one order of changes, and nothing is
//! acknowledged that is not on disk. Source: management-api.md §6.2.

mod document;
pub mod figures;
mod postgres;
mod reports;
mod sqlite;

use std::path::Path;

use tokio::sync::watch;

pub use document::{
    Change, Commit, CommitError, Contents, Document, HISTORY_MAX, Instance, Reseal, ServiceContents,
    StoreError, Write,
};
use postgres::Postgres;
use sqlite::Sqlite;

/// A store. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Store {
    /// A file, of one node.
    Sqlite(Sqlite),
    /// A server, which several nodes share.
    Postgres(Postgres),
}

impl Store {
    /// Whether an address is that of a server, which several nodes may share; any other is a file's.
    pub fn is_server(address: &str) -> bool {
        ["postgres://", "postgresql://"].iter().any(|scheme| address.starts_with(scheme))
    }

    /// Opens what an address names, and makes the tables where there are none: `postgres://…`, or the path of an SQLite
    /// file.
    pub async fn open(address: &str) -> Result<Self, StoreError> {
        if Self::is_server(address) {
            return Ok(Self::Postgres(Postgres::open(address).await?));
        }
        Ok(Self::Sqlite(Sqlite::open(Path::new(address)).await?))
    }

    /// Everything, to start with.
    pub async fn load(&self) -> Result<Contents, StoreError> {
        match self {
            Self::Sqlite(store) => store.run(sqlite::read::contents).await,
            Self::Postgres(store) => store.contents().await,
        }
    }

    /// Names and revisions of the services.
    pub async fn services(&self) -> Result<Vec<(String, u64)>, StoreError> {
        match self {
            Self::Sqlite(store) => store.run(|connection| sqlite::read::services(connection)).await,
            Self::Postgres(store) => store.services().await,
        }
    }

    /// Makes a service at revision 0; one that exists stays as it is.
    pub async fn create_service(&self, service: &str) -> Result<(), StoreError> {
        let name = service.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::write::create_service(connection, &name)).await
            }
            Self::Postgres(store) => store.create_service(service).await,
        }
    }

    /// Removes a service with everything in it.
    pub async fn delete_service(&self, service: &str) -> Result<(), StoreError> {
        let name = service.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::write::delete_service(connection, &name)).await
            }
            Self::Postgres(store) => store.delete_service(service).await,
        }
    }

    /// Writes a change, all of it or nothing, and gives the new revision. On disk when this returns.
    pub async fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| Ok(sqlite::write::commit(connection, &commit))).await?
            }
            Self::Postgres(store) => store.commit(&commit).await,
        }
    }

    /// The changes after a revision, oldest first; `None` when the log does not reach back so far.
    pub async fn changes(&self, service: &str, since: u64) -> Result<Option<Vec<Change>>, StoreError> {
        let name = service.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::read::changes(connection, &name, since)).await
            }
            Self::Postgres(store) => store.changes(service, since).await,
        }
    }

    /// Tells of commits by other nodes; may tell too often, or of nothing. `None` where there is only one node.
    pub fn commits(&self) -> Option<watch::Receiver<u64>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.commits()),
        }
    }

    /// A named value of the plane itself (keys, epochs).
    pub async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let key = name.to_owned();
        match self {
            Self::Sqlite(store) => store.run(move |connection| sqlite::read::meta(connection, &key)).await,
            Self::Postgres(store) => store.meta(name).await,
        }
    }

    /// Sets a named value of the plane itself.
    pub async fn set_meta(&self, name: &str, value: Vec<u8>) -> Result<(), StoreError> {
        let key = name.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::write::meta(connection, &key, &value)).await
            }
            Self::Postgres(store) => store.set_meta(name, &value).await,
        }
    }

    /// What instances of gateways said last; the same instance is overwritten.
    pub async fn put_instances(&self, instances: Vec<Instance>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::write::instances(connection, &instances)).await
            }
            Self::Postgres(store) => store.put_instances(&instances).await,
        }
    }

    /// All instances of gateways of a service.
    pub async fn instances(&self, service: &str) -> Result<Vec<Instance>, StoreError> {
        let name = service.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::read::instances(connection, &name)).await
            }
            Self::Postgres(store) => store.instances(service).await,
        }
    }

    /// Replaces bodies, each only while its document has the version it had.
    pub async fn reseal(&self, documents: Vec<Reseal>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::write::reseal(connection, &documents)).await
            }
            Self::Postgres(store) => store.reseal(&documents).await,
        }
    }

    /// Copies services and documents, consistent, to a new SQLite file, while writes go on. Documents stay sealed.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        if to.exists() {
            return Err(StoreError::Exists { path: to.display().to_string() });
        }
        let contents = self.load().await?;
        let copy = Sqlite::open(to).await?;
        copy.run(move |connection| sqlite::write::contents(connection, &contents)).await
    }

    /// Takes over a backup into an empty store. Its epoch is new, so that no gateway takes what it has for newer.
    pub async fn restore(&self, from: &Path) -> Result<(), StoreError> {
        // Else the library would make one, and the store would be filled with nothing.
        if !from.is_file() {
            return Err(StoreError::Missing { path: from.display().to_string() });
        }
        let backup = Sqlite::open(from).await?;
        let contents = backup.run(sqlite::read::contents).await?;
        if !self.load().await?.services.is_empty() {
            return Err(StoreError::NotEmpty);
        }
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::write::contents(connection, &contents)).await
            }
            Self::Postgres(store) => store.put_contents(&contents).await,
        }
    }
}
