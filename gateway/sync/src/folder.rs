//! An APIOps folder as the source of configuration.
//!
//! Reads what `Azure/apiops` v7 writes, and the names of v6 and of `apiops-cli` (management-api.md §4). Nothing
//! in the folder stops the load: what cannot be read becomes a [`Diagnostic`], and an error inside an API takes
//! out that API only.

use std::path::PathBuf;

use gateway_model::{Diagnostic, ResourceSet};

mod api;
mod document;
mod environment;
mod filter;
mod layout;
mod link;
mod load;
mod overrides;
mod resource;
mod secret;
mod substitute;
mod tree;
mod watch;
mod write;

pub(crate) use write::secrets;

pub use environment::Environment;
pub use load::load;
pub use watch::{Watch, watch};
pub use write::{Files, WriteError, WriteSettings, files, write};

/// Where the folder is and what goes with it.
#[derive(Clone, Debug, Default)]
pub struct FolderSettings {
    /// The folder.
    pub dir: PathBuf,
    /// A `configuration.<env>.yaml` laid over the folder; none by default.
    pub overrides: Option<PathBuf>,
    /// Load only the APIs of this gateway, when the folder assigns any to it; default: all.
    pub gateway: Option<String>,
    /// Folder with one secret a file, named like the environment variables; none by default.
    pub secrets_dir: Option<PathBuf>,
    /// Environment variables, for `{#[NAME]#}` and for secrets.
    pub env: Environment,
}

/// What a load gave.
#[derive(Clone, Debug)]
pub struct LoadOutcome {
    /// The resources that could be read. With errors that name an API, that API is not complete.
    pub set: ResourceSet,
    /// Findings, in file order and without repeats.
    pub diagnostics: Vec<Diagnostic>,
    /// Whether the folder, its sections and the override file could be read. If not, the set must not replace
    /// another one.
    pub readable: bool,
    /// Hash of all that was read: equal content, equal hash. For [`watch`].
    pub content_hash: u64,
}
