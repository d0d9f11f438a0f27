//! PFX files: a certificate with its private key under a password.

use p12_keystore::{KeyStore, Pkcs12ImportPolicy};

use crate::clr::exception::{Error, Result};

/// Content of a PFX file.
#[derive(Clone)]
pub struct Pfx {
    /// The certificate that has the key, then those that lead to its root; DER.
    pub chain: Vec<Vec<u8>>,
    /// PKCS #8, DER.
    pub key: Vec<u8>,
}

/// The certificate that has the key, and the key as PKCS #8; both DER.
pub(super) fn read(bytes: &[u8], password: &str) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let Pfx { mut chain, key } = read_pfx(bytes, password)?;
    Ok((chain.swap_remove(0), Some(key)))
}

/// Reads a PFX file with its whole chain.
///
/// # Errors
/// `CryptographicException`.
pub fn read_pfx(bytes: &[u8], password: &str) -> Result<Pfx> {
    let wrong = || {
        Error::cryptographic(
            "The certificate data cannot be read with the provided password, the password may be incorrect.",
        )
    };
    let store = KeyStore::from_pkcs12(bytes, password, Pkcs12ImportPolicy::Relaxed).map_err(|_| wrong())?;
    let (_, chain) = store.private_key_chain().ok_or_else(wrong)?;
    let certificates: Vec<_> =
        chain.certs().iter().map(|certificate| certificate.as_der().to_vec()).collect();
    if certificates.is_empty() {
        return Err(wrong());
    }
    Ok(Pfx { chain: certificates, key: chain.key().as_der().to_vec() })
}
