//! Sources of configuration → [`gateway_model::ResourceSet`] and what is wrong with it: a folder, or a management plane
//! with a backup of what it said last.

pub mod arm;
pub mod backup;
pub mod documents;
pub mod folder;
pub mod plane;
pub mod protocol;
