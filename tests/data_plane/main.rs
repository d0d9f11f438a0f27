//! Behaviour of the data plane through its listeners.

mod access;
mod api_types;
mod backends;
mod commands;
mod configuration;
mod figures;
mod hostile;
mod policies;
mod process;
mod routing;
mod sources;
mod streaming;
mod tls;
mod upstream;
mod validation;
