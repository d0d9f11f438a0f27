//! Reading JWTs: RS256 only, whatever the token says (RFC 7515, RFC 7519, RFC 8725).

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::PublicKeyComponents;
use aws_lc_rs::signature::RSA_PKCS1_2048_8192_SHA256;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Clocks may differ by so much.
const SKEW_SECONDS: i64 = 60;
/// Longest token that is read.
const BYTES_MAX: usize = 16 * 1024;

/// A public key of an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Jwk {
    pub kid: String,
    n: Vec<u8>,
    e: Vec<u8>,
}

impl Jwk {
    /// From PKCS #1: `SEQUENCE { INTEGER modulus, INTEGER exponent }`.
    pub fn of(pkcs1: &[u8]) -> Option<Self> {
        let (sequence, _) = element(pkcs1, 0x30)?;
        let (n, rest) = element(sequence, 0x02)?;
        let (e, _) = element(rest, 0x02)?;
        let strip = |bytes: &[u8]| bytes.iter().skip_while(|byte| **byte == 0).copied().collect();
        let kid = URL_SAFE_NO_PAD.encode(digest(&SHA256, pkcs1).as_ref().get(..15)?);
        Some(Self { kid, n: strip(n), e: strip(e) })
    }

    /// From a key set; `None` for a key of another kind.
    pub fn parse(key: &Value) -> Option<Self> {
        let text = |member: &str| key.get(member).and_then(Value::as_str);
        let number = |member: &str| URL_SAFE_NO_PAD.decode(text(member)?.trim_end_matches('=')).ok();
        let is_signing = text("use").is_none_or(|purpose| purpose == "sig");
        (text("kty")? == "RSA" && is_signing).then_some(())?;
        Some(Self { kid: text("kid")?.to_owned(), n: number("n")?, e: number("e")? })
    }

    /// As a key set has it.
    pub fn to_json(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.kid, "x5t": self.kid, "n": encode(&self.n),
            "e": encode(&self.e),
        })
    }
}

/// The contents of a DER element, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// A token taken apart, not yet verified.
#[derive(Debug)]
pub struct Jwt<'t> {
    pub kid: String,
    pub claims: Value,
    input: &'t str,
    signature: Vec<u8>,
}

impl<'t> Jwt<'t> {
    /// Reads a token; `None` for what is no RS256 JWT.
    pub fn parse(text: &'t str) -> Option<Self> {
        let (input, signature) = text.rsplit_once('.').filter(|_| text.len() <= BYTES_MAX)?;
        let (header, claims) = input.split_once('.')?;
        let json = |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).ok()?).ok();
        let header = json(header)?;
        let is_rs256 =
            header.get("alg").and_then(Value::as_str) == Some("RS256") && header.get("crit").is_none();
        is_rs256.then_some(())?;
        let kid = header.get("kid").and_then(Value::as_str)?.to_owned();
        Some(Self { kid, claims: json(claims)?, input, signature: URL_SAFE_NO_PAD.decode(signature).ok()? })
    }

    /// A claim that is a text.
    pub fn text(&self, claim: &str) -> Option<&str> {
        self.claims.get(claim).and_then(Value::as_str)
    }

    /// Whether a key has signed it.
    pub fn is_signed_by(&self, key: &Jwk) -> bool {
        let components = PublicKeyComponents { n: &key.n, e: &key.e };
        components.verify(&RSA_PKCS1_2048_8192_SHA256, self.input.as_bytes(), &self.signature).is_ok()
    }

    /// Whether `aud` is one of these, or holds one.
    pub fn is_for(&self, audiences: &[String]) -> bool {
        let wanted =
            |value: &Value| value.as_str().is_some_and(|text| audiences.iter().any(|known| known == text));
        match self.claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(wanted),
            Some(one) => wanted(one),
            None => false,
        }
    }

    /// Whether `exp` has passed; a token without one has expired.
    pub fn is_expired(&self, now: i64) -> bool {
        self.claims.get("exp").and_then(Value::as_i64).is_none_or(|exp| exp + SKEW_SECONDS <= now)
    }

    /// Whether `nbf` lies ahead.
    pub fn is_early(&self, now: i64) -> bool {
        self.claims.get("nbf").and_then(Value::as_i64).is_some_and(|nbf| nbf - SKEW_SECONDS > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jwt_takes_rs256_only() {
        let token = |header: &str| {
            let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
            format!("{}.{}.{}", part(header), part(r#"{"sub":"x","aud":["a","b"],"exp":1000}"#), part("s"))
        };
        let good = token(r#"{"alg":"RS256","kid":"k"}"#);
        let jwt = Jwt::parse(&good).expect("a token");
        assert_eq!((jwt.kid.as_str(), jwt.text("sub")), ("k", Some("x")));
        assert!(jwt.is_for(&["b".to_owned()]) && !jwt.is_for(&["c".to_owned()]));
        assert!(jwt.is_expired(1060) && !jwt.is_expired(1059));
        for bad in [
            r#"{"alg":"none","kid":"k"}"#,
            r#"{"alg":"HS256","kid":"k"}"#,
            r#"{"alg":"RS256"}"#,
            r#"{"alg":"RS256","kid":"k","crit":["exp"]}"#,
        ] {
            assert!(Jwt::parse(&token(bad)).is_none(), "{bad}");
        }
        assert!(Jwt::parse("").is_none() && Jwt::parse("a.b").is_none() && Jwt::parse("a.b.c").is_none());
    }

    #[test]
    fn jwk_reads_what_it_writes() {
        // SEQUENCE { INTEGER 0x00c1, INTEGER 0x010001 }
        let key = Jwk::of(&[0x30, 9, 2, 2, 0, 0xc1, 2, 3, 1, 0, 1]).expect("a key");
        assert_eq!((key.n.as_slice(), key.e.as_slice()), (&[0xc1][..], &[1, 0, 1][..]));
        assert_eq!(Jwk::parse(&key.to_json()), Some(key));
        assert!(Jwk::of(&[0x30, 9, 2, 200]).is_none());
        assert!(Jwk::parse(&json!({"kty": "EC", "kid": "x"})).is_none());
    }
}
