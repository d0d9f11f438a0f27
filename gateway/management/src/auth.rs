//! Who calls, and what they may.

pub mod directory;
pub mod gateway_token;
mod jwt;
mod oidc;
mod role;
pub mod signing;
mod token;

pub use oidc::{Getting, JsonSource, Oidc};
pub use role::Role;
pub use signing::Signing;
pub use token::Authenticator;

/// Who calls.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Object id, or a name for built-in callers.
    pub id: String,
    pub role: Role,
}

/// Why a call is not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No `Authorization` field.
    Missing,
    /// Not `Bearer` and a token.
    Malformed,
    /// A token that is not valid here.
    Invalid,
    /// A token that was valid.
    Expired,
}
