//! Behaviour of the data plane through its listeners.

mod access;
mod routing;
