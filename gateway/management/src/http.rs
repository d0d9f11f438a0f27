//! The listener: HTTP to calls, outcomes to HTTP.

mod arm;
mod definition;
mod deployment;
mod federation;
mod login;
mod perform;
mod route;
mod serve;

pub use serve::{Management, serve};
