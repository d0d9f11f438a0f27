//! Behaviour of the data plane through its listeners.

mod access;
mod api_types;
mod backends;
mod caching;
mod certificates;
mod commands;
mod configuration;
mod counts;
mod dev;
mod figures;
mod hostile;
mod ideas;
mod integration;
mod language_models;
mod neighbours;
mod policies;
mod process;
mod routing;
mod snippets;
mod sources;
mod streaming;
mod takeover;
mod tls;
mod tokens;
mod upstream;
mod validation;
