//! The store's doors for what gateways report.

use gateway_model::usage::Usage;

use crate::figures::{Audited, Counter, Note, Report, Setting, StoredRequest, Trace};
use crate::{Store, StoreError, sqlite};

impl Store {
    /// Takes a report, all of it or nothing, and each number of a source once; gives the sums of its counters. On disk when
    /// this returns.
    pub async fn report(&self, report: Report) -> Result<Vec<Counter>, StoreError> {
        let report = report.sorted();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::report(connection, &report)).await
            }
            Self::Postgres(store) => store.report(&report).await,
        }
    }

    /// Figures of the quarters that begin from `time.0` on and before `time.1`, seconds since 1970, summed over steps of so
    /// many seconds: at most one row more than [`crate::figures::USED_MAX`].
    pub async fn used(&self, service: &str, time: (i64, i64), step: i64) -> Result<Vec<Usage>, StoreError> {
        let name = service.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::used(connection, &name, time, step)).await
            }
            Self::Postgres(store) => store.used(service, time, step).await,
        }
    }

    /// Requests of a time, milliseconds since 1970, oldest first.
    pub async fn requests(&self, service: &str, time: (i64, i64)) -> Result<Vec<StoredRequest>, StoreError> {
        let name = service.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::requests(connection, &name, time)).await
            }
            Self::Postgres(store) => store.requests(service, time).await,
        }
    }

    /// Counters of a name.
    pub async fn counters(&self, service: &str, name: &str) -> Result<Vec<Counter>, StoreError> {
        let (own, digest) = (service.to_owned(), name.to_owned());
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::counters(connection, &own, &digest)).await
            }
            Self::Postgres(store) => store.counters(service, name).await,
        }
    }

    /// Sets counters, by id and start of their window, and writes that down.
    pub async fn set_counters(
        &self,
        counters: Vec<(String, i64)>,
        setting: Setting,
        note: Note,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => {
                let set = move |connection: &mut _| {
                    sqlite::figures::set_counters(connection, &counters, setting, &note)
                };
                store.run(set).await
            }
            Self::Postgres(store) => store.set_counters(&counters, setting, &note).await,
        }
    }

    /// Keeps a trace.
    pub async fn put_trace(&self, trace: Trace) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::put_trace(connection, &trace)).await
            }
            Self::Postgres(store) => store.put_trace(&trace).await,
        }
    }

    /// A trace by its id.
    pub async fn trace(&self, service: &str, id: &str) -> Result<Option<Trace>, StoreError> {
        let (own, name) = (service.to_owned(), id.to_owned());
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::trace(connection, &own, &name)).await
            }
            Self::Postgres(store) => store.trace(service, id).await,
        }
    }

    /// Writes into the audit log what changed no document.
    pub async fn note(&self, note: Note) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::note(connection, &note)).await
            }
            Self::Postgres(store) => store.note(&note).await,
        }
    }

    /// The last entries of the audit log, at most so many, the newest first.
    pub async fn audited(&self, most: u32) -> Result<Vec<Audited>, StoreError> {
        let most = i64::from(most);
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::audited(connection, most)).await
            }
            Self::Postgres(store) => store.audited(most).await,
        }
    }

    /// Drops what is old or more than is kept, of a service.
    pub async fn prune(&self, service: &str, now: i64) -> Result<(), StoreError> {
        let name = service.to_owned();
        match self {
            Self::Sqlite(store) => {
                store.run(move |connection| sqlite::figures::prune(connection, &name, now)).await
            }
            Self::Postgres(store) => store.prune(service, now).await,
        }
    }
}
