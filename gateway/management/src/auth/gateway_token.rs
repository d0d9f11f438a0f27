//! Tokens of gateways: `<gateway>&<yyyyMMddHHmm>&<base64 of HMAC-SHA512 under the gateway's key>`.
//!
//! Source: self-hosted-gateway.md §2.1. The signature is ours; gateways treat the text as opaque.

use aws_lc_rs::hmac::{self, HMAC_SHA512, Key};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::tz::TimeZone;

/// Signs a token.
pub fn sign(gateway: &str, expiry: jiff::Timestamp, key: &str) -> String {
    let expiry = expiry.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M").to_string();
    let tag = hmac::sign(&signing_key(key), message(gateway, &expiry).as_bytes());
    format!("{gateway}&{expiry}&{}", STANDARD.encode(tag))
}

/// The gateway and the expiry that a token names, and what has to be verified.
pub struct Token<'t> {
    pub gateway: &'t str,
    expiry: &'t str,
    signature: Vec<u8>,
}

impl<'t> Token<'t> {
    /// Reads a token, with or without the word `GatewayKey`.
    pub fn parse(text: &'t str) -> Option<Self> {
        let text = text.strip_prefix("GatewayKey").map_or(text, str::trim_start).trim();
        let (gateway, rest) = text.split_once('&')?;
        let (expiry, signature) = rest.split_once('&')?;
        let is_time = expiry.len() == 12 && expiry.bytes().all(|byte| byte.is_ascii_digit());
        (is_time && !gateway.is_empty()).then(|| STANDARD.decode(signature).ok())?.map(|signature| Self {
            gateway,
            expiry,
            signature,
        })
    }

    /// Whether a key has signed it, compared in constant time.
    pub fn is_signed_by(&self, key: &str) -> bool {
        let message = message(self.gateway, self.expiry);
        hmac::verify(&signing_key(key), message.as_bytes(), &self.signature).is_ok()
    }

    /// End of its life, seconds since 1970.
    pub fn expires(&self) -> Option<i64> {
        let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M", self.expiry).ok()?;
        Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
    }
}

fn signing_key(key: &str) -> Key {
    Key::new(HMAC_SHA512, key.as_bytes())
}

fn message(gateway: &str, expiry: &str) -> String {
    format!("{}\n{expiry}", gateway.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gateway_token_is_signed_by_its_key_only() {
        let expiry: jiff::Timestamp = "2026-03-28T18:25:40Z".parse().expect("a time");
        let text = sign("edge1", expiry, "key");
        assert!(text.starts_with("edge1&202603281825&"), "{text}");
        let with_scheme = format!("GatewayKey {text}");
        let token = Token::parse(&with_scheme).expect("a token");
        assert_eq!(token.expires(), Some(expiry.as_second() - 40));
        assert!(token.is_signed_by("key"));
        assert!(!token.is_signed_by("other"));
        let forged = with_scheme.replace("edge1", "edge2");
        assert!(!Token::parse(&forged).expect("a token").is_signed_by("key"));
        for bad in ["", "a&b", "a&202603281825&*", "a&2026&AAAA", "&202603281825&AAAA"] {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }
}
