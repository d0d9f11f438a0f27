//! Behaviour of the data plane through its listeners.

mod access;
mod configuration;
mod figures;
mod process;
mod routing;
