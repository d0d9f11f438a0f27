//! Signed tokens (RFC 7515 §7.1).

use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::key::VerificationKey;
use super::{Malformed, decode, object};

/// Longest `kid`, in bytes.
const KEY_ID_BYTES_MAX: usize = 1024;

/// Keys that one token may make us try.
const TRIES_MAX: usize = 32;

/// A token's header. Keys and addresses of keys in it are not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    pub algorithm: String,
    pub key_id: Option<String>,
    /// `enc`: how the content is encrypted.
    pub encryption: Option<String>,
}

/// A token taken apart; nothing of it is believed yet.
#[derive(Debug)]
pub struct Signed<'a> {
    pub header: Header,
    pub claims: Map<String, Value>,
    /// Header and payload as signed.
    input: &'a str,
    signature: Vec<u8>,
}

/// Why a signature does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyError {
    /// `alg` is none that is known.
    Algorithm,
    /// No key has the token's `kid`, or none is of the kind that its algorithm needs.
    KeyNotFound,
    Signature,
}

impl Header {
    pub fn parse(part: &str) -> Result<Self, Malformed> {
        let members = object::parse(&decode(part)?)?;
        let text = |name: &str| match members.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Malformed("A member of the token's header is not a text.")),
        };
        // We understand no extension (RFC 7515 §4.1.11); unencoded payloads are one (RFC 7797).
        if members.contains_key("crit") || members.get("b64").is_some_and(|b64| *b64 != Value::Bool(true)) {
            return Err(Malformed("The token's header names an extension that is not supported."));
        }
        if members.contains_key("zip") {
            return Err(Malformed("Compressed tokens are not supported."));
        }
        let algorithm = text("alg")?.ok_or(Malformed("The token's header has no 'alg'."))?;
        let key_id = text("kid")?;
        if key_id.as_ref().is_some_and(|id| id.len() > KEY_ID_BYTES_MAX) {
            return Err(Malformed("The token's 'kid' is too long."));
        }
        Ok(Self { algorithm, key_id, encryption: text("enc")? })
    }
}

impl<'a> Signed<'a> {
    /// Takes a token of three parts apart.
    pub fn parse(token: &'a str) -> Result<Self, Malformed> {
        let parts = token.rsplit_once('.').and_then(|(input, signature)| {
            let (header, payload) = input.split_once('.')?;
            Some((input, header, payload, signature))
        });
        let (input, header, payload, signature) =
            parts.ok_or(Malformed("The token is not well formed: it has not three parts."))?;
        Ok(Self {
            header: Header::parse(header)?,
            claims: object::parse(&decode(payload)?)?,
            input,
            signature: decode(signature)?,
        })
    }

    pub fn is_signed(&self) -> bool {
        !self.signature.is_empty()
    }

    /// Whether one of the keys made the signature. With a `kid`, keys of that id alone are tried; those that
    /// have no id where none has it.
    pub fn verify<'k>(
        &self,
        keys: impl Iterator<Item = &'k VerificationKey> + Clone,
    ) -> Result<(), VerifyError> {
        let algorithm = Algorithm::parse(&self.header.algorithm).ok_or(VerifyError::Algorithm)?;
        let wanted = self.header.key_id.as_deref();
        let is_known = keys.clone().any(|key| key.id.as_deref() == wanted);
        let mut tried = false;
        let candidates = keys.filter(|key| match wanted {
            None => true,
            Some(_) if is_known => key.id.as_deref() == wanted,
            Some(_) => key.id.is_none(),
        });
        for key in candidates.filter(|key| key.fits(algorithm)).take(TRIES_MAX) {
            tried = true;
            if key.verify(algorithm, self.input.as_bytes(), &self.signature) {
                return Ok(());
            }
        }
        Err(if tried { VerifyError::Signature } else { VerifyError::KeyNotFound })
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use proptest::prelude::*;

    use super::super::{Form, encode};
    use super::*;

    const SECRET: &[u8] = b"a secret of more than 128 bits, for tests";

    fn token(header: &str, payload: &str) -> String {
        let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), input.as_bytes());
        format!("{input}.{}", encode(tag.as_ref()))
    }

    fn key(id: Option<&str>) -> VerificationKey {
        VerificationKey::secret(SECRET).unwrap().with_id(id)
    }

    #[test]
    fn verify_keys_are_chosen_by_kid() {
        use VerifyError::{KeyNotFound, Signature};
        let other = || VerificationKey::secret(b"another secret of more than 128 bits").unwrap();
        let table = [
            (r#"{"alg":"HS256"}"#, vec![other(), key(None)], Ok(())),
            (r#"{"alg":"HS256"}"#, vec![key(Some("a"))], Ok(())),
            (r#"{"alg":"HS256","kid":"a"}"#, vec![key(Some("a"))], Ok(())),
            (r#"{"alg":"HS256","kid":"a"}"#, vec![key(None)], Ok(())),
            (r#"{"alg":"HS256","kid":"a"}"#, vec![key(Some("b"))], Err(KeyNotFound)),
            (r#"{"alg":"HS256","kid":"a"}"#, vec![key(None), other().with_id(Some("a"))], Err(Signature)),
            (r#"{"alg":"HS256"}"#, vec![other()], Err(Signature)),
            (r#"{"alg":"HS256"}"#, vec![], Err(KeyNotFound)),
            (r#"{"alg":"RS256"}"#, vec![key(None)], Err(KeyNotFound)),
            (r#"{"alg":"HS512"}"#, vec![key(None)], Err(Signature)),
            (r#"{"alg":"none"}"#, vec![key(None)], Err(VerifyError::Algorithm)),
        ];
        for (header, keys, expected) in table {
            let text = token(header, "{}");
            assert_eq!(Signed::parse(&text).unwrap().verify(keys.iter()), expected, "{header}");
        }
    }

    #[test]
    fn parse_hostile_tokens_are_refused() {
        let good = token(r#"{"alg":"HS256"}"#, "{}");
        assert!(Signed::parse(&good).is_ok());
        let headers = [
            "{}",
            r#"{"alg":7}"#,
            r#"{"alg":["HS256"]}"#,
            r#"{"alg":"HS256","alg":"none"}"#,
            r#"{"alg":"HS256","crit":[]}"#,
            r#"{"alg":"HS256","b64":false}"#,
            r#"{"alg":"HS256","zip":"DEF"}"#,
            r#"{"alg":"HS256","kid":7}"#,
        ];
        for header in headers {
            assert!(Signed::parse(&token(header, "{}")).is_err(), "{header}");
        }
        let long = format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(10 << 10));
        assert!(Signed::parse(&token(&long, "{}")).is_err());
        assert!(Signed::parse(&token(r#"{"alg":"HS256"}"#, "[]")).is_err());
        for text in [format!("{good}="), format!("{good}\n"), good.replace('.', ".\n"), format!(" {good}")] {
            assert!(Signed::parse(&text).is_err(), "{text:?}");
        }
        // The last character of a 32-byte tag carries two bits that must be zero.
        let last = good.chars().last().unwrap();
        let stray = char::from(u8::try_from(last).unwrap() + 1);
        assert!(Signed::parse(&format!("{}{stray}", &good[..good.len() - 1])).is_err());
    }

    /// RFC 7518 §3.4: both numbers side by side, each as long as the curve's, neither of them zero.
    #[test]
    fn verify_ecdsa_in_another_shape_is_refused() {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let key = VerificationKey::ec(pair.public_key().as_ref()).unwrap();
        let input = format!("{}.{}", encode(br#"{"alg":"ES256"}"#), encode(b"{}"));
        let good = pair.sign(&random, input.as_bytes()).unwrap().as_ref().to_vec();
        let verify = |signature: &[u8]| {
            let text = format!("{input}.{}", encode(signature));
            Signed::parse(&text).is_ok_and(|token| token.verify([&key].into_iter()).is_ok())
        };
        assert!(verify(&good));
        let (r, s) = good.split_at(32);
        let der = [&[0x30, 68, 2, 32][..], r, &[2, 32], s].concat();
        let zero = [0; 32];
        for bad in [&der[..], &[&zero[..], s].concat(), &[r, &zero[..]].concat(), &[0; 64], &good[..63], &[]]
        {
            assert!(!verify(bad), "{} bytes", bad.len());
        }
        assert!(!verify(&[&good[..], &[0]].concat()), "a byte too many");
    }

    #[test]
    fn parse_large_tokens_are_refused() {
        let claims = format!(r#"{{"a":"{}"}}"#, "x".repeat(1 << 20));
        assert!(Form::of(&token(r#"{"alg":"HS256"}"#, &claims)).is_err());
        let many: Vec<String> = (0..10_000).map(|n| format!("\"c{n}\":0")).collect();
        assert!(Signed::parse(&token(r#"{"alg":"HS256"}"#, &format!("{{{}}}", many.join(",")))).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in ".*|[A-Za-z0-9_-]{0,9}[.][A-Za-z0-9_-]{0,9}[.][A-Za-z0-9_-]{0,9}") {
            if let Ok(token) = Signed::parse(&text) {
                let _ = token.verify([key(None)].iter());
            }
        }
    }
}
