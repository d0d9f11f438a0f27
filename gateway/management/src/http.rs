//! The listener: HTTP to calls, outcomes to HTTP.

mod arm;
mod definition;
mod deployment;
mod federation;
mod login;
mod management;
mod perform;
mod route;
mod serve;

pub use management::Management;
pub use serve::serve;
