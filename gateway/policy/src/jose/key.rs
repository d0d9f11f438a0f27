//! Keys that signatures are checked with.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ParsedPublicKey,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, VerificationAlgorithm,
};
use gateway_expression::clr::crypto::Certificate;
use thiserror::Error;

use super::algorithm::{Algorithm, Hash};

/// Shortest shared secret, bits; Microsoft's libraries refuse shorter ones as well.
const SECRET_BITS_MIN: usize = 128;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    #[error("the RSA key is not usable: 2048 to 8192 bits and an odd exponent above 1 are needed")]
    Rsa,
    #[error("the elliptic curve key is not usable: P-256, P-384 or P-521 is needed")]
    Ec,
    #[error("the symmetric key is too short: {SECRET_BITS_MIN} bits at least")]
    Secret,
    #[error("the certificate holds neither an RSA nor an elliptic curve key")]
    Certificate,
}

/// A key and what it may be used for.
pub struct VerificationKey {
    /// `kid` of the tokens it is meant for.
    pub id: Option<Box<str>>,
    /// The only algorithm it may be used with, when its publisher says so.
    pub algorithm: Option<Algorithm>,
    material: Material,
}

enum Material {
    /// PKCS #1 with the three hashes, then PSS.
    Rsa(Box<[ParsedPublicKey; 6]>),
    Ec(Hash, ParsedPublicKey),
    Secret(Box<[hmac::Key; 3]>),
}

impl std::fmt::Debug for VerificationKey {
    /// Never shows key material.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerificationKey({:?})", self.id)
    }
}

impl VerificationKey {
    fn new(material: Material) -> Self {
        Self { id: None, algorithm: None, material }
    }

    /// The same key for tokens with that `kid`.
    #[must_use]
    pub fn with_id(mut self, id: Option<&str>) -> Self {
        self.id = id.map(Into::into);
        self
    }

    /// A public key from its modulus and exponent, big-endian.
    pub fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, KeyError> {
        let n = strip_zeros(modulus);
        let e = strip_zeros(exponent);
        let exponent_fits =
            (1..=8).contains(&e.len()) && e != [1] && e.last().is_some_and(|low| low & 1 == 1);
        if !(256..=1024).contains(&n.len()) || !exponent_fits {
            return Err(KeyError::Rsa);
        }
        let der = AsDer::as_der(&RsaPublicKeyComponents { n, e }).map_err(|_| KeyError::Rsa)?;
        Self::rsa_der(der.as_ref())
    }

    fn rsa_der(der: &[u8]) -> Result<Self, KeyError> {
        let parse = |parameters: &'static RsaParameters| {
            ParsedPublicKey::new(parameters, der).map_err(|_| KeyError::Rsa)
        };
        Ok(Self::new(Material::Rsa(Box::new([
            parse(&RSA_PKCS1_2048_8192_SHA256)?,
            parse(&RSA_PKCS1_2048_8192_SHA384)?,
            parse(&RSA_PKCS1_2048_8192_SHA512)?,
            parse(&RSA_PSS_2048_8192_SHA256)?,
            parse(&RSA_PSS_2048_8192_SHA384)?,
            parse(&RSA_PSS_2048_8192_SHA512)?,
        ]))))
    }

    /// A public key from its uncompressed point (SEC 1 §2.3.3); its length tells the curve.
    pub fn ec(point: &[u8]) -> Result<Self, KeyError> {
        let (hash, algorithm): (_, &'static dyn VerificationAlgorithm) = match (point.len(), point.first()) {
            (65, Some(4)) => (Hash::Sha256, &ECDSA_P256_SHA256_FIXED),
            (97, Some(4)) => (Hash::Sha384, &ECDSA_P384_SHA384_FIXED),
            (133, Some(4)) => (Hash::Sha512, &ECDSA_P521_SHA512_FIXED),
            _ => return Err(KeyError::Ec),
        };
        let key = ParsedPublicKey::new(algorithm, point).map_err(|_| KeyError::Ec)?;
        Ok(Self::new(Material::Ec(hash, key)))
    }

    /// A shared secret.
    pub fn secret(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() * 8 < SECRET_BITS_MIN {
            return Err(KeyError::Secret);
        }
        let keys = [hmac::HMAC_SHA256, hmac::HMAC_SHA384, hmac::HMAC_SHA512];
        Ok(Self::new(Material::Secret(Box::new(keys.map(|algorithm| hmac::Key::new(algorithm, bytes))))))
    }

    /// The public key of a certificate.
    pub fn of_certificate(certificate: &Certificate) -> Result<Self, KeyError> {
        match certificate.key_algorithm() {
            "1.2.840.113549.1.1.1" => Self::rsa_der(certificate.public_key_bytes()),
            "1.2.840.10045.2.1" => Self::ec(certificate.public_key_bytes()),
            _ => Err(KeyError::Certificate),
        }
    }

    /// Whether a signature by the algorithm can be this key's.
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        let kind = match (&self.material, algorithm) {
            (Material::Rsa(_), Algorithm::Rs(_) | Algorithm::Ps(_))
            | (Material::Secret(_), Algorithm::Hs(_)) => true,
            (Material::Ec(hash, _), Algorithm::Es(wanted)) => *hash == wanted,
            _ => false,
        };
        kind && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the signature is this key's, made by the algorithm.
    pub fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        match (&self.material, algorithm) {
            (Material::Rsa(keys), Algorithm::Rs(hash)) => {
                verified(keys.get(hash as usize), message, signature)
            }
            (Material::Rsa(keys), Algorithm::Ps(hash)) => {
                verified(keys.get(3 + hash as usize), message, signature)
            }
            (Material::Ec(_, key), Algorithm::Es(_)) => verified(Some(key), message, signature),
            (Material::Secret(keys), Algorithm::Hs(hash)) => {
                keys.get(hash as usize).is_some_and(|key| hmac::verify(key, message, signature).is_ok())
            }
            _ => false,
        }
    }
}

fn verified(key: Option<&signature::ParsedPublicKey>, message: &[u8], signature: &[u8]) -> bool {
    key.is_some_and(|key| key.verify_sig(message, signature).is_ok())
}

fn strip_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_keys_are_refused() {
        let modulus = [0xC1; 256];
        assert!(VerificationKey::rsa(&modulus, &[1, 0, 1]).is_ok());
        assert_eq!(VerificationKey::rsa(&modulus, &[1]).unwrap_err(), KeyError::Rsa);
        assert_eq!(VerificationKey::rsa(&modulus, &[4]).unwrap_err(), KeyError::Rsa);
        assert_eq!(VerificationKey::rsa(&modulus, &[]).unwrap_err(), KeyError::Rsa);
        assert_eq!(VerificationKey::rsa(&[0xC1; 64], &[1, 0, 1]).unwrap_err(), KeyError::Rsa);
        assert_eq!(VerificationKey::secret(b"short").unwrap_err(), KeyError::Secret);
        // Not on the curve; compressed.
        assert_eq!(VerificationKey::ec(&[4; 65]).unwrap_err(), KeyError::Ec);
        assert_eq!(VerificationKey::ec(&[2; 33]).unwrap_err(), KeyError::Ec);
    }
}
