//! Bearer tokens of the management interface.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};

use super::jwt::Jwt;
use super::oidc::Oidc;
use super::signing::Signing;
use super::{Principal, Refusal, Role};
use crate::plane::{Plane, now};

/// Checks tokens.
#[derive(Debug)]
pub struct Authenticator {
    /// SHA-256 of the static token.
    static_token: Option<[u8; 32]>,
    /// The key of the token endpoint.
    pub signing: Signing,
    /// Another issuer, whose tokens are taken as well.
    oidc: Option<Oidc>,
}

impl Authenticator {
    /// With a static token, whose bearer is an administrator, and another issuer, where there are any.
    pub fn new(signing: Signing, static_token: Option<&str>, oidc: Option<Oidc>) -> Self {
        Self { static_token: static_token.map(hash), signing, oidc }
    }

    /// The caller that an `Authorization` field stands for.
    pub async fn principal(&self, plane: &Plane, authorization: Option<&str>) -> Result<Principal, Refusal> {
        let text = authorization.ok_or(Refusal::Missing)?;
        let (scheme, token) = text.split_once(' ').ok_or(Refusal::Malformed)?;
        if !scheme.eq_ignore_ascii_case("Bearer") {
            return Err(Refusal::Malformed);
        }
        let token = token.trim();
        // Hashes are compared, in constant time: neither content nor length shows.
        let matches = |known: &[u8; 32]| verify_slices_are_equal(known, &hash(token)).is_ok();
        if self.static_token.as_ref().is_some_and(matches) {
            return Ok(Principal { id: "static-token".to_owned(), role: Role::Owner });
        }
        let jwt = Jwt::parse(token).ok_or(Refusal::Invalid)?;
        if jwt.kid == self.signing.jwk.kid {
            return self.own(plane, &jwt);
        }
        match &self.oidc {
            Some(oidc) => oidc.principal(plane, &jwt).await,
            None => Err(Refusal::Invalid),
        }
    }

    /// A token of our own: the role is the one that the directory has now, not the one of back then.
    fn own(&self, plane: &Plane, jwt: &Jwt<'_>) -> Result<Principal, Refusal> {
        if !jwt.is_signed_by(&self.signing.jwk) || jwt.is_early(now()) {
            return Err(Refusal::Invalid);
        }
        if jwt.is_expired(now()) {
            return Err(Refusal::Expired);
        }
        let entry = jwt.text("oid").and_then(|id| plane.principal(id)).ok_or(Refusal::Invalid)?;
        Ok(Principal { id: entry.id, role: entry.role })
    }
}

fn hash(text: &str) -> [u8; 32] {
    digest(&SHA256, text.as_bytes()).as_ref().first_chunk().copied().unwrap_or_default()
}
