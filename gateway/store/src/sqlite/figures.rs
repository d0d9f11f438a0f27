//! What gateways report.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params, params_from_iter};

use crate::StoreError;
use crate::figures::{
    Audited, BOUNDS, Counter, KEPT, Note, OVER_KEPT, Report, Setting, StoredRequest, TRACES_MAX, Trace,
    numbers, signed, sql, unsigned, usage,
};
use gateway_model::usage::Usage;

/// The sums of the report's counters, in its order.
pub fn report(connection: &mut Connection, report: &Report) -> Result<Vec<Counter>, StoreError> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let Report { service, source, sequence, at, .. } = report;
    let is_new = transaction.prepare_cached(sql::REPORTER)?.execute(params![
        service,
        source,
        signed(*sequence),
        at
    ])? > 0;
    if is_new {
        take(&transaction, report)?;
    }
    let mut sums = Vec::with_capacity(report.counters.len());
    for counter in &report.counters {
        let mut statement = transaction.prepare_cached(sql::SUM)?;
        let sum = statement.query_row(params![service, counter.id, counter.start], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        let (calls, bytes, sets) = sum.optional()?.unwrap_or_default();
        let (calls, bytes, sets) = (unsigned(calls), unsigned(bytes), unsigned(sets));
        sums.push(Counter { calls, bytes, sets, ..counter.clone() });
    }
    transaction.commit()?;
    Ok(sums)
}

fn take(transaction: &Transaction<'_>, report: &Report) -> Result<(), StoreError> {
    let service = &report.service;
    for row in &report.usage {
        let mut values = vec![Value::from(service.clone()), Value::from(row.at)];
        values.extend(row.place.parts().map(|part| Value::from(part.to_owned())));
        values.extend(numbers(row).map(Value::from));
        transaction.prepare_cached(sql::USAGE)?.execute(params_from_iter(values))?;
    }
    for StoredRequest { at, id, body } in &report.requests {
        transaction.prepare_cached(sql::REQUEST)?.execute(params![service, at, id, body])?;
    }
    for Counter { id, name, start, end, calls, bytes, body, .. } in &report.counters {
        let (calls, bytes) = (signed(*calls), signed(*bytes));
        transaction
            .prepare_cached(sql::COUNTER)?
            .execute(params![service, id, start, name, end, calls, bytes, report.at, body])?;
    }
    Ok(())
}

pub fn used(
    connection: &mut Connection,
    service: &str,
    (from, to): (i64, i64),
    step: i64,
) -> Result<Vec<Usage>, StoreError> {
    let mut statement = connection.prepare_cached(sql::USED)?;
    let rows = statement.query_map(params![step, service, from, to], |row| {
        let mut parts: [String; 6] = Default::default();
        for (at, part) in parts.iter_mut().enumerate() {
            *part = row.get(1 + at)?;
        }
        let mut numbers = [0; 15];
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = row.get::<_, Option<i64>>(7 + at)?.unwrap_or_default();
        }
        Ok(usage(row.get(0)?, parts, numbers))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn requests(
    connection: &mut Connection,
    service: &str,
    (from, to): (i64, i64),
) -> Result<Vec<StoredRequest>, StoreError> {
    let mut statement = connection.prepare_cached(sql::REQUESTS)?;
    let rows = statement.query_map(params![service, from, to], |row| {
        Ok(StoredRequest { at: row.get(0)?, id: row.get(1)?, body: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn counters(connection: &mut Connection, service: &str, name: &str) -> Result<Vec<Counter>, StoreError> {
    let mut statement = connection.prepare_cached(sql::COUNTERS)?;
    let rows = statement.query_map(params![service, name], counter)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn counter(row: &Row<'_>) -> rusqlite::Result<Counter> {
    Ok(Counter {
        id: row.get(0)?,
        name: row.get(1)?,
        start: row.get(2)?,
        end: row.get(3)?,
        calls: unsigned(row.get(4)?),
        bytes: unsigned(row.get(5)?),
        sets: unsigned(row.get(6)?),
        body: row.get(7)?,
    })
}

pub fn set_counters(
    connection: &mut Connection,
    counters: &[(String, i64)],
    setting: Setting,
    entry: &Note,
) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for (id, start) in counters {
        transaction.prepare_cached(sql::SET)?.execute(params![
            setting.calls.map(signed),
            setting.bytes.map(signed),
            entry.service,
            id,
            start
        ])?;
    }
    note(&transaction, entry)?;
    Ok(transaction.commit()?)
}

pub fn put_trace(connection: &mut Connection, trace: &Trace) -> Result<(), StoreError> {
    let Trace { service, gateway, id, at, body } = trace;
    connection.execute(sql::TRACE, params![service, id, gateway, at, body])?;
    connection.execute(&sql::beyond("trace", "at"), params![service, TRACES_MAX])?;
    Ok(())
}

pub fn trace(connection: &mut Connection, service: &str, id: &str) -> Result<Option<Trace>, StoreError> {
    let found = connection.query_row(sql::TRACED, params![service, id], |row| {
        Ok(Trace {
            service: service.to_owned(),
            id: id.to_owned(),
            gateway: row.get(0)?,
            at: row.get(1)?,
            body: row.get(2)?,
        })
    });
    Ok(found.optional()?)
}

pub fn note(connection: &Connection, note: &Note) -> Result<(), StoreError> {
    let Note { service, principal, operation, path, at } = note;
    connection.execute(sql::NOTE, params![at, service, principal, operation, path])?;
    Ok(())
}

/// The last entries of the audit log, the newest first.
pub fn audited(connection: &Connection, most: i64) -> Result<Vec<Audited>, StoreError> {
    let mut statement = connection.prepare(sql::AUDITED)?;
    let rows = statement.query_map([most], |row| {
        Ok(Audited {
            at: row.get(0)?,
            service: row.get(1)?,
            revision: row.get(2)?,
            principal: row.get(3)?,
            operation: row.get(4)?,
            paths: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn prune(connection: &mut Connection, service: &str, now: i64) -> Result<(), StoreError> {
    let transaction = connection.transaction()?;
    for (statement, kept) in sql::OLD.into_iter().zip(KEPT) {
        transaction.execute(statement, params![service, now - kept])?;
    }
    transaction.execute(sql::OVER, params![service, now - OVER_KEPT])?;
    for (table, age, rows_max) in BOUNDS {
        transaction.execute(&sql::beyond(table, age), params![service, rows_max])?;
    }
    Ok(transaction.commit()?)
}
