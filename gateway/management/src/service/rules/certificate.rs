//! Certificates: the private key can never be read back.

use super::{Put, Rules, text};
use crate::arm_error::ArmError;
use crate::tree::Properties;

pub struct Certificate;

impl Rules for Certificate {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if text(properties, "data").is_none() && !properties.contains_key("keyVault") {
            return Err(ArmError::field("data", "'data' must not be empty."));
        }
        let details = put.call.plane.check.certificate(
            text(properties, "data").unwrap_or_default(),
            text(properties, "password").unwrap_or_default(),
        );
        let details = details.map_err(|message| ArmError::field("data", message))?;
        properties.extend(details);
        Ok(())
    }
}
