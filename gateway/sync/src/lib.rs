//! Sources of configuration → [`gateway_model::ResourceSet`] and what is wrong with it.

pub mod folder;
