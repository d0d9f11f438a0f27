//! The secret of a gateway and its plane: it signs manifests, seals chunks and closes the backup.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ProtocolError;

/// Bytes of a secret.
pub const SECRET_LEN: usize = 32;

/// Derived from a key of the gateway at the plane, and part of every token which that key signs: so a gateway with a fresh
/// token opens what it kept under the old one.
#[derive(Clone)]
pub struct GatewaySecret {
    bytes: [u8; SECRET_LEN],
}

impl std::fmt::Debug for GatewaySecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("GatewaySecret(***)")
    }
}

impl GatewaySecret {
    pub fn new(bytes: &[u8; SECRET_LEN]) -> Self {
        Self { bytes: *bytes }
    }

    /// The secret that goes with a key of a gateway.
    pub fn of_key(key: &str) -> Self {
        Self { bytes: keyed(key.as_bytes(), b"gateway secret") }
    }

    pub fn bytes(&self) -> &[u8; SECRET_LEN] {
        &self.bytes
    }

    /// Seals a text for a purpose. Equal texts give equal bytes, which keeps chunks content-addressed: the nonce is derived
    /// from the text, so no two texts share one.
    pub fn seal(&self, purpose: &str, text: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        let nonce_key = hmac::Key::new(HMAC_SHA256, &self.derived(&["nonce ", purpose]));
        let tag = hmac::sign(&nonce_key, text);
        let nonce: [u8; NONCE_LEN] =
            tag.as_ref().first_chunk().copied().ok_or(ProtocolError::Malformed("a nonce"))?;
        let mut body = text.to_vec();
        self.cipher(purpose)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut body)
            .map_err(|_| ProtocolError::Sealed)?;
        Ok([&nonce[..], &body].concat())
    }

    /// Opens what was sealed for a purpose.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<Vec<u8>, ProtocolError> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(ProtocolError::Sealed)?;
        let mut body = body.to_vec();
        let cipher = self.cipher(purpose)?;
        let text = cipher.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::empty(), &mut body);
        let length = text.map_err(|_| ProtocolError::Sealed)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// A JSON Web Signature over a payload (RFC 7515 §7.1, HS256).
    pub fn sign(&self, payload: &str) -> String {
        let header = URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256"}"#);
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
        let tag = hmac::sign(&self.signing_key(), signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    /// The payload of a signature that is good, compared in constant time.
    pub fn verify(&self, signature: &str) -> Result<String, ProtocolError> {
        let malformed = || ProtocolError::Malformed("a signature");
        let (signed, tag) = signature.trim_end().rsplit_once('.').ok_or_else(malformed)?;
        let tag = URL_SAFE_NO_PAD.decode(tag).map_err(|_| malformed())?;
        hmac::verify(&self.signing_key(), signed.as_bytes(), &tag).map_err(|_| ProtocolError::Signature)?;
        // The header was written by whoever holds the secret: only one algorithm was ever meant.
        let payload = signed.split_once('.').map(|(_, payload)| payload).ok_or_else(malformed)?;
        String::from_utf8(URL_SAFE_NO_PAD.decode(payload).map_err(|_| malformed())?).map_err(|_| malformed())
    }

    /// A keyed digest of bytes for a purpose.
    pub fn tag(&self, purpose: &str, bytes: &[u8]) -> [u8; SECRET_LEN] {
        keyed(&self.derived(&["tag ", purpose]), bytes)
    }

    fn signing_key(&self) -> hmac::Key {
        hmac::Key::new(HMAC_SHA256, &self.derived(&["sign"]))
    }

    fn cipher(&self, purpose: &str) -> Result<LessSafeKey, ProtocolError> {
        let key = UnboundKey::new(&AES_256_GCM, &self.derived(&["seal ", purpose]));
        Ok(LessSafeKey::new(key.map_err(|_| ProtocolError::Sealed)?))
    }

    fn derived(&self, label: &[&str]) -> [u8; SECRET_LEN] {
        keyed(&self.bytes, label.concat().as_bytes())
    }
}

fn keyed(key: &[u8], label: &[u8]) -> [u8; SECRET_LEN] {
    let tag = hmac::sign(&hmac::Key::new(HMAC_SHA256, key), label);
    tag.as_ref().first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_opens_its_own_and_nothing_else() {
        let (mine, other) = (GatewaySecret::of_key("a"), GatewaySecret::of_key("b"));
        let sealed = mine.seal("chunk", b"text of a secret").expect("sealed");
        assert_eq!(mine.seal("chunk", b"text of a secret").expect("sealed"), sealed);
        assert!(!sealed.windows(4).any(|part| part == b"text"));
        assert_eq!(mine.open("chunk", &sealed).expect("opens"), b"text of a secret");
        assert_eq!(other.open("chunk", &sealed), Err(ProtocolError::Sealed));
        assert_eq!(mine.open("backup", &sealed), Err(ProtocolError::Sealed));
        assert_eq!(mine.open("chunk", b"short"), Err(ProtocolError::Sealed));

        let signed = mine.sign("{\"a\":1}");
        assert_eq!(mine.verify(&signed).as_deref(), Ok("{\"a\":1}"));
        assert_eq!(other.verify(&signed), Err(ProtocolError::Signature));
        let changed = signed.replacen("eyJhIjox", "eyJhIjoy", 1);
        assert_ne!(changed, signed);
        assert_eq!(mine.verify(&changed), Err(ProtocolError::Signature));
        assert!(mine.verify("").is_err());
    }
}
