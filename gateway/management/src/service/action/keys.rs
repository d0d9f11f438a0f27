//! Reading and renewing secrets.

use serde_json::{Value, json};

use super::super::rules::subscription::new_key;
use super::super::{Answer, Call, Outcome, entity, shown};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::Properties;

/// `listSecrets`, `listValue`: the members that GET hides.
pub fn list(call: &Call<'_>, members: &[&str]) -> Outcome {
    let record = entity::find(&call.service.tree(), call.above(1))?;
    let shown: Properties = members
        .iter()
        .filter_map(|member| Some(((*member).to_owned(), record.properties.get(*member)?.clone())))
        .collect();
    Ok(Answer::ok(Value::Object(shown)).with_etag(record.version))
}

/// `regeneratePrimaryKey`, `regenerateSecondaryKey`.
pub async fn regenerate(call: &Call<'_>, member: &str) -> Outcome {
    let path = call.above(1);
    call.plane
        .write(&call.service, call.author(), |tx| {
            let record = tx.get(path).ok_or_else(|| ArmError::not_found("Subscription"))?;
            let mut properties = record.properties.clone();
            properties.insert(member.to_owned(), Value::String(new_key()));
            tx.put(path, properties);
            Ok(())
        })
        .await?;
    Ok(Answer::no_content())
}

/// `refreshSecret` of a named value or certificate: only what lies in a key vault can be read again.
pub fn refresh(call: &Call<'_>) -> Outcome {
    let tree = call.service.tree();
    let path = call.above(1);
    let record = entity::find(&tree, path)?;
    let kind = Kind::of(path).ok_or_else(|| ArmError::not_found("Resource"))?;
    let Some(Value::Object(vault)) = record.properties.get("keyVault") else {
        let message =
            format!("The {} is not kept in a key vault: there is nothing to read again.", kind.entity);
        return Err(ArmError::field("keyVault", message));
    };
    let mut vault = vault.clone();
    let status = json!({
        "code": "NotSupported", "message": "Key vaults are not read by this plane. Set the value itself.",
        "timeStampUtc": super::super::time(crate::plane::now()),
    });
    vault.insert("lastStatus".to_owned(), status);
    let mut body = shown::resource(call, kind, &tree, &record);
    body["properties"]["keyVault"] = Value::Object(vault);
    Ok(Answer::ok(body).with_etag(record.version))
}

/// `reconnect` of a backend: 202 and no more. Gateways connect anew whenever a connection is gone.
pub fn reconnect(call: &Call<'_>) -> Outcome {
    entity::find(&call.service.tree(), call.above(1))?;
    Ok(Answer::new(hyper::StatusCode::ACCEPTED, None, None))
}
