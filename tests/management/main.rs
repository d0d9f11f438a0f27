//! Behaviour of the management plane through its listener.

mod access;
mod arm;
mod clients;
mod coverage;
mod durability;
mod hostile;
mod resources;
mod stores;
