//! What an issuer publishes: its discovery document (OpenID Connect Discovery 1.0 §4) and its key set (RFC 7517 §5).

use serde_json::Value;
use thiserror::Error;

use super::algorithm::Algorithm;
use super::decode;
use super::key::VerificationKey;

/// Most keys of a set; further ones are ignored.
const KEYS_MAX: usize = 128;

/// The part of a discovery document that matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    pub issuer: String,
    pub jwks_uri: String,
}

/// Keys of one issuer.
#[derive(Debug, Default)]
pub struct SigningKeys {
    /// What the discovery document names; tokens of these keys carry it as `iss`.
    pub issuer: String,
    pub keys: Vec<VerificationKey>,
}

/// Why a document of an issuer is of no use.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum KeySetError {
    #[error("it is not JSON")]
    Json,
    #[error("it has no text member {0:?}")]
    Missing(&'static str),
    #[error("it holds no usable signing key")]
    NoKeys,
}

impl Discovery {
    pub fn parse(bytes: &[u8]) -> Result<Self, KeySetError> {
        let document: Value = serde_json::from_slice(bytes).map_err(|_| KeySetError::Json)?;
        let text = |name: &'static str| {
            document.get(name).and_then(Value::as_str).map(str::to_owned).ok_or(KeySetError::Missing(name))
        };
        Ok(Self { issuer: text("issuer")?, jwks_uri: text("jwks_uri")? })
    }
}

/// Reads a key set. Keys that are not for signatures, of unknown kinds or damaged are left out; shared secrets too,
/// which no issuer can mean to publish.
pub fn key_set(bytes: &[u8]) -> Result<Vec<VerificationKey>, KeySetError> {
    let document: Value = serde_json::from_slice(bytes).map_err(|_| KeySetError::Json)?;
    let listed = document.get("keys").and_then(Value::as_array).ok_or(KeySetError::Missing("keys"))?;
    let keys: Vec<_> = listed.iter().take(KEYS_MAX).filter_map(key).collect();
    if keys.is_empty() { Err(KeySetError::NoKeys) } else { Ok(keys) }
}

fn key(jwk: &Value) -> Option<VerificationKey> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let bytes = |name: &str| text(name).and_then(|part| decode(part).ok());
    if text("use").is_some_and(|usage| usage != "sig") {
        return None;
    }
    let operations = jwk.get("key_ops").and_then(Value::as_array);
    if operations.is_some_and(|list| !list.iter().any(|operation| operation == "verify")) {
        return None;
    }
    let key = match text("kty")? {
        "RSA" => VerificationKey::rsa(&bytes("n")?, &bytes("e")?),
        "EC" => VerificationKey::ec(&point(text("crv")?, &bytes("x")?, &bytes("y")?)?),
        _ => return None,
    };
    let mut key = key.ok()?.with_id(text("kid"));
    if let Some(name) = text("alg") {
        // A key for an algorithm that we do not know is for none that we do.
        key.algorithm = Some(Algorithm::parse(name)?);
    }
    Some(key)
}

/// The uncompressed point; each coordinate has the full length of the field (RFC 7518 §6.2.1.2).
fn point(curve: &str, x: &[u8], y: &[u8]) -> Option<Vec<u8>> {
    let length = match curve {
        "P-256" => 32,
        "P-384" => 48,
        "P-521" => 66,
        _ => return None,
    };
    (x.len() == length && y.len() == length).then(|| [&[4][..], x, y].concat())
}

#[cfg(test)]
mod tests {
    use super::super::{Hash, encode};
    use super::*;

    #[test]
    fn discovery_needs_issuer_and_keys() {
        let good = br#"{"issuer":"https://i","jwks_uri":"https://i/keys","more":[]}"#;
        assert_eq!(Discovery::parse(good).unwrap().issuer, "https://i");
        assert_eq!(Discovery::parse(b"<html>").unwrap_err(), KeySetError::Json);
        assert_eq!(Discovery::parse(b"{\"issuer\":1}").unwrap_err(), KeySetError::Missing("issuer"));
    }

    #[test]
    fn key_set_leaves_out_what_cannot_check_signatures() {
        let n = encode(&[0xC1; 256]);
        let rsa = |more: &str| format!(r#"{{"kty":"RSA","n":"{n}","e":"AQAB"{more}}}"#);
        let set = |keys: &[String]| key_set(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes());
        let keys = set(&[
            rsa(r#","kid":"a","use":"sig""#),
            rsa(r#","kid":"b","use":"enc""#),
            rsa(r#","kid":"c","alg":"RS512""#),
            rsa(r#","kid":"d","alg":"RSA-OAEP""#),
            rsa(r#","kid":"e","key_ops":["encrypt"]"#),
            r#"{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#.to_owned(),
            r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#.to_owned(),
            "7".to_owned(),
        ])
        .unwrap();
        let ids: Vec<_> = keys.iter().map(|key| key.id.as_deref().unwrap()).collect();
        assert_eq!(ids, ["a", "c"]);
        assert!(keys[0].fits(Algorithm::Ps(Hash::Sha384)) && !keys[0].fits(Algorithm::Hs(Hash::Sha256)));
        assert!(keys[1].fits(Algorithm::Rs(Hash::Sha512)) && !keys[1].fits(Algorithm::Rs(Hash::Sha256)));
        assert_eq!(set(&[]).unwrap_err(), KeySetError::NoKeys);
        assert_eq!(key_set(b"{}").unwrap_err(), KeySetError::Missing("keys"));
        let many: Vec<_> = (0..500).map(|_| rsa("")).collect();
        assert_eq!(set(&many).unwrap().len(), KEYS_MAX);
    }
}
