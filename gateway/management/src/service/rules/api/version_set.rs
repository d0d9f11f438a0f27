//! `apiVersionSet`: a version set written inside an API.

use gateway_model::ResourceId;
use serde_json::{Map, Value, json};

use crate::arm_error::ArmError;
use crate::service::Call;
use crate::service::rules::text;
use crate::service::transaction::Transaction;
use crate::tree::{Properties, Tree};

/// What of a version set an API shows.
const MEMBERS: &[&str] = &["description", "versioningScheme", "versionQueryName", "versionHeaderName"];

/// The id of the set that an object means: the one of its id, one that is the same, or a new one.
pub fn of_inline(tx: &mut Transaction<'_>, set: &Map<String, Value>) -> Result<String, ArmError> {
    if let Some(id) = text(set, "id") {
        let parsed = ResourceId::parse(id).map(|id| id.to_string());
        return parsed.map_err(|error| ArmError::field("apiVersionSet.id", format!("{error}.")));
    }
    let name = text(set, "name").unwrap_or_default();
    if name.is_empty() {
        let message = "A version set inside an API needs an 'id', or a 'name' and a 'versioningScheme'.";
        return Err(ArmError::field("apiVersionSet", message));
    }
    let mut properties = Properties::from_iter([("displayName".to_owned(), Value::from(name))]);
    for member in MEMBERS {
        if let Some(value) = set.get(*member) {
            properties.insert((*member).to_owned(), value.clone());
        }
    }
    super::super::version_set::check(&properties)?;
    if let Some(same) = tx.list("apiVersionSets").into_iter().find(|known| known.properties == properties) {
        return Ok(format!("/{}", same.path));
    }
    let path = format!("apiVersionSets/{:.24}", uuid::Uuid::new_v4().simple().to_string());
    tx.put(&path, properties);
    Ok(format!("/{path}"))
}

/// The set of an API, as the API shows it.
pub fn shown(tree: &Tree, api: &Properties, call: &Call<'_>) -> Option<Value> {
    let id = text(api, "apiVersionSetId")?;
    let record = tree.get(id.trim_matches('/'))?;
    let mut set =
        json!({"id": format!("{}/{}", call.service_id, record.path), "name": record.text("displayName")});
    for member in MEMBERS {
        if let Some(value) = record.properties.get(*member) {
            set[*member] = value.clone();
        }
    }
    Some(set)
}
