//! The listener: HTTP to calls, outcomes to HTTP.

mod arm;
mod definition;
pub mod etag;
mod federation;
mod login;
pub mod query;
mod route;
mod serve;

pub use serve::{Management, serve};
