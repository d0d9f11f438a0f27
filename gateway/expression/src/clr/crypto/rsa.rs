//! `RSA`: signatures and encryption.

mod parameters;

pub use parameters::RsaNumbers;

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepAlgorithm, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, Pkcs1PrivateDecryptingKey,
    Pkcs1PublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey, PublicKey,
};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaParameters, UnparsedPublicKey,
};

use super::hash::HashAlgorithm;
use crate::clr::exception::{Error, ExceptionKind, Result};

/// `RSASignaturePadding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignaturePadding {
    /// `Pkcs1`
    Pkcs1,
    /// `Pss`, the salt as long as the hash
    Pss,
}

/// `RSAEncryptionPadding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EncryptionPadding {
    /// `Pkcs1`
    Pkcs1,
    /// `OaepSHA1`, `OaepSHA256`…; not MD5
    Oaep(HashAlgorithm),
}

/// An RSA key, with or without its private half. Cloning is cheap.
#[derive(Clone)]
pub struct RsaKey {
    /// `SubjectPublicKeyInfo`, DER.
    public: Arc<[u8]>,
    bits: usize,
    private: Option<Arc<Private>>,
}

struct Private {
    pair: KeyPair,
    pkcs8: Vec<u8>,
}

impl Drop for Private {
    fn drop(&mut self) {
        self.pkcs8.fill(0);
    }
}

impl std::fmt::Debug for RsaKey {
    /// Never shows key material.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RsaKey({} bits, private: {})", self.bits, self.private.is_some())
    }
}

fn failed() -> Error {
    Error::of(ExceptionKind::Cryptographic)
}

fn not_offered(what: &str) -> Error {
    Error::new(ExceptionKind::NotSupported, format!("{what} is not supported."))
}

impl RsaKey {
    /// A public key: `SubjectPublicKeyInfo` or `RSAPublicKey`, DER.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn from_public_der(der: &[u8]) -> Result<Self> {
        // Encryption reads the longer form only.
        let long = if PublicEncryptingKey::from_der(der).is_ok() {
            der.to_vec()
        } else {
            let key = PublicKey::from_der(der).map_err(|_| failed())?;
            let long: PublicKeyX509Der<'_> = key.as_der().map_err(|_| failed())?;
            long.as_ref().to_vec()
        };
        let bits = PublicEncryptingKey::from_der(&long).map_err(|_| failed())?.key_size_bits();
        Ok(Self { public: long.into(), bits, private: None })
    }

    /// A private key: PKCS #8, DER.
    ///
    /// # Errors
    /// `CryptographicException`, also for keys below 2048 bits.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self> {
        let pair = KeyPair::from_pkcs8(der).map_err(|_| failed())?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| failed())?;
        let bits = pair.public_modulus_len() * 8;
        let public = public.as_ref().into();
        Ok(Self { public, bits, private: Some(Arc::new(Private { pair, pkcs8: der.to_vec() })) })
    }

    /// `KeySize`.
    pub fn bits(&self) -> usize {
        self.bits
    }

    /// Whether the private half is there.
    pub fn has_private(&self) -> bool {
        self.private.is_some()
    }

    /// This key without its private half.
    #[must_use]
    pub fn public_only(&self) -> Self {
        Self { private: None, ..self.clone() }
    }

    /// `ExportSubjectPublicKeyInfo()`.
    pub fn public_der(&self) -> &[u8] {
        &self.public
    }

    fn private(&self) -> Result<&Private> {
        self.private.as_deref().ok_or_else(|| Error::cryptographic("Key does not exist."))
    }

    /// `SignData(data, algorithm, padding)`.
    ///
    /// # Errors
    /// `CryptographicException` without a private key; `NotSupportedException` for MD5 and SHA-1.
    pub fn sign(&self, data: &[u8], algorithm: HashAlgorithm, padding: SignaturePadding) -> Result<Vec<u8>> {
        let private = self.private()?;
        let encoding = encoding(algorithm, padding)?;
        let mut signature = vec![0; private.pair.public_modulus_len()];
        private.pair.sign(encoding, &SystemRandom::new(), data, &mut signature).map_err(|_| failed())?;
        Ok(signature)
    }

    /// `SignHash(hash, algorithm, padding)`.
    ///
    /// # Errors
    /// As [`RsaKey::sign`]; also when the hash has the wrong length.
    pub fn sign_hash(
        &self,
        hash: &[u8],
        algorithm: HashAlgorithm,
        padding: SignaturePadding,
    ) -> Result<Vec<u8>> {
        let private = self.private()?;
        let encoding = encoding(algorithm, padding)?;
        let digest = imported(hash, algorithm)?;
        let mut signature = vec![0; private.pair.public_modulus_len()];
        private.pair.sign_digest(encoding, &digest, &mut signature).map_err(|_| failed())?;
        Ok(signature)
    }

    /// `VerifyData(data, signature, algorithm, padding)`.
    ///
    /// # Errors
    /// `NotSupportedException` for MD5, and SHA-1 with PSS.
    pub fn verify(
        &self,
        data: &[u8],
        signature: &[u8],
        algorithm: HashAlgorithm,
        padding: SignaturePadding,
    ) -> Result<bool> {
        let key = UnparsedPublicKey::new(parameters(algorithm, padding)?, &self.public);
        Ok(key.verify(data, signature).is_ok())
    }

    /// `VerifyHash(hash, signature, algorithm, padding)`.
    ///
    /// # Errors
    /// As [`RsaKey::verify`]; `CryptographicException` when the hash has the wrong length.
    pub fn verify_hash(
        &self,
        hash: &[u8],
        signature: &[u8],
        algorithm: HashAlgorithm,
        padding: SignaturePadding,
    ) -> Result<bool> {
        let key = UnparsedPublicKey::new(parameters(algorithm, padding)?, &self.public);
        Ok(key.verify_digest(&imported(hash, algorithm)?, signature).is_ok())
    }

    /// `Encrypt(data, padding)`.
    ///
    /// # Errors
    /// `CryptographicException` when the data is too long for the key.
    pub fn encrypt(&self, data: &[u8], padding: EncryptionPadding) -> Result<Vec<u8>> {
        let key = PublicEncryptingKey::from_der(&self.public).map_err(|_| failed())?;
        let mut made = vec![0; key.key_size_bytes()];
        let written = match padding {
            EncryptionPadding::Pkcs1 => {
                let key = Pkcs1PublicEncryptingKey::new(key).map_err(|_| failed())?;
                key.encrypt(data, &mut made).map(|part| part.len())
            }
            EncryptionPadding::Oaep(hash) => {
                let key = OaepPublicEncryptingKey::new(key).map_err(|_| failed())?;
                key.encrypt(oaep(hash)?, data, &mut made, None).map(|part| part.len())
            }
        };
        made.truncate(written.map_err(|_| failed())?);
        Ok(made)
    }

    /// `Decrypt(data, padding)`.
    ///
    /// # Errors
    /// `CryptographicException`.
    pub fn decrypt(&self, data: &[u8], padding: EncryptionPadding) -> Result<Vec<u8>> {
        let key = PrivateDecryptingKey::from_pkcs8(&self.private()?.pkcs8).map_err(|_| failed())?;
        let mut made = vec![0; key.key_size_bytes()];
        let written = match padding {
            EncryptionPadding::Pkcs1 => {
                let key = Pkcs1PrivateDecryptingKey::new(key).map_err(|_| failed())?;
                key.decrypt(data, &mut made).map(|part| part.len())
            }
            EncryptionPadding::Oaep(hash) => {
                let key = OaepPrivateDecryptingKey::new(key).map_err(|_| failed())?;
                key.decrypt(oaep(hash)?, data, &mut made, None).map(|part| part.len())
            }
        };
        made.truncate(written.map_err(|_| failed())?);
        Ok(made)
    }
}

fn imported(hash: &[u8], algorithm: HashAlgorithm) -> Result<aws_lc_rs::digest::Digest> {
    let digest = algorithm.digest().ok_or_else(|| not_offered("MD5 with RSA"))?;
    aws_lc_rs::digest::Digest::import_less_safe(hash, digest).map_err(|_| {
        Error::cryptographic(
            "The provided hash value is not the expected size for the specified hash algorithm.",
        )
    })
}

fn encoding(algorithm: HashAlgorithm, padding: SignaturePadding) -> Result<&'static dyn RsaEncoding> {
    Ok(match (algorithm, padding) {
        (HashAlgorithm::Sha256, SignaturePadding::Pkcs1) => &RSA_PKCS1_SHA256,
        (HashAlgorithm::Sha384, SignaturePadding::Pkcs1) => &RSA_PKCS1_SHA384,
        (HashAlgorithm::Sha512, SignaturePadding::Pkcs1) => &RSA_PKCS1_SHA512,
        (HashAlgorithm::Sha256, SignaturePadding::Pss) => &RSA_PSS_SHA256,
        (HashAlgorithm::Sha384, SignaturePadding::Pss) => &RSA_PSS_SHA384,
        (HashAlgorithm::Sha512, SignaturePadding::Pss) => &RSA_PSS_SHA512,
        _ => return Err(not_offered(&format!("Signing with {}", algorithm.name()))),
    })
}

fn parameters(algorithm: HashAlgorithm, padding: SignaturePadding) -> Result<&'static RsaParameters> {
    Ok(match (algorithm, padding) {
        (HashAlgorithm::Sha1, SignaturePadding::Pkcs1) => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (HashAlgorithm::Sha256, SignaturePadding::Pkcs1) => &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
        (HashAlgorithm::Sha384, SignaturePadding::Pkcs1) => &RSA_PKCS1_2048_8192_SHA384,
        (HashAlgorithm::Sha512, SignaturePadding::Pkcs1) => &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
        (HashAlgorithm::Sha256, SignaturePadding::Pss) => &RSA_PSS_2048_8192_SHA256,
        (HashAlgorithm::Sha384, SignaturePadding::Pss) => &RSA_PSS_2048_8192_SHA384,
        (HashAlgorithm::Sha512, SignaturePadding::Pss) => &RSA_PSS_2048_8192_SHA512,
        _ => return Err(not_offered(&format!("Checking signatures with {}", algorithm.name()))),
    })
}

fn oaep(hash: HashAlgorithm) -> Result<&'static OaepAlgorithm> {
    Ok(match hash {
        HashAlgorithm::Md5 => return Err(not_offered("OAEP with MD5")),
        HashAlgorithm::Sha1 => &OAEP_SHA1_MGF1SHA1,
        HashAlgorithm::Sha256 => &OAEP_SHA256_MGF1SHA256,
        HashAlgorithm::Sha384 => &OAEP_SHA384_MGF1SHA384,
        HashAlgorithm::Sha512 => &OAEP_SHA512_MGF1SHA512,
    })
}

#[cfg(test)]
mod tests {
    use super::super::certificate::tests::sample;
    use super::*;
    use crate::clr::encoding::from_base64;

    #[test]
    fn signatures_are_those_of_openssl() {
        let key = sample().private_key().unwrap();
        let expected = from_base64(
            "HGSl9F/q+7DCrK/e98SGJGdoUcIJZxDr9J9uVHJKFeoglgmsUUFw7ctBjCi5FkZa5ay3sjWfEJOl8S0Mz8q0ItbgOxK6rtMvAmFeucnGRHYWtlhJ+\
             tc3fbZNmWcXZuTd2hWXBiyhHuV3vDo52sgT1O39Xu/1cOY0GZmsBlPuq8Ze9ZJM3R/+vsVb5WRpiKJgUSAP0LQfUNTDOKDxz2x1zZm33WkuKO9p0j\
             Pckd2Su4r2SDrI+N1E48oTEHT/LYt7n9FvxFBEMaByBWBkcAMPBkej9J8b/LAfMr+DLJAFBF6aBVPa6UyyLmJVd/Q7hc3KJKYC1CipMLOQrnXI8eAV\
             ZA==",
        )
        .unwrap();
        let (hash, pkcs1) = (HashAlgorithm::Sha256, SignaturePadding::Pkcs1);
        assert_eq!(key.sign(b"hello", hash, pkcs1).unwrap(), expected);
        assert_eq!(key.sign_hash(&hash.hash(b"hello"), hash, pkcs1).unwrap(), expected);
        let public = key.public_only();
        assert!(public.verify(b"hello", &expected, hash, pkcs1).unwrap());
        assert!(public.verify_hash(&hash.hash(b"hello"), &expected, hash, pkcs1).unwrap());
        assert!(!public.verify(b"hullo", &expected, hash, pkcs1).unwrap());
        assert!(public.sign(b"hello", hash, pkcs1).is_err());
    }

    #[test]
    fn every_padding_reads_back() {
        let key = sample().private_key().unwrap();
        assert_eq!(key.bits(), 2048);
        for algorithm in [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512] {
            for padding in [SignaturePadding::Pkcs1, SignaturePadding::Pss] {
                let signature = key.sign(b"x", algorithm, padding).unwrap();
                assert!(
                    key.verify(b"x", &signature, algorithm, padding).unwrap(),
                    "{algorithm:?} {padding:?}"
                );
                assert!(!key.verify(b"x", &signature[1..], algorithm, padding).unwrap());
            }
        }
        let paddings = [
            EncryptionPadding::Pkcs1,
            EncryptionPadding::Oaep(HashAlgorithm::Sha1),
            EncryptionPadding::Oaep(HashAlgorithm::Sha256),
        ];
        for padding in paddings {
            let made = key.encrypt(b"secret", padding).unwrap();
            assert_eq!(key.decrypt(&made, padding).unwrap(), b"secret", "{padding:?}");
            assert!(key.decrypt(&made[1..], padding).is_err());
            assert!(key.encrypt(&[0; 300], padding).is_err());
        }
    }

    #[test]
    fn weak_hashes_do_not_sign() {
        let key = sample().private_key().unwrap();
        let error = key.sign(b"x", HashAlgorithm::Sha1, SignaturePadding::Pkcs1).unwrap_err();
        assert_eq!(error.message, "Signing with SHA1 is not supported.");
        assert!(RsaKey::from_pkcs8(b"junk").is_err() && RsaKey::from_public_der(b"junk").is_err());
    }
}
