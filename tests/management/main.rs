//! Behaviour of the management plane through its listener.

mod access;
mod arm;
mod clients;
mod coverage;
mod definitions;
mod deployments;
mod durability;
mod exports;
mod hostile;
mod mutants;
mod policies;
mod reports;
mod resources;
mod revisions;
mod schemas;
mod stores;
mod tags;
mod vaults;
mod what_if;
