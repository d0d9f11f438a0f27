//! MD5, SHA-1, SHA-2 and their HMACs.

use aws_lc_rs::{digest, hmac};
use md5::{Digest, Md5};

use crate::clr::exception::{Error, Result};

/// The hash algorithms of `System.Security.Cryptography`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are the algorithms'")]
pub enum HashAlgorithm {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl HashAlgorithm {
    /// From `HashAlgorithmName.Name` or the argument of `HashAlgorithm.Create(name)`.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn by_name(name: &str) -> Result<Self> {
        Ok(match name.to_ascii_uppercase().replace('-', "").as_str() {
            "MD5" => Self::Md5,
            "SHA" | "SHA1" => Self::Sha1,
            "SHA256" => Self::Sha256,
            "SHA384" => Self::Sha384,
            "SHA512" => Self::Sha512,
            _ => {
                let text = format!("'{name}' is not a known hash algorithm.");
                return Err(Error::cryptographic(text));
            }
        })
    }

    /// `HashAlgorithmName.Name`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha384 => "SHA384",
            Self::Sha512 => "SHA512",
        }
    }

    /// `HashSize` in bits.
    pub fn bits(self) -> usize {
        match self {
            Self::Md5 => 128,
            Self::Sha1 => 160,
            Self::Sha256 => 256,
            Self::Sha384 => 384,
            Self::Sha512 => 512,
        }
    }

    /// Bytes of the key that `new HMACSHA256()` makes.
    pub fn hmac_key_bytes(self) -> usize {
        match self {
            Self::Md5 | Self::Sha1 | Self::Sha256 => 64,
            Self::Sha384 | Self::Sha512 => 128,
        }
    }

    /// `ComputeHash(bytes)`.
    pub fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self.digest() {
            Some(algorithm) => digest::digest(algorithm, bytes).as_ref().to_vec(),
            None => Md5::digest(bytes).to_vec(),
        }
    }

    /// `new HMAC…(key).ComputeHash(bytes)`.
    pub fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Md5 => return hmac_md5(key, bytes),
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), bytes).as_ref().to_vec()
    }

    pub(super) fn digest(self) -> Option<&'static digest::Algorithm> {
        match self {
            Self::Md5 => None,
            Self::Sha1 => Some(&digest::SHA1_FOR_LEGACY_USE_ONLY),
            Self::Sha256 => Some(&digest::SHA256),
            Self::Sha384 => Some(&digest::SHA384),
            Self::Sha512 => Some(&digest::SHA512),
        }
    }
}

/// RFC 2104 over MD5, which the cryptographic library does not offer.
fn hmac_md5(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    const BLOCK: usize = 64;
    let short = if key.len() > BLOCK { Md5::digest(key).to_vec() } else { key.to_vec() };
    let pad =
        |with: u8| short.iter().copied().chain(std::iter::repeat(0)).take(BLOCK).map(move |byte| byte ^ with);
    let inner: Vec<u8> = pad(0x36).chain(bytes.iter().copied()).collect();
    let outer: Vec<u8> = pad(0x5C).chain(Md5::digest(inner)).collect();
    Md5::digest(outer).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clr::bit_converter::text;

    fn hex(bytes: &[u8]) -> String {
        text(bytes).replace('-', "").to_lowercase()
    }

    #[test]
    fn hashes_are_those_of_the_standards() {
        let table = [
            (HashAlgorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (HashAlgorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (HashAlgorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ];
        for (algorithm, expected) in table {
            assert_eq!(hex(&algorithm.hash(b"abc")), expected, "{algorithm:?}");
        }
        assert_eq!(HashAlgorithm::Sha512.hash(b"").len() * 8, HashAlgorithm::Sha512.bits());
    }

    #[test]
    fn hmacs_are_those_of_the_standards() {
        let table = [
            (HashAlgorithm::Md5, "750c783e6ab0b503eaa86e310a5db738"),
            (HashAlgorithm::Sha1, "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
            (HashAlgorithm::Sha256, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            (
                HashAlgorithm::Sha384,
                "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649",
            ),
            (
                HashAlgorithm::Sha512,
                "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a\
                 6b4b636e070a38bce737",
            ),
        ];
        for (algorithm, expected) in table {
            assert_eq!(
                hex(&algorithm.hmac(b"Jefe", b"what do ya want for nothing?")),
                expected,
                "{algorithm:?}"
            );
        }
        // A key longer than a block is hashed first (RFC 2202 §2).
        assert_eq!(
            hex(&HashAlgorithm::Md5
                .hmac(&[0xAA; 80], b"Test Using Larger Than Block-Size Key - Hash Key First")),
            "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"
        );
    }

    #[test]
    fn names_find_their_algorithm() {
        assert_eq!(HashAlgorithm::by_name("SHA-256"), Ok(HashAlgorithm::Sha256));
        assert_eq!(HashAlgorithm::by_name("sha1").map(HashAlgorithm::name), Ok("SHA1"));
        assert!(HashAlgorithm::by_name("CRC32").is_err());
    }
}
