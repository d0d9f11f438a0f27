//! Access tokens of the gateway's own identity.

use std::sync::Arc;

use thiserror::Error;

use super::LocalFuture;
use crate::exchange::calls::Fetches;

/// Tokens of Microsoft Entra ID for the gateway itself: a managed identity, a workload identity, or an application
/// with a secret, as the operator has set it. Kept until shortly before they expire; shared by the workers.
pub trait Identity {
    /// A token for a resource, such as `https://vault.azure.net`. Where it has to be fetched, `fetches` is told.
    fn token<'a>(
        &'a self,
        wanted: &'a TokenRequest,
        fetches: &'a Fetches,
    ) -> LocalFuture<'a, Result<Arc<str>, IdentityError>>;
}

/// What a token is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenRequest {
    /// Address of the resource (its application id URI), without `/.default`.
    pub resource: String,
    /// A user-assigned identity; `None` = the one that is set, or the system's.
    pub client_id: Option<String>,
}

/// Why there is no token. The text is for `LastError` and holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct IdentityError(pub String);
