//! Who calls, and what they may.

pub mod gateway_token;
mod role;
mod token;

pub use role::Role;
pub use token::{Authenticator, Refusal};

/// Who calls.
#[derive(Clone, Debug)]
pub struct Principal {
    /// Object id, or a name for built-in callers.
    pub id: String,
    pub role: Role,
}
