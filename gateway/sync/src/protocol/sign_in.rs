//! The sign-in of gateways that another issuer knows: `POST /gateways/{id}/token` with the issuer's token is answered with
//! one of the gateway, which everything else is asked with.

use serde::{Deserialize, Serialize};

/// What a plane answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedIn {
    /// A token of the gateway, without the word `GatewayKey`.
    pub value: String,
    /// Its life in seconds.
    pub expires_in: i64,
}
