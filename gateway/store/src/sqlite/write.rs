//! Writing. `lower()` of SQLite folds ASCII only, as names are compared.

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::figures::sql;
use crate::{
    Commit, CommitError, Contents, Document, HISTORY_MAX, Instance, Reseal, ServiceContents, StoreError,
};

pub fn create_service(connection: &mut Connection, service: &str) -> Result<(), StoreError> {
    connection.execute("INSERT OR IGNORE INTO service (name, revision) VALUES (?1, 0)", [service])?;
    Ok(())
}

pub fn delete_service(connection: &mut Connection, service: &str) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for table in ["document", "change", "instance"].into_iter().chain(sql::OF_SERVICE) {
        transaction.execute(&format!("DELETE FROM {table} WHERE service = ?1"), [service])?;
    }
    transaction.execute("DELETE FROM service WHERE name = ?1", [service])?;
    Ok(transaction.commit()?)
}

pub fn commit(connection: &mut Connection, commit: &Commit) -> Result<u64, CommitError> {
    // A lock that is taken later, after reading, is refused instead of waited for.
    let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = begun.map_err(StoreError::from)?;
    let at: Option<u64> = transaction
        .query_row("SELECT revision FROM service WHERE name = ?1", [&commit.service], |row| row.get(0))
        .optional()
        .map_err(StoreError::from)?;
    let at = at.ok_or(CommitError::NoService)?;
    if at != commit.expected {
        return Err(CommitError::Stale { at });
    }
    let revision = at + 1;
    write(&transaction, commit, revision)?;
    transaction.commit().map_err(StoreError::from)?;
    Ok(revision)
}

fn write(transaction: &Transaction<'_>, commit: &Commit, revision: u64) -> Result<(), StoreError> {
    let service = &commit.service;
    transaction.execute("UPDATE service SET revision = ?2 WHERE name = ?1", params![service, revision])?;
    for (part, write) in commit.writes.iter().enumerate() {
        match &write.body {
            Some(body) => transaction
                .prepare_cached(
                    "INSERT INTO document (service, key, path, version, body) VALUES (?1, lower(?2), ?2, ?3, ?4)
                     ON CONFLICT (service, key) DO UPDATE SET version = excluded.version, body = excluded.body",
                )?
                .execute(params![service, write.path, revision, body])?,
            None => transaction
                .prepare_cached("DELETE FROM document WHERE service = ?1 AND key = lower(?2)")?
                .execute(params![service, write.path])?,
        };
        transaction
            .prepare_cached("INSERT INTO change (service, revision, part, path) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![service, revision, part as u64, write.path])?;
    }
    transaction
        .prepare_cached("DELETE FROM change WHERE service = ?1 AND revision <= ?2 - ?3")?
        .execute(params![service, revision, HISTORY_MAX])?;
    let paths: Vec<&str> = commit.writes.iter().map(|write| write.path.as_str()).collect();
    transaction
        .prepare_cached(
            "INSERT INTO audit (at, service, revision, principal, operation, paths)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            commit.at,
            service,
            revision,
            commit.principal,
            commit.operation,
            paths.join("\n")
        ])?;
    Ok(())
}

pub fn meta(connection: &mut Connection, name: &str, value: &[u8]) -> Result<(), StoreError> {
    connection.execute(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

pub fn instances(connection: &mut Connection, instances: &[Instance]) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for Instance { service, gateway, instance, seen, body } in instances {
        transaction
            .prepare_cached(
                "INSERT INTO instance (service, gateway, instance, seen, body) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (service, gateway, instance) DO UPDATE SET seen = excluded.seen, body = excluded.body",
            )?
            .execute(params![service, gateway, instance, seen, body])?;
    }
    Ok(transaction.commit()?)
}

/// Services and documents of a backup, all or nothing.
pub fn contents(connection: &mut Connection, contents: &Contents) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for ServiceContents { service, revision, documents } in &contents.services {
        transaction
            .execute("INSERT INTO service (name, revision) VALUES (?1, ?2)", params![service, revision])?;
        for Document { path, version, body } in documents {
            transaction
                .prepare_cached(
                    "INSERT INTO document (service, key, path, version, body) VALUES (?1, lower(?2), ?2, ?3, ?4)",
                )?
                .execute(params![service, path, version, body])?;
        }
    }
    Ok(transaction.commit()?)
}

/// New bodies for documents that nobody has changed meanwhile.
pub fn reseal(connection: &mut Connection, documents: &[Reseal]) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for Reseal { service, document: Document { path, version, body } } in documents {
        transaction
            .prepare_cached(
                "UPDATE document SET body = ?4 WHERE service = ?1 AND key = lower(?2) AND version = ?3",
            )?
            .execute(params![service, path, version, body])?;
    }
    Ok(transaction.commit()?)
}
