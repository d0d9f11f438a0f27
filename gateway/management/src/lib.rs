//! The management plane: Azure API Management's ARM interface over a store of our own.
//!
//! A call flows: [`http`] (address, api-version, token, JSON) → the table of operations in [`contract`] → [`service`]
//! (what the call means) → one commit to the store → the tree in memory. Reads are answered from memory.
//! Source: management-api.md.

mod arm_error;
pub mod auth;
pub mod contract;
mod deployment;
mod etag;
mod federation;
mod figures;
pub mod http;
mod key_source;
mod mentions;
mod plane;
mod query;
mod seal;
mod service;
mod takeover;
mod template;
mod tree;
pub mod vault;

pub use arm_error::{ArmError, Detail};
pub use key_source::{KeySource, KeySourceError};
pub use plane::{Plane, PlaneError, PlaneSettings, PolicyCheck, ServiceName};
pub use seal::{SealError, Sealer};
pub use service::download::{self, Download};
pub use takeover::Others;
