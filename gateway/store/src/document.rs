//! What goes in and out of a store.

use rusqlite::ErrorCode;

/// Changes kept in the log of a service; who is further behind reads everything.
pub const HISTORY_MAX: u64 = 100_000;

/// A document as stored. The body is the plane's affair: JSON, or sealed bytes where it holds secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Path below the service, as first written: `apis/orders/operations/get`.
    pub path: String,
    /// Revision of the change that wrote it.
    pub version: u64,
    pub body: Vec<u8>,
}

/// One document of a [`Commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Path below the service; compared without case.
    pub path: String,
    /// New body; `None` deletes.
    pub body: Option<Vec<u8>>,
}

/// A change: all its writes or none.
#[derive(Clone, Debug)]
pub struct Commit {
    pub service: String,
    /// Revision that the change was decided on.
    pub expected: u64,
    pub writes: Vec<Write>,
    /// Who: object id or name.
    pub principal: String,
    /// Operation id, for the audit log.
    pub operation: String,
    /// Seconds since 1970.
    pub at: i64,
}

/// An entry of the change log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub revision: u64,
    pub path: String,
    /// The body now; `None` when it is gone now.
    pub body: Option<Vec<u8>>,
}

/// Everything of one service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceContents {
    pub service: String,
    pub revision: u64,
    pub documents: Vec<Document>,
}

/// Everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    /// Changes with every restore, so that no gateway takes an old revision for a new one.
    pub epoch: u64,
    pub services: Vec<ServiceContents>,
}

/// A document sealed anew: another body that says the same, of no revision of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reseal {
    pub service: String,
    pub document: Document,
}

/// What an instance of a gateway said last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub service: String,
    pub gateway: String,
    pub instance: String,
    /// Seconds since 1970.
    pub seen: i64,
    /// JSON of the heartbeat.
    pub body: Vec<u8>,
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store failed: {0}")]
    Sqlite(rusqlite::Error),
    #[error(
        "the store is damaged ({0}): move it and its -wal file aside, and fill a new one with the last backup by \
         `gateway manage --store FILE --restore BACKUP`"
    )]
    Damaged(rusqlite::Error),
    #[error("the store failed: {}", shown(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error("TLS to the store cannot be set up: {0}")]
    Tls(std::io::Error),
    #[error("the store was written by version {found} of this program's layout; this one knows {known}")]
    Layout { found: i64, known: i64 },
    #[error("the store's thread is gone")]
    Closed,
    #[error("{path} exists already")]
    Exists { path: String },
    #[error("there is no backup {path}")]
    Missing { path: String },
    #[error("there are services in the store already: a backup goes into an empty one")]
    NotEmpty,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(error),
            _ => Self::Sqlite(error),
        }
    }
}

/// Why a commit was not done.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Another node committed in between: catch up, decide again.
    #[error("the service is at revision {at} by now")]
    Stale { at: u64 },
    #[error("there is no service of this name")]
    NoService,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The library says only "db error"; what the server said is its source.
fn shown(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
