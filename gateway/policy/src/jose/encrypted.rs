//! Encrypted tokens (RFC 7516 §7.1): RSA-OAEP, RSA-OAEP-256, A128KW, A192KW, A256KW and `dir`; AES in CBC mode with HMAC, and
//! AES-GCM. Passwords (PBES2), compression and `RSA1_5` are not supported: each has been used against its users.

use aes_kw::{KeyInit, KwAes192};
use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};

use super::key::KeyError;
use super::signed::Header;
use super::{Malformed, decode};

/// Keys that one token may make us try: each is a private-key operation.
const TRIES_MAX: usize = 4;

/// A key that tokens are encrypted for.
pub struct DecryptionKey {
    pub id: Option<Box<str>>,
    material: Material,
}

enum Material {
    Rsa(Box<OaepPrivateDecryptingKey>),
    Secret(Vec<u8>),
}

impl std::fmt::Debug for DecryptionKey {
    /// Never shows key material.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DecryptionKey({:?})", self.id)
    }
}

impl DecryptionKey {
    /// A private key as PKCS #8.
    pub fn rsa(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8).map_err(|_| KeyError::Rsa)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| KeyError::Rsa)?;
        Ok(Self { id: None, material: Material::Rsa(Box::new(key)) })
    }

    /// A shared secret: the content key itself (`dir`), or the key that it is wrapped with.
    pub fn secret(bytes: &[u8]) -> Result<Self, KeyError> {
        if bytes.len() < 16 {
            return Err(KeyError::Secret);
        }
        Ok(Self { id: None, material: Material::Secret(bytes.to_vec()) })
    }

    /// The same key for tokens with that `kid`.
    #[must_use]
    pub fn with_id(mut self, id: Option<&str>) -> Self {
        self.id = id.map(Into::into);
        self
    }

    /// The content key; `None` when this key is of another kind or the wrong one.
    fn content_key(&self, algorithm: &str, wrapped: &[u8]) -> Option<Vec<u8>> {
        match (&self.material, algorithm) {
            (Material::Rsa(key), "RSA-OAEP") => unwrap_rsa(key, &OAEP_SHA1_MGF1SHA1, wrapped),
            (Material::Rsa(key), "RSA-OAEP-256") => unwrap_rsa(key, &OAEP_SHA256_MGF1SHA256, wrapped),
            (Material::Secret(key), "dir") => wrapped.is_empty().then(|| key.clone()),
            (Material::Secret(key), "A128KW") => unwrap_aes(&key_wrap::AES_128, key, wrapped),
            (Material::Secret(key), "A192KW") => unwrap_aes_192(key, wrapped),
            (Material::Secret(key), "A256KW") => unwrap_aes(&key_wrap::AES_256, key, wrapped),
            _ => None,
        }
    }
}

fn unwrap_rsa(
    key: &OaepPrivateDecryptingKey,
    padding: &'static aws_lc_rs::rsa::OaepAlgorithm,
    wrapped: &[u8],
) -> Option<Vec<u8>> {
    let mut out = vec![0; key.key_size_bytes()];
    let plain = key.decrypt(padding, wrapped, &mut out, None).ok()?;
    Some(plain.to_vec())
}

fn unwrap_aes(cipher: &'static key_wrap::AesBlockCipher, key: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; wrapped.len()];
    let plain = AesKek::new(cipher, key).ok()?.unwrap(wrapped, &mut out).ok()?;
    Some(plain.to_vec())
}

/// aws-lc-rs wraps with 128 and 256 bits only.
fn unwrap_aes_192(key: &[u8], wrapped: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![0; wrapped.len()];
    let plain = KwAes192::new_from_slice(key).ok()?.unwrap_key(wrapped, &mut out).ok()?;
    Some(plain.to_vec())
}

const WRONG: Malformed = Malformed("The token cannot be decrypted with any of the keys.");

/// The content of a token of five parts.
pub fn decrypt<'k>(
    token: &str,
    keys: impl Iterator<Item = &'k DecryptionKey> + Clone,
) -> Result<Vec<u8>, Malformed> {
    let mut parts = token.split('.');
    let mut next = || parts.next().ok_or(Malformed("The token is not well formed: it has not five parts."));
    let (protected, wrapped, iv, text, tag) = (next()?, next()?, next()?, next()?, next()?);
    let header = Header::parse(protected)?;
    let content = Content::of(header.encryption.as_deref().unwrap_or_default())
        .ok_or(Malformed("The token's content encryption is not supported."))?;
    let (wrapped, iv, text, tag) = (decode(wrapped)?, decode(iv)?, decode(text)?, decode(tag)?);
    let wanted = header.key_id.as_deref();
    let is_known = wanted.is_some() && keys.clone().any(|key| key.id.as_deref() == wanted);
    keys.filter(|key| !is_known || key.id.as_deref() == wanted)
        .filter_map(|key| key.content_key(&header.algorithm, &wrapped))
        .take(TRIES_MAX)
        .find_map(|key| content.open(&key, protected.as_bytes(), &iv, &text, &tag))
        .ok_or(WRONG)
}

/// How the content is encrypted (RFC 7518 §5).
enum Content {
    /// The cipher, the MAC, and half of the key's length.
    CbcHmac(&'static cipher::Algorithm, hmac::Algorithm, usize),
    Gcm(&'static aead::Algorithm),
}

impl Content {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "A128CBC-HS256" => Self::CbcHmac(&cipher::AES_128, hmac::HMAC_SHA256, 16),
            "A192CBC-HS384" => Self::CbcHmac(&cipher::AES_192, hmac::HMAC_SHA384, 24),
            "A256CBC-HS512" => Self::CbcHmac(&cipher::AES_256, hmac::HMAC_SHA512, 32),
            "A128GCM" => Self::Gcm(&aead::AES_128_GCM),
            "A192GCM" => Self::Gcm(&aead::AES_192_GCM),
            "A256GCM" => Self::Gcm(&aead::AES_256_GCM),
            _ => return None,
        })
    }

    fn open(&self, key: &[u8], protected: &[u8], iv: &[u8], text: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::CbcHmac(cipher, mac, half) => {
                if key.len() != half * 2 {
                    return None;
                }
                let (mac_key, cipher_key) = key.split_at_checked(*half)?;
                let expected = authentication_tag(&hmac::Key::new(*mac, mac_key), protected, iv, text);
                verify_slices_are_equal(expected.as_ref().get(..*half)?, tag).ok()?;
                let iv = FixedLength::<16>::try_from(iv).ok()?;
                let key = UnboundCipherKey::new(cipher, cipher_key).ok()?;
                let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
                let mut buffer = text.to_vec();
                let plain = key.decrypt(&mut buffer, DecryptionContext::Iv128(iv)).ok()?;
                Some(plain.to_vec())
            }
            Self::Gcm(algorithm) => {
                if tag.len() != algorithm.tag_len() {
                    return None;
                }
                let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
                let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
                let mut buffer = [text, tag].concat();
                let plain = key.open_in_place(nonce, Aad::from(protected), &mut buffer).ok()?;
                Some(plain.to_vec())
            }
        }
    }
}

/// RFC 7518 §5.2.2.1: over the protected header, the vector, the text, and the header's length in bits.
fn authentication_tag(key: &hmac::Key, protected: &[u8], iv: &[u8], text: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(protected);
    context.update(iv);
    context.update(text);
    context.update(&(protected.len() as u64 * 8).to_be_bytes());
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    /// RFC 7516 appendix A.3: A128KW with A128CBC-HS256.
    #[test]
    fn decrypt_reads_the_example_of_the_rfc() {
        let token = "eyJhbGciOiJBMTI4S1ciLCJlbmMiOiJBMTI4Q0JDLUhTMjU2In0.\
                     6KB707dM9YTIgHtLvtgWQ8mKwboJW3of9locizkDTHzBC2IlrT1oOQ.\
                     AxY8DCtDaGlsbGljb3RoZQ.\
                     KDlTtXchhZTGufMYmOYGS4HffxPSUrfmqCHXaI9wOGY.\
                     U0m_YmjN04DJvceFICbCVQ";
        let key = DecryptionKey::secret(&decode("GawgguFyGrWKav7AX4VKUg").unwrap()).unwrap();
        let plain = decrypt(token, [&key].into_iter()).unwrap();
        assert_eq!(plain, b"Live long and prosper.");
        let other = DecryptionKey::secret(&[7; 16]).unwrap();
        assert_eq!(decrypt(token, [&other].into_iter()).unwrap_err(), WRONG);
        assert_eq!(decrypt(&token.replace("CbCVQ", "CbCVA"), [&key].into_iter()).unwrap_err(), WRONG);
        assert_eq!(
            decrypt(&token.replace(".U0m_YmjN04DJvceFICbCVQ", "."), [&key].into_iter()).unwrap_err(),
            WRONG
        );
    }

    /// RFC 3394 §4.3 and §4.4: 128 and 192 bits of key data under a key of 192 bits.
    #[test]
    fn unwrap_192_reads_the_examples_of_the_rfc() {
        let key = hex("000102030405060708090A0B0C0D0E0F1011121314151617");
        for (wrapped, data) in [
            ("96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D", "00112233445566778899AABBCCDDEEFF"),
            (
                "031D33264E15D33268F24EC260743EDCE1C6C7DDEE725A936BA814915C6762D2",
                "00112233445566778899AABBCCDDEEFF0001020304050607",
            ),
        ] {
            assert_eq!(unwrap_aes_192(&key, &hex(wrapped)), Some(hex(data)));
            let mut changed = hex(wrapped);
            changed[9] ^= 1;
            assert_eq!(unwrap_aes_192(&key, &changed), None);
        }
        for length in [0, 1, 7, 8, 15, 16, 23] {
            assert_eq!(unwrap_aes_192(&key, &vec![0; length]), None, "{length} bytes");
        }
        assert_eq!(
            unwrap_aes_192(&key[..16], &hex("96778B25AE6CA435F92B5B97C050AED2468AB8A17AD84E5D")),
            None
        );
    }

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().map(|digit| (digit as char).to_digit(16).unwrap() as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    #[test]
    fn decrypt_what_is_not_supported_is_refused_before_any_work() {
        let key = DecryptionKey::secret(&[7; 32]).unwrap();
        for header in [
            r#"{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2000000000,"p2s":"AAAA"}"#,
            r#"{"alg":"dir","enc":"A128GCM","zip":"DEF"}"#,
            r#"{"alg":"dir","enc":"none"}"#,
            r#"{"alg":"dir"}"#,
            r#"{"alg":"RSA1_5","enc":"A128GCM"}"#,
        ] {
            let token = format!("{}....", encode(header.as_bytes()));
            assert!(decrypt(&token, [&key].into_iter()).is_err(), "{header}");
        }
    }
}
