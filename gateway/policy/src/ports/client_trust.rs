//! Whom client certificates may come from.

use std::time::SystemTime;

use thiserror::Error;

/// Authorities and revocation lists that the operator has given for client certificates.
pub trait ClientTrust {
    /// Whether the chain, leaf first and in DER, leads to an authority, at the time given. With `revocation`, whether
    /// none of its certificates is on a list; a certificate that names a list which is not here is refused.
    fn verify(&self, chain: &[Vec<u8>], at: SystemTime, revocation: Revocation) -> Result<(), TrustError>;

    /// Certificates (DER) of the authorities.
    fn authorities(&self) -> &[Vec<u8>];
}

/// Whether revocation lists are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    Checked,
    Ignored,
}

/// Why a chain is not trusted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TrustError {
    #[error("the certificate has been revoked")]
    Revoked,
    #[error("the revocation list of its issuer is not known to the gateway")]
    RevocationUnknown,
    #[error("{0}")]
    Untrusted(String),
}
