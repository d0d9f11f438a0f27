//! Hashes, AES, RSA and certificates as policies use them (expressions.md §2.8, §3.1).
//!
//! Not here: DES, Triple DES, RC2; signing with MD5 or SHA-1 (checking SHA-1 signatures works); RSA keys below
//! 2048 bits with a private half.

mod certificate;
mod chain;
mod cipher;
mod der;
mod distinguished_name;
mod hash;
mod pkcs12;
mod rsa;

pub use certificate::{Certificate, Extension, NameKind};
pub use chain::{has_signed, verify_chain};
pub use cipher::{decrypt, encrypt};
pub use hash::HashAlgorithm;
pub use pkcs12::{Pfx, read_pfx};
pub use rsa::{EncryptionPadding, RsaKey, RsaNumbers, SignaturePadding};

use super::exception::{Error, Result};

/// `RNGCryptoServiceProvider.GetBytes`.
///
/// # Errors
/// `CryptographicException` when the system gives no random bytes.
pub fn random_bytes(bytes: &mut [u8]) -> Result<()> {
    aws_lc_rs::rand::fill(bytes)
        .map_err(|_| Error::cryptographic("Error occurred during a cryptographic operation."))
}
