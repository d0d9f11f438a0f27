//! Diagnostics.

use super::{Put, Rules, linked, text};
use crate::arm_error::ArmError;
use crate::tree::Properties;

pub struct Diagnostic;

const NAMES: &[&str] = &["applicationinsights", "azuremonitor", "azureeventhub", "local"];

impl Rules for Diagnostic {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let name = put.path.rsplit('/').next().unwrap_or_default();
        if !NAMES.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            let message = format!("The name of a diagnostic must be one of {}.", NAMES.join(", "));
            return Err(ArmError::field("diagnosticId", message));
        }
        let logger = text(properties, "loggerId").unwrap_or_default();
        if linked(put.tx, logger).is_none() {
            return Err(ArmError::field("loggerId", format!("The logger '{logger}' does not exist.")));
        }
        Ok(())
    }
}
