//! Reading.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{Change, Contents, Document, Instance, ServiceContents, StoreError};

pub fn contents(connection: &mut Connection) -> Result<Contents, StoreError> {
    let epoch = meta(connection, "epoch")?.and_then(|text| String::from_utf8(text).ok()?.parse().ok());
    let services = services(connection)?
        .into_iter()
        .map(|(service, revision)| {
            let documents = documents(connection, &service)?;
            Ok(ServiceContents { service, revision, documents })
        })
        .collect::<Result<_, StoreError>>()?;
    Ok(Contents { epoch: epoch.unwrap_or_default(), services })
}

pub fn services(connection: &Connection) -> Result<Vec<(String, u64)>, StoreError> {
    let mut services = connection.prepare("SELECT name, revision FROM service ORDER BY name")?;
    let names = services.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.collect::<Result<_, _>>()?)
}

fn documents(connection: &Connection, service: &str) -> Result<Vec<Document>, StoreError> {
    let mut statement =
        connection.prepare("SELECT path, version, body FROM document WHERE service = ?1 ORDER BY key")?;
    let rows = statement.query_map([service], |row| {
        Ok(Document { path: row.get(0)?, version: row.get(1)?, body: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub fn changes(
    connection: &mut Connection,
    service: &str,
    since: u64,
) -> Result<Option<Vec<Change>>, StoreError> {
    let (now, first): (u64, Option<u64>) = connection.query_row(
        "SELECT revision, (SELECT MIN(revision) FROM change WHERE service = ?1) FROM service WHERE name = ?1",
        [service],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if since > now || (since < now && first.is_none_or(|first| first > since + 1)) {
        return Ok(None);
    }
    let mut statement = connection.prepare(
        "SELECT change.revision, change.path, document.body FROM change
         LEFT JOIN document ON document.service = change.service AND document.key = lower(change.path)
         WHERE change.service = ?1 AND change.revision > ?2 ORDER BY change.revision, change.part",
    )?;
    let rows = statement.query_map(params![service, since], |row| {
        Ok(Change { revision: row.get(0)?, path: row.get(1)?, body: row.get(2)? })
    })?;
    Ok(Some(rows.collect::<Result<_, _>>()?))
}

pub fn meta(connection: &mut Connection, name: &str) -> Result<Option<Vec<u8>>, StoreError> {
    let value = connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()?;
    Ok(value)
}

pub fn instances(connection: &mut Connection, service: &str) -> Result<Vec<Instance>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT service, gateway, instance, seen, body FROM instance WHERE service = ?1 ORDER BY gateway, instance",
    )?;
    let rows = statement.query_map([service], |row| {
        Ok(Instance {
            service: row.get(0)?,
            gateway: row.get(1)?,
            instance: row.get(2)?,
            seen: row.get(3)?,
            body: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
