//! Backends.

use gateway_model::ResourceId;
use serde_json::Value;

use super::reference::{refuse_in_members, refuse_in_policies};
use super::{Put, Rules, text};
use crate::arm_error::{ArmError, Detail};
use crate::service::Call;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Record};

pub struct Backend;

impl Rules for Backend {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if text(properties, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("Pool")) {
            return pool(&put, properties);
        }
        let missing: Vec<Detail> = ["url", "protocol"]
            .into_iter()
            .filter(|member| text(properties, member).is_none())
            .map(|member| Detail::new(member, format!("'{member}' must not be empty.")))
            .collect();
        if !missing.is_empty() {
            return Err(ArmError::validation(missing));
        }
        let url = text(properties, "url").unwrap_or_default();
        let is_absolute =
            ["https://", "http://", "wss://", "ws://", "{{"].iter().any(|scheme| url.starts_with(scheme));
        if is_absolute || is_cluster(properties) {
            return Ok(());
        }
        Err(ArmError::field("url", format!("'{url}' is no absolute address of http, https, ws or wss.")))
    }

    fn delete(&self, tx: &mut Transaction<'_>, _call: &Call<'_>, record: &Record) -> Result<(), ArmError> {
        refuse_in_members(tx, record, "backend")?;
        refuse_in_policies(tx, "backend-id", record.name(), "backend")
    }
}

/// A Service Fabric cluster is named by a URI of its own.
fn is_cluster(properties: &Properties) -> bool {
    properties.get("properties").and_then(|more| more.get("serviceFabricCluster")).is_some()
}

/// Members of a pool exist and are no pools; their ids are kept short.
fn pool(put: &Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
    let members = properties.get_mut("pool").and_then(|pool| pool.get_mut("services")?.as_array_mut());
    let members = members.filter(|members| !members.is_empty());
    let members =
        members.ok_or_else(|| ArmError::field("pool.services", "A pool must have at least one service."))?;
    for (index, member) in members.iter_mut().enumerate() {
        let target = format!("pool.services[{index}].id");
        let written = member.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        crate::service::refuse_foreign(put.call, &target, &written)?;
        let Ok(id) = ResourceId::parse(&written) else {
            return Err(ArmError::field(&target, format!("'{written}' is no id of a backend.")));
        };
        let backend = put.tx.get(id.to_string().trim_start_matches('/'));
        let Some(backend) = backend.filter(|backend| backend.path.starts_with("backends/")) else {
            return Err(ArmError::field(&target, format!("The backend '{written}' does not exist.")));
        };
        if backend.text("type").is_some_and(|kind| kind.eq_ignore_ascii_case("Pool")) {
            return Err(ArmError::field(&target, format!("The backend '{written}' is itself a pool.")));
        }
        member["id"] = Value::String(id.to_string());
    }
    Ok(())
}
