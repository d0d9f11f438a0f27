//! What gateways report.

use gateway_model::usage::Usage;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Transaction};

use super::Postgres;
use crate::StoreError;
use crate::figures::{
    Audited, BOUNDS, Counter, KEPT, Note, OVER_KEPT, Report, Setting, StoredRequest, TRACES_MAX, Trace,
    numbers, signed, sql, unsigned, usage,
};

impl Postgres {
    /// The sums of the report's counters, in its order.
    pub async fn report(&self, report: &Report) -> Result<Vec<Counter>, StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let Report { service, source, sequence, at, .. } = report;
        let changed = transaction.execute(sql::REPORTER, &[service, source, &signed(*sequence), at]).await?;
        if changed > 0 {
            take(&transaction, report).await?;
        }
        let statement = transaction.prepare(sql::SUM).await?;
        let mut sums = Vec::with_capacity(report.counters.len());
        for counter in &report.counters {
            let row = transaction.query_opt(&statement, &[service, &counter.id, &counter.start]).await?;
            let number = |at: usize| row.as_ref().map_or(0, |row| unsigned(row.get(at)));
            let (calls, bytes, sets) = (number(0), number(1), number(2));
            sums.push(Counter { calls, bytes, sets, ..counter.clone() });
        }
        transaction.commit().await?;
        Ok(sums)
    }

    pub async fn used(
        &self,
        service: &str,
        (from, to): (i64, i64),
        step: i64,
    ) -> Result<Vec<Usage>, StoreError> {
        let client = self.client().await?;
        let rows = client.query(sql::USED, &[&step, &service, &from, &to]).await?;
        Ok(rows.iter().map(used_row).collect())
    }

    pub async fn requests(
        &self,
        service: &str,
        (from, to): (i64, i64),
    ) -> Result<Vec<StoredRequest>, StoreError> {
        let client = self.client().await?;
        let rows = client.query(sql::REQUESTS, &[&service, &from, &to]).await?;
        let request = |row: Row| StoredRequest { at: row.get(0), id: row.get(1), body: row.get(2) };
        Ok(rows.into_iter().map(request).collect())
    }

    pub async fn counters(&self, service: &str, name: &str) -> Result<Vec<Counter>, StoreError> {
        let client = self.client().await?;
        let rows = client.query(sql::COUNTERS, &[&service, &name]).await?;
        Ok(rows.iter().map(counter).collect())
    }

    pub async fn set_counters(
        &self,
        counters: &[(String, i64)],
        setting: Setting,
        entry: &Note,
    ) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        let (calls, bytes) = (setting.calls.map(signed), setting.bytes.map(signed));
        for (id, start) in counters {
            transaction.execute(sql::SET, &[&calls, &bytes, &entry.service, id, start]).await?;
        }
        let Note { service, principal, operation, path, at } = entry;
        transaction.execute(sql::NOTE, &[at, service, principal, operation, path]).await?;
        Ok(transaction.commit().await?)
    }

    pub async fn put_trace(&self, trace: &Trace) -> Result<(), StoreError> {
        let Trace { service, gateway, id, at, body } = trace;
        let client = self.client().await?;
        client.execute(sql::TRACE, &[service, id, gateway, at, body]).await?;
        client.execute(&sql::beyond("trace", "at"), &[service, &TRACES_MAX]).await?;
        Ok(())
    }

    pub async fn trace(&self, service: &str, id: &str) -> Result<Option<Trace>, StoreError> {
        let client = self.client().await?;
        let row = client.query_opt(sql::TRACED, &[&service, &id]).await?;
        Ok(row.map(|row| Trace {
            service: service.to_owned(),
            id: id.to_owned(),
            gateway: row.get(0),
            at: row.get(1),
            body: row.get(2),
        }))
    }

    pub async fn note(&self, note: &Note) -> Result<(), StoreError> {
        let Note { service, principal, operation, path, at } = note;
        self.client().await?.execute(sql::NOTE, &[at, service, principal, operation, path]).await?;
        Ok(())
    }

    pub async fn audited(&self, most: i64) -> Result<Vec<Audited>, StoreError> {
        let rows = self.client().await?.query(sql::AUDITED, &[&most]).await?;
        let entry = |row: &Row| Audited {
            at: row.get(0),
            service: row.get(1),
            revision: row.get(2),
            principal: row.get(3),
            operation: row.get(4),
            paths: row.get(5),
        };
        Ok(rows.iter().map(entry).collect())
    }

    pub async fn prune(&self, service: &str, now: i64) -> Result<(), StoreError> {
        let mut client = self.client().await?;
        let transaction = client.transaction().await?;
        for (statement, kept) in sql::OLD.into_iter().zip(KEPT) {
            transaction.execute(statement, &[&service, &(now - kept)]).await?;
        }
        transaction.execute(sql::OVER, &[&service, &(now - OVER_KEPT)]).await?;
        for (table, age, rows_max) in BOUNDS {
            transaction.execute(&sql::beyond(table, age), &[&service, &rows_max]).await?;
        }
        Ok(transaction.commit().await?)
    }
}

async fn take(transaction: &Transaction<'_>, report: &Report) -> Result<(), StoreError> {
    let service = &report.service;
    let statement = transaction.prepare(sql::USAGE).await?;
    for row in &report.usage {
        let (parts, numbers) = (row.place.parts(), numbers(row));
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![service, &row.at];
        values.extend(parts.iter().map(|part| part as &(dyn ToSql + Sync)));
        values.extend(numbers.iter().map(|number| number as &(dyn ToSql + Sync)));
        transaction.execute(&statement, &values).await?;
    }
    let statement = transaction.prepare(sql::REQUEST).await?;
    for StoredRequest { at, id, body } in &report.requests {
        transaction.execute(&statement, &[service, at, id, body]).await?;
    }
    let statement = transaction.prepare(sql::COUNTER).await?;
    for counter in report.order().into_iter().filter_map(|at| report.counters.get(at)) {
        let Counter { id, name, start, end, calls, bytes, body, .. } = counter;
        let (calls, bytes) = (signed(*calls), signed(*bytes));
        transaction
            .execute(&statement, &[service, id, start, name, end, &calls, &bytes, &report.at, body])
            .await?;
    }
    Ok(())
}

fn used_row(row: &Row) -> Usage {
    let parts = std::array::from_fn(|at| row.get(1 + at));
    let numbers = std::array::from_fn(|at| row.get::<_, Option<i64>>(7 + at).unwrap_or_default());
    usage(row.get(0), parts, numbers)
}

fn counter(row: &Row) -> Counter {
    Counter {
        id: row.get(0),
        name: row.get(1),
        start: row.get(2),
        end: row.get(3),
        calls: unsigned(row.get(4)),
        bytes: unsigned(row.get(5)),
        sets: unsigned(row.get(6)),
        body: row.get(7),
    }
}
