//! Reading and renewing secrets.

use serde_json::Value;

use super::super::rules::subscription::new_key;
use super::super::{Answer, Call, Outcome, entity};
use crate::arm_error::ArmError;
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
