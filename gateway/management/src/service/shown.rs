//! Records as answers, and answers' ids as records keep them.

use gateway_model::ResourceId;
use serde_json::{Value, json};

use super::Call;
use crate::arm_error::ArmError;
use crate::contract::Kind;
use crate::tree::{Properties, Record, Tree};

/// A resource in ARM's envelope, without its secrets.
pub fn resource(call: &Call<'_>, kind: &Kind, tree: &Tree, record: &Record) -> Value {
    envelope(call, kind, record, kind.rules.shown(tree, record, call), false)
}

/// The same as the answer to a write: some kinds show their secrets there.
pub fn written(call: &Call<'_>, kind: &Kind, tree: &Tree, record: &Record) -> Value {
    let show = kind.rules.shows_secrets_on_write();
    envelope(call, kind, record, kind.rules.shown(tree, record, call), show)
}

fn envelope(
    call: &Call<'_>,
    kind: &Kind,
    record: &Record,
    mut properties: Properties,
    show_secrets: bool,
) -> Value {
    if !show_secrets {
        for secret in kind.secrets {
            properties.shift_remove(*secret);
        }
    }
    lengthen(&mut properties, kind.ids, &call.service_id);
    json!({
        "id": format!("{}/{}", call.service_id, record.path),
        "type": kind.arm_type(),
        "name": record.name(),
        "properties": properties,
    })
}

/// Full ids inside properties to short ones, as they are kept. An id of another service is none of ours, whatever
/// stands in it.
pub fn shorten(call: &Call<'_>, properties: &mut Properties, members: &[&str]) -> Result<(), ArmError> {
    for member in members {
        if let Some(Value::String(id)) = properties.get_mut(*member) {
            refuse_foreign(call, member, id)?;
            if let Ok(known) = ResourceId::parse(id) {
                *id = known.to_string();
            }
        }
    }
    Ok(())
}

/// Whether an id is a full one of ARM: `/subscriptions/…/resourceGroups/…`. `/subscriptions/x` alone is a short one, of a
/// subscription of the service.
fn is_full(id: &str) -> bool {
    let third = id.split('/').filter(|segment| !segment.is_empty()).nth(2);
    third.is_some_and(|segment| segment.eq_ignore_ascii_case("resourceGroups"))
}

/// Refuses a full ARM id of another service.
pub fn refuse_foreign(call: &Call<'_>, target: &str, id: &str) -> Result<(), ArmError> {
    let own = call.service_id.len();
    let is_own = id.get(..own).is_some_and(|start| start.eq_ignore_ascii_case(&call.service_id))
        && id.get(own..).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_full(id) && !is_own {
        return Err(ArmError::field(target, format!("'{id}' belongs to another service.")));
    }
    Ok(())
}

/// Short ids inside properties to full ones, as they are shown.
fn lengthen(properties: &mut Properties, members: &[&str], service_id: &str) {
    for member in members {
        if let Some(Value::String(id)) = properties.get_mut(*member) {
            *id = lengthened(id, service_id);
        }
    }
}

/// A short id as it is shown.
pub fn lengthened(id: &str, service_id: &str) -> String {
    if id.starts_with('/') && !is_full(id) {
        return format!("{service_id}{}", id.trim_end_matches('/'));
    }
    id.to_owned()
}
