//! The listener: HTTP to calls, outcomes to HTTP.

mod arm;
mod definition;
mod federation;
mod login;
mod route;
mod serve;

pub use serve::{Management, serve};
