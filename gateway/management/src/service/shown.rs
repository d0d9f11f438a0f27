//! Records as answers, and answers' ids as records keep them.

use gateway_model::ResourceId;
use serde_json::{Value, json};

use super::Call;
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

/// Full ids inside properties to short ones, as they are kept.
pub fn shorten(properties: &mut Properties, members: &[&str]) {
    for member in members {
        if let Some(Value::String(id)) = properties.get_mut(*member)
            && let Ok(known) = ResourceId::parse(id)
        {
            *id = known.to_string();
        }
    }
}

/// Short ids inside properties to full ones, as they are shown.
fn lengthen(properties: &mut Properties, members: &[&str], service_id: &str) {
    for member in members {
        if let Some(Value::String(id)) = properties.get_mut(*member)
            && id.starts_with('/')
            && !id.starts_with("/subscriptions/0")
            && !id.starts_with(service_id)
        {
            *id = format!("{service_id}{}", id.trim_end_matches('/'));
        }
    }
}
