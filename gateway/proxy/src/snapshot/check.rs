//! One policy document or certificate, judged as a whole configuration would be.

use std::sync::Arc;

use gateway_expression::Options;
use gateway_model::{Certificate, Diagnostic, PolicyScope, ResourceSet};
use gateway_policy::certificates::StoredCertificate;
use gateway_policy::compile::{check_fragment, compile_document, compile_resolver};

use super::documents::{References, scope_of};
use super::{backends, certificates};

/// Compiles the document of a scope in a set that holds what it refers to. Findings about the rest of the set are left out.
pub fn check_policy(set: &ResourceSet, scope: &PolicyScope, expressions: &Options) -> Vec<Diagnostic> {
    let Some(document) = set.policy(scope) else { return Vec::new() };
    let mut elsewhere = Vec::new();
    let certificates = Arc::new(certificates::compile(set, &mut elsewhere));
    let entities = Arc::new(backends::compile(set, None, &certificates, &mut elsewhere));
    let operation = match scope {
        PolicyScope::Operation(api, operation) => set.operations.get(&(api.clone(), operation.clone())),
        _ => None,
    };
    let references = References::new(set, &entities, &certificates, expressions).of_operation(operation);
    let file = Arc::clone(&document.origin.file);
    let mut found = Vec::new();
    match (scope, scope_of(scope)) {
        (_, Some(scope)) => drop(compile_document(&document.text, file, scope, &references, &mut found)),
        (PolicyScope::Fragment(_), None) => check_fragment(&document.text, &file, &references, &mut found),
        (_, None) => drop(compile_resolver(&document.text, file, &references, &mut found)),
    }
    found
}

/// What a certificate says of itself.
pub struct CertificateInfo {
    pub subject: String,
    /// SHA-1 in upper-case hex.
    pub thumbprint: String,
    /// End of validity, RFC 3339.
    pub expires: String,
}

/// Opens a certificate (PFX in base64, or a certificate alone).
pub fn check_certificate(data: &str, password: &str) -> Result<CertificateInfo, String> {
    let certificate =
        Certificate { data: Some(data.into()), password: Some(password.into()), ..Certificate::default() };
    let StoredCertificate { certificate, .. } = certificates::read(&certificate)?;
    let expires = certificate.not_after().to_text("yyyy-MM-dd'T'HH:mm:ss'Z'");
    Ok(CertificateInfo {
        subject: certificate.subject().to_owned(),
        thumbprint: certificate.thumbprint(),
        expires: expires.map_err(|_| "its end of validity cannot be written")?,
    })
}
