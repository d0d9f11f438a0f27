//! Reading.

use tokio_postgres::IsolationLevel;

use super::Postgres;
use crate::{Change, Contents, Document, Instance, ServiceContents, StoreError};

impl Postgres {
    /// All of one moment: others may commit meanwhile.
    pub async fn contents(&self) -> Result<Contents, StoreError> {
        let mut client = self.client().await?;
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let epoch: Vec<u8> =
            transaction.query_one("SELECT value FROM meta WHERE name = 'epoch'", &[]).await?.get(0);
        let epoch = String::from_utf8(epoch).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
        let mut services = Vec::new();
        for row in transaction.query("SELECT name, revision FROM service ORDER BY name", &[]).await? {
            let (service, revision): (String, i64) = (row.get(0), row.get(1));
            let rows = transaction
                .query(
                    "SELECT path, version, body FROM document WHERE service = $1 ORDER BY key",
                    &[&service],
                )
                .await?;
            let documents = rows
                .into_iter()
                .map(|row| Document {
                    path: row.get(0),
                    version: row.get::<_, i64>(1) as u64,
                    body: row.get(2),
                })
                .collect();
            services.push(ServiceContents { service, revision: revision as u64, documents });
        }
        Ok(Contents { epoch, services })
    }

    pub async fn services(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let client = self.client().await?;
        let rows = client.query("SELECT name, revision FROM service ORDER BY name", &[]).await?;
        Ok(rows.iter().map(|row| (row.get(0), row.get::<_, i64>(1) as u64)).collect())
    }

    pub async fn changes(&self, service: &str, since: u64) -> Result<Option<Vec<Change>>, StoreError> {
        let mut client = self.client().await?;
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::RepeatableRead)
            .read_only(true)
            .start()
            .await?;
        let row = transaction
            .query_one(
                "SELECT revision, (SELECT MIN(revision) FROM change WHERE service = $1) FROM service WHERE name = $1",
                &[&service],
            )
            .await?;
        let (now, first): (i64, Option<i64>) = (row.get(0), row.get(1));
        let since = since as i64;
        if since > now || (since < now && first.is_none_or(|first| first > since + 1)) {
            return Ok(None);
        }
        let rows = transaction
            .query(
                "SELECT change.revision, change.path, document.body FROM change
                 LEFT JOIN document ON document.service = change.service AND document.key = change.key
                 WHERE change.service = $1 AND change.revision > $2 ORDER BY change.revision, change.part",
                &[&service, &since],
            )
            .await?;
        let changes = rows.into_iter().map(|row| Change {
            revision: row.get::<_, i64>(0) as u64,
            path: row.get(1),
            body: row.get(2),
        });
        Ok(Some(changes.collect()))
    }

    pub async fn meta(&self, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let client = self.client().await?;
        let row = client.query_opt("SELECT value FROM meta WHERE name = $1", &[&name]).await?;
        Ok(row.map(|row| row.get(0)))
    }

    pub async fn instances(&self, service: &str) -> Result<Vec<Instance>, StoreError> {
        let client = self.client().await?;
        let rows = client
            .query(
                "SELECT service, gateway, instance, seen, body FROM instance WHERE service = $1
                 ORDER BY gateway, instance",
                &[&service],
            )
            .await?;
        let instance = |row: tokio_postgres::Row| Instance {
            service: row.get(0),
            gateway: row.get(1),
            instance: row.get(2),
            seen: row.get(3),
            body: row.get(4),
        };
        Ok(rows.into_iter().map(instance).collect())
    }
}
