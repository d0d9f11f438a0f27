//! SQLite: one connection on a thread of its own; WAL, and a sync at every commit.

pub mod figures;
pub mod read;
pub mod write;

use std::path::Path;
use std::sync::mpsc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::StoreError;
use crate::figures::sql;

/// Version of the tables below.
const LAYOUT: i64 = 2;

const TABLES: &str = "
    CREATE TABLE meta (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
    CREATE TABLE service (name TEXT PRIMARY KEY, revision INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE document (
        service TEXT NOT NULL, key TEXT NOT NULL, path TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (service, key)
    );
    CREATE TABLE change (
        service TEXT NOT NULL, revision INTEGER NOT NULL, part INTEGER NOT NULL, path TEXT NOT NULL,
        PRIMARY KEY (service, revision, part)
    ) WITHOUT ROWID;
    CREATE TABLE audit (
        at INTEGER NOT NULL, service TEXT NOT NULL, revision INTEGER NOT NULL, principal TEXT NOT NULL,
        operation TEXT NOT NULL, paths TEXT NOT NULL
    );
    CREATE TABLE instance (
        service TEXT NOT NULL, gateway TEXT NOT NULL, instance TEXT NOT NULL, seen INTEGER NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (service, gateway, instance)
    ) WITHOUT ROWID;
";

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The way to the thread that owns the connection.
#[derive(Clone, Debug)]
pub struct Sqlite {
    jobs: mpsc::Sender<Job>,
}

impl Sqlite {
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let path = path.to_owned();
        let (jobs, todo) = mpsc::channel::<Job>();
        let (opened, result) = oneshot::channel();
        thread::Builder::new()
            .name("store".to_owned())
            .spawn(move || match connect(&path) {
                Ok(mut connection) => {
                    let _ = opened.send(Ok(()));
                    for job in todo {
                        job(&mut connection);
                    }
                }
                Err(error) => {
                    let _ = opened.send(Err(error));
                }
            })
            .map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)??;
        Ok(Self { jobs })
    }

    /// Runs a job after those before it.
    pub async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may be gone: the work is done all the same.
            let _ = done.send(job(connection));
        });
        self.jobs.send(job).map_err(|_| StoreError::Closed)?;
        result.await.map_err(|_| StoreError::Closed)?
    }
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.busy_timeout(std::time::Duration::from_secs(5))?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        LAYOUT => {}
        0 => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(&sql::TABLES.join(";\n"))?;
            transaction.execute(
                "INSERT INTO meta (name, value) VALUES ('epoch', CAST(CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) AS BLOB))",
                (),
            )?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
            transaction.commit()?;
        }
        // The first layout had no reports.
        1 => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(&sql::TABLES.join(";\n"))?;
            transaction.pragma_update(None, "user_version", LAYOUT)?;
            transaction.commit()?;
        }
        found => return Err(StoreError::Layout { found, known: LAYOUT }),
    }
    Ok(connection)
}
