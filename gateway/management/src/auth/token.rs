//! Bearer tokens of the management interface.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::{Principal, Role};

/// Why a call is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No `Authorization` field.
    Missing,
    /// Not `Bearer` and a token.
    Malformed,
    /// A token that is not valid here.
    Invalid,
}

/// Checks tokens.
#[derive(Debug, Default)]
pub struct Authenticator {
    /// SHA-256 of the static token.
    static_token: Option<[u8; 32]>,
}

impl Authenticator {
    /// With a static token, whose bearer is an administrator.
    pub fn new(static_token: Option<&str>) -> Self {
        Self { static_token: static_token.map(hash) }
    }

    /// The caller that an `Authorization` field stands for.
    pub fn principal(&self, authorization: Option<&str>) -> Result<Principal, Refusal> {
        let text = authorization.ok_or(Refusal::Missing)?;
        let (scheme, token) = text.split_once(' ').ok_or(Refusal::Malformed)?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(Refusal::Malformed);
        }
        // Hashes are compared, in constant time: neither content nor length shows.
        let matches = |known: &[u8; 32]| verify_slices_are_equal(known, &hash(token.trim())).is_ok();
        if self.static_token.as_ref().is_some_and(matches) {
            return Ok(Principal { id: "static-token".to_owned(), role: Role::Owner });
        }
        Err(Refusal::Invalid)
    }
}

fn hash(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().first_chunk().copied().unwrap_or_default()
}
