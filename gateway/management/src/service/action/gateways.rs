//! Keys and tokens of gateways (self-hosted-gateway.md §2.1).

use serde_json::{Value, json};

use super::super::rules::{gateway::new_key, text};
use super::super::{Answer, Call, Outcome, entity};
use crate::arm_error::ArmError;
use crate::auth::gateway_token;
use crate::tree::Properties;

/// Longest life of a token.
const LIFETIME_MAX_SECONDS: i64 = 30 * 24 * 3600;

pub fn list_keys(call: &Call<'_>) -> Outcome {
    let record = entity::find(&call.service.tree(), call.above(1))?;
    let key = |member| record.text(member).unwrap_or_default();
    let body = json!({"primary": key("primaryKey"), "secondary": key("secondaryKey")});
    Ok(Answer::ok(body).with_etag(record.version))
}

/// Makes a new key; tokens signed with the old one are worth nothing from then on.
pub async fn regenerate_key(call: &Call<'_>) -> Outcome {
    let member = key_type(&bare(&call.body))?;
    let path = call.above(1);
    call.plane
        .write(&call.service, call.author(), |tx| {
            let record = tx.get(path).ok_or_else(|| ArmError::not_found("Gateway"))?;
            let mut properties = record.properties.clone();
            properties.insert(member.to_owned(), Value::String(new_key()?));
            tx.put(path, properties);
            Ok(())
        })
        .await?;
    Ok(Answer::no_content())
}

/// A token that a gateway signs in with.
pub fn generate_token(call: &Call<'_>) -> Outcome {
    let given = bare(&call.body);
    let member = key_type(&given)?;
    let record = entity::find(&call.service.tree(), call.above(1))?;
    let expiry = expiry(&given, LIFETIME_MAX_SECONDS)?;
    let key = record.text(member).unwrap_or_default();
    Ok(Answer::ok(entity::value(&gateway_token::sign(record.name(), expiry, key))))
}

/// What the instances of a gateway said last. Ours: Azure's portal shows it, its interface does not.
pub async fn list_instances(call: &Call<'_>) -> Outcome {
    let path = call.above(1);
    let record = entity::find(&call.service.tree(), path)?;
    let service = call.service.name.key();
    let instances = &call.plane.federation.instances;
    let found = instances.of(&call.plane.store, &service, record.name(), crate::plane::now()).await;
    let found = found.map_err(|error| ArmError::internal(&error))?;
    let value: Vec<Value> = found
        .into_iter()
        .map(|(name, properties)| {
            json!({
                "id": format!("{}/{}/instances/{name}", call.service_id, record.path),
                "type": "Microsoft.ApiManagement/service/gateways/instances",
                "name": name,
                "properties": properties,
            })
        })
        .collect();
    Ok(Answer::ok(json!({"count": value.len(), "value": value})))
}

/// The members of a request with and without the envelope `properties`: clients send both.
pub fn bare(body: &Value) -> Properties {
    let members = body.get("properties").filter(|inner| inner.is_object()).unwrap_or(body);
    members.as_object().cloned().unwrap_or_default()
}

/// `expiry` of a request: in the future, and not too far.
pub fn expiry(given: &Properties, max: i64) -> Result<jiff::Timestamp, ArmError> {
    let expiry: jiff::Timestamp = text(given, "expiry").unwrap_or_default().parse().map_err(|_| {
        ArmError::field("expiry", "'expiry' must be a date and time as in 2026-01-31T12:00:00Z.")
    })?;
    let left = expiry.as_second() - crate::plane::now();
    if left <= 0 || left > max {
        return Err(ArmError::field("expiry", "'expiry' must lie in the future, at most 30 days ahead."));
    }
    Ok(expiry)
}

fn key_type(body: &Properties) -> Result<&'static str, ArmError> {
    match body.get("keyType").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        Some("primary") => Ok("primaryKey"),
        Some("secondary") => Ok("secondaryKey"),
        _ => Err(ArmError::field("keyType", "'keyType' must be primary or secondary.")),
    }
}
