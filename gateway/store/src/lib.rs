//! Where the management plane keeps what it was told: documents by service, one gapless revision counter a service, and
//! the log of changes that other nodes and gateways follow.
//!
//! The plane holds all documents in memory and decides there; a commit says which revision it was decided on, and is
//! refused as [`CommitError::Stale`] when another node was faster. So there is one order of changes, and nothing is
//! acknowledged that is not on disk. Source: management-api.md §6.2.

mod document;
mod sqlite;

pub use document::CommitError;
pub use document::{
    Change, Commit, Contents, Document, HISTORY_MAX, Instance, ServiceContents, StoreError, Write,
};

use std::path::Path;

use sqlite::Sqlite;

/// A store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Store(Sqlite);

impl Store {
    /// Opens the SQLite file, and makes it where there is none.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self(Sqlite::open(path).await?))
    }

    /// Everything, to start with.
    pub async fn load(&self) -> Result<Contents, StoreError> {
        self.0.run(|connection| sqlite::read::contents(connection)).await
    }

    /// Makes a service at revision 0; one that exists stays as it is.
    pub async fn create_service(&self, service: &str) -> Result<(), StoreError> {
        let service = service.to_owned();
        self.0.run(move |connection| sqlite::write::create_service(connection, &service)).await
    }

    /// Removes a service with everything in it.
    pub async fn delete_service(&self, service: &str) -> Result<(), StoreError> {
        let service = service.to_owned();
        self.0.run(move |connection| sqlite::write::delete_service(connection, &service)).await
    }

    /// Writes a change, all of it or nothing, and gives the new revision. On disk when this returns.
    pub async fn commit(&self, commit: Commit) -> Result<u64, CommitError> {
        self.0.run(move |connection| Ok(sqlite::write::commit(connection, &commit))).await?
    }

    /// The changes after a revision, oldest first; `None` when the log does not reach back so far.
    pub async fn changes(&self, service: &str, since: u64) -> Result<Option<Vec<Change>>, StoreError> {
        let service = service.to_owned();
        self.0.run(move |connection| sqlite::read::changes(connection, &service, since)).await
    }

    /// A named value of the plane itself (keys, epochs).
    pub async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let name = name.to_owned();
        self.0.run(move |connection| sqlite::read::meta(connection, &name)).await
    }

    /// Sets a named value of the plane itself.
    pub async fn set_meta(&self, name: &str, value: Vec<u8>) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.0.run(move |connection| sqlite::write::meta(connection, &name, &value)).await
    }

    /// What instances of gateways said last; the same instance is overwritten.
    pub async fn put_instances(&self, instances: Vec<Instance>) -> Result<(), StoreError> {
        self.0.run(move |connection| sqlite::write::instances(connection, &instances)).await
    }

    /// All instances of gateways of a service.
    pub async fn instances(&self, service: &str) -> Result<Vec<Instance>, StoreError> {
        let service = service.to_owned();
        self.0.run(move |connection| sqlite::read::instances(connection, &service)).await
    }

    /// Copies the whole store to a new file, consistent, while writes go on.
    pub async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let to = to.to_owned();
        self.0.run(move |connection| sqlite::write::backup(connection, &to)).await
    }
}
