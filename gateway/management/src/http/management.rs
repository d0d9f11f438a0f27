//! What the listener serves, as every call finds it.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::Semaphore;

use super::route::Router;
use crate::arm_error::ArmError;
use crate::auth::{Authenticator, Principal, Refusal};
use crate::plane::Plane;

/// For the body of a request to arrive.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// Calls that change something, at a time. Each may hold a body of 4 MiB: more are told to come again (M-09 of
/// reliability-security.md).
const WRITERS_MAX: usize = 128;

/// A plane, and who may call it.
pub struct Management {
    pub plane: Arc<Plane>,
    pub authenticator: Arc<Authenticator>,
    /// Whether what is served is a mirror, and no place to write.
    pub is_mirror: bool,
    pub(super) router: Arc<Router>,
    pub(super) is_tls: bool,
    /// One copy of the plane at a time: each takes as much memory as its index.
    pub(super) drafts: Semaphore,
    pub(super) writers: Semaphore,
}

impl Management {
    pub fn new(plane: Arc<Plane>, authenticator: Authenticator, is_tls: bool) -> Self {
        let (authenticator, router) = (Arc::new(authenticator), Arc::new(Router::new()));
        let (drafts, writers) = (Semaphore::new(1), Semaphore::new(WRITERS_MAX));
        Self { plane, authenticator, is_mirror: false, router, is_tls, drafts, writers }
    }

    /// The same over a copy of the plane.
    pub(super) async fn draft(&self) -> Result<Self, ArmError> {
        let plane = self.plane.draft().await.map_err(|error| ArmError::internal(&error))?;
        Ok(Self {
            plane: Arc::new(plane),
            authenticator: Arc::clone(&self.authenticator),
            is_mirror: self.is_mirror,
            router: Arc::clone(&self.router),
            is_tls: self.is_tls,
            drafts: Semaphore::new(0),
            writers: Semaphore::new(0),
        })
    }

    /// The caller that an `Authorization` field stands for.
    pub(super) async fn principal_of(&self, authorization: Option<&str>) -> Result<Principal, ArmError> {
        self.authenticator.principal(&self.plane, authorization).await.map_err(|refusal| {
            let (code, message) = match refusal {
                Refusal::Missing => {
                    ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
                }
                Refusal::Malformed => (
                    "AuthenticationFailedInvalidHeader",
                    "Authentication failed. The 'Authorization' header is provided in an invalid format.",
                ),
                Refusal::Invalid => ("InvalidAuthenticationToken", "The access token is invalid."),
                Refusal::Expired => ("ExpiredAuthenticationToken", "The access token has expired."),
            };
            ArmError::new(StatusCode::UNAUTHORIZED, code, message)
        })
    }
}
