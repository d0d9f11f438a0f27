//! Writing. Keys are folded here, ASCII only: the server's `lower` depends on its locale.

use tokio_postgres::Transaction;

use super::{CHANNEL, Postgres};
use crate::figures::sql;
use crate::{
    Commit, CommitError, Contents, Document, HISTORY_MAX, Instance, Reseal, ServiceContents, StoreError,
};

impl From<tokio_postgres::Error> for CommitError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Postgres {
    pub async fn create_service(&self, service: &str) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = "INSERT INTO service (name, revision) VALUES ($1, 0) ON CONFLICT DO NOTHING";
        client.execute(statement, &[&service]).await?;
        Ok(())
    }

    pub async fn delete_service(&self, service: &str) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        for table in ["document", "change", "instance"].into_iter().chain(sql::OF_SERVICE) {
            transaction.execute(&format!("DELETE FROM {table} WHERE service = $1"), &[&service]).await?;
        }
        transaction.execute("DELETE FROM service WHERE name = $1", &[&service]).await?;
        transaction.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &service]).await?;
        Ok(transaction.commit().await?)
    }

    pub async fn commit(&self, commit: &Commit) -> Result<u64, CommitError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let row = transaction
            .query_opt("SELECT revision FROM service WHERE name = $1 FOR UPDATE", &[&commit.service])
            .await?;
        let at = row.ok_or(CommitError::NoService)?.get::<_, i64>(0) as u64;
        if at != commit.expected {
            return Err(CommitError::Stale { at });
        }
        let revision = at + 1;
        write(&transaction, commit, revision as i64).await?;
        transaction.commit().await?;
        Ok(revision)
    }

    pub async fn set_meta(&self, name: &str, value: &[u8]) -> Result<(), StoreError> {
        let client = self.client().await?;
        let statement = "INSERT INTO meta (name, value) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        client.execute(statement, &[&name, &value]).await?;
        Ok(())
    }

    pub async fn put_instances(&self, instances: &[Instance]) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let statement = transaction
            .prepare(
                "INSERT INTO instance (service, gateway, instance, seen, body) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (service, gateway, instance) DO UPDATE SET seen = excluded.seen, body = excluded.body",
            )
            .await?;
        for Instance { service, gateway, instance, seen, body } in instances {
            transaction.execute(&statement, &[service, gateway, instance, seen, body]).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// New bodies for documents that nobody has changed meanwhile.
    pub async fn reseal(&self, documents: &[Reseal]) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let statement = "UPDATE document SET body = $4 WHERE service = $1 AND key = $2 AND version = $3";
        for Reseal { service, document: Document { path, version, body } } in documents {
            let key = path.to_ascii_lowercase();
            transaction.execute(statement, &[service, &key, &(*version as i64), body]).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Services and documents of a backup, all or nothing.
    pub async fn put_contents(&self, contents: &Contents) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let statement = transaction
            .prepare("INSERT INTO document (service, key, path, version, body) VALUES ($1, $2, $3, $4, $5)")
            .await?;
        for ServiceContents { service, revision, documents } in &contents.services {
            let insert = "INSERT INTO service (name, revision) VALUES ($1, $2)";
            transaction.execute(insert, &[service, &(*revision as i64)]).await?;
            for Document { path, version, body } in documents {
                let key = path.to_ascii_lowercase();
                transaction.execute(&statement, &[service, &key, path, &(*version as i64), body]).await?;
            }
        }
        Ok(transaction.commit().await?)
    }
}

async fn write(transaction: &Transaction<'_>, commit: &Commit, revision: i64) -> Result<(), StoreError> {
    let service = &commit.service;
    transaction.execute("UPDATE service SET revision = $2 WHERE name = $1", &[service, &revision]).await?;
    for (part, write) in commit.writes.iter().enumerate() {
        let key = write.path.to_ascii_lowercase();
        if let Some(body) = &write.body {
            let statement =
                "INSERT INTO document (service, key, path, version, body) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (service, key) DO UPDATE SET version = excluded.version, body = excluded.body";
            transaction.execute(statement, &[service, &key, &write.path, &revision, body]).await?;
        } else {
            let statement = "DELETE FROM document WHERE service = $1 AND key = $2";
            transaction.execute(statement, &[service, &key]).await?;
        }
        let statement = "INSERT INTO change (service, revision, part, path, key) VALUES ($1, $2, $3, $4, $5)";
        transaction.execute(statement, &[service, &revision, &(part as i64), &write.path, &key]).await?;
    }
    let oldest = revision - HISTORY_MAX as i64;
    transaction
        .execute("DELETE FROM change WHERE service = $1 AND revision <= $2", &[service, &oldest])
        .await?;
    let paths: Vec<&str> = commit.writes.iter().map(|write| write.path.as_str()).collect();
    transaction
        .execute(
            "INSERT INTO audit (at, service, revision, principal, operation, paths) VALUES ($1, $2, $3, $4, $5, $6)",
            &[&commit.at, service, &revision, &commit.principal, &commit.operation, &paths.join("\n")],
        )
        .await?;
    // Delivered when the transaction is committed, and not otherwise.
    transaction.execute("SELECT pg_notify($1, $2)", &[&CHANNEL, service]).await?;
    Ok(())
}
