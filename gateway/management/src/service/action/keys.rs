//! Reading and renewing secrets.

use serde_json::Value;

use super::super::rules::subscription::new_key;
use super::super::{Answer, Call, Outcome, entity, shown};
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::Properties;
use crate::vault;

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

/// `refreshSecret` of a named value or certificate: what lies in a key vault is read again.
pub async fn refresh(call: &Call<'_>) -> Outcome {
    let path = call.above(1);
    entity::find(&call.service.tree(), path)?;
    let kind = Kind::of(path).ok_or_else(|| ArmError::not_found("Resource"))?;
    let details = |properties: &mut Properties| call.plane.details(path, properties);
    let record = vault::refresh(call.plane, &call.service, call.author(), path, details, true).await?;
    let body = shown::resource(call, kind, &call.service.tree(), &record);
    Ok(Answer::ok(body).with_etag(record.version))
}

/// `reconnect` of a backend: 202 and no more. Gateways connect anew whenever a connection is gone.
pub fn reconnect(call: &Call<'_>) -> Outcome {
    entity::find(&call.service.tree(), call.above(1))?;
    Ok(Answer::new(hyper::StatusCode::ACCEPTED, None, None))
}
