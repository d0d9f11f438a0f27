//! JSON Web Tokens: compact serialisation, signatures (RFC 7515), encryption (RFC 7516), keys (RFC 7517).
//!
//! Strict where leniency has been exploited elsewhere: the key decides which algorithms it may be used with, `none`
//! does not exist, keys inside a token are never looked at, and every size is bounded (`reliability-security.md`
//! §5.6, J-rows).

mod algorithm;
mod encrypted;
mod key;
mod key_set;
mod object;
mod signed;

pub use algorithm::{Algorithm, Hash};
pub use encrypted::{DecryptionKey, decrypt};
pub use key::{KeyError, VerificationKey};
pub use key_set::{Discovery, KeySetError, SigningKeys, key_set};
pub use object::parse as parse_object;
pub use signed::{Header, Signed, VerifyError};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest token that is looked at, in characters. Header lines end earlier; variables and bodies may be longer.
pub const TOKEN_CHARS_MAX: usize = 128 << 10;

/// What a compact token is, by the number of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `header.payload.signature`.
    Signed,
    /// `header.key.iv.ciphertext.tag`.
    Encrypted,
}

/// Why a token cannot be read. The text is for `LastError`, not for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

impl Form {
    pub fn of(token: &str) -> Result<Self, Malformed> {
        if token.len() > TOKEN_CHARS_MAX {
            return Err(Malformed("The token is too long."));
        }
        match token.bytes().filter(|byte| *byte == b'.').take(5).count() {
            2 => Ok(Self::Signed),
            4 => Ok(Self::Encrypted),
            _ => Err(Malformed("The token is not well formed: it has neither three nor five parts.")),
        }
    }
}

/// base64url as RFC 7515 §2 has it: no padding, no line breaks, no stray bits.
pub fn decode(part: &str) -> Result<Vec<u8>, Malformed> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Malformed("A part of the token is not base64url."))
}

/// The same for bytes.
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
