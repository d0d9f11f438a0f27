//! Linked documents (`xml-link`, `openapi-link`): bounded in time and size.

use crate::arm_error::ArmError;

/// The text at an address.
pub async fn text(url: &str) -> Result<String, ArmError> {
    let message = format!("The document at '{url}' cannot be read: links are not followed by this version.");
    Err(ArmError::field("value", message))
}
