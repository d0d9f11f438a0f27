//! Tokens of gateways at the end that signs them: HMAC-SHA512 under a key of the gateway, over its name and the expiry.
//!
//! Source: self-hosted-gateway.md §2.1. The form is [`gateway_sync::protocol::Token`]'s.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac::{self, HMAC_SHA512, Key};
use gateway_sync::protocol::{GatewaySecret, Token};
use jiff::tz::TimeZone;

/// Signs a token, without the word `GatewayKey`.
pub fn sign(gateway: &str, expiry: jiff::Timestamp, key: &str) -> String {
    let expiry = expiry.to_zoned(TimeZone::UTC).strftime("%Y%m%d%H%M").to_string();
    let tag = hmac::sign(&signing_key(key), message(gateway, &expiry).as_bytes());
    let signature = tag.as_ref().first_chunk().copied().unwrap_or([0; 64]);
    Token { gateway, expiry: &expiry, signature, secret: *GatewaySecret::of_key(key).bytes() }.text()
}

/// Whether a key has signed a token, compared in constant time.
pub fn is_signed_by(token: &Token<'_>, key: &str) -> bool {
    let message = message(token.gateway, token.expiry);
    hmac::verify(&signing_key(key), message.as_bytes(), &token.signature).is_ok()
        && verify_slices_are_equal(GatewaySecret::of_key(key).bytes(), &token.secret).is_ok()
}

/// End of a token's life, seconds since 1970.
pub fn expires(token: &Token<'_>) -> Option<i64> {
    let time = jiff::civil::DateTime::strptime("%Y%m%d%H%M", token.expiry).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
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
        assert_eq!(expires(&token), Some(expiry.as_second() - 40));
        assert!(is_signed_by(&token, "key"));
        assert!(!is_signed_by(&token, "other"));
        let forged = with_scheme.replace("edge1", "edge2");
        assert!(!is_signed_by(&Token::parse(&forged).expect("a token"), "key"));
        let mut other_secret = token.clone();
        other_secret.secret[0] ^= 1;
        assert!(!is_signed_by(&other_secret, "key"));
        for bad in ["", "a&b", "a&202603281825&*", "a&2026&AAAA", "&202603281825&AAAA", "a&202603281825&AAAA"]
        {
            assert!(Token::parse(bad).is_none(), "{bad}");
        }
    }
}
