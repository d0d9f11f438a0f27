//! Tokens to have requests traced with, made by a plane and good at its gateways without asking it.
//!
//! `CLAIMS.TAG[.TAG…]` in URL-safe base64. The claims are two lines, when it ends (seconds since 1970) and the API. Each tag
//! is that of one key of one gateway, over the claims and the number of times that the gateway's tokens were called in: so
//! a gateway finds its own among them, and none when they were.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::GatewaySecret;

/// Bytes of a tag: half of a SHA-256 (RFC 2104 §5).
const TAG_LEN: usize = 16;
/// Gateways that one token is good at: it has to fit into a field.
pub const DEBUG_GATEWAYS_MAX: usize = 50;
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// What a token allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DebugToken {
    /// Name of the API, without revision.
    pub api: String,
    /// Seconds since 1970.
    pub expiry: u64,
}

impl DebugToken {
    /// A token that is good at whoever has one of the secrets, each with the number of times its tokens were called in.
    pub fn sign(&self, holders: &[(GatewaySecret, u64)]) -> String {
        let claims = format!("{}\n{}", self.expiry, self.api);
        let mut token = URL_SAFE_NO_PAD.encode(&claims);
        for (secret, called_in) in holders {
            token.push('.');
            token.push_str(&URL_SAFE_NO_PAD.encode(tag(secret, &claims, *called_in)));
        }
        token
    }

    /// What a token says that was made for the holder of a secret; ended or not.
    pub fn read(token: &str, secret: &GatewaySecret, called_in: u64) -> Option<Self> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (claims, tags) = token.split_once('.')?;
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let own = tag(secret, &claims, called_in);
        let is_own = |tag: &str| {
            let tag = URL_SAFE_NO_PAD.decode(tag).unwrap_or_default();
            aws_lc_rs::constant_time::verify_slices_are_equal(&tag, &own).is_ok()
        };
        if !tags.split('.').any(is_own) {
            return None;
        }
        let (expiry, api) = claims.split_once('\n')?;
        Some(Self { api: api.to_owned(), expiry: expiry.parse().ok()? })
    }
}

fn tag(secret: &GatewaySecret, claims: &str, called_in: u64) -> [u8; TAG_LEN] {
    let tag = secret.tag("debug", format!("{called_in}\n{claims}").as_bytes());
    tag.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_good_at_its_gateways_until_it_is_called_in() {
        let [a, b, c] = ["a", "b", "c"].map(GatewaySecret::of_key);
        let token = DebugToken { api: "orders".to_owned(), expiry: 7 };
        let text = token.sign(&[(a.clone(), 0), (b.clone(), 2)]);
        assert_eq!(DebugToken::read(&text, &a, 0).as_ref(), Some(&token));
        assert_eq!(DebugToken::read(&text, &b, 2).as_ref(), Some(&token));
        assert_eq!(DebugToken::read(&text, &b, 3), None);
        assert_eq!(DebugToken::read(&text, &c, 0), None);
        let forged = text.replacen(text.split('.').next().unwrap_or_default(), "OAp4", 1);
        for bad in ["", ".", "a.b", forged.as_str(), &text[..text.find('.').unwrap_or(0)]] {
            assert_eq!(DebugToken::read(bad, &a, 0), None, "{bad}");
        }
    }
}
