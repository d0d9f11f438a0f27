//! What the listener serves, as every call finds it.

use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;

use super::route::Router;
use crate::arm_error::ArmError;
use crate::auth::{Authenticator, Principal, Refusal};
use crate::plane::Plane;

/// For the body of a request to arrive.
pub(super) const BODY_TIMEOUT: Duration = Duration::from_mins(1);

/// A plane, and who may call it.
pub struct Management {
    pub plane: Arc<Plane>,
    pub authenticator: Authenticator,
    /// Whether what is served is a mirror, and no place to write.
    pub is_mirror: bool,
    pub(super) router: Router,
    pub(super) is_tls: bool,
}

impl Management {
    pub fn new(plane: Arc<Plane>, authenticator: Authenticator, is_tls: bool) -> Self {
        Self { plane, authenticator, is_mirror: false, router: Router::new(), is_tls }
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
