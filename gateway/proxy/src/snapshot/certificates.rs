//! Certificate resources, read once a revision.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway_expression::host;
use gateway_model::{Diagnostic, Resource, ResourceSet, Secret};
use gateway_policy::certificates::{Certificates, StoredCertificate};

/// Reads the certificates; one that cannot be used is reported and missing.
pub fn compile(set: &ResourceSet, diagnostics: &mut Vec<Diagnostic>) -> Certificates {
    let mut certificates = Certificates::default();
    for resource in set.certificates.values() {
        match read(resource) {
            Ok(certificate) => certificates.insert(resource.id.as_str(), certificate),
            Err(reason) => {
                let text = format!("certificate {} cannot be used: {reason}", resource.id);
                let finding = Diagnostic::warning("certificate", resource.origin.clone(), text);
                diagnostics.push(finding.on(resource.id()));
            }
        }
    }
    certificates
}

pub(super) fn read(resource: &gateway_model::Certificate) -> Result<StoredCertificate, String> {
    let data = resource.data.as_ref().map(Secret::expose).ok_or("it has no data (PFX in base64)")?;
    let text: String = data.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(text).map_err(|_| "its data is not base64")?;
    let password = resource.password.as_ref().map_or("", Secret::expose);
    StoredCertificate::read(&bytes, password).map_err(|error| error.to_string())
}

/// The certificates as `context.Deployment.Certificates` shows them.
pub fn for_expressions(certificates: &Certificates) -> std::collections::BTreeMap<String, host::Certificate> {
    certificates.iter().map(|(id, stored)| (id.to_owned(), stored.to_host())).collect()
}
