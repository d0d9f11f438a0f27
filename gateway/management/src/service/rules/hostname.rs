//! What hangs on a gateway: host names with their certificates, and authorities of client certificates.

use super::{Put, Rules, default_to, linked, text};
use crate::arm_error::ArmError;
use crate::tree::Properties;

/// `gateways/{}/hostnameConfigurations`.
pub struct Hostname;

/// `gateways/{}/certificateAuthorities`: named by the certificate.
pub struct Authority;

impl Rules for Hostname {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        let host = text(properties, "hostname").unwrap_or_default();
        let bare = host.strip_prefix("*.").unwrap_or(host);
        let is_good = host == "*"
            || !bare.is_empty()
                && host.len() <= 253
                && bare.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':'));
        if !is_good {
            return Err(ArmError::field(
                "hostname",
                format!("'{host}' is no host name: use api.example, *.example or *."),
            ));
        }
        let certificate = text(properties, "certificateId");
        if certificate.is_none_or(|id| !id.starts_with("/certificates/") || linked(put.tx, id).is_none()) {
            let id = certificate.unwrap_or_default();
            return Err(ArmError::field("certificateId", format!("The certificate '{id}' does not exist.")));
        }
        for (member, value) in [
            ("negotiateClientCertificate", false),
            ("tls10Enabled", false),
            ("tls11Enabled", false),
            ("http2Enabled", true),
        ] {
            default_to(properties, member, value);
        }
        Ok(())
    }
}

impl Rules for Authority {
    fn put(&self, put: Put<'_, '_, '_>, properties: &mut Properties) -> Result<(), ArmError> {
        if put.tx.get(&format!("certificates/{}", put.name(1))).is_none() {
            return Err(ArmError::not_found("Certificate"));
        }
        default_to(properties, "isTrusted", false);
        Ok(())
    }
}
