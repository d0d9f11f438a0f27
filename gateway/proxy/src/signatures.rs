//! The signatures of TLS handshakes, checked alike on both sides.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

/// What a provider can check.
#[derive(Clone, Debug)]
pub struct Signatures(Arc<CryptoProvider>);

impl Signatures {
    pub fn of(provider: &Arc<CryptoProvider>) -> Self {
        Self(Arc::clone(provider))
    }

    pub fn tls12(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    pub fn tls13(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    pub fn schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }

    pub fn algorithms(&self) -> &'static [&'static dyn SignatureVerificationAlgorithm] {
        self.0.signature_verification_algorithms.all
    }
}
