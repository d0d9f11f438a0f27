//! TLS towards backends (rustls): which certificates are trusted, and what is checked of them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use gateway_policy::backend::{BackendTls, PinnedServer};
use moka::sync::Cache;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use thiserror::Error;

use crate::signatures::Signatures;

/// Certificate authorities that could not be read.
#[derive(Debug, Error)]
pub enum RootsError {
    #[error("cannot read the certificate file {path}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{origin} holds no usable PEM certificate")]
    Pem { origin: String },
}

/// Trusted authorities: the system's, and those added.
#[derive(Clone, Debug)]
pub struct Roots(RootCertStore);

impl Roots {
    /// Nothing trusted yet.
    pub fn none() -> Self {
        Self(RootCertStore::empty())
    }

    /// The system's store (`SSL_CERT_FILE`, `SSL_CERT_DIR`, or the distribution's place). A machine without one
    /// trusts nobody, which is told once.
    pub fn system() -> Self {
        let mut store = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        let (added, ignored) = store.add_parsable_certificates(found.certs);
        if added == 0 {
            tracing::warn!(ignored, errors = found.errors.len(), "no system certificate authorities found");
        }
        Self(store)
    }

    /// Adds the certificates of a PEM text; `origin` names it in errors.
    pub fn add_pem(&mut self, pem: &[u8], origin: &str) -> Result<(), RootsError> {
        let unusable = || RootsError::Pem { origin: origin.to_owned() };
        let mut added = 0;
        for certificate in CertificateDer::pem_slice_iter(pem) {
            self.0.add(certificate.map_err(|_| unusable())?).map_err(|_| unusable())?;
            added += 1;
        }
        if added == 0 { Err(unusable()) } else { Ok(()) }
    }

    /// Adds the certificates of a PEM file.
    pub fn add_file(&mut self, path: &Path) -> Result<(), RootsError> {
        let pem = fs::read(path).map_err(|source| RootsError::Read { path: path.to_owned(), source })?;
        self.add_pem(&pem, &path.display().to_string())
    }
}

/// Configurations with client certificates that are kept.
const IDENTITIES_MAX: u64 = 256;

/// What is offered by ALPN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Offer {
    Http1,
    Http2OrHttp1,
    Http2,
}

/// Client configurations for every combination of rules, made when first needed. Shared by the workers, so that
/// a session opened by one can be resumed by another.
pub struct TlsClient {
    roots: Arc<RootCertStore>,
    provider: Arc<CryptoProvider>,
    configs: [OnceLock<Arc<ClientConfig>>; 12],
    /// With certificates of their own: by all that makes two connections different.
    with_identity: Cache<(BackendTls, Offer), Arc<ClientConfig>>,
}

impl TlsClient {
    pub fn new(roots: Roots) -> Self {
        Self {
            roots: Arc::new(roots.0),
            provider: Arc::new(aws_lc_rs::default_provider()),
            configs: [const { OnceLock::new() }; 12],
            with_identity: Cache::new(IDENTITIES_MAX),
        }
    }

    /// The configuration for a backend. `None` if the client certificate and its key do not belong together, or the
    /// crypto provider lacks both TLS versions.
    pub fn config(&self, rules: &BackendTls, offer: Offer) -> Option<Arc<ClientConfig>> {
        if rules.identity.is_some() || rules.pinned.is_some() {
            let key = (rules.clone(), offer);
            if let Some(config) = self.with_identity.get(&key) {
                return Some(config);
            }
            let made = Arc::new(self.make(rules, offer).ok()?);
            self.with_identity.insert(key, Arc::clone(&made));
            return Some(made);
        }
        let index = offer as usize * 4
            + usize::from(rules.validate_certificate_chain) * 2
            + usize::from(rules.validate_certificate_name);
        let slot = self.configs.get(index)?;
        if let Some(config) = slot.get() {
            return Some(Arc::clone(config));
        }
        let made = Arc::new(self.make(rules, offer).ok()?);
        Some(Arc::clone(slot.get_or_init(|| made)))
    }

    /// A configuration for servers that speak no HTTP: nothing is offered by ALPN, everything is checked.
    pub fn without_protocols(&self) -> Result<Arc<ClientConfig>, Error> {
        let mut config = self.make(&BackendTls::default(), Offer::Http1)?;
        config.alpn_protocols.clear();
        Ok(Arc::new(config))
    }

    fn make(&self, rules: &BackendTls, offer: Offer) -> Result<ClientConfig, Error> {
        let verifier = Verifier {
            roots: Arc::clone(&self.roots),
            signatures: Signatures::of(&self.provider),
            pinned: rules.pinned.clone(),
            chain: rules.validate_certificate_chain,
            name: rules.validate_certificate_name,
        };
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier));
        let mut config = match &rules.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let chain = identity.chain.iter().map(|der| CertificateDer::from(der.clone())).collect();
                let key = PrivatePkcs8KeyDer::from(identity.key.clone());
                builder.with_client_auth_cert(chain, key.into())?
            }
        };
        config.alpn_protocols = match offer {
            Offer::Http1 => vec![b"http/1.1".to_vec()],
            Offer::Http2OrHttp1 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
            Offer::Http2 => vec![b"h2".to_vec()],
        };
        Ok(config)
    }
}

/// Checks chain (RFC 5280) and name (RFC 6125) unless the backend's rules switch one off; the signature of the
/// handshake is checked always.
#[derive(Debug)]
struct Verifier {
    roots: Arc<RootCertStore>,
    signatures: Signatures,
    /// Certificates that stand for themselves, whatever chain and name they have.
    pinned: Option<Arc<PinnedServer>>,
    chain: bool,
    name: bool,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Some(pinned) = &self.pinned {
            let others: Vec<&[u8]> = intermediates.iter().map(AsRef::as_ref).collect();
            return if pinned.is(end_entity, &others) {
                Ok(ServerCertVerified::assertion())
            } else {
                Err(Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
            };
        }
        if self.chain || self.name {
            let certificate = ParsedCertificate::try_from(end_entity)?;
            if self.chain {
                let algorithms = self.signatures.algorithms();
                verify_server_cert_signed_by_trust_anchor(
                    &certificate,
                    &self.roots,
                    intermediates,
                    now,
                    algorithms,
                )?;
            }
            if self.name {
                verify_server_name(&certificate, server_name)?;
            }
        }
        Ok(ServerCertVerified::assertion())
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
