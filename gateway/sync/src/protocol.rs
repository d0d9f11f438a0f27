//! What a management plane and its gateways say to each other, the words of both ends.
//!
//! A *view* is what one gateway needs: documents, each a path and the JSON of its properties. It travels as a signed
//! [`Manifest`] that lists content-addressed *chunks* of documents; those with secrets are sealed for the gateway. A view
//! is named by its [`Tag`]. Source: management-api.md §6.2.

mod chunk;
mod debug_token;
mod document;
mod heartbeat;
mod manifest;
mod report;
mod secret;
mod sign_in;
mod tag;
mod token;

pub use chunk::{EXPANDED_BYTES_MAX, name_of, pack, unpack};
pub use debug_token::{DEBUG_GATEWAYS_MAX, DebugToken};
pub use document::{Document, Documents};
pub use heartbeat::{DIAGNOSTICS_MAX, Heartbeat};
pub use manifest::{Chunk, Manifest};
pub use report::{
    QUOTA_KEY_BYTES_MAX, QUOTAS_MAX, QuotaChange, QuotaSum, REPORT_BYTES_MAX, REQUESTS_MAX, Report, Reported,
    TRACE_BYTES_MAX, USAGE_MAX,
};
pub use secret::{GatewaySecret, SECRET_LEN};
pub use sign_in::SignedIn;
pub use tag::Tag;
pub use token::Token;

/// Content type of a manifest: a JSON Web Signature in its compact form.
pub const MANIFEST_TYPE: &str = "application/jose";
/// Longest time that a plane holds a request open, in seconds.
pub const WAIT_SECONDS_MAX: u64 = 55;

/// What the other end, or a file, says and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    #[error("the signature is not that of this gateway's plane")]
    Signature,
    #[error("what was sealed cannot be opened with this gateway's token")]
    Sealed,
    #[error("{0} cannot be read")]
    Malformed(&'static str),
    #[error("{0} is larger than {1} bytes")]
    Large(&'static str, u64),
    #[error("the documents are not those that the manifest names")]
    Hash,
}
