//! TLS towards clients: certificates by server name, replaced without a restart.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use rustls::ProtocolVersion;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use thiserror::Error;

use super::client_certificate::AnyClient;
use crate::signatures::Signatures;

/// Why a certificate cannot be used.
#[derive(Debug, Error)]
pub enum TlsError {
    #[error("the certificate file holds no certificate in PEM form")]
    NoCertificate,
    #[error("cannot read the certificate or its key")]
    Pem(#[source] rustls::pki_types::pem::Error),
    #[error("the key does not fit the certificate, or is of no supported kind")]
    Key(#[source] rustls::Error),
    #[error("cannot make a self-signed certificate")]
    SelfSigned(#[source] rcgen::Error),
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

/// A certificate chain with its private key.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<CertifiedKey>);

impl Certificate {
    /// Reads a chain, leaf first, and a PKCS#8, PKCS#1 or SEC1 key, both in PEM form. Checks that they belong together.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Vec<_> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(TlsError::Pem)?;
        if chain.is_empty() {
            return Err(TlsError::NoCertificate);
        }
        Self::new(chain, PrivateKeyDer::from_pem_slice(key).map_err(TlsError::Pem)?)
    }

    /// A fresh certificate that nobody trusts, so that TLS works before one is configured.
    pub fn self_signed(names: &[String]) -> Result<Self, TlsError> {
        let made = rcgen::generate_simple_self_signed(names).map_err(TlsError::SelfSigned)?;
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        Self::new(vec![made.cert.der().clone()], key.into())
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<Self, TlsError> {
        let certified =
            CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(TlsError::Key)?;
        Ok(Self(Arc::new(certified)))
    }
}

/// Certificates by host name.
#[derive(Debug, Default)]
pub struct Certificates {
    exact: HashMap<Box<str>, Certificate>,
    /// Keyed by what follows `*.`.
    wildcard: HashMap<Box<str>, Certificate>,
    default: Option<Certificate>,
}

impl Certificates {
    /// Uses a certificate for a host name: `api.example`, or `*.example` for one label in its place.
    pub fn insert(&mut self, name: &str, certificate: Certificate) {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match name.strip_prefix("*.") {
            Some(parent) => self.wildcard.insert(parent.into(), certificate),
            None => self.exact.insert(name.into(), certificate),
        };
    }

    /// For clients that name no host, or one that nobody configured. Without it they are refused.
    pub fn set_default(&mut self, certificate: Certificate) {
        self.default = Some(certificate);
    }

    /// A single certificate for everybody.
    pub fn only(certificate: Certificate) -> Self {
        Self { default: Some(certificate), ..Self::default() }
    }

    /// An exact name before a wildcard before the default.
    fn find(&self, server_name: Option<&str>) -> Option<&Certificate> {
        let named = server_name.and_then(|name| {
            let name = name.to_ascii_lowercase();
            let parent = name.split_once('.').map(|(_, parent)| parent);
            self.exact.get(name.as_str()).or_else(|| self.wildcard.get(parent?))
        });
        named.or(self.default.as_ref())
    }
}

/// TLS 1.2 and 1.3 for one listener, shared by all workers. Sessions resume by tickets whose keys live and rotate in
/// this process.
#[derive(Debug)]
pub struct TlsServer {
    config: Arc<ServerConfig>,
    resolver: Arc<Resolver>,
    asks_clients: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Resolver(ArcSwap<Certificates>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.load().find(hello.server_name()).map(|certificate| Arc::clone(&certificate.0))
    }
}

impl TlsServer {
    /// `http2`: offer it by ALPN.
    pub fn new(certificates: Certificates, http2: bool) -> Result<Self, TlsError> {
        let resolver = Arc::new(Resolver(ArcSwap::from_pointee(certificates)));
        let provider = Arc::new(aws_lc_rs::default_provider());
        let asks_clients = Arc::new(AtomicBool::new(false));
        let verifier = AnyClient { asks: Arc::clone(&asks_clients), signatures: Signatures::of(&provider) };
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(TlsError::Setup)?
            .with_client_cert_verifier(Arc::new(verifier))
            .with_cert_resolver(Arc::clone(&resolver) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols =
            if http2 { vec![b"h2".to_vec(), b"http/1.1".to_vec()] } else { vec![b"http/1.1".to_vec()] };
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(TlsError::Setup)?;
        // Tickets only: a server-side store would be a lock shared by all workers.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self { config: Arc::new(config), resolver, asks_clients })
    }

    /// Whether clients of new connections are asked for a certificate, which they need not have. One host name that
    /// wants it asks those of all, as the service's own gateway does.
    pub fn ask_clients(&self, ask: bool) {
        self.asks_clients.store(ask, Ordering::Relaxed);
    }

    /// New connections get these certificates from now on; open ones stay.
    pub fn replace(&self, certificates: Certificates) {
        self.resolver.0.store(Arc::new(certificates));
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }
}

/// As policies show it.
pub fn version_text(version: ProtocolVersion) -> Option<&'static str> {
    match version {
        ProtocolVersion::TLSv1_2 => Some("1.2"),
        ProtocolVersion::TLSv1_3 => Some("1.3"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(name: &str) -> Certificate {
        Certificate::self_signed(&[name.to_owned()]).unwrap()
    }

    #[test]
    fn find_exact_before_wildcard_before_default() {
        let mut certificates = Certificates::default();
        let made: Vec<_> = (0..3).map(|n| certificate(&format!("c{n}.example"))).collect();
        certificates.insert("API.example.", made[0].clone());
        certificates.insert("*.example", made[1].clone());
        let index = |certificates: &Certificates, name| {
            let found = certificates.find(name)?;
            made.iter().position(|known| Arc::ptr_eq(&known.0, &found.0))
        };
        for (name, expected) in [
            (Some("api.example"), Some(0)),
            (Some("Api.Example"), Some(0)),
            (Some("web.example"), Some(1)),
            (Some("a.b.example"), None),
            (Some("example"), None),
            (Some("other"), None),
            (None, None),
        ] {
            assert_eq!(index(&certificates, name), expected, "{name:?}");
        }
        certificates.set_default(made[2].clone());
        assert_eq!(index(&certificates, Some("other")), Some(2));
        assert_eq!(index(&certificates, None), Some(2));
    }

    #[test]
    fn from_pem_key_of_another_certificate_is_refused() {
        let make = || rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
        let (one, two) = (make(), make());
        let chain = one.cert.pem();
        assert!(Certificate::from_pem(chain.as_bytes(), one.signing_key.serialize_pem().as_bytes()).is_ok());
        let wrong = Certificate::from_pem(chain.as_bytes(), two.signing_key.serialize_pem().as_bytes());
        assert!(matches!(wrong, Err(TlsError::Key(_))));
        assert!(matches!(Certificate::from_pem(b"", b""), Err(TlsError::NoCertificate)));
        assert!(matches!(Certificate::from_pem(chain.as_bytes(), b"x"), Err(TlsError::Pem(_))));
    }
}
