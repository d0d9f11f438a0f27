//! Certificates of the configuration, and what the gateway shows of them to backends.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use aws_lc_rs::digest;
use gateway_expression::clr::crypto::{Certificate, Pfx, read_pfx};
use gateway_expression::host;
use thiserror::Error;

/// Why a certificate cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    #[error("it is neither a PFX file that the password opens nor a certificate")]
    Unreadable,
    #[error("it has no private key")]
    NoKey,
}

/// A certificate with its chain and private key, to be shown in TLS hand-shakes. Equal when all of it is.
#[derive(Clone)]
pub struct ClientIdentity {
    /// Leaf first, DER.
    pub chain: Vec<Vec<u8>>,
    /// PKCS #8, DER.
    pub key: Vec<u8>,
    /// SHA-256 over chain and key.
    pub fingerprint: [u8; 32],
}

impl ClientIdentity {
    /// Reads a PFX file; an empty password means none.
    pub fn from_pfx(bytes: &[u8], password: &str) -> Result<Self, CertificateError> {
        read_pfx(bytes, password).map(Self::of).map_err(|_| CertificateError::Unreadable)
    }

    fn of(pfx: Pfx) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        for part in pfx.chain.iter().chain([&pfx.key]) {
            hash.update(&(part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(hash.finish().as_ref());
        Self { chain: pfx.chain, key: pfx.key, fingerprint }
    }
}

impl fmt::Debug for ClientIdentity {
    /// Never shows the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientIdentity({} certificates)", self.chain.len())
    }
}

impl PartialEq for ClientIdentity {
    fn eq(&self, other: &Self) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for ClientIdentity {}

impl Hash for ClientIdentity {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

/// A certificate resource.
#[derive(Clone, Debug)]
pub struct StoredCertificate {
    pub certificate: Certificate,
    /// With its private key, when the resource holds one.
    pub identity: Option<Arc<ClientIdentity>>,
}

impl StoredCertificate {
    /// Reads a PFX file, or a certificate alone (DER or PEM).
    pub fn read(bytes: &[u8], password: &str) -> Result<Self, CertificateError> {
        if let Ok(certificate) = Certificate::parse(bytes)
            && !certificate.has_private_key()
            && read_pfx(bytes, password).is_err()
        {
            return Ok(Self { certificate, identity: None });
        }
        let identity = ClientIdentity::from_pfx(bytes, password)?;
        let leaf = identity.chain.first().ok_or(CertificateError::Unreadable)?;
        let certificate = Certificate::with_private_key(leaf, Some(&identity.key))
            .map_err(|_| CertificateError::Unreadable)?;
        Ok(Self { certificate, identity: Some(Arc::new(identity)) })
    }

    /// The form that expressions get.
    pub fn to_host(&self) -> host::Certificate {
        host::Certificate {
            der: self.certificate.der().to_vec(),
            private_key: self.identity.as_ref().map(|identity| identity.key.clone()),
        }
    }
}

/// The certificate resources of a configuration.
#[derive(Clone, Debug, Default)]
pub struct Certificates(BTreeMap<String, Arc<StoredCertificate>>);

impl Certificates {
    pub fn insert(&mut self, id: &str, certificate: StoredCertificate) {
        self.0.insert(id.to_ascii_lowercase(), Arc::new(certificate));
    }

    /// By resource name, or the whole resource id that ends in it.
    pub fn by_id(&self, id: &str) -> Option<&Arc<StoredCertificate>> {
        let name = id.trim().rsplit('/').next().unwrap_or_default();
        self.0.get(&name.to_ascii_lowercase())
    }

    /// By SHA-1 of the certificate, in hexadecimal; blanks, colons and letter case do not count.
    pub fn by_thumbprint(&self, thumbprint: &str) -> Option<&Arc<StoredCertificate>> {
        let wanted = plain_hex(thumbprint);
        self.0.values().find(|stored| stored.certificate.thumbprint() == wanted)
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &StoredCertificate)> {
        self.0.iter().map(|(id, stored)| (id.as_str(), &**stored))
    }
}

/// Upper-case hexadecimal without what people put between the digits.
pub fn plain_hex(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
}
