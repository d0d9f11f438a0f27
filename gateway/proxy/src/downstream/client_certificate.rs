//! Client certificates: taken from anybody, judged by policies (`validate-client-certificate`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gateway_expression::host;
use gateway_policy::exchange::ClientCertificate;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};

use crate::signatures::Signatures;

/// Longest chain that is kept, the leaf included; the hand-shake's own limit bounds its bytes.
const CHAIN_MAX: usize = 10;

/// Asks for a certificate when told to, demands none, and checks only that the client holds its key.
#[derive(Debug)]
pub struct AnyClient {
    pub asks: Arc<AtomicBool>,
    pub signatures: Signatures,
}

impl ClientCertVerifier for AnyClient {
    fn offer_client_auth(&self) -> bool {
        self.asks.load(Ordering::Relaxed)
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.tls12(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signatures.tls13(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.schemes()
    }
}

/// What a client has shown, as policies see it.
pub fn shown(chain: Option<&[CertificateDer<'_>]>) -> Option<Arc<ClientCertificate>> {
    let (leaf, between) = chain?.split_first()?;
    Some(Arc::new(ClientCertificate {
        leaf: host::Certificate { der: leaf.to_vec(), private_key: None },
        intermediates: between.iter().take(CHAIN_MAX - 1).map(|der| der.to_vec()).collect(),
    }))
}
