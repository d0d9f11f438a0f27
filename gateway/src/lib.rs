//! The gateway: settings in, a running data plane out. The other crates are its rooms; this one joins them.

pub mod admin;
pub mod cli;
pub mod configuration;
pub mod datapath;
pub mod echo;
mod echo_socket;
pub mod gateway;
mod handover;
pub mod import;
pub mod management;
mod members;
mod mirror;
mod notify;
pub mod plane_source;
mod plane_transport;
mod reporting;
pub mod settings;
mod sign_in;
mod signals;
mod standing;
mod start_error;
pub mod telemetry;
pub mod tls;

pub use gateway::Gateway;
pub use start_error::StartError;
