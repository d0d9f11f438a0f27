//! Signing keys of token issuers.

use std::sync::Arc;

use thiserror::Error;

use super::LocalFuture;
use crate::exchange::calls::Fetches;
use crate::jose::SigningKeys;

/// Keys by the address of an OpenID Connect discovery document; shared by the workers and bounded.
pub trait Issuers {
    /// The issuer's keys: those at hand while they are fresh, the last good ones while the issuer does not answer.
    ///
    /// `newer_than`: keys that lack what was sought. The issuer is asked again, at most once in five minutes; in
    /// between the same keys come back. Where they have to be fetched, `fetches` is told.
    fn keys<'a>(
        &'a self,
        url: &'a str,
        newer_than: Option<&'a Arc<SigningKeys>>,
        fetches: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<SigningKeys>, IssuerError>>;
}

/// An issuer whose keys cannot be had, and none are left from earlier.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("Signing keys of '{url}' are not available: {reason}.")]
pub struct IssuerError {
    pub url: String,
    pub reason: String,
}
