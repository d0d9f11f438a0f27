//! Self-hosted gateways and their keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::{Put, Rules, default_to};
use crate::arm_error::ArmError;
use crate::seal::Sealer;
use crate::service::Call;
use crate::tree::{Properties, Record, Tree};

pub struct Gateway;

impl Rules for Gateway {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if put.name(0).eq_ignore_ascii_case("managed") {
            return Err(ArmError::field("gatewayId", "'managed' is the name of the gateway of Azure."));
        }
        keep_called_in(put.existing, properties);
        for member in ["primaryKey", "secondaryKey"] {
            let kept = put.existing.and_then(|existing| existing.text(member)).map(str::to_owned);
            default_to(
                properties,
                member,
                match kept {
                    Some(kept) => kept,
                    None => new_key()?,
                },
            );
        }
        Ok(())
    }

    fn replaces(&self, member: &str) -> bool {
        member == "locationData"
    }

    /// Clients tell a GET, with a list of heartbeats, from the answer to a write, which has none.
    fn shown(&self, _tree: &Tree, record: &Record, call: &Call<'_>) -> Properties {
        let mut properties = record.properties.clone();
        let heartbeat = if call.operation.is_write() { Value::Null } else { Value::Array(Vec::new()) };
        properties.insert("heartbeat".to_owned(), heartbeat);
        properties
    }
}

/// How often debug credentials were called in: no document from outside says that.
pub const CALLED_IN: &str = "debugCredentialsCalledIn";

/// Keeps that number, so that what was called in stays so.
pub fn keep_called_in(existing: Option<&Record>, properties: &mut Properties) {
    properties.shift_remove(CALLED_IN);
    let times = existing.and_then(|existing| existing.properties.get(CALLED_IN));
    properties.extend(times.map(|times| (CALLED_IN.to_owned(), times.clone())));
}

/// 64 random bytes in base64.
pub fn new_key() -> Result<String, ArmError> {
    let mut bytes = Sealer::new_key().map_err(|error| ArmError::internal(&error))?;
    bytes.extend(Sealer::new_key().map_err(|error| ArmError::internal(&error))?);
    Ok(STANDARD.encode(bytes))
}
