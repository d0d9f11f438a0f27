//! Self-hosted gateways and their keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{Put, Rules, default_to};
use crate::arm_error::ArmError;
use crate::seal::Sealer;
use crate::tree::Properties;

pub struct Gateway;

impl Rules for Gateway {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if put.name(0).eq_ignore_ascii_case("managed") {
            return Err(ArmError::field("gatewayId", "'managed' is the name of the gateway of Azure."));
        }
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
}

/// 64 random bytes in base64.
pub fn new_key() -> Result<String, ArmError> {
    let mut bytes = Sealer::new_key().map_err(|error| ArmError::internal(&error))?;
    bytes.extend(Sealer::new_key().map_err(|error| ArmError::internal(&error))?);
    Ok(STANDARD.encode(bytes))
}
