//! PFX files: a certificate with its private key under a password.

use p12_keystore::{KeyStore, Pkcs12ImportPolicy};

use crate::clr::exception::{Error, Result};

/// The certificate that has the key, and the key as PKCS #8; both DER.
pub(super) fn read(bytes: &[u8], password: &str) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let wrong = || {
        Error::cryptographic(
            "The certificate data cannot be read with the provided password, the password may be incorrect.",
        )
    };
    let store = KeyStore::from_pkcs12(bytes, password, Pkcs12ImportPolicy::Relaxed).map_err(|_| wrong())?;
    let (_, chain) = store.private_key_chain().ok_or_else(wrong)?;
    let certificate = chain.certs().first().ok_or_else(wrong)?;
    Ok((certificate.as_der().to_vec(), Some(chain.key().as_der().to_vec())))
}
